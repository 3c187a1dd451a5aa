# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages pass the filters in their order, several at once, and never more than there is room for."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cockpit_getmail import filtering
from cockpit_getmail.filter.base import Envelope, Removal, Verdict
from cockpit_getmail.filtering import MESSAGES, OCTETS, WORKERS, Filtering, Scanned
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever.base import Part, Remote
from cockpit_getmail.settings import Settings
from cockpit_getmail.spool import MEMORY_OCTETS, Spool
from tests.support.fetching import make_connector

DOWN = failure("filter", "It is down.")
PATIENCE = 30.0


class Says:
    """A filter that answers what `verdict` returns for a message, once `gate` is open."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.verdict: Callable[[bytes], Verdict] = lambda _: Verdict("deliver")
        self.seen: list[bytes] = []
        self.envelopes: list[Envelope] = []
        self.busy = self.busiest = 0
        self._lock = threading.Lock()

    def scan(self, message: Spool, envelope: Envelope) -> Verdict:
        data = b"".join(message.chunks())
        with self._lock:
            self.seen.append(data)
            self.envelopes.append(envelope)
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
        assert self.gate.wait(PATIENCE)
        with self._lock:
            self.busy -= 1
        return self.verdict(data)


@pytest.fixture
def says() -> Says:
    return Says()


@pytest.fixture
def passing(says: Says, tmp_path: Path) -> Iterator[Filtering]:
    made = Filtering(says, "me@here", "Spam", tmp_path)
    yield made
    says.gate.set()
    made.end()


def part(number: int, data: bytes = b"", *, last: bool = True, failed: str | None = None) -> Part:
    return Part(Remote(str(number), 4), data or b"%d\r\n" % number, last=last, failure=failed)


def take(passing: Filtering, *, wait: bool = True) -> list[Scanned]:
    return list(passing.take(wait=wait))


def uids(found: list[Scanned]) -> list[str]:
    return [scanned.message.uid for scanned in found]


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_order_is_kept_whatever_takes_long(passing: Filtering, says: Says) -> None:
    first = threading.Event()

    def judge(data: bytes) -> Verdict:
        if data == b"1\r\n":
            assert first.wait(PATIENCE)
        return Verdict("deliver")

    says.verdict = judge
    for number in range(1, 6):
        passing.write(part(number))
    wait_for(lambda: len(says.seen) == 5)
    assert take(passing, wait=False) == []
    first.set()
    assert uids(take(passing)) == ["1", "2", "3", "4", "5"]
    assert take(passing) == []


def test_several_at_once(passing: Filtering, says: Says) -> None:
    says.gate.clear()
    for number in range(WORKERS + 3):
        passing.write(part(number))
    wait_for(lambda: says.busy == WORKERS)
    says.gate.set()
    assert len(take(passing)) == WORKERS + 3
    assert says.busiest == WORKERS


def test_message_in_parts(passing: Filtering, says: Says) -> None:
    passing.write(part(1, b"Return-Path: <a@b.example>\r\n", last=False))
    passing.write(part(1, b"\r\nbody"))
    [found] = take(passing)
    assert b"".join(found.pieces()) == b"Return-Path: <a@b.example>\r\n\r\nbody"
    assert says.envelopes == [Envelope("a@b.example", "me@here")]


def test_message_that_failed_is_not_scanned(passing: Filtering, says: Says) -> None:
    passing.write(part(1, b"half", last=False))
    passing.write(part(1, failed="no more"))
    passing.write(part(2))
    assert uids(take(passing)) == ["2"]
    assert says.seen == [b"2\r\n"]


def test_header_is_changed(passing: Filtering, says: Says) -> None:
    says.verdict = lambda _: Verdict("junk", "", b"A: 2\r\n", (Removal(b"A"),))
    passing.write(part(1, b"A: 1\r\nB: 1\r\n\r\n"))
    [found] = take(passing)
    assert b"".join(found.pieces()) == b"A: 2\r\nB: 1\r\n\r\n"
    assert found.folder == "Spam"


@pytest.mark.long
def test_header_that_cannot_be_changed(passing: Filtering, says: Says) -> None:
    says.verdict = lambda _: Verdict("deliver", "", b"", (Removal(b"A"),))
    passing.write(part(1, b"A: 1\r\n" * (1 << 18)))
    [found] = take(passing)
    assert found.verdict.action == "fail"


def test_no_more_messages_than_there_is_room_for(passing: Filtering, says: Says) -> None:
    says.gate.clear()
    for number in range(MESSAGES):
        passing.write(part(number))
        assert take(passing, wait=False) == []
    passing.write(part(MESSAGES))
    threading.Timer(0.2, says.gate.set).start()
    # It waits for the first, and takes what is there.
    assert uids(take(passing, wait=False))[:1] == ["0"]


def test_no_more_octets_than_there_is_room_for(
    passing: Filtering, says: Says, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filtering, "OCTETS", 10)
    says.gate.clear()
    passing.write(part(1, b"x" * 20))
    assert take(passing, wait=False) == []
    passing.write(part(2))
    threading.Timer(0.2, says.gate.set).start()
    assert uids(take(passing, wait=False))[:1] == ["1"]
    assert OCTETS > 16 * MEMORY_OCTETS


def test_what_is_not_scanned_is_left_out(passing: Filtering, says: Says) -> None:
    def judge(data: bytes) -> Verdict:
        if data == b"2\r\n":
            raise DOWN
        return Verdict("deliver")

    says.verdict = judge
    for number in (1, 2, 3):
        passing.write(part(number))
    wait_for(lambda: passing.trouble)
    with pytest.raises(Problem, match="down"):
        passing.write(part(4))
    assert "2" not in uids(take(passing))
    assert passing.trouble is DOWN


def test_nothing_more_is_scanned_where_one_was_not(passing: Filtering, says: Says) -> None:
    def judge(_: bytes) -> Verdict:
        raise DOWN

    says.verdict = judge
    says.gate.clear()
    for number in range(MESSAGES):
        passing.write(part(number))
    wait_for(lambda: says.busy == WORKERS)
    says.gate.set()
    assert take(passing) == []
    assert len(says.seen) == WORKERS


def test_bug_in_a_filter_is_not_hidden(passing: Filtering, says: Says) -> None:
    def judge(_: bytes) -> Verdict:
        raise ZeroDivisionError

    says.verdict = judge
    passing.write(part(1))
    with pytest.raises(ZeroDivisionError):
        take(passing)


def test_message_that_cannot_be_read_again_keeps_nobody_waiting(
    passing: Filtering, monkeypatch: pytest.MonkeyPatch
) -> None:
    def head(spool: Spool, limit: int) -> bytes:
        raise failure("internal", f"{spool.size} octets, {limit} of them.")

    monkeypatch.setattr(Spool, "head", head)
    passing.write(part(1))
    wait_for(lambda: passing.trouble)
    assert take(passing) == []


@pytest.mark.long
def test_end_waits_for_nobody(passing: Filtering, says: Says) -> None:
    """What is large is in files without a name: none of them stays open."""
    before = open_files()
    says.gate.clear()
    for number in range(WORKERS + 2):
        passing.write(part(number, b"x" * (MEMORY_OCTETS + 1)))
    wait_for(lambda: says.busy == WORKERS)
    passing.write(part(99, b"x" * (MEMORY_OCTETS + 1), last=False))
    passing.end()
    assert open_files() > before
    says.gate.set()
    wait_for(lambda: open_files() == before)
    assert len(says.seen) == WORKERS


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_filtering_of_a_connector(tmp_path: Path) -> None:
    settings = Settings(junk_folder="Bad")
    assert filtering.make(make_connector("SimpleIMAPRetriever", 1), settings, tmp_path) is None
    made = filtering.make(make_connector("SimpleIMAPRetriever", 1, SpamCheck="enabled"), settings, tmp_path)
    assert made
    made.end()
