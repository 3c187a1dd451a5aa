# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers that lie about what matches a search: nothing else is fetched, marked or deleted, nothing twice."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cockpit_getmail import fetch
from tests.mail.test_imap_hostile import imap_session
from tests.support.fetching import Account, enter, make_connector
from tests.support.hostile import Rules, Server, Session, Step, close, hang, imap, repeat, tagged
from tests.support.limits import bounded

IMAP = "SimpleIMAPRetriever"
BODIES = {number: b"Subject: %d\r\n\r\n" % number + b"x" * 84 + b"\r\n" for number in range(1, 10)}
FETCH = r"UID FETCH (\S+) \(UID BODY\.PEEK\[\]\)"
SEARCH = r"UID SEARCH (?:RETURN \(ALL\) )?UID .*"
WITH_LITERAL = r"UID SEARCH CHARSET UTF-8 UID .* SUBJECT \{3\}"
WANTED = {"Search": "FROM x", "Delete": "0", "MarkSeen": "seen"}


def expand(uid_set: bytes) -> list[int]:
    uids: list[int] = []
    for span in uid_set.split(b","):
        low, _, high = span.partition(b":")
        uids += range(int(low), int(high or low) + 1)
    return uids


def send_bodies(session: Session) -> None:
    assert session.match
    for uid in expand(session.match[2]):
        body = BODIES[uid]
        session.send(b"* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (uid, uid, len(body), body))
    session.play([tagged()])


def mailbox(overrides: Rules) -> list[Step]:
    """Return the script of a server with three messages."""
    table = {
        FETCH: send_bodies,
        "UID SEARCH ALL": tagged(b"* SEARCH 1 2 3\r\n"),
        r"UID STORE .*": tagged(),
        r"UID EXPUNGE .*": tagged(),
    }
    return imap({**overrides, **table}, 3)


@contextmanager
def served(tmp_path: Path, *plays: Rules) -> Iterator[tuple[Server, Account]]:
    with Server(*(mailbox(play) for play in plays)) as server:
        yield server, Account(tmp_path)


def subjects(account: Account) -> list[bytes]:
    return [message.splitlines()[0].removeprefix(b"Subject: ") for message in account.messages]


def touched(server: Server) -> list[bytes]:
    """Return the UIDs of commands that change something."""
    return [line.split(b" ")[3] for line in server.commands(r"\S+ UID (STORE|EXPUNGE) .*")]


@pytest.mark.parametrize(
    "answer",
    [
        b"* SEARCH 2 9 2 77 2000\r\n",
        b"* SEARCH 9 8 7\r\n* SEARCH 2\r\n* SEARCH 2\r\n",
        b"* 4 EXISTS\r\n* SEARCH 4 5 2\r\n* 1 FETCH (UID 1 RFC822.SIZE 5)\r\n",
        b'* ESEARCH (TAG "x") UID ALL 2,4:50\r\n',
    ],
)
def test_uids_that_are_not_there_are_not_asked_for(tmp_path: Path, answer: bytes) -> None:
    with served(tmp_path, {SEARCH: tagged(answer)}) as (server, account):
        result = account.fetch(make_connector(IMAP, server.port, **WANTED))
        assert (result.messages, result.passed, result.left) == (1, 2, 0)
        assert subjects(account) == [b"2"]
        assert set(touched(server)) == {b"2"}


def test_what_is_here_already_is_not_fetched_again(tmp_path: Path) -> None:
    plays = [{SEARCH: tagged(b"* SEARCH 1 2\r\n")}, {SEARCH: tagged(b"* SEARCH 1 2 3\r\n")}]
    with served(tmp_path, *plays) as (server, account):
        wanted = make_connector(IMAP, server.port, Search="FROM x", Delete="-1")
        assert account.fetch(wanted).messages == 2
        assert account.fetch(wanted).messages == 1
        assert account.fetch(wanted) == (0,) * 8 + (False, 0, 0, 0)
        assert subjects(account) == [b"1", b"2", b"3"]
        assert touched(server) == []


def test_silence_is_no_match(tmp_path: Path) -> None:
    with served(tmp_path, {SEARCH: tagged()}) as (server, account):
        result = account.fetch(make_connector(IMAP, server.port, **WANTED))
        assert (result.messages, result.passed) == (0, 3)
        assert touched(server) == []


REFUSALS: dict[str, tuple[Step | list[Step], str]] = {
    "all UIDs that there can be": (tagged(b"* ESEARCH UID ALL 1:4294967295\r\n"), "protocol"),
    "UID 0": (tagged(b"* SEARCH 0\r\n"), "protocol"),
    "negative UID": (tagged(b"* SEARCH -2\r\n"), "protocol"),
    "no UID": (tagged(b"* SEARCH two\r\n"), "protocol"),
    "endless UIDs": ([b"* SEARCH", repeat(b" 1")], "protocol"),
    "endless lines": ([repeat(b"* SEARCH 1 2\r\n")], "protocol"),
    "unknown": (tagged(status=b"BAD what?"), "connector"),
    "refused": (tagged(status=b"NO [BADCHARSET (US-ASCII)] not in this charset"), "connector"),
    "not now": (tagged(status=b"NO [UNAVAILABLE] later"), "mailbox"),
    "gone": (close, "network"),
    "goodbye": (b"* BYE I am off\r\n", "network"),
    "silent": (hang, "network"),
}


@pytest.mark.parametrize("name", REFUSALS)
@pytest.mark.parametrize("is_literal", [False, True], ids=["line", "literal"])
def test_answer_that_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, is_literal: bool
) -> None:
    """Also where it comes in place of the word to go on."""
    monkeypatch.setattr(fetch, "SILENCE_SECONDS", 1.0)
    step, cause = REFUSALS[name]
    wanted = {**WANTED, "Search": "SUBJECT üx"} if is_literal else WANTED
    with (
        served(tmp_path, {WITH_LITERAL if is_literal else SEARCH: step}) as (server, account),
        bounded(seconds=30, mebibytes=64),
    ):
        problem = account.fails(make_connector(IMAP, server.port, **wanted))
        assert problem.cause == cause, problem
        assert account.messages == []
        assert touched(server) == []


def test_mark_that_is_refused_is_told(tmp_path: Path) -> None:
    play = {
        SEARCH: tagged(b"* SEARCH 1 3\r\n"),
        "UID STORE .* .FLAGS.SILENT .*Seen.*": tagged(status=b"NO \x1b no"),
    }
    with served(tmp_path, play) as (server, account):
        wanted = make_connector(IMAP, server.port, Search="FROM x", MarkSeen="seen")
        assert account.fetch(wanted).messages == 2
        assert [line for line in account.log.said if "marked" in line] == [
            "Nothing is marked as seen: \\x1b no"
        ]
        # And not tried again and again.
        account.fetch(wanted)
        assert touched(server) == [b"1,3"]


def test_sizes_that_are_lies(tmp_path: Path) -> None:
    """What is announced larger than it may be is passed over, what turns out larger stays on the server."""
    sizes = b"".join(
        b"* %d FETCH (UID %d RFC822.SIZE %d)\r\n" % (n, n, (99, 5 << 30, 1)[n - 1]) for n in (1, 2, 3)
    )
    play = {r"UID FETCH \S+ \(UID RFC822\.SIZE.*\)": tagged(sizes)}
    with served(tmp_path, play) as (server, account):
        result = account.fetch(make_connector(IMAP, server.port, MaxSize="1000", Delete="0"))
        assert (result.messages, result.passed, result.deleted) == (2, 1, 0)
        assert subjects(account) == [b"1", b"3"]


def test_search_is_among_what_was_listed(tmp_path: Path) -> None:
    with Server(mailbox({SEARCH: tagged(b"* SEARCH 1 2 3 4 5\r\n")})) as server:
        session = imap_session(server.port)
        enter(session)
        listed, _ = session.list_new({("1", 0): 100}, bare=True)
        assert [message.uid for message in session.search(("ALL",), listed)] == ["2", "3"]
        session.close()
