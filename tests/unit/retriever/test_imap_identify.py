# SPDX-License-Identifier: LGPL-2.1-or-later
"""Message-IDs read from answers to FETCH, whatever their senders wrote."""

import socket
import threading
from contextlib import suppress

import pytest

from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever import imap_identify
from cockpit_getmail.retriever.imap_identify import identify
from cockpit_getmail.retriever.imap_session import Session
from cockpit_getmail.transport import Connection
from tests.support.limits import bounded


class Server:
    """Answers each command with the next of `answers`, and keeps what it was told."""

    def __init__(self, *answers: bytes, status: bytes = b"OK") -> None:
        self.commands: list[bytes] = []
        self._answers = answers
        self._status = status
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with suppress(OSError), connection, connection.makefile("rb") as lines:
            for answer in self._answers:
                tag, _, command = lines.readline().rstrip().partition(b" ")
                self.commands.append(command)
                connection.sendall(answer + tag + b" " + self._status + b" done\r\n")


def ask(server: Server, *uids: int) -> dict[str, bytes]:
    endpoint = Endpoint("127.0.0.1", server.port)
    connection = Connection.open(endpoint, implicit_tls=False, timeout=5.0, deadline=None)
    try:
        return identify(Session(connection, "127.0.0.1", repr), list(uids))
    finally:
        connection.close()
        server.close()


def fetched(uid: int, header: bytes, *, section: bytes = b"BODY[HEADER.FIELDS (MESSAGE-ID)]<0>") -> bytes:
    return b"* 1 FETCH (UID %d %s {%d}\r\n%s)\r\n" % (uid, section, len(header), header)


def test_headers_by_uid() -> None:
    one, two = b"Message-ID: <a@b>\r\n\r\n", b"message-id:\r\n <folded@b>\r\n\r\n"
    server = Server(fetched(7, one) + b"* 5 EXISTS\r\n" + fetched(9, two) + fetched(11, b"\r\n"))
    assert ask(server, 7, 9, 10, 11) == {"7": one, "9": two, "11": b"\r\n"}
    [command] = server.commands
    assert command == b"UID FETCH 7,9,10,11 (UID BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]<0.2048>)"


@pytest.mark.parametrize(
    ("answer", "header"),
    [
        (b"* 1 FETCH (BODY[HEADER.FIELDS (MESSAGE-ID)]<0> {3}\r\nabc UID 7)\r\n", b"abc"),
        (b'* 1 FETCH (FLAGS (\\Seen) UID 7 BODY[HEADER.FIELDS ("Message-Id")] "a\\"c")\r\n', b'a"c'),
        (b"* 1 FETCH (uid 7 body[header.fields (MESSAGE-ID)] {0}\r\n)\r\n", b""),
    ],
)
def test_answers_that_servers_give(answer: bytes, header: bytes) -> None:
    assert ask(Server(answer), 7) == {"7": header}


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"* 1 FETCH (UID 7 FLAGS ())\r\n",
        b"* 1 FETCH (UID 7 BODY[HEADER.FIELDS (MESSAGE-ID)]<0> NIL)\r\n",
        b"* 1 FETCH (BODY[HEADER.FIELDS (MESSAGE-ID)]<0> {3}\r\nabc)\r\n",
        b"* OK UID 7 BODY[HEADER.FIELDS (MESSAGE-ID)]<0> {3}\r\n",
    ],
)
def test_what_is_no_header(answer: bytes) -> None:
    assert ask(Server(answer), 7) == {}


def test_no_sender_speaks_for_another_message() -> None:
    forged = b'Message-ID: <a) UID 8 BODY[HEADER.FIELDS (X)] "b">\r\n UID 8 \r\n\r\n'
    answer = b"* 1 FETCH (BODY[HEADER.FIELDS (MESSAGE-ID)]<0> {%d}\r\n%s UID 7)\r\n" % (len(forged), forged)
    assert ask(Server(answer), 7) == {"7": forged}


def test_many_are_asked_for_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_identify, "BATCH_MESSAGES", 2)
    server = Server(fetched(1, b"a") + fetched(2, b"b"), fetched(3, b"c"))
    assert ask(server, 1, 2, 3) == {"1": b"a", "2": b"b", "3": b"c"}
    assert [command.split()[2] for command in server.commands] == [b"1,2", b"3"]


@pytest.mark.long
def test_a_line_that_begins_again_and_again_is_read_once() -> None:
    line = b"* 1 FETCH (" + b"BODY[HEADER.FIELDS " * 50_000 + b"\r\n"
    with bounded(seconds=20, mebibytes=100):
        assert ask(Server(line), 7) == {}


@pytest.mark.parametrize(("status", "cause"), [(b"NO", "mailbox"), (b"BAD", "protocol")])
def test_refusal(status: bytes, cause: str) -> None:
    with pytest.raises(Problem) as caught:
        ask(Server(b"", status=status), 7)
    assert caught.value.cause == cause


BEGINNING = b"* 1 FETCH (UID 7 BODY[HEADER.FIELDS (MESSAGE-ID)]<0> "


@pytest.mark.long
@pytest.mark.parametrize(
    "answer",
    [
        BEGINNING + b"{4294967296}\r\n",
        BEGINNING + b"{5000000}\r\n",
        BEGINNING + b"{-1}\r\n",
        b"* 1 EXISTS\r\n" * 100_000,
    ],
    ids=["4 GiB", "5 MB", "negative", "endless"],
)
def test_server_that_sends_too_much(answer: bytes) -> None:
    with pytest.raises(Problem) as caught:
        ask(Server(answer), 7)
    assert caught.value.cause == "protocol"
