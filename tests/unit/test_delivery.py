# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages on their way into a real Maildir, recorded in real state."""

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from cockpit_getmail.delivery import Delivery, find_message_id
from cockpit_getmail.destination.base import Refusal, Staged
from cockpit_getmail.destination.maildir import Maildir
from cockpit_getmail.envelope import HEADER_LIMIT
from cockpit_getmail.filter.base import Envelope, Removal, Verdict
from cockpit_getmail.filtering import Filtering
from cockpit_getmail.folder_state import FolderState
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever.base import BATCH_MESSAGES, Folder, Part, Remote
from cockpit_getmail.spool import Spool
from cockpit_getmail.state import State

DAY = 86400.0


class Box(Maildir):
    """A Maildir that notes the batches it syncs, and may fail at it."""

    def __init__(self, path: Path, token: str) -> None:
        super().__init__(path, token)
        self.batches: list[int] = []
        self.error: BaseException | None = None

    def sync(self, batch: Sequence[Staged]) -> None:
        self.batches.append(len(batch))
        if self.error:
            raise self.error
        super().sync(batch)


class Picky(Box):
    """One that refuses messages by their number, and may break off after so many; it remembers nothing."""

    remembers = False
    batch_messages = 4

    def __init__(self, path: Path, token: str) -> None:
        super().__init__(path, token)
        self.refusals: dict[int, Refusal] = {}
        self.breaks_after: int | None = None
        self._number = 0

    def publish(self, batch: Sequence[Staged]) -> Mapping[str, Refusal]:
        refused: dict[str, Refusal] = {}
        for staged in batch:
            self._number += 1
            if self.breaks_after is not None and self._number > self.breaks_after:
                self.trouble = failure("delivery", "The line is cut.")
                refused[staged.name] = Refusal("The line is cut.", for_good=False)
            elif refusal := self.refusals.get(self._number):
                refused[staged.name] = refusal
        super().publish([staged for staged in batch if staged.name not in refused])
        self.discard([staged for staged in batch if staged.name in refused])
        return refused


class Way:
    """A delivery of `count` messages, and what it told."""

    def __init__(self, folder: FolderState, box: Box, filtering: Filtering | None = None) -> None:
        self.folder, self.box = folder, box
        self.advanced: list[tuple[int, int]] = []
        self.warned: list[str] = []
        self.delivery = Delivery(
            folder,
            box,
            lambda messages, octets: self.advanced.append((messages, octets)),
            self.warned.append,
            filtering,
        )

    def write(self, first: int, last: int) -> None:
        for number in range(first, last + 1):
            self.delivery.write(Part(Remote(str(number), 4), b"x\r\n"))


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    folder = tmp_path / "state"
    folder.mkdir()
    with State(folder) as opened:
        yield opened


@pytest.fixture
def way(tmp_path: Path, state: State) -> Way:
    folder = state.begin("imap\nmail.example\n143\nme", DAY).folder(Folder("INBOX", 7, 3))
    return Way(folder, Box(tmp_path / "mail", state.token))


def keys(first: int, last: int) -> set[tuple[str, int]]:
    return {(str(number), 0) for number in range(first, last + 1)}


def in_folder(way: Way, name: str) -> int:
    return len(list((Path(way.box.location.removeprefix("maildir:")) / name).iterdir()))


@pytest.mark.long
def test_all_is_delivered_and_recorded(way: Way) -> None:
    way.write(1, 2 * BATCH_MESSAGES + 3)
    way.delivery.finish()
    whole = keys(1, 2 * BATCH_MESSAGES + 3)
    assert way.delivery.delivered == way.delivery.answered == set(way.folder.known()) == whole
    assert (in_folder(way, "tmp"), in_folder(way, "new")) == (0, len(whole))
    assert sum(messages for messages, _ in way.advanced) == len(whole)
    assert sum(octets for _, octets in way.advanced) == way.delivery.octets == 4 * len(whole)


@pytest.mark.long
def test_batches_are_bounded(way: Way) -> None:
    way.write(1, 4 * BATCH_MESSAGES)
    way.delivery.finish()
    assert sum(way.box.batches) == 4 * BATCH_MESSAGES
    assert max(way.box.batches) <= BATCH_MESSAGES


def test_nothing_to_deliver(way: Way) -> None:
    way.delivery.finish()
    assert not way.delivery.delivered
    assert not way.box.batches


@pytest.mark.slow
def test_message_does_not_wait_long_for_others(way: Way) -> None:
    way.write(1, 1)
    deadline = time.monotonic() + 30
    while in_folder(way, "new") == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert in_folder(way, "new") == 1
    way.delivery.finish()
    assert way.box.batches == [1]


def test_what_is_not_whole_leaves_nothing(way: Way) -> None:
    way.write(1, 1)
    way.delivery.write(Part(Remote("2", 10), b"half", last=False))
    way.delivery.finish()
    assert way.delivery.answered == keys(1, 1)
    assert in_folder(way, "tmp") == 0


def test_failed_message_is_answered_and_leaves_nothing(way: Way) -> None:
    way.delivery.write(Part(Remote("1", 10), b"half", last=False))
    way.delivery.write(Part(Remote("1", 10), b"", failure="no more"))
    way.write(2, 2)
    way.delivery.finish()
    assert way.delivery.delivered == keys(2, 2)
    assert way.delivery.answered == keys(1, 2)
    assert in_folder(way, "tmp") == 0


def test_batch_that_cannot_be_committed_ends_it_with_its_problem(way: Way) -> None:
    way.box.error = failure("quota", "The disk is full.")
    with pytest.raises(Problem, match="full"):
        way.write(1, 5 * BATCH_MESSAGES)
    with pytest.raises(Problem, match="full"):
        way.delivery.finish()
    assert not way.delivery.delivered
    assert not way.folder.known()
    assert (in_folder(way, "tmp"), in_folder(way, "new")) == (0, 0)
    assert len(way.box.batches) == 1


def test_bug_in_the_committer_is_not_hidden(way: Way) -> None:
    way.box.error = ZeroDivisionError()
    way.write(1, 1)
    with pytest.raises(ZeroDivisionError):
        way.delivery.finish()
    assert in_folder(way, "new") == 0


def test_other_size_than_listed_is_told(way: Way) -> None:
    way.delivery.write(Part(Remote("1", 9), b"x\r\n", exact=False))
    way.delivery.finish()
    assert any("another size" in warning for warning in way.warned)


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"Message-ID: <a@b>\r\n\r\nbody", "<a@b>"),
        (b"Subject: x\r\nMESSAGE-id:<a@b>  \r\nTo: y\r\n\r\n", "<a@b>"),
        (b"Message-ID:\r\n <a@b>\r\n\r\n", "<a@b>"),
        (b"Message-ID: \r\n\t<a@b>\r\n\r\n", "<a@b>"),
        (b"Message-ID: <a@b>", "<a@b>"),
        (b"Message-ID:\r\nSubject: x\r\n\r\n", None),
        (b"Message-ID:\r\n\r\n<a@b>", None),
        (b"Message-ID: ", None),
        (b"", None),
        (b"X-Message-ID: <a@b>\r\n\r\n", None),
        (b"Resent-Message-ID: <a@b>\r\nMessage-ID: <c@d>\r\n\r\n", "<c@d>"),
        (b"Subject: x\r\n\r\nMessage-ID: <a@b>\r\n", None),
        (b"Message-ID: <a@b>\r\nMessage-ID: <c@d>\r\n\r\n", "<a@b>"),
        (b"Message-ID: <\x1b[2J\xff>\r\n\r\n", "<\\x1b[2J\\xff>"),
        (b"X: " + b"x" * HEADER_LIMIT + b"\r\nMessage-ID: <a@b>\r\n\r\n", None),
    ],
)
def test_message_id_of_a_header(data: bytes, found: str | None) -> None:
    assert find_message_id(data) == found


def test_message_id_is_recorded(way: Way, state: State) -> None:
    way.delivery.write(Part(Remote("1", 30), b"Message-ID: <a@b>\r\n", last=False))
    way.delivery.write(Part(Remote("1", 30), b"\r\nMessage-ID: <c@d>\r\n"))
    way.delivery.write(Part(Remote("2", 4), b"x\r\n"))
    way.delivery.finish()
    with state.transaction() as db:
        found = db.execute("SELECT uid, message_id FROM message ORDER BY uid").fetchall()
    assert found == [("1", "<a@b>"), ("2", None)]


@pytest.fixture
def picky(tmp_path: Path, state: State) -> tuple[Way, Picky]:
    folder = state.begin("imap\nmail.example\n143\nme", DAY).folder(Folder("INBOX", 7, 3))
    box = Picky(tmp_path / "mail", state.token)
    return Way(folder, box), box


def test_refused_messages_are_set_aside_or_come_again(picky: tuple[Way, Picky], state: State) -> None:
    way, box = picky
    box.refusals = {2: Refusal("550 No.", for_good=True), 5: Refusal("450 Later.", for_good=False)}
    way.write(1, 6)
    way.delivery.finish()
    assert way.delivery.delivered == keys(1, 6) - keys(2, 2) - keys(5, 5)
    assert {key: refusal.for_good for key, refusal in way.delivery.refused.items()} == {
        ("2", 0): True,
        ("5", 0): False,
    }
    assert way.delivery.answered == keys(1, 6)
    assert set(way.folder.known()) == keys(1, 6) - keys(5, 5)
    assert way.folder.set_aside() == 1
    assert way.folder.attempts() == {("2", 0): 1, ("5", 0): 1}
    assert state.open_intents() == {}
    assert (in_folder(way, "tmp"), in_folder(way, "new")) == (0, 4)
    # What was set aside is never due for deletion.
    assert {message.uid for message in way.folder.due(0)} == {"1", "3", "4", "6"}


def test_refused_for_the_moment_is_never_set_aside(picky: tuple[Way, Picky], state: State) -> None:
    way, box = picky
    box.refusals = dict.fromkeys(range(1, 100), Refusal("450 Later.", for_good=False))
    for number in range(1, 21):
        delivery = Delivery(way.folder, box, lambda *_: None, way.warned.append)
        delivery.write(Part(Remote("1", 4), b"x\r\n"))
        delivery.finish()
        assert way.folder.attempts() == {("1", 0): number}
    assert way.folder.set_aside() == 0


def test_what_was_not_tried_keeps_its_place(picky: tuple[Way, Picky], state: State) -> None:
    way, box = picky
    box.refusals = {
        2: Refusal("The line is cut.", for_good=False),
        3: Refusal("The line is cut.", for_good=False, tried=False),
    }
    way.write(1, 3)
    way.delivery.finish()
    assert way.folder.attempts() == {("2", 0): 1}
    assert set(way.folder.known()) == keys(1, 1)
    assert state.open_intents() == {}


def test_what_came_before_a_broken_line_is_recorded(picky: tuple[Way, Picky], state: State) -> None:
    way, box = picky
    box.breaks_after = 6
    way.write(1, 7)
    with pytest.raises(Problem) as caught:
        way.delivery.finish()
    assert caught.value.message == "The line is cut."
    assert way.delivery.delivered == set(way.folder.known()) == keys(1, 6)
    assert state.open_intents() == {}
    assert (in_folder(way, "tmp"), in_folder(way, "new")) == (0, 6)


def test_each_batch_is_recorded_at_once_where_nothing_is_remembered(picky: tuple[Way, Picky]) -> None:
    way, box = picky
    recorded: list[int] = []
    publish = box.publish

    def look(batch: Sequence[Staged]) -> Mapping[str, Refusal]:
        recorded.append(len(way.folder.known()))
        return publish(batch)

    box.publish = look  # type: ignore[method-assign]
    way.write(1, 12)
    way.delivery.finish()
    assert recorded == [0, 4, 8]
    assert box.batches == [4, 4, 4]


# With filters


class Says:
    """A filter that does as a message says."""

    def scan(self, message: Spool, envelope: Envelope) -> Verdict:
        word = message.head(100).decode().partition("\r\n")[0]
        if word == "down":
            raise failure("filter", "It is down.")
        return Verdict(word, f"because of {word}", b"A: 1\r\n", (Removal(b"B"),))  # type: ignore[arg-type]


@pytest.fixture
def filtered(tmp_path: Path, state: State) -> Way:
    folder = state.begin("imap\nmail.example\n143\nme", DAY).folder(Folder("INBOX", 7, 3))
    return Way(folder, Box(tmp_path / "mail", state.token), Filtering(Says(), "me", "Junk", tmp_path))


def bring(way: Way, *words: str) -> None:
    for number, word in enumerate(words, 1):
        way.delivery.write(Part(Remote(str(number), 4), f"{word}\r\nB: 2\r\n\r\n".encode()))


@pytest.mark.long
def test_verdicts_are_carried_out(filtered: Way, state: State) -> None:
    bring(filtered, "deliver", "junk", "drop", "quarantine", "later", "fail", "deliver")
    filtered.delivery.settle()
    filtered.delivery.finish()
    found = filtered.delivery
    assert found.delivered == {("1", 0), ("2", 0), ("7", 0)}
    assert found.answered == keys(1, 7)
    assert [message.uid for message in found.dropped] == ["3"]
    assert [(message.uid, reason) for message, reason in found.aside] == [("4", "because of quarantine")]
    assert [(message.uid, reason) for message, reason in found.later] == [("5", "because of later")]
    assert [(message.uid, reason) for message, reason in found.unscanned] == [("6", "because of fail")]
    assert not found.failures
    mail = Path(filtered.box.location.removeprefix("maildir:"))
    assert [file.read_bytes() for file in (mail / "new").iterdir()] == [b"A: 1\ndeliver\n\n"] * 2
    assert [file.read_bytes() for file in (mail / ".Junk" / "new").iterdir()] == [b"A: 1\njunk\n\n"]
    with state.transaction() as db:
        states = dict(db.execute("SELECT uid, state FROM message"))
        reasons = dict(db.execute("SELECT uid, reason FROM failure"))
    assert states == {
        **dict.fromkeys("127", "delivered"),
        "3": "dropped",
        "4": "quarantined",
    }
    assert reasons == {"4": "because of quarantine"}


def test_what_is_scanned_is_delivered_though_the_filter_is_down_now(filtered: Way) -> None:
    bring(filtered, "deliver", "deliver", "down")
    with pytest.raises(Problem, match="down"):
        filtered.delivery.settle()
    with pytest.raises(Problem, match="down"):
        filtered.write(4, 4)
    filtered.delivery.finish()
    assert (
        filtered.delivery.delivered
        == filtered.delivery.answered
        == set(filtered.folder.known())
        == keys(1, 2)
    )
    assert (in_folder(filtered, "tmp"), in_folder(filtered, "new")) == (0, 2)


def test_what_is_not_scanned_yet_is_not_delivered(filtered: Way) -> None:
    filtered.delivery.write(Part(Remote("1", 4), b"deliver\r\n", last=False))
    filtered.delivery.finish()
    assert filtered.delivery.answered == set()


def test_filtered_message_that_cannot_be_delivered(filtered: Way) -> None:
    filtered.box.error = failure("quota", "The disk is full.")
    bring(filtered, "deliver", "drop")
    filtered.delivery.settle()
    with pytest.raises(Problem, match="full"):
        filtered.delivery.finish()
    assert (in_folder(filtered, "tmp"), in_folder(filtered, "new")) == (0, 0)
    assert not filtered.folder.known()
