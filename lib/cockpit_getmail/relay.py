# SPDX-License-Identifier: LGPL-2.1-or-later
"""An IMAP session that is logged in, for a program to speak on: `cockpit-getmail imap`.

Whoever speaks there needs no secret, and gets none: the session begins as one where the server knows who it
is (PREAUTH, RFC 3501 section 7.1.4). From then on octets go both ways as they are.
"""

from __future__ import annotations

import os
import re
import select
import time
from contextlib import contextmanager, suppress
from ssl import SSLWantReadError, SSLWantWriteError
from typing import TYPE_CHECKING

from cockpit_getmail import retriever as retrievers
from cockpit_getmail.problem import Problem, failure, printable

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable, Iterator

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.retriever.imap import Imap
    from cockpit_getmail.settings import Settings

IDLE_SECONDS = 1860.0
"""A server may end a session after half an hour (RFC 3501 section 5.4); IDLE is renewed before (RFC 2177)."""
LINGER_SECONDS = 5.0
"""So much silence there is after one end has closed, until what the other may still say is given up."""
ROOM = 256 << 10
"""Octets that are kept for an end that does not take them."""
PIECE = 64 << 10
PIPE_PIECE = select.PIPE_BUF
"""So much a pipe takes at once, if it takes anything: its other end is not ours to be made non-blocking."""
TEXT_OCTETS = 900
_ATOM = re.compile(r"[A-Z0-9][A-Z0-9=+.:/_-]{0,99}")
_OF_LOG_IN = re.compile(r"STARTTLS|LOGINDISABLED|SASL-IR|AUTH=.*")
"""Capabilities that are for what is over."""
_READ, _WRITE = select.POLLIN, select.POLLOUT


def open_mailbox(connector: Connector, ca_pem: str | None, settings: Settings) -> Imap:
    """Return the mailbox of a connector, logged in and with its capabilities, for serve(). Raises Problem."""
    if connector.protocol != "imap":
        raise failure("connector", "This is for IMAP: POP3 has nothing like it.", kind="Conflict")
    deadline = time.monotonic() + settings.remote_timeout
    retriever = retrievers.make(connector, ca_pem=ca_pem, timeout=settings.remote_timeout, deadline=deadline)
    try:
        retriever.open()
        mailbox: Imap = retriever  # type: ignore[assignment]
        # Asked for here, a server's trouble with it is still told in the greeting.
        mailbox.session.capabilities()
    except BaseException:
        retriever.close()
        raise
    return mailbox


def serve(mailbox: Imap, source: int, sink: int, idle: float = IDLE_SECONDS) -> None:
    """Greet, and relay between the server and two descriptors until one end closes.

    Raises Problem (network) if nobody says anything for so many seconds, or the connection breaks.
    """
    connection = mailbox.session.connection
    try:
        greeting = f"* PREAUTH [CAPABILITY {_list(mailbox.session.capabilities())}] ready\r\n"
        sock, unread = connection.detach()
        _Relay(sock, source, sink, greeting.encode() + unread, idle).run()
    finally:
        # Nothing is said any more: there may be half a command.
        connection.close()


@contextmanager
def refusing(sink: int) -> Iterator[None]:
    """Tell a descriptor of a Problem in this block, as a server that greets and then gives no session.

    Its type and cause are in a response code, for Client.mailbox().
    """
    try:
        yield
    except Problem as problem:
        text = printable(problem.message).encode()[:TEXT_OCTETS]
        code = f"[XPROBLEM {problem.type} {problem.cause}]"
        with suppress(OSError):
            os.write(sink, b"* BYE %s %s\r\n" % (code.encode(), text))
        raise


def _list(capabilities: Iterable[str]) -> str:
    names = sorted(name for name in capabilities if _ATOM.fullmatch(name) and not _OF_LOG_IN.fullmatch(name))
    # First, as RFC 3501 section 7.2.1 wants a client to find it.
    return " ".join(["IMAP4rev1", *(name for name in names if name != "IMAP4REV1")])


class _Relay:
    """Octets between a socket, which waits for nothing, and two descriptors that may be pipes."""

    def __init__(self, sock: socket.socket, source: int, sink: int, first: bytes, idle: float) -> None:
        self._sock = sock
        self._source = source
        self._sink = sink
        self._idle = idle
        self._to_server = bytearray()
        self._to_sink = bytearray(first)
        self._source_open = self._server_open = self._sink_open = True
        # What TLS waits for need not be what is asked of it.
        self._server_needs = 0
        self._moved = time.monotonic()

    def run(self) -> None:
        """Relay until it is over. Raises Problem (network) if both ends are silent, or the server breaks."""
        self._sock.setblocking(False)
        while not self._is_over():
            progress = self._receive() | self._send()
            self._wait(0.0 if progress else self._left())

    def _is_over(self) -> bool:
        if not self._sink_open or not (self._server_open or self._to_sink):
            return True
        if self._left() > 0:
            return False
        if self._source_open and self._server_open:
            raise failure("network", f"Nobody said anything for {self._idle:g} seconds.")
        return True

    def _left(self) -> float:
        # Whoever is slow is told to the end what the server has said.
        waits = (self._source_open and self._server_open) or self._to_sink
        limit = self._idle if waits else min(self._idle, LINGER_SECONDS)
        return max(0.0, self._moved + limit - time.monotonic())

    def _receive(self) -> bool:
        """Take from the server what is there; return whether there was something."""
        if not self._server_open or len(self._to_sink) >= ROOM:
            return False
        try:
            data = self._sock.recv(PIECE)
        except (BlockingIOError, SSLWantReadError, SSLWantWriteError) as error:
            self._server_needs |= _WRITE if isinstance(error, SSLWantWriteError) else _READ
            return False
        except OSError as error:
            raise failure("network", f"The connection broke: {error.strerror or error}.") from error
        self._server_open = bool(data)
        self._to_sink += data
        return self._move()

    def _send(self) -> bool:
        """Give the server what it takes; return whether it took something."""
        if not self._server_open or not self._to_server:
            return False
        try:
            sent = self._sock.send(self._to_server[:PIECE])
        except (BlockingIOError, SSLWantReadError, SSLWantWriteError) as error:
            self._server_needs |= _READ if isinstance(error, SSLWantReadError) else _WRITE
            return False
        except OSError:
            # What it has said before that is still to be read.
            self._to_server.clear()
            self._source_open = False
            return False
        del self._to_server[:sent]
        return self._move()

    def _wait(self, seconds: float) -> None:
        """Wait until something can be moved, and move what goes through the descriptors."""
        poll = select.poll()
        if self._source_open and len(self._to_server) < ROOM:
            poll.register(self._source, _READ)
        # Also with nothing to write: that nobody reads any more is told all the same.
        poll.register(self._sink, _WRITE if self._to_sink else 0)
        if self._server_open and self._server_needs:
            poll.register(self._sock, self._server_needs)
        self._server_needs = 0
        for descriptor, event in poll.poll(1000 * seconds):
            if descriptor == self._source and self._source_open:
                self._read_source()
            if descriptor == self._sink:
                self._write_sink(event)

    def _read_source(self) -> None:
        try:
            data = os.read(self._source, PIECE)
        except OSError:
            data = b""
        self._source_open = bool(data)
        self._to_server += data
        self._move()

    def _write_sink(self, event: int) -> None:
        if not event & _WRITE:
            self._sink_open = False
            return
        try:
            del self._to_sink[: os.write(self._sink, self._to_sink[:PIPE_PIECE])]
        except OSError:
            self._sink_open = False
        self._move()

    def _move(self) -> bool:
        self._moved = time.monotonic()
        return True
