# SPDX-License-Identifier: LGPL-2.1-or-later
"""A folder that is listed again under other UIDs: a real state, and in the place of a server a list."""

import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from cockpit_getmail import rematch
from cockpit_getmail.destination.base import Staged
from cockpit_getmail.folder_state import DAY, FolderState, Intent
from cockpit_getmail.former import Former
from cockpit_getmail.matching import There, match
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever.base import Folder, Remote, Renumbered, Retriever
from cockpit_getmail.state import State
from tests.support.fetching import Log

Key = tuple[str, int]
IMAP = "imap\nmail.example\n143\nme"
HERE = "maildir:/srv/mail/me"


def message(uid: int, number: int, same: str = "") -> Remote:
    """Return message `number` of a mailbox under a UID."""
    return Remote(str(uid), 100 + number % 3, date=1_700_000_000 + number // 7, same=same)


@dataclass
class Shelf:
    """What is asked of a retriever here. `mails` has the number of each message by UID."""

    mails: dict[int, int]
    same: bool = False
    trouble: dict[int, Problem] = field(default_factory=dict)
    renumbered: bool = False
    asked: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def list_new(self, known: Mapping[Key, int]) -> tuple[list[Remote], set[Key]]:
        if self.renumbered and known:
            raise Renumbered("It hands out UIDs anew")
        there = [message(uid, number, str(number) if self.same else "") for uid, number in self.mails.items()]
        return (
            [one for one in there if (one.uid, 0) not in known],
            {(one.uid, 0) for one in there if (one.uid, 0) in known},
        )

    def expect(self, message: Remote) -> None:
        self.expected.append(message.uid)

    def identify(self, messages: Sequence[Remote]) -> dict[str, bytes]:
        self.asked.append([one.uid for one in messages])
        found = {}
        for one in messages:
            number = self.mails[int(one.uid)]
            if number in self.trouble:
                raise self.trouble[number]
            if number >= 0:
                found[one.uid] = b"Message-ID: <%d@a>\r\n\r\n" % number
        return found


class Bench:
    """One folder's state, run after run, each a day after the one before."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        self.log = Log()
        self.now = 1_700_000_000.0
        monkeypatch.setattr(time, "time", lambda: self.now)

    def open(self, state: State, validity: int, name: str = "INBOX") -> FolderState:
        self.now += DAY
        return state.begin(IMAP, DAY).folder(Folder(name, validity, 3))

    def deliver(self, validity: int, mails: Mapping[int, int], **fields: Any) -> None:
        with State(self.path) as state:
            folder = self.open(state, validity)
            deliver(folder, mails, **fields)
            if folder.stale:
                Former(folder).end()

    def again(self, validity: int, shelf: Shelf) -> list[str]:
        """List the folder again; return the UIDs that are new."""
        with State(self.path) as state:
            opened, folder = Folder("INBOX", validity, len(shelf.mails), 1000), self.open(state, validity)
            return [one.uid for one in rematch.list_again(as_retriever(shelf), opened, folder, self.log)]

    def rows(self, what: str = "uid, state", where: str = "1") -> list[tuple[Any, ...]]:
        with State(self.path) as state, state.transaction() as db:
            query = (
                f"SELECT {what} FROM message JOIN folder ON folder.id = folder WHERE {where} ORDER BY 1, 2"
            )
            return db.execute(query).fetchall()


def as_retriever(shelf: Shelf) -> Retriever:
    return cast("Retriever", shelf)


def deliver(folder: FolderState, mails: Mapping[int, int], *, same: bool = False, named: bool = True) -> None:
    folder.intend(
        HERE,
        [
            Intent(
                message(uid, number, str(number) if same else ""),
                exact=True,
                staged=Staged(f"name{folder.number}.{uid}", 100),
                message_id=f"<{number}@a>" if named else None,
            )
            for uid, number in mails.items()
        ],
    )
    folder.delivered()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_record_keeps_all_but_its_uid(bench: Bench) -> None:
    bench.deliver(1, {5: 50, 6: 60})
    kept = "size, exact, state, place, message.name, clock, missing, message_id, date, same"
    before = bench.rows(f"{kept}")
    assert bench.again(2, Shelf({1: 60, 2: 50, 3: 70})) == ["3"]
    assert bench.rows(kept) == before
    assert bench.rows("uid, validity") == [("1", 2), ("2", 2)]


def test_only_what_may_be_known_is_asked_for(bench: Bench) -> None:
    """Nobody is asked for the Message-ID of what has no record of its size and date."""
    bench.deliver(1, {5: 50})
    shelf = Shelf({1: 50, 2: 51, 3: 999})
    assert message(1, 50)[1:] != message(1, 51)[1:]
    assert bench.again(2, shelf) == ["2", "3"]
    assert shelf.asked == [["1"]]


def test_what_all_copies_bear_is_enough(bench: Bench) -> None:
    bench.deliver(1, {5: 50, 6: 60}, same=True, named=False)
    shelf = Shelf({1: 60, 2: 50, 3: 70}, same=True)
    assert bench.again(2, shelf) == ["3"]
    assert shelf.asked == []


def test_without_message_id_it_is_fetched_again(bench: Bench) -> None:
    bench.deliver(1, {5: 50}, named=False)
    assert bench.again(2, Shelf({1: 50, 2: -1})) == ["1", "2"]


@pytest.mark.parametrize("batch", [1, 2, 1000])
def test_batches_match_as_all_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(rematch, "BATCH_MESSAGES", batch)
    bench.deliver(1, {5: 50, 6: 50, 7: 70, 8: 80})
    assert bench.again(2, Shelf({1: 50, 2: 70, 3: 50, 4: 50, 9: 90})) == ["4", "9"]
    # Of three of one key two were delivered: none of these is deleted.
    assert bench.rows("uid, exact", "validity = 2") == [("1", 0), ("2", 1), ("3", 0)]


def test_cut_off_after_any_batch(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rematch, "BATCH_MESSAGES", 1)
    bench.deliver(1, {uid: uid for uid in range(10, 17)})
    there = {uid: 26 - uid for uid in range(10, 17)}
    for number in there.values():
        with pytest.raises(Problem):
            bench.again(2, Shelf(there, trouble={number: failure("mailbox", "It is busy.")}))
    assert bench.again(2, Shelf(there)) == []
    assert len(bench.rows()) == 7


def test_message_at_which_the_session_ends_is_asked_for_last_and_then_no_more(bench: Bench) -> None:
    bench.deliver(1, {5: 50, 6: 60, 7: 70})
    shelf = Shelf({1: 50, 2: 60, 3: 70}, trouble={60: failure("network", "It broke.")})
    for _ in range(1 + rematch.ATTEMPTS):
        with pytest.raises(Problem, match="It broke"):
            bench.again(2, shelf)
    assert bench.again(2, shelf) == ["2"]
    assert shelf.asked == [["1", "2", "3"], *[["1"], ["2"]] * rematch.ATTEMPTS, ["1"], ["3"]]
    with State(bench.path) as state:
        assert bench.open(state, 2).attempts() == {("2", 0): rematch.ATTEMPTS}


def test_each_state_is_kept(bench: Bench) -> None:
    one, two, three, four, five = (message(uid, 10 * uid) for uid in range(1, 6))
    bench.deliver(1, {6: 60, 7: 70})
    with State(bench.path) as state:
        folder = bench.open(state, 1)
        folder.removed([("6", 0)])
        names: dict[Key, str | None] = {(one.uid, 0): "<10@a>", (two.uid, 0): "<20@a>"}
        folder.hold([one], [(two, "a virus")], names)
        folder.pass_by([There(three, "<30@a>"), There(four, None)], "baselined")
        folder.failed(five, "broken", None)
    shelf = Shelf({uid + 10: 10 * uid for uid in range(1, 8)})
    assert bench.again(2, shelf) == ["14", "15"]
    found = dict(bench.rows("uid, state", "validity = 2"))
    wanted = {"11": "dropped", "12": "quarantined", "13": "baselined", "16": "removed", "17": "delivered"}
    assert found == wanted
    with State(bench.path) as state, state.transaction() as db:
        reasons = db.execute("SELECT uid, reason FROM failure").fetchall()
    assert reasons == [("12", "a virus")]


def test_what_is_to_be_marked_on_the_server_is_so_under_its_new_uid(bench: Bench) -> None:
    bench.deliver(1, {5: 50, 6: 60})
    with State(bench.path) as state, state.transaction() as db:
        db.executemany("INSERT INTO unmarked VALUES (1, ?, 0)", [("5",), ("6",)])
    assert bench.again(2, Shelf({1: 60})) == []
    with State(bench.path) as state, state.transaction() as db:
        assert db.execute("SELECT uid FROM unmarked").fetchall() == [("1",)]


def test_record_that_goes_away_meanwhile_is_none(bench: Bench) -> None:
    """Somebody wants a message that is set aside to be fetched once more, beside the run."""
    bench.deliver(1, {5: 50, 6: 60})
    with State(bench.path) as state:
        folder = bench.open(state, 2)
        former = Former(folder)
        there = [There(message(1, 60), "<60@a>"), There(message(2, 50), "<50@a>")]
        found = match(there, former.find(there), folder.number)
        with folder.transaction() as db:
            db.execute("DELETE FROM message WHERE uid = '6'")
        assert [one.uid for one in former.move(found)] == ["1"]
        former.end()


def test_other_folders_and_mailboxes_are_let_alone(bench: Bench) -> None:
    bench.deliver(1, {5: 50})
    with State(bench.path) as state:
        deliver(state.begin("another", DAY).folder(Folder("INBOX", 9, 1)), {1: 10})
        deliver(bench.open(state, 1, "Work"), {1: 10})
    assert bench.again(2, Shelf({1: 10, 2: 50})) == ["1"]
    assert len(bench.rows()) == 3


def test_uidvalidity_that_comes_back(bench: Bench) -> None:
    bench.deliver(1, {5: 50, 6: 60})
    bench.deliver(1, {7: 70}, named=False)
    assert bench.again(2, Shelf({1: 50, 2: 70})) == ["2"]
    bench.deliver(2, {3: 80})
    # What has no key is known by its old UID, the others by both.
    assert bench.again(1, Shelf({5: 50, 6: 60, 7: 70, 8: 80})) == []
    assert bench.rows("uid, validity") == [("5", 1), ("6", 1), ("7", 1), ("8", 1)]
    with State(bench.path) as state:
        assert not bench.open(state, 1).stale


MANY = 100_000
PROGRAM = """
import os, resource, sys
from pathlib import Path
from cockpit_getmail.retriever.base import Folder
from cockpit_getmail import rematch
from cockpit_getmail.state import State
from tests.unit.test_rematch import IMAP, MANY, Shelf, deliver
from tests.support.fetching import Log
if not os.fork():
    with State(Path(sys.argv[1])) as state:
        folder = state.begin(IMAP, 1e9).folder(Folder("INBOX", 1, MANY))
        deliver(folder, {uid: uid for uid in range(1, MANY + 1)})
    os._exit(0)
assert os.wait()[1] == 0
with State(Path(sys.argv[1])) as state:
    folder = state.begin(IMAP, 1e9).folder(Folder("INBOX", 2, MANY))
    shelf = Shelf({MANY + 1 - uid: uid for uid in range(MANY, -9, -1)})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    new = rematch.list_again(shelf, Folder("INBOX", 2, MANY, MANY + 1), folder, Log())
    assert len(new) == 9, len(new)
    assert max(map(len, shelf.asked)) <= rematch.BATCH_MESSAGES
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.slow
def test_a_hundred_thousand_messages_take_little_memory(tmp_path: Path) -> None:
    argv = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(
        argv, check=True, capture_output=True, text=True, env={"PYTHONPATH": ":".join(sys.path)}
    )
    # In KiB, with what is listed: so much more than before.
    assert int(done.stdout) < 120 << 10
