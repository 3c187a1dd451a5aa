# SPDX-License-Identifier: LGPL-2.1-or-later
"""Viruses, by clamd: one INSTREAM for each message (clamd(8))."""

from __future__ import annotations

import re
import struct
import time
from typing import TYPE_CHECKING

from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.filter.base import Verdict
from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.target import parse_host_and_port
from cockpit_getmail.transport import Connection

if TYPE_CHECKING:
    from cockpit_getmail.filter.base import Envelope
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.spool import Spool

REPLY_LIMIT = 4 << 10
_LAST_WORD_SECONDS = 1.0
_REPLY = re.compile(rb"stream: (?:(OK)|(.+) FOUND)", re.DOTALL)
_TOO_LARGE = b"INSTREAM size limit exceeded. ERROR"


class Clamd:
    """clamd at a socket: a path, or host and port."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._endpoint = endpoint
        self._timeout = timeout

    def scan(self, message: Spool, envelope: Envelope) -> Verdict:
        try:
            connection = Connection.open(
                self._endpoint,
                implicit_tls=False,
                timeout=self._timeout,
                deadline=time.monotonic() + self._timeout,
            )
            try:
                return parse_reply(_ask(connection, message))
            finally:
                connection.close()
        except Problem as problem:
            if problem.cause not in ("network", "protocol"):
                raise
            raise failure("filter", f"clamd did not answer. {problem.message}") from problem


def make(settings: Settings) -> Clamd:
    found = parse_host_and_port(settings.clamd_socket)
    return Clamd(Endpoint(*(found or (settings.clamd_socket, 0))), settings.filter_timeout)


def parse_reply(reply: bytes) -> Verdict:
    """Return what clamd's reply to INSTREAM says. Raises Problem (filter) if that is nothing we know."""
    if match := _REPLY.fullmatch(reply):
        name = match[2]
        return Verdict("deliver") if match[1] else Verdict("quarantine", f"clamd found {printable(name)}.")
    if reply == _TOO_LARGE:
        return Verdict("fail", "it is larger than clamd takes (StreamMaxLength).")
    raise failure("filter", f"clamd did not scan a message: {printable(reply) or 'no answer'}.")


def _ask(connection: Connection, message: Spool) -> bytes:
    """Send a message and return the reply."""
    try:
        connection.write(b"zINSTREAM\0")
        for chunk in message.chunks():
            connection.write(struct.pack("!L", len(chunk)) + chunk)
        connection.write(struct.pack("!L", 0))
    except Problem:
        # It may have hung up on a large message, with a word of why.
        connection.limit_time(_LAST_WORD_SECONDS)
        reply = _read(connection)
        if reply != _TOO_LARGE:
            raise
        return reply
    return _read(connection)


def _read(connection: Connection) -> bytes:
    reply = b""
    while b"\0" not in reply:
        if len(reply) >= REPLY_LIMIT:
            raise failure("protocol", f"It answered more than {REPLY_LIMIT} octets.")
        reply += connection.read_some(REPLY_LIMIT)
    return reply[: reply.index(b"\0")]
