# SPDX-License-Identifier: LGPL-2.1-or-later
"""The run itself: real state, a real Maildir, and in the place of a server a list, to misbehave at will."""

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cockpit_getmail import fetch, retriever
from cockpit_getmail.connector import Connector
from cockpit_getmail.destination.maildir import Maildir
from cockpit_getmail.fetch_folder import Result
from cockpit_getmail.folder_state import Intent
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever.base import INBOX, Folder, Listed, Part, Remote, Seen
from cockpit_getmail.settings import Settings
from cockpit_getmail.state import State
from cockpit_getmail.stop import Stop
from cockpit_getmail.undelivered import ATTEMPTS, BREAKS

Key = tuple[str, int]
BROKEN = failure("network", "The connection broke.")
NONSENSE = failure("protocol", "This is no mail.")


def body(uid: str, size: int = 60) -> bytes:
    return f"Subject: {uid}\r\n\r\n".encode().ljust(size - 2, b".") + b"\r\n"


@dataclass
class Shelf:
    """A remote mailbox as a list. `trouble` has what comes of a message instead of its octets."""

    mails: dict[str, bytes]
    trouble: dict[str, Problem | str] = field(default_factory=dict)
    piece: int = 1 << 20
    listed_sizes: dict[str, int] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    visits: int = 0
    tls: str | None = None
    capabilities: Sequence[str] = ()
    notes: list[str] = field(default_factory=list)
    refuses: Problem | None = None
    uid_next: int = 0
    since: list[Seen | None] = field(default_factory=list)
    orderly: list[bool] = field(default_factory=list)
    leaves_mail: bool = True
    matching: set[str] = field(default_factory=set)
    searches: list[tuple[str, ...]] = field(default_factory=list)
    described: list[str] = field(default_factory=list)
    marked: list[list[str]] = field(default_factory=list)
    there: list[str] = field(default_factory=list)

    def open(self) -> None:
        self.visits += 1
        if self.refuses:
            raise self.refuses

    def list_folders(self) -> list[Listed]:
        return [INBOX]

    def select(self, folder: Listed = INBOX) -> Folder:
        return Folder("INBOX", 7, len(self.mails), self.uid_next)

    def list_since(self, known: Mapping[Key, int], since: Seen, *, bare: bool = False) -> list[Remote] | None:
        self.since.append(since)
        self.there = list(self.mails)
        later = [uid for uid in self.mails if since.uid_next <= int(uid) < self.uid_next]
        if not self.uid_next or since.messages + len(later) != len(self.mails):
            return None
        assert all(int(uid) >= since.uid_next for uid, _ in known)
        return [self._listed(uid, bare) for uid in later if (uid, 0) not in known]

    def list_new(self, known: Mapping[Key, int], *, bare: bool = False) -> tuple[list[Remote], set[Key]]:
        self.since.append(None)
        self.there = list(self.mails)
        keys = [(uid, 0) for uid in self.mails]
        new = [self._listed(uid, bare) for uid, n in keys if (uid, n) not in known]
        return new, {key for key in keys if key in known}

    def describe(self, messages: Sequence[Remote]) -> list[Remote]:
        self.described += [message.uid for message in messages if not message.size]
        return [self._listed(message.uid) for message in messages]

    def search(self, criteria: tuple[str, ...], messages: Sequence[Remote]) -> list[Remote]:
        self.searches.append(criteria)
        return [message for message in messages if message.uid in self.matching]

    def count_before(self, uid: int) -> int:
        return sum(int(other) < uid for other in self.there)

    def mark_seen(self, delivered: Sequence[Remote]) -> None:
        self.marked.append([message.uid for message in delivered])

    def _listed(self, uid: str, bare: bool = False) -> Remote:
        return Remote(uid, 0 if bare else self.listed_sizes.get(uid, len(self.mails[uid])))

    def retrieve(self, wanted: Sequence[Remote]) -> Iterator[Part]:
        self.asked.append([message.uid for message in wanted])
        for message in wanted:
            yield from self._parts(message)

    def _parts(self, message: Remote) -> Iterator[Part]:
        data = self.mails[message.uid]
        trouble = self.trouble.get(message.uid)
        pieces = [data[at : at + self.piece] for at in range(0, len(data), self.piece)]
        for piece in pieces[:-1]:
            yield Part(message, piece, last=False)
        if isinstance(trouble, Problem):
            raise trouble
        if trouble:
            yield Part(message, b"", failure=trouble)
        else:
            yield Part(message, pieces[-1], exact=len(data) == message.size)

    def delete(self, doomed: Sequence[Remote]) -> set[Key]:
        for message in doomed:
            del self.mails[message.uid]
        return {(message.uid, message.ordinal) for message in doomed}

    def close(self, *, orderly: bool = True) -> None:
        self.asked.append([])
        self.orderly.append(orderly)


@dataclass
class Log:
    said: list[str] = field(default_factory=list)
    begun: list[tuple[int, int]] = field(default_factory=list)
    advanced: list[tuple[int, int]] = field(default_factory=list)

    def begin(self, messages: int, octets: int) -> None:
        self.begun.append((messages, octets))

    def advance(self, messages: int, octets: int) -> None:
        self.advanced.append((messages, octets))

    def note(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.said.append(text)


class Bench:
    """A connector with its state and Maildir below `path`, fetched from a Shelf."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mail, self.state = path / "mail", path / "state"
        self.state.mkdir()
        self.log = Log()
        self._monkeypatch = monkeypatch
        self._now = time.time()
        monkeypatch.setattr(time, "time", lambda: self._now)

    def fetch(self, shelf: Shelf, hours: float = 24, **props: str) -> Result:
        """Fetch once, so long after the time before."""
        self._now += hours * 3600
        self._monkeypatch.setattr(retriever, "make", lambda *_, **__: shelf)
        self.log = Log()
        return self.run(connector(**props))

    def run(self, wanted: Connector) -> Result:
        with State(self.state) as state:
            return fetch.run(wanted, self.settings, state, None, self.log, Stop())

    def fetch_by_token(self, shelf: Shelf, seconds: int | None, **more: str) -> Result:
        """Fetch by a token that expires after so many seconds, and delete what is delivered."""
        self._monkeypatch.setattr(retriever, "make", lambda *_, **__: shelf)
        self.log = Log()
        expires = {} if seconds is None else {"AccessTokenExpires": str(int(self._now) + seconds)}
        props = connector(Delete="0", **expires, **more).props
        return self.run(Connector("someone@127.0.0.1", props, {"AccessToken": "t"}))

    def fails(self, shelf: Shelf, **props: str) -> Problem:
        with pytest.raises(Problem) as caught:
            self.fetch(shelf, 24, **props)
        return caught.value

    @property
    def settings(self) -> Settings:
        return Settings(Path("/nonexistent"), Path("/nonexistent"), f"maildir:{self.mail}", "nobody", 1.0)

    @property
    def delivered(self) -> list[bytes]:
        return sorted(path.read_bytes() for path in (self.mail / "new").iterdir())

    @property
    def unfinished(self) -> list[Path]:
        return list((self.mail / "tmp").iterdir())


def connector(**props: str) -> Connector:
    fixed = {
        "Retriever": "SimpleIMAPRetriever",
        "Server": "127.0.0.1",
        "Port": "9",
        "Username": "someone",
        "Account": "me",
        "Delete": "-1",
        "Time": "30",
    }
    return Connector.from_record("someone@127.0.0.1", {**fixed, **props})


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def shelf(*uids: str, **trouble: Problem | str) -> Shelf:
    return Shelf({uid: body(uid) for uid in uids}, {uid.strip("_"): what for uid, what in trouble.items()})


def stored(*uids: str) -> list[bytes]:
    return sorted(body(uid).replace(b"\r\n", b"\n") for uid in uids)


# When all goes well


def test_new_messages_are_delivered_and_told(bench: Bench) -> None:
    assert bench.fetch(shelf("1", "2", "3")) == Result(3, 180, 0, 0, 0)
    assert bench.delivered == stored("1", "2", "3")
    assert bench.log.begun == [(3, 180)]
    assert sum(messages for messages, _ in bench.log.advanced) == 3
    assert sum(octets for _, octets in bench.log.advanced) == 180


def test_second_run_has_nothing_to_do(bench: Bench) -> None:
    remote = shelf("1", "2", "3")
    bench.fetch(remote)
    remote.mails["4"] = body("4")
    assert bench.fetch(remote) == Result(1, 60, 0, 0, 0)
    assert bench.fetch(remote) == Result()
    assert bench.log.begun == []
    assert bench.delivered == stored("1", "2", "3", "4")


# What is not listed again


def numbered(last: int) -> Shelf:
    remote = shelf(*(str(uid) for uid in range(1, last + 1)))
    remote.uid_next = last + 1
    return remote


def test_folder_in_which_nothing_changed_is_not_listed(bench: Bench) -> None:
    remote = numbered(3)
    assert bench.fetch(remote, hours=0).messages == 3
    assert bench.fetch(remote, hours=1) == Result()
    assert remote.since == [Seen(1, 0)]


def test_only_what_came_since_is_listed(bench: Bench) -> None:
    remote = numbered(3)
    bench.fetch(remote)
    remote.mails["4"], remote.uid_next = body("4"), 5
    assert bench.fetch(remote, hours=1).messages == 1
    assert bench.fetch(remote, hours=1) == Result()
    assert remote.since == [Seen(1, 0), Seen(4, 3)]
    assert bench.delivered == stored("1", "2", "3", "4")


def test_folder_is_listed_whole_once_a_day(bench: Bench) -> None:
    remote = numbered(3)
    for hours in (0, 12, 11, 2, 23):
        bench.fetch(remote, hours=hours)
    assert remote.since == [Seen(1, 0), None]


def test_message_that_failed_is_listed_until_it_is_fetched(bench: Bench) -> None:
    remote = numbered(3)
    remote.trouble["2"] = "no body"
    for _ in range(2):
        assert bench.fetch(remote, hours=1).failed == 1
    remote.trouble.clear()
    assert bench.fetch(remote, hours=1).messages == 1
    assert bench.fetch(remote, hours=1) == Result()
    assert remote.since == [Seen(1, 0), None, None]
    assert bench.delivered == stored("1", "2", "3")


def test_run_that_was_cut_off_is_listed_again(bench: Bench) -> None:
    remote = numbered(3)
    remote.trouble["3"] = BROKEN
    bench.fails(remote)
    remote.trouble.clear()
    assert bench.fetch(remote, hours=1).messages == 1
    assert bench.delivered == stored("1", "2", "3")


def test_what_we_deleted_is_no_change(bench: Bench) -> None:
    remote = numbered(3)
    assert bench.fetch(remote, Delete="0").deleted == 3
    assert bench.fetch(remote, hours=1, Delete="0") == Result()
    assert remote.since == [Seen(1, 0)]


def test_what_another_client_deleted_is_noticed(bench: Bench) -> None:
    remote = numbered(3)
    bench.fetch(remote)
    del remote.mails["2"]
    assert bench.fetch(remote, hours=1) == Result()
    remote.mails["4"], remote.uid_next = body("4"), 5
    assert bench.fetch(remote, hours=1).messages == 1
    assert remote.since == [Seen(1, 0), Seen(4, 3), None, Seen(4, 2)]
    assert bench.fetch(remote, hours=1, Delete="0").deleted == 3


def test_server_that_says_no_uidnext_is_listed_each_time(bench: Bench) -> None:
    remote = shelf("1", "2")
    for _ in range(2):
        bench.fetch(remote, hours=1)
    assert remote.since == [Seen(1, 0), None, None]


# What is not wanted


def test_folder_is_listed_from_the_first_one_that_is_not_wanted(bench: Bench) -> None:
    remote = numbered(5)
    remote.matching = {"1", "2", "4"}
    result = bench.fetch(remote, Search="FROM x")
    assert (result.messages, result.passed, result.left) == (3, 2, 0)
    assert bench.log.begun == [(3, 180)]
    assert remote.described == ["1", "2", "4"]
    remote.mails["6"], remote.uid_next = body("6"), 7
    remote.matching.add("5")
    result = bench.fetch(remote, hours=1, Search="FROM x")
    assert (result.messages, result.passed) == (1, 2)
    assert bench.fetch(remote, hours=1, Search="FROM x") == Result(passed=2)
    assert bench.delivered == stored("1", "2", "4", "5")
    assert remote.since == [Seen(1, 0), Seen(3, 2), Seen(3, 2)]
    # Nothing is left to be asked for once all is wanted.
    assert bench.fetch(remote, hours=1).messages == 2
    assert bench.fetch(remote, hours=1) == Result()
    assert remote.since == [Seen(1, 0), *[Seen(3, 2)] * 3]
    assert remote.searches == [('FROM "x"',)] * 3


def test_folder_of_which_all_is_wanted_is_not_searched_again(bench: Bench) -> None:
    remote = numbered(3)
    remote.matching = {"1", "2", "3"}
    assert bench.fetch(remote, Search="FROM x").messages == 3
    assert bench.fetch(remote, hours=1, Search="FROM x") == Result()
    assert len(remote.searches) == 1


def test_messages_that_are_deleted_before_the_first_one_that_is_not_wanted(bench: Bench) -> None:
    remote = numbered(4)
    remote.matching = {"1", "2", "4"}
    assert bench.fetch(remote, Search="FROM x", Delete="0").deleted == 3
    assert bench.fetch(remote, hours=1, Search="FROM x", Delete="0") == Result(passed=1)
    assert remote.since == [Seen(1, 0), Seen(3, 0)]


def test_so_many_in_a_run_go_from_one_place_to_the_next(bench: Bench) -> None:
    remote = numbered(5)
    for messages, left in ((2, 3), (2, 1), (1, 0), (0, 0)):
        result = bench.fetch(remote, hours=1, MaxMessages="2")
        assert (result.messages, result.left) == (messages, left)
    assert remote.since == [Seen(1, 0), Seen(3, 2), Seen(5, 4)]
    assert bench.delivered == stored("1", "2", "3", "4", "5")


def test_message_that_fails_does_not_stop_those_behind_it(bench: Bench) -> None:
    remote = numbered(4)
    remote.trouble["1"] = "no body"
    for messages, failed, left in ((0, 1, 3), (1, 0, 3), (1, 0, 2), (1, 0, 1), (0, 1, 0)):
        result = bench.fetch(remote, hours=1, MaxMessages="1")
        assert (result.messages, result.failed, result.left) == (messages, failed, left)
    assert bench.delivered == stored("2", "3", "4")


def test_what_is_delivered_is_marked(bench: Bench) -> None:
    remote = numbered(3)
    remote.trouble["2"] = "no body"
    bench.fetch(remote, MarkSeen="seen")
    assert remote.marked == [["1", "3"]]
    remote.trouble = {"2": BROKEN}
    bench.fails(remote, MarkSeen="seen")
    remote.trouble.clear()
    bench.fetch(remote, hours=1, MarkSeen="seen")
    bench.fetch(remote, hours=1, MarkSeen="seen")
    assert remote.marked == [["1", "3"], ["2"]]


def test_what_a_run_delivered_before_it_broke_is_marked_by_the_next(bench: Bench) -> None:
    remote = numbered(3)
    remote.trouble["3"] = BROKEN
    bench.fails(remote, MarkSeen="seen")
    assert remote.marked == []
    bench.fails(remote, MarkSeen="seen")
    remote.trouble.clear()
    bench.fetch(remote, hours=1, MarkSeen="seen")
    assert remote.marked == [["1", "2", "3"]]


@pytest.mark.long
def test_many_messages_go_in_many_batches(bench: Bench) -> None:
    uids = [str(number) for number in range(1, 701)]
    assert bench.fetch(shelf(*uids)).messages == 700
    assert bench.delivered == stored(*uids)
    assert len(bench.log.advanced) > 2


@pytest.mark.parametrize("piece", [1, 7, 59, 60, 61])
def test_parts_of_any_size_make_the_same_message(bench: Bench, piece: int) -> None:
    remote = shelf("1", "2")
    remote.piece = piece
    assert bench.fetch(remote).messages == 2
    assert bench.delivered == stored("1", "2")


def test_delivered_messages_are_deleted_when_they_are_due(bench: Bench) -> None:
    remote = shelf("1", "2")
    assert bench.fetch(remote, Delete="0") == Result(2, 120, 0, 0, 2)
    assert remote.mails == {}
    assert bench.delivered == stored("1", "2")


def test_message_of_another_size_than_listed_stays(bench: Bench) -> None:
    remote = shelf("1", "2")
    remote.listed_sizes = {"2": 99}
    assert bench.fetch(remote, Delete="0").deleted == 1
    assert bench.delivered == stored("1", "2")
    assert list(remote.mails) == ["2"]
    assert any("another size" in line for line in bench.log.said)
    assert bench.fetch(remote, Delete="0") == Result()
    assert list(remote.mails) == ["2"]


def test_filter_that_is_not_there_lets_nothing_through(bench: Bench) -> None:
    remote = shelf("1")
    with pytest.raises(Problem) as caught:
        bench.fetch(remote, VirusCheck="enabled")
    assert caught.value.cause == "filter"
    assert bench.delivered == []
    # With nothing new it is not missed.
    remote.mails.clear()
    assert bench.fetch(remote, VirusCheck="enabled") == Result()


def test_tls_is_asked_for_again_once_it_was_seen(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    remote = shelf("1")
    remote.tls = "TLSv1.3"

    def make(*_: object, tls_seen: bool, **__: object) -> Shelf:
        asked.append(tls_seen)
        return remote

    monkeypatch.setattr(retriever, "make", make)
    for _ in range(2):
        bench.run(connector())
    assert asked == [False, True]


class Slow(Shelf):
    """Goes on with the second message only when the first one is delivered."""

    def retrieve(self, wanted: Sequence[Remote]) -> Iterator[Part]:
        yield from self._parts(wanted[0])
        deadline = time.monotonic() + 30
        while not self.is_delivered() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.waited = self.is_delivered()
        yield from self._parts(wanted[1])

    waited = False
    is_delivered: Callable[[], bool]


@pytest.mark.slow
def test_what_came_is_delivered_while_the_server_is_slow(bench: Bench) -> None:
    remote = Slow({"1": body("1", 1 << 20), "2": body("2")})
    remote.is_delivered = lambda: len(list(bench.mail.glob("new/*"))) == 1
    assert bench.fetch(remote).messages == 2
    assert remote.waited


# How the session ends


def new_in(bench: Bench) -> int:
    return len(list(bench.mail.glob("new/*")))


@dataclass
class Leaving(Shelf):
    """Notes how much was delivered when the session ended."""

    look: Callable[[], int] = field(default=lambda: 0)
    delivered: list[int] = field(default_factory=list)

    def close(self, *, orderly: bool = True) -> None:
        super().close(orderly=orderly)
        self.delivered.append(self.look())


@pytest.mark.parametrize(("props", "leaves_mail"), [({}, False), ({"Delete": "5"}, True)])
def test_session_ends_after_all_is_delivered(bench: Bench, props: dict[str, str], leaves_mail: bool) -> None:
    """A POP3 server may delete what it has sent."""
    remote = Leaving({"1": body("1")}, leaves_mail=leaves_mail, look=lambda: new_in(bench))
    assert bench.fetch(remote, 24, **props).messages == 1
    assert (remote.orderly, remote.delivered) == ([True], [1])


def test_session_may_end_while_the_last_batch_is_delivered(bench: Bench) -> None:
    remote = Leaving({"1": body("1")})
    assert bench.fetch(remote).messages == 1
    assert remote.orderly == [True, True]


@pytest.mark.parametrize("trouble", [BROKEN, "no body"])
def test_session_is_broken_off_where_not_all_came(bench: Bench, trouble: Problem | str) -> None:
    remote = shelf("1", "2", _2=trouble)
    remote.leaves_mail = False
    with suppress(Problem):
        assert bench.fetch(remote).failed == 1
    assert remote.orderly == [False]


def test_nothing_is_deleted_over_pop3_where_not_all_came(bench: Bench) -> None:
    """To delete is to end in good order, and what is read may go with that."""
    remote = shelf("1", "2", _2_="no body")
    remote.leaves_mail = False
    assert bench.fetch(remote, Delete="0") == Result(1, 60, failed=1)
    assert remote.orderly == [False]
    assert list(remote.mails) == ["1", "2"]
    remote.trouble = {}
    assert bench.fetch(remote, Delete="0") == Result(1, 60, deleted=2)


@pytest.mark.parametrize("leaves_mail", [True, False])
@pytest.mark.parametrize("seconds", [-100, 0])
def test_run_ends_with_its_token_after_the_message_it_is_at(
    bench: Bench, leaves_mail: bool, seconds: int
) -> None:
    remote = shelf("1", "2", "3")
    remote.leaves_mail, remote.piece = leaves_mail, 7
    for delivered in (["1"], ["1", "2"]):
        found = bench.fetch_by_token(remote, seconds)
        assert found == Result(1, 60, unfinished=True)
        assert bench.delivered == stored(*delivered)
        assert bench.unfinished == []
        # What it is in the middle of cannot be ended in good order.
        assert remote.orderly[-1] is False
        assert list(remote.mails) == ["1", "2", "3"]
    # After the last one there is nothing to go on with.
    assert bench.fetch_by_token(remote, seconds) == Result(1, 60, deleted=3)
    assert bench.delivered == stored("1", "2", "3")


def test_nothing_is_asked_for_in_the_middle_of_an_answer(bench: Bench) -> None:
    """What a run that ends with its token has delivered is marked by the next one."""
    remote = shelf("1", "2", "3")
    for marked in ([], [], [["1", "2", "3"]]):
        bench.fetch_by_token(remote, 0, MarkSeen="seen")
        assert remote.marked == marked


@pytest.mark.parametrize("seconds", [90, 3600, None])
def test_run_does_not_end_before_its_token(bench: Bench, seconds: int | None) -> None:
    remote = shelf("1", "2", "3")
    assert bench.fetch_by_token(remote, seconds) == Result(3, 180, deleted=3)


def test_session_is_broken_off_where_mail_cannot_be_delivered(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise failure("quota", "No space is left.")

    remote = shelf("1", "2")
    remote.leaves_mail = False
    monkeypatch.setattr(Maildir, "sync", fail)
    assert bench.fails(remote).cause == "quota"
    assert remote.orderly == [False]


# Messages that make trouble


def test_bad_message_does_not_stop_the_others(bench: Bench) -> None:
    assert bench.fetch(shelf("1", "2", "3", _2_="no body")) == Result(2, 120, 1, 0, 0)
    assert bench.delivered == stored("1", "3")
    assert bench.unfinished == []
    assert any("Message 2" in line and "no body" in line for line in bench.log.said)


def test_bad_message_is_tried_again_and_then_set_aside(bench: Bench) -> None:
    remote = shelf("1", "2", _2_="no body")
    results = [bench.fetch(remote, Delete="0") for _ in range(ATTEMPTS + 1)]
    assert [(result.failed, result.set_aside) for result in results] == [(1, 0), (1, 0), (1, 1), (0, 0)]
    assert list(remote.mails) == ["2"]
    remote.trouble = {}
    assert bench.fetch(remote, Delete="0") == Result(aside=1)


def test_what_is_set_aside_is_told_in_each_run(bench: Bench) -> None:
    remote = shelf("1", "2", _2_="no body")
    for _ in range(ATTEMPTS + 1):
        bench.fetch(remote)
    assert any("set aside" in line and "1" in line for line in bench.log.said)


def test_server_that_gives_nothing_sets_nothing_aside(bench: Bench) -> None:
    remote = shelf("1", "2", _1_="backend down", _2_="backend down")
    results = [bench.fetch(remote, Delete="0") for _ in range(ATTEMPTS + 1)]
    assert [(result.failed, result.set_aside) for result in results] == [(2, 0)] * (ATTEMPTS + 1)
    remote.trouble = {}
    assert bench.fetch(remote, Delete="0").messages == 2


def test_bad_message_that_gets_well_is_delivered(bench: Bench) -> None:
    remote = shelf("1", "2", _2_="no body")
    bench.fetch(remote)
    remote.trouble = {}
    assert bench.fetch(remote, Delete="0") == Result(1, 60, 0, 0, 2)
    assert bench.delivered == stored("1", "2")


def test_failure_in_the_middle_of_a_message_leaves_nothing_of_it(bench: Bench) -> None:
    remote = shelf("1", "2", "3", _2_="another message came")
    remote.piece = 7
    assert bench.fetch(remote).failed == 1
    assert bench.delivered == stored("1", "3")
    assert bench.unfinished == []


def test_only_some_of_many_failures_are_named(bench: Bench) -> None:
    uids = [str(number) for number in range(1, 101)]
    remote = Shelf({uid: body(uid) for uid in uids}, dict.fromkeys(uids, "no body"))
    assert bench.fetch(remote) == Result(0, 0, 100, 0, 0)
    assert len(bench.log.said) < 30


# Connections that break


@pytest.mark.parametrize("trouble", [BROKEN, NONSENSE])
@pytest.mark.parametrize("piece", [7, 60])
def test_what_came_before_the_break_stays(bench: Bench, trouble: Problem, piece: int) -> None:
    remote = shelf("1", "2", "3", "4", _3_=trouble)
    remote.piece = piece
    assert bench.fails(remote, Delete="0") is trouble
    assert bench.delivered == stored("1", "2")
    assert bench.unfinished == []
    assert len(remote.mails) == 4
    remote.trouble = {}
    assert bench.fetch(remote, Delete="0") == Result(2, 120, 0, 0, 4)
    assert bench.delivered == stored("1", "2", "3", "4")


def test_message_at_which_the_connection_broke_comes_last_and_alone(bench: Bench) -> None:
    remote = shelf("1", "2", "3", "4", _2_=BROKEN)
    bench.fails(remote)
    remote.asked.clear()
    bench.fails(remote)
    assert remote.asked == [["3", "4"], ["2"], []]
    assert bench.delivered == stored("1", "3", "4")


def test_two_messages_at_which_it_breaks_take_turns(bench: Bench) -> None:
    remote = shelf("1", "2", "3", _1_=BROKEN, _2_=BROKEN)
    first: list[str] = []
    for _ in range(6):
        remote.asked.clear()
        bench.fails(remote)
        first.append(remote.asked[0][0])
    assert first == ["1", "2", "3", "2", "1", "2"]
    assert bench.delivered == stored("3")


@pytest.mark.long
@pytest.mark.parametrize(("trouble", "runs"), [(BROKEN, BREAKS), (NONSENSE, ATTEMPTS)])
def test_message_that_ends_every_session_is_set_aside(bench: Bench, trouble: Problem, runs: int) -> None:
    remote = shelf("1", "2", _2_=trouble)
    for _ in range(runs):
        assert not any("set aside" in line for line in bench.log.said)
        bench.fails(remote, Delete="0")
    assert any("Message 2" in line and "set aside" in line for line in bench.log.said)
    assert bench.fetch(remote, Delete="0") == Result(deleted=1, aside=1)
    assert list(remote.mails) == ["2"]


@pytest.mark.long
def test_large_message_on_a_bad_line_is_never_set_aside(bench: Bench) -> None:
    remote = shelf("1", _1_=BROKEN)
    remote.piece = 20
    for _ in range(BREAKS + 2):
        bench.fails(remote)
    remote.trouble = {}
    assert bench.fetch(remote).messages == 1


@pytest.mark.long
def test_refusal_for_the_moment_never_sets_aside(bench: Bench) -> None:
    remote = shelf("1", _1_=failure("mailbox", "Too many connections."))
    for _ in range(BREAKS + 2):
        assert bench.fails(remote).cause == "mailbox"
    remote.trouble = {}
    assert bench.fetch(remote).messages == 1


@pytest.mark.long
def test_connection_that_cannot_be_made_costs_nothing(bench: Bench) -> None:
    remote = shelf("1")
    remote.refuses = failure("credentials", "No.")
    for _ in range(BREAKS + 2):
        assert bench.fails(remote).cause == "credentials"
    remote.refuses = None
    assert bench.fetch(remote).messages == 1


def test_refused_connection_is_a_matter_of_the_network(bench: Bench) -> None:
    with pytest.raises(Problem) as caught:
        bench.run(connector())
    assert caught.value.cause == "network"


# Destinations that fail


def test_failing_destination_is_told_before_a_failing_server(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the server did meanwhile is not counted against a message that was never written."""
    bench.fetch(shelf())

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    remote = shelf("1", "2", _2_=NONSENSE)
    write = os.write
    for _ in range(ATTEMPTS + 1):
        monkeypatch.setattr(os, "write", full)
        assert bench.fails(remote).cause == "quota"
        assert bench.unfinished == []
    monkeypatch.setattr(os, "write", write)
    remote.trouble = {}
    assert bench.fetch(remote).messages == 2


# After a run that was cut off


def leave_open(bench: Bench, mail: Path, uid: str) -> None:
    """Leave what a run does that is killed just before its message is renamed."""
    with State(bench.state) as state:
        box = Maildir(mail, state.token)
        staging = box.stage()
        staging.write(body(uid))
        staged = staging.finish()
        box.sync([staged])
        folder = state.begin(connector().mailbox, 86400).folder(Folder("INBOX", 7, 1))
        folder.intend(box.location, [Intent(Remote(uid, 60), True, staged)])


def test_recovery_goes_before_the_connection(bench: Bench) -> None:
    leave_open(bench, bench.mail, "1")
    remote = shelf("1", "2")
    remote.refuses = BROKEN
    bench.fails(remote)
    assert bench.delivered == stored("1")
    remote.refuses = None
    assert bench.fetch(remote, Delete="0") == Result(1, 60, 0, 0, 2)
    assert bench.delivered == stored("1", "2")


def test_maildir_that_was_moved_after_the_cut_is_recovered(bench: Bench, tmp_path: Path) -> None:
    leave_open(bench, bench.mail, "1")
    bench.mail.rename(tmp_path / "moved")
    bench.mail = tmp_path / "moved"
    assert bench.fetch(shelf("1", "2"), Delete="0") == Result(1, 60, 0, 0, 2)
    assert bench.delivered == stored("1", "2")
    assert bench.unfinished == []


def test_message_meant_for_another_maildir_is_fetched_again(bench: Bench, tmp_path: Path) -> None:
    leave_open(bench, tmp_path / "elsewhere", "1")
    assert bench.fetch(shelf("1", "2")) == Result(2, 120, 0, 0, 0)
    assert bench.delivered == stored("1", "2")
    assert any("another place" in line for line in bench.log.said)
    assert len(list((tmp_path / "elsewhere" / "tmp").iterdir())) == 1


def test_second_run_while_one_is_running(bench: Bench) -> None:
    remote = shelf("1")
    with State(bench.state):
        assert bench.fails(remote).cause == "running"
    assert remote.visits == 0
    assert not bench.mail.exists()
