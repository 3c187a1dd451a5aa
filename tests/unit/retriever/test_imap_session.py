# SPDX-License-Identifier: LGPL-2.1-or-later
"""Answers to IMAP commands as octets. With servers: tests/mail."""

import socket
import threading
from collections.abc import Callable, Sequence
from contextlib import closing, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.retriever.imap_session import COMMAND_LIMIT, Answer, Session, response_code
from cockpit_getmail.transport import Connection


def after(said: bytes, do: Callable[[Session], object], tag: bytes = b"TAG") -> object:
    """Return what a session makes of these octets, in which `TAG` stands for the tag of its first command."""
    ours, theirs = socket.socketpair()
    threads: list[threading.Thread] = []
    with closing(Connection(ours, Endpoint("mail.example", 143), 5.0, None)) as connection, theirs:
        session = Session(connection, "mail.example", printable)
        send = session.send

        def answer(octets: bytes) -> None:
            with suppress(OSError):
                theirs.sendall(octets)
                theirs.shutdown(socket.SHUT_WR)

        def send_and_answer(command: str | bytes) -> bytes:
            used = send(command)
            threads.append(threading.Thread(target=answer, args=(said.replace(tag, used),)))
            threads[-1].start()
            return used

        session.send = send_and_answer  # type: ignore[method-assign]
        try:
            return do(session)
        finally:
            connection.close()
            for thread in threads:
                thread.join()


def asked(said: bytes) -> Answer:
    answer = after(said, lambda session: session.ask("NOOP"))
    assert isinstance(answer, Answer)
    return answer


def greeted(said: bytes) -> Session:
    ours, theirs = socket.socketpair()
    theirs.sendall(said)
    theirs.close()
    session = Session(Connection(ours, Endpoint("mail.example", 143), 5.0, None), "mail.example", printable)
    with closing(session.connection):
        session.greet()
    return session


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        (b"TAG OK done\r\n", Answer("OK", b"done", [])),
        (b"TAG ok\r\n", Answer("OK", b"", [])),
        (b"* 3 EXISTS\r\n* X\r\nTAG NO [LIMIT] x\r\n", Answer("NO", b"[LIMIT] x", [b"3 EXISTS", b"X"])),
        (b"* LIST () {5}\r\nIN\r\nX x\r\nTAG BAD\r\n", Answer("BAD", b"", [b"LIST () {5}\r\nIN\r\nX x"])),
        (b"* OK free text {5}\r\nTAG OK {7}\r\n", Answer("OK", b"{7}", [b"OK free text {5}"])),
    ],
)
def test_answers(said: bytes, answer: Answer) -> None:
    assert asked(said) == answer


@pytest.mark.long
@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (b"", "network"),
        (b"TAG OK", "network"),
        (b"TAG MAYBE\r\n", "protocol"),
        (b"cg99999999 OK\r\n", "protocol"),
        (b"+ go on\r\n", "protocol"),
        (b"* BYE\r\n", "network"),
        (b"* BYE so long\r\nTAG OK\r\n", "network"),
        (b"* LIST {x}\r\n", "protocol"),
        (b"* LIST {99999999}\r\n", "protocol"),
        (b"* 1 EXISTS\r\n" * (COMMAND_LIMIT // 64 + 1) + b"TAG OK\r\n", "protocol"),
        (b"* X {0}\r\n" + b" {0}\r\n" * (COMMAND_LIMIT // 64) + b"TAG OK\r\n", "protocol"),
    ],
)
def test_what_is_no_answer_has_a_cause(said: bytes, cause: str) -> None:
    with pytest.raises(Problem) as caught:
        asked(said)
    assert caught.value.cause == cause


@pytest.mark.parametrize(
    ("said", "known"),
    [
        (b"* CAPABILITY IMAP4rev1 Idle\r\nTAG OK CAPABILITY completed\r\n", {"IMAP4REV1", "IDLE"}),
        (b"* OK [CAPABILITY IMAP4rev1 X] ready\r\nTAG OK\r\n", {"IMAP4REV1", "X"}),
        (b"TAG OK [CAPABILITY IMAP4rev1 Y] in\r\n", {"IMAP4REV1", "Y"}),
    ],
)
def test_capabilities_are_taken_where_they_are_said(said: bytes, known: set[str]) -> None:
    assert after(said, lambda session: session.capabilities()) == known


@pytest.mark.parametrize(
    "said",
    [
        b"TAG OK CAPABILITY IMAP4rev1\r\n",
        b"TAG NO [CAPABILITY IMAP4rev1] x\r\n",
        b"* CAPABILITY X\r\nTAG OK\r\n",
    ],
)
def test_capabilities_must_be_said(said: bytes) -> None:
    with pytest.raises(Problem) as caught:
        after(said, lambda session: session.capabilities())
    assert caught.value.cause == "protocol"


def test_log_in_forgets_what_was_said_before() -> None:
    session = greeted(b"* OK [CAPABILITY IMAP4rev1 OLD] hello\r\n")
    assert session.capabilities() == {"IMAP4REV1", "OLD"}

    def log_in(session: Session) -> object:
        session._capabilities = frozenset({"IMAP4REV1", "OLD"})
        session.log_in(b"LOGIN a b")
        return session._capabilities

    assert after(b"TAG OK in\r\n", log_in) is None
    assert after(b"TAG OK [CAPABILITY IMAP4rev1 NEW] in\r\n", log_in) == {"IMAP4REV1", "NEW"}


@pytest.mark.parametrize(
    "said", [b"* NO x\r\n", b"* BAD x\r\n", b"OK\r\n", b"* OKAY\r\n", b"+OK pop\r\n", b"\0\r\n"]
)
def test_greeting_that_is_none(said: bytes) -> None:  # fmt: skip
    with pytest.raises(Problem) as caught:
        greeted(said)
    assert caught.value.cause == "protocol"


PIECES = [b"TAG ", b"* ", b"OK ", b"NO", b"\r\n", b"{3}\r\n", b"{0}", b"+ ", b"(", b"]", b"BYE"]


@pytest.mark.long
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=9), max_size=12))
def test_any_octets_are_an_answer_or_a_problem(pieces: list[bytes]) -> None:
    said = b"".join(pieces)
    with suppress(Problem):
        assert asked(said).status in ("OK", "NO", "BAD")
        assert b"TAG " in said


@pytest.mark.parametrize(
    ("text", "code"), [(b"[limit] x", "LIMIT"), (b"[A B] x", "A"), (b"x [A]", ""), (b"[", ""), (b"", "")]
)
def test_response_code(text: bytes, code: str) -> None:
    assert response_code(text) == code


def sent(pieces: Sequence[str], capabilities: str, answers: bytes = b"+ go on\r\n") -> bytes:
    """Return what goes to a server that says `answers` where it is asked whether to go on with a literal.

    `TAG` stands for the tag.
    """
    ours, theirs = socket.socketpair()
    heard = bytearray()

    def serve() -> None:
        with suppress(OSError):
            while data := theirs.recv(65536):
                heard.extend(data)
                if heard.endswith(b"}\r\n"):
                    theirs.sendall(answers.replace(b"TAG", heard.partition(b" ")[0]))

    thread = threading.Thread(target=serve)
    thread.start()
    with closing(Connection(ours, Endpoint("mail.example", 143), 5.0, None)) as connection:
        session = Session(connection, "mail.example", printable)
        session._capabilities = frozenset({"IMAP4REV1", *capabilities.split()})
        try:
            tag = session.send_pieces(pieces, lambda line: failure("connector", line.decode()))
        finally:
            ours.shutdown(socket.SHUT_WR)
            thread.join()
            theirs.close()
    return bytes(heard).replace(tag, b"TAG")


COMMAND = ("X CHARSET UTF-8 ", "ü", " Y ", "日本" * 700, ")")
LONG = COMMAND[3].encode()


@pytest.mark.parametrize(
    ("capabilities", "marks"),
    [("", (b"", b"")), ("LITERAL-", (b"+", b"")), ("LITERAL+", (b"+", b"+"))],
)
def test_literals(capabilities: str, marks: tuple[bytes, bytes]) -> None:
    short, long = marks
    assert len(LONG) == 4200
    assert sent(COMMAND, capabilities) == (
        b"TAG X CHARSET UTF-8 {2%b}\r\n\xc3\xbc Y {4200%b}\r\n%b)\r\n" % (short, long, LONG)
    )


@pytest.mark.parametrize(
    ("answers", "cause"),
    [
        (b"* 4 EXISTS\r\n* OK {2}\r\n+\r\n", None),
        (b"TAG NO [BADCHARSET] x\r\n", "connector"),
        (b"* BYE\r\n", "network"),
        (b"250 go ahead\r\n", "protocol"),
        (b"* 1 EXISTS\r\n" * (COMMAND_LIMIT // 64 + 1), "protocol"),
    ],
)
def test_what_comes_in_place_of_the_word_to_go_on(answers: bytes, cause: str | None) -> None:
    if cause is None:
        assert sent(COMMAND[:3], "", answers) == b"TAG X CHARSET UTF-8 {2}\r\n\xc3\xbc Y \r\n"
        return
    with pytest.raises(Problem) as caught:
        sent(COMMAND[:3], "", answers)
    assert caught.value.cause == cause
