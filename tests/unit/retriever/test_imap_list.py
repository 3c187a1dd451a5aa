# SPDX-License-Identifier: LGPL-2.1-or-later
"""Listings of folders as servers give them, and as none should. With Dovecot: tests/mail."""

from collections.abc import Callable, Sequence
from contextlib import closing
from typing import TypeVar

import pytest

from cockpit_getmail import retriever
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever.base import ALL, INBOX, Listed, Retriever, Status
from cockpit_getmail.retriever.imap_list import FOLDERS_LIMIT
from tests.support.fetching import make_connector
from tests.support.hostile import Script, Server, Step, close, imap, tagged
from tests.support.hostile import Session as HostileSession
from tests.support.limits import bounded

T = TypeVar("T")
EXTENDED = "IMAP4rev1 LIST-EXTENDED SPECIAL-USE LIST-STATUS"
FULL = "RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY))"


def ask(
    overrides: dict[str, Step | Script], do: Callable[[Retriever], T], capabilities: str = "IMAP4rev1"
) -> tuple[T, list[bytes]]:
    """Return what comes of a session, and the commands after the log-in without their tags."""
    with Server(imap(overrides, capabilities=capabilities)) as server:
        connector = make_connector("SimpleIMAPRetriever", server.port)
        with closing(retriever.make(connector, ca_pem=None, timeout=5.0)) as session:
            session.open()
            done = do(session)
    words = [line.partition(b" ")[2] for line in server.received]
    return done, [line for line in words if not line.startswith((b"CAPABILITY", b"LOGIN", b"LOGOUT"))]


def listed(said: bytes, capabilities: str = "IMAP4rev1") -> list[Listed]:
    return ask({"X?LIST .*": tagged(said)}, lambda session: session.list_folders(), capabilities)[0]


def refused(said: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        listed(said)
    return caught.value


@pytest.mark.parametrize(
    ("line", "folder"),
    [
        (rb'* LIST () "/" INBOX', INBOX._replace(separator="/")),
        (rb'* LIST () "." inbox', INBOX._replace(separator=".")),
        (rb"* list (\Marked) NIL Work", Listed("Work", b"Work", "", frozenset({"\\marked"}))),
        (rb'* LIST (\HasNoChildren \Sent) "/" "Gesendet"',
         Listed("Gesendet", b"Gesendet", "/", frozenset({"\\hasnochildren", "\\sent"}))),
        (rb'* LIST () "\\" "a\"b\\c"', Listed('a"b\\c', b'a"b\\c', "\\")),
        (rb'* LIST () "/" "Entw&APw-rfe"', Listed("Entwürfe", b"Entw&APw-rfe", "/")),
        (rb'* LIST () "/" "a b" ("CHILDINFO" ("SUBSCRIBED"))', Listed("a b", b"a b", "/")),
        (b'* LIST () "/" {4}\r\na"\r\n', Listed(r'a"\x0d\x0a', b'a"\r\n', "/")),
        (b'* LIST () "/" {2}\r\n  ', Listed("  ", b"  ", "/")),
        (b'* LIST () "/" {1}\r\n\xff', Listed(r"\xff", b"\xff", "/")),
        (b'* LIST () "/" ../../etc', Listed("../../etc", b"../../etc", "/")),
        (rb'* XLIST (\HasNoChildren \Inbox) "/" Posteingang',
         Listed("INBOX", b"INBOX", "/", frozenset({"\\hasnochildren", "\\inbox"}))),
        (rb'* XLIST (\AllMail \Spam \Starred) "/" x',
         Listed("x", b"x", "/", frozenset({"\\all", "\\junk", "\\flagged"}))),
    ],
)  # fmt: skip
def test_folder(line: bytes, folder: Listed) -> None:
    assert listed(line + b"\r\n") == [folder]


@pytest.mark.parametrize(
    "line",
    [
        *(b"LIST", b"LIST (", b'LIST () "/"', b'LIST () "/" ', b'LIST () "//" a', b'LIST () "" a'),
        *(b'LIST () "/" "a', b'LIST () "/" ""', b'LIST () "/" {0}\r\n', b'LIST "/" a', b'LIST ((a)) "/" b'),
        b'LIST () "/" ' + b"a" * 4097,
    ],
)
def test_what_is_no_folder_ends_the_session(line: bytes) -> None:
    problem = refused(b"* " + line + b"\r\n")
    assert problem.cause == "protocol"
    assert "\r" not in problem.message


def test_folder_that_is_listed_twice_is_one() -> None:
    assert listed(
        b'* LIST () "/" INBOX\r\n* LIST () "/" Inbox\r\n* LIST () "/" a\r\n* LIST () "/" a\r\n'
    ) == [
        INBOX._replace(separator="/"),
        Listed("a", b"a", "/"),
    ]


def test_status_comes_with_the_listing() -> None:
    said = (
        b'* LIST () "/" INBOX\r\n* STATUS inbox (MESSAGES 3 UIDNEXT 9 UIDVALIDITY 7)\r\n'
        b'* LIST () "/" "a (b"\r\n* STATUS "a (b" (UIDVALIDITY 8 UIDNEXT 1 MESSAGES 0 X)\r\n'
        b'* STATUS {1}\r\nc (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)\r\n* LIST () "/" c\r\n'
        b'* LIST () "/" d\r\n* STATUS d (MESSAGES 1 UIDVALIDITY 3)\r\n'
        b'* LIST () "/" e\r\n* STATUS e (MESSAGES 1 UIDNEXT 0 UIDVALIDITY 3)\r\n'
        b'* LIST () "/" f\r\n* STATUS f (MESSAGES -1 UIDNEXT 1 UIDVALIDITY 99999999999)\r\n'
        b'* LIST () "/" g\r\n* STATUS g\r\n'
    )
    found = {folder.name: folder.status for folder in listed(said, EXTENDED)}
    assert found == {
        "INBOX": Status(7, 9, 3), "a (b": Status(8, 1, 0), "c": Status(3, 2, 1),
        "d": None, "e": None, "f": None, "g": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("capabilities", "patterns", "command"),
    [
        ("IMAP4rev1", ALL, b'LIST "" "*"'),
        ("IMAP4rev1 SPECIAL-USE XLIST", ALL, b'LIST "" "*"'),
        ("IMAP4rev1 XLIST", ALL, b'XLIST "" "*"'),
        ("IMAP4rev1", (b"a", b"b%"), b'LIST "" "*"'),
        ("IMAP4rev1 LIST-EXTENDED", (b"a",), b'LIST "" "a"'),
        (EXTENDED, ALL, b'LIST "" "*" ' + FULL.encode()),
        (EXTENDED, (b"INBOX", b'a"\\', b"b%"), rb'LIST "" ("INBOX" "a\"\\" "b%") ' + FULL.encode()),
        (EXTENDED, (b"INBOX", b"\xff"), b'LIST "" "*" ' + FULL.encode()),
    ],
)
def test_command_is_the_best_that_the_server_knows(
    capabilities: str, patterns: Sequence[bytes], command: bytes
) -> None:
    def do(session: Retriever) -> list[Listed]:
        return session.list_folders(patterns)

    assert ask({"X?LIST .*": tagged()}, do, capabilities) == ([], [command])


@pytest.mark.parametrize("status", [b"BAD what?", b"NO not now"])
def test_server_that_cannot_do_what_it_offers_is_asked_plainly(status: bytes) -> None:
    overrides: dict[str, Step | Script] = {
        "LIST .*RETURN.*": tagged(status=status),
        "LIST .*": tagged(b'* LIST () "/" a\r\n'),
    }
    found, commands = ask(overrides, lambda session: session.list_folders(), EXTENDED)
    assert [folder.name for folder in found] == ["a"]
    assert len(commands) == 2


@pytest.mark.parametrize(("status", "cause"), [(b"BAD what?", "protocol"), (b"NO not now", "mailbox")])
def test_refused_listing_has_its_cause(status: bytes, cause: str) -> None:
    with pytest.raises(Problem) as caught:
        ask({"LIST .*": tagged(status=status)}, lambda session: session.list_folders())
    assert caught.value.cause == cause


@pytest.mark.long
def test_as_many_folders_as_an_account_may_have() -> None:
    lines = b"".join(
        b'* LIST (\\HasNoChildren) "/" "Folder %d"\r\n'
        b'* STATUS "Folder %d" (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)\r\n' % (number, number)
        for number in range(FOLDERS_LIMIT)
    )
    found = listed(lines, EXTENDED)
    assert len(found) == FOLDERS_LIMIT
    assert found[-1].status == Status(3, 2, 1)


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "times"), [(b"a%d", FOLDERS_LIMIT + 1), (b"a" * 4000 + b"%d", 17_000)], ids=["many", "long"]
)
def test_more_folders_than_any_account_has(name: bytes, times: int) -> None:
    lines = b"".join(b'* LIST () "/" ' + name % number + b"\r\n" for number in range(times))
    assert refused(lines).cause == "protocol"


@pytest.mark.long
def test_attributes_take_bounded_memory() -> None:
    many = b" ".join(b"\\%x" % number for number in range(100_000))
    long = b"".join(b'* LIST (%b \\a%d) "/" a%d\r\n' % (many, number, number) for number in range(60))
    with bounded(seconds=60, mebibytes=200):
        assert len(listed(long)) == 60
    kinds = b"".join(b'* LIST (\\a%d) "/" a%d\r\n' % (number, number) for number in range(2000))
    assert refused(kinds).cause == "protocol"


def test_status_of_many_is_asked_for_at_once() -> None:
    folders = [INBOX._replace(status=Status(1, 1, 1)), *(Listed(name, name.encode()) for name in "abc")]
    odd = [Listed(r"\xff", b"\xff"), *(Listed(f"f{number}", b"f%d" % number) for number in range(150))]
    waiting: list[bytes] = []
    answered: list[bytes] = []

    def answer(session: HostileSession) -> None:
        assert session.match
        waiting.append(session.match["tag"])
        # What can be no quoted string is not asked for.
        if len(waiting) == 99 or len(waiting + answered) == 153:
            # In an order of its own, and not for all.
            said = b"* STATUS f1 (MESSAGES 1 UIDNEXT 2 UIDVALIDITY 3)\r\n* STATUS c (MESSAGES 1)\r\n"
            ends = b"".join(tag + b" NO none\r\n" for tag in reversed(waiting))
            session.send(b'* STATUS "b" (MESSAGES 4 UIDNEXT 5 UIDVALIDITY 6)\r\n' + said + ends)
            answered.extend(waiting)
            waiting.clear()

    found, commands = ask({"STATUS .*": answer}, lambda session: session.add_statuses([*folders, *odd]))
    statuses = {folder.name: folder.status for folder in found if folder.status}
    assert statuses == {"INBOX": Status(1, 1, 1), "b": Status(6, 5, 4), "f1": Status(3, 2, 1)}
    assert [folder.name for folder in found] == [folder.name for folder in (*folders, *odd)]
    assert commands[0] == b'STATUS "a" (MESSAGES UIDNEXT UIDVALIDITY)'
    assert len(commands) == 153


@pytest.mark.long
def test_status_of_what_was_not_asked_for_is_not_kept() -> None:
    count = iter(range(1_000_000))

    def answer(session: HostileSession) -> None:
        assert session.match
        others = b"".join(
            b"* STATUS x%d (UIDVALIDITY 1 UIDNEXT 1 MESSAGES 0)\r\n" % next(count) for _ in range(500)
        )
        session.send(others + session.match["tag"] + b" OK done\r\n")

    waiting = [Listed(str(number), b"%d" % number) for number in range(800)]
    with bounded(seconds=60, mebibytes=50):
        found, _ = ask({"STATUS .*": answer}, lambda session: session.add_statuses(waiting))
    assert found == waiting


@pytest.mark.parametrize(
    "said", [b"* STATUS\r\n", b"+ go on\r\n", b"a OK\r\n", b"* BYE\r\n", b"* STATUS {9}\r\n"]
)
def test_status_that_is_none_ends_the_session(said: bytes) -> None:
    def do(session: Retriever) -> list[Listed]:
        return session.add_statuses([INBOX, Listed("a", b"a")])

    with pytest.raises(Problem) as caught:
        ask({"STATUS .*": [said, close]}, do)
    assert caught.value.cause in ("protocol", "network")


@pytest.mark.parametrize(
    ("said", "prefix"),
    [
        (b'* NAMESPACE (("INBOX." ".")) NIL NIL\r\n', "INBOX."),
        (b'* NAMESPACE (("" "/")) (("~" "/")) NIL\r\n', ""),
        (b'* namespace (("M&APw-ll/" "/" "X-PARAM" ("a" "b"))("x/" "/")) NIL NIL\r\n', "Müll/"),
        (b"* NAMESPACE NIL NIL NIL\r\n", ""),
        (b'* NAMESPACE (("\r\n', ""),
        (b"", ""),
    ],
)
def test_prefix_of_own_folders(said: bytes, prefix: str) -> None:
    def do(session: Retriever) -> str:
        return session.find_prefix()

    assert ask({"NAMESPACE": tagged(said)}, do, "IMAP4rev1 NAMESPACE")[0] == prefix


def test_without_namespaces_nobody_asks_for_them() -> None:
    assert ask({}, lambda session: session.find_prefix()) == ("", [])
