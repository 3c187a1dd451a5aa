# SPDX-License-Identifier: LGPL-2.1-or-later
"""A folder that is marked as seen: a real state, and in the place of a server a list."""

from pathlib import Path

import pytest

from cockpit_getmail import baseline
from cockpit_getmail.fetch_folder import Result
from cockpit_getmail.folder_state import DAY
from cockpit_getmail.matching import There
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.rematch import ATTEMPTS
from cockpit_getmail.retriever.base import Folder, Renumbered, Seen
from cockpit_getmail.state import State
from tests.unit import test_rematch
from tests.unit.test_rematch import Shelf, as_retriever, deliver, message

BROKEN = failure("network", "It broke.")
NEXT = 1000
"""UIDNEXT as it was when the folder was opened."""


class Restored(Shelf):
    """As after a restored backup: UIDNEXT is smaller than it was, and what came since has UIDs of others."""

    def check_uids(self, largest: int) -> None:
        raise Renumbered(f"It handed out UID {largest} before")


class Bench(test_rematch.Bench):
    """One folder's state, run after run. `told` is what the last baseline told of its progress."""

    told: list[tuple[int, int]]

    def mark(self, shelf: Shelf, validity: int = 1, uid_next: int = NEXT) -> Result:
        """Mark all that is there as seen."""
        self.told = []
        with State(self.path) as state:
            opened = Folder("INBOX", validity, len(shelf.mails), uid_next)
            folder = self.open(state, validity)
            return baseline.mark(
                as_retriever(shelf), opened, folder, self.log, lambda *numbers: self.told.append(numbers)
            )

    def seen(self, validity: int = 1) -> Seen | None:
        with State(self.path) as state:
            self.now -= DAY
            return self.open(state, validity).seen


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_all_there_is_marked_and_told(bench: Bench) -> None:
    assert bench.mark(Shelf({5: 50, 6: 60, 7: 70})) == Result(baselined=3)
    assert bench.told == [(0, 3), (3, 0)]
    assert bench.log.said == ['Folder "INBOX": 3 messages to be marked as seen.']
    assert bench.rows("uid, state, exact, message_id") == [
        ("5", "baselined", 0, "<50@a>"),
        ("6", "baselined", 0, "<60@a>"),
        ("7", "baselined", 0, "<70@a>"),
    ]
    assert bench.seen() == Seen(NEXT, 3)


def test_what_is_on_record_stays_what_it_is(bench: Bench) -> None:
    bench.deliver(1, {5: 50})
    with State(bench.path) as state:
        folder = bench.open(state, 1)
        folder.hold([], [(message(6, 60), "a virus")])
        folder.failed(message(7, 70), "broken", None)
    shelf = Shelf({5: 50, 6: 60, 7: 70, 8: 80})
    assert bench.mark(shelf) == Result(baselined=2, aside=1)
    assert bench.rows() == [("5", "delivered"), ("6", "quarantined"), ("7", "baselined"), ("8", "baselined")]
    with State(bench.path) as state:
        folder = bench.open(state, 1)
        # Nothing that was marked is ever deleted, nor tried again.
        assert [one.uid for one in folder.due(0)] == ["5"]
        assert list(folder.attempts()) == [("6", 0)]
    assert bench.mark(shelf) == Result(aside=1)
    assert bench.told == []
    assert bench.again(2, Shelf({1: 80, 2: 70, 3: 90})) == ["3"]


@pytest.mark.parametrize("renumbered", [False, True])
def test_folder_with_other_uids(bench: Bench, renumbered: bool) -> None:
    """What was delivered stays so under its present UID, and is deleted when it is due."""
    bench.deliver(1, {5: 50, 6: 60})
    validity = 1 if renumbered else 2
    shelf = Shelf({1: 60, 2: 50, 3: 70}, renumbered=renumbered)
    assert bench.mark(shelf, validity).baselined == 1
    assert bench.rows() == [("1", "delivered"), ("2", "delivered"), ("3", "baselined")]
    assert any("anew" in line for line in bench.log.said) == renumbered
    assert bench.seen(validity) == Seen(NEXT, 3)


def test_uids_that_are_handed_out_anew_below_what_was_marked(bench: Bench) -> None:
    assert bench.mark(Shelf({5: 50, 6: 60})).baselined == 2
    assert bench.mark(Restored({5: 50, 6: 70}), uid_next=7).baselined == 1
    assert bench.log.said[1] == f"It handed out UID {NEXT - 1} before."
    assert bench.rows("uid, message_id", "missing IS NULL") == [("5", "<50@a>"), ("6", "<70@a>")]


def test_server_is_to_show_that_its_uids_mean_what_they_did(bench: Bench) -> None:
    bench.deliver(1, {5: 50, 16: 60})
    shelf = Shelf({5: 50, 16: 60, 20: 70})
    assert bench.mark(shelf).baselined == 1
    assert bench.mark(shelf).baselined == 0
    assert shelf.expected == ["16", "16"]


def test_message_ids_are_asked_for_where_nothing_else_tells_which_it_is(bench: Bench) -> None:
    shelf = Shelf({5: 50, 6: 60}, same=True)
    assert bench.mark(shelf).baselined == 2
    assert shelf.asked == []
    assert bench.rows("message_id, same") == [(None, "50"), (None, "60")]


@pytest.mark.parametrize("batch", [1, 2, 3])
def test_what_is_marked_before_a_run_is_cut_off_stays_so(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(baseline, "BATCH_MESSAGES", batch)
    shelf = Shelf({uid: 10 * uid for uid in range(1, 8)}, trouble={60: BROKEN})
    with pytest.raises(Problem, match="It broke"):
        bench.mark(shelf)
    done = 5 // batch * batch
    assert bench.told == [(0, 7), *[(batch, 0)] * (done // batch)]
    assert bench.rows() == [(str(uid), "baselined") for uid in range(1, done + 1)]
    # Else the next run would not look at the rest.
    assert bench.seen() is None
    shelf.trouble.clear()
    assert bench.mark(shelf).baselined == 7 - done
    assert bench.seen() == Seen(NEXT, 7)


def test_message_at_which_each_session_ends_is_marked_all_the_same(bench: Bench) -> None:
    """It is asked for alone, after the others, and then no more."""
    shelf = Shelf({5: 50, 6: 60, 7: 70}, trouble={60: BROKEN})
    for _ in range(1 + ATTEMPTS):
        with pytest.raises(Problem, match="It broke"):
            bench.mark(shelf)
        assert bench.rows() == []
    assert bench.mark(shelf).baselined == 3
    assert bench.rows("uid, message_id") == [("5", "<50@a>"), ("6", None), ("7", "<70@a>")]
    with State(bench.path) as state:
        assert bench.open(state, 1).attempts() == {}


def test_what_came_since_the_folder_was_opened_is_marked_too(bench: Bench) -> None:
    """The next run begins where the folder ended then, and knows it."""
    shelf = Shelf({5: 50, NEXT: 60})
    assert bench.mark(shelf).baselined == 2
    assert bench.seen() == Seen(NEXT, 2)
    with State(bench.path) as state:
        assert bench.open(state, 1).known(NEXT) == {(str(NEXT), 0): message(NEXT, 60).size}


def test_folder_is_listed_again_where_the_server_says_no_uidnext(bench: Bench) -> None:
    assert bench.mark(Shelf({5: 50}), uid_next=0).baselined == 1
    assert bench.seen() is None


def test_empty_folder(bench: Bench) -> None:
    assert bench.mark(Shelf({})) == Result()
    assert bench.told == []
    assert bench.log.said == []
    assert bench.seen() == Seen(NEXT, 0)


def test_folder_that_is_empty_under_another_uidvalidity_may_come_back(bench: Bench) -> None:
    bench.deliver(1, {5: 50})
    assert bench.mark(Shelf({}), validity=2) == Result()
    assert bench.rows() == [("5", "delivered")]
    assert bench.mark(Shelf({1: 50, 2: 60}), validity=2).baselined == 1
    assert bench.rows() == [("1", "delivered"), ("2", "baselined")]


def test_copy_that_came_from_another_folder_is_no_message_of_this_one(bench: Bench) -> None:
    with State(bench.path) as state:
        folder = bench.open(state, 1)
        folder.pass_by([There(message(5, 50, "50"))], "duplicate")
        deliver(bench.open(state, 9, "Work"), {1: 60}, same=True)
    assert bench.mark(Shelf({5: 50, 6: 60}, same=True)).baselined == 1
    assert bench.rows("uid, state", "folder.name = 'INBOX'") == [("5", "duplicate"), ("6", "baselined")]


def test_what_the_session_noted_is_told(bench: Bench) -> None:
    shelf = Shelf({5: 50}, notes=["The server is odd."])
    bench.mark(shelf)
    assert bench.log.said[-1] == "The server is odd."
    assert shelf.notes == []


def test_what_is_gone_is_noted(bench: Bench) -> None:
    bench.deliver(1, {5: 50, 6: 60})
    assert bench.mark(Shelf({5: 50})) == Result()
    assert bench.rows("uid, missing IS NULL") == [("5", 1), ("6", 0)]
