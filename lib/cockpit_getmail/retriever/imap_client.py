# SPDX-License-Identifier: LGPL-2.1-or-later
"""IMAPClient over a Connection: what carries no mail."""

import imaplib
import re
import socket
from typing import Any

from imapclient import IMAPClient

from cockpit_getmail.problem import failure, printable
from cockpit_getmail.transport import Connection, Endpoint

LINE_LIMIT = 1 << 20
COMMAND_LIMIT = 4 << 20
"""Octets a server may send in answer to one command."""


_STATUS_LITERAL = re.compile(rb"\A(\* (?:OK|NO|BAD|BYE|PREAUTH) .*\})\r\n", re.IGNORECASE)


class Wire(imaplib.IMAP4):
    """imaplib over a Connection, with a bound on what one command may bring back."""

    def __init__(self, connection: Connection, server: str) -> None:
        self._connection = connection
        self._server = server
        self._budget = COMMAND_LIMIT
        self._response: bytes | None = None
        super().__init__()

    @property
    def debug(self) -> int:
        """Always 0: IMAPClient would format each line, passwords among them, for a logger nobody reads."""
        return 0

    @debug.setter
    def debug(self, _: int) -> None:
        pass

    @property
    def said_bye(self) -> bool:
        return "BYE" in self.untagged_responses

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        self.host, self.port = host, port

    def _connect(self) -> None:
        try:
            super()._connect()  # type: ignore[misc]
        except self.error as error:
            welcome = getattr(self, "welcome", None) or b""
            if not welcome.startswith(b"* BYE"):
                raise
            said = printable(welcome[2:].strip())
            raise failure("network", f"{self._server} turns connections away: {said}") from error

    def ask(self, name: str, *arguments: bytes, response: bytes | None = None) -> tuple[str, bytes]:
        """Send a command of the log-in; return the status, also if it is BAD, and the text as octets.

        `response` is sent if the server asks for one.
        """
        self._response = response
        if response is not None:
            self.literal = self._respond  # type: ignore[assignment]
        tag = self._command(name, *arguments)
        kind, data = self._get_tagged_response(tag)
        return kind, data[-1]

    def _respond(self, _: bytes) -> bytes:
        response, self._response = self._response, None
        if response is None:
            raise failure("protocol", f"{self._server} asks for the password again and again.")
        return response

    def read(self, size: int) -> bytes:
        self._spend(size)
        return self._connection.read(size)

    def readline(self) -> bytes:
        line = self._connection.read_line(LINE_LIMIT)
        # A short line costs imaplib as much time as a long one.
        self._spend(max(len(line), 64))
        # Free text that ends like the announcement of a literal is none (RFC 3501 section 7.1).
        return _STATUS_LITERAL.sub(rb"\1 \r\n", line)

    def send(self, data: Any) -> None:
        self._budget = COMMAND_LIMIT
        self._connection.write(data)

    def shutdown(self) -> None:
        self._connection.close()

    @property
    def sock(self) -> socket.socket:  # type: ignore[override]
        return self._connection.sock

    def socket(self) -> socket.socket:
        return self._connection.sock

    def _spend(self, octets: int) -> None:
        self._budget -= octets
        if self._budget < 0:
            raise failure(
                "protocol", f"The server answered one command with more than {COMMAND_LIMIT >> 20} MiB."
            )


class Client(IMAPClient):  # type: ignore[misc]
    """IMAPClient over a Connection."""

    def __init__(self, connection: Connection, endpoint: Endpoint) -> None:
        self.connection = connection
        super().__init__(endpoint.server, endpoint.port, ssl=False)

    @property
    def wire(self) -> Wire:
        wire: Wire = self._imap
        return wire

    def start_tls(self) -> None:
        """STARTTLS (RFC 3501 section 6.2.1); what the server said of itself before it is forgotten."""
        if self.wire._simple_command("STARTTLS")[0] != "OK":
            raise failure("tls", f"{self.host} offers TLS and then refuses it.")
        self.connection.start_tls()
        self._starttls_done = True
        self._cached_capabilities = None
        self.wire.untagged_responses.clear()

    def _create_IMAP4(self) -> Wire:  # IMAPClient's name
        return Wire(self.connection, self.host)
