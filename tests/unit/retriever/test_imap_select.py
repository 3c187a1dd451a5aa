# SPDX-License-Identifier: LGPL-2.1-or-later
"""EXAMINE and SELECT: how a folder is named to the server, and what it answers."""

import pytest

from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever.base import INBOX, Folder, FolderProblem, Listed
from cockpit_getmail.retriever.imap_select import Opened, select
from cockpit_getmail.retriever.imap_session import Answer, Session
from tests.unit.retriever.test_imap_session import after

SAID = b"* 3 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 9] ok\r\n"
FLAGS = b"* OK [PERMANENTFLAGS (\\Seen \\*)] ok\r\n"
BOTH = frozenset({rb"\deleted", rb"\seen"})


def unexplained(_answer: Answer) -> None:
    return None


def opened(said: bytes, listed: Listed = INBOX, command: str = "SELECT") -> Opened:
    found = after(said, lambda session: select(session, listed, command, unexplained))
    assert isinstance(found, Opened)
    return found


@pytest.mark.parametrize(
    ("said", "settable"),
    [
        (SAID + b"TAG OK [READ-WRITE] done\r\n", BOTH),
        (SAID + b"TAG OK [READ-ONLY] done\r\n", frozenset()),
        (SAID + FLAGS + b"TAG OK done\r\n", frozenset({rb"\seen", rb"\*"})),
    ],
)
def test_what_a_folder_says(said: bytes, settable: frozenset[bytes]) -> None:
    assert opened(said) == Opened(Folder("INBOX", 7, 3, 9), settable)


@pytest.mark.parametrize(
    ("listed", "sent"),
    [
        (INBOX, b"EXAMINE INBOX"),
        (Listed("Entwürfe", b"Entw&APw-rfe"), b'EXAMINE "Entw&APw-rfe"'),
        (Listed('a"\\', b'a"\\'), rb'EXAMINE "a\"\\"'),
        (Listed(r"\xff", b"\xff"), b"EXAMINE {1}"),
        (Listed(r"a\x0d\x0ab", b"a\r\nb"), b"EXAMINE {4}"),
    ],
)
def test_how_a_folder_is_named(listed: Listed, sent: bytes) -> None:
    commands: list[bytes] = []

    def do(session: Session) -> Opened:
        write = session.connection.write

        def listen(data: bytes) -> None:
            commands.append(data)
            write(data)

        session.connection.write = listen  # type: ignore[method-assign]
        return select(session, listed, "EXAMINE", unexplained)

    after(b"+ go on\r\n" * sent.endswith(b"}") + SAID + b"TAG OK done\r\n", do)
    assert commands[0].partition(b" ")[2] == sent + b"\r\n"
    assert commands[1:] == ([listed.wire + b"\r\n"] if sent.endswith(b"}") else [])


@pytest.mark.parametrize(
    ("said", "listed", "cause"),
    [
        (b"TAG NO [NONEXISTENT] none\r\n", INBOX, "mailbox"),
        (b"TAG BAD what\r\n", INBOX, "protocol"),
        (b"TAG BAD what\r\n", Listed("a", b"a"), "mailbox"),
        (b"TAG NO go away\r\n", Listed(r"\xff", b"\xff"), "mailbox"),
        (b"* 3 EXISTS\r\nTAG OK\r\n", INBOX, "protocol"),
        (b"* OK [UIDVALIDITY 4294967296] x\r\n* 3 EXISTS\r\nTAG OK\r\n", INBOX, "protocol"),
        (b"* OK [UIDVALIDITY 7] x\r\nTAG OK\r\n", Listed("a", b"a"), "protocol"),
    ],
)
def test_folder_that_does_not_open(said: bytes, listed: Listed, cause: str) -> None:
    with pytest.raises(FolderProblem) as caught:
        opened(said, listed)
    assert caught.value.cause == cause
    assert listed is INBOX or listed.name in caught.value.message


def test_name_with_nul_cannot_be_sent() -> None:
    with pytest.raises(FolderProblem, match="No command"):
        opened(b"", Listed(r"\x00", b"\0"))


def test_refusal_may_have_another_reason() -> None:
    problem = failure("credentials", "Sign in again.")
    with pytest.raises(Problem) as caught:
        after(b"TAG NO x\r\n", lambda session: select(session, INBOX, "EXAMINE", lambda _: problem))
    assert caught.value is problem
