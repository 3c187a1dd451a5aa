# SPDX-License-Identifier: LGPL-2.1-or-later
"""The session below a mailbox: `cockpit-getmail imap` as a process, and imaplib on it, within bounds."""

from __future__ import annotations

import imaplib
import re
import socket
import subprocess
import tempfile
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from cockpit_getmail.problem import Problem, failure, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit_getmail.client.channel import Channel

END_SECONDS = 10.0
LINE_LIMIT = 64 << 10
LONG_LINE_LIMIT = 8 << 20
"""The UIDs of a million messages, as the answer to SEARCH has them, are one line."""
ANSWER_LIMIT = 1 << 30
"""Nothing that is asked for at once has as many octets: who sends more means to fill our memory."""
LINE_COST = 1024
"""A short line costs us as much time and memory as so many octets: imaplib keeps all of an answer."""
_REFUSED = re.compile(rb"\* BYE \[XPROBLEM (\w+) (\w+)\] (.*)")
"""As cockpit_getmail.relay tells why there is no session."""
_SSH_FAILED = 255


class Imap4(imaplib.IMAP4):
    """imaplib on the socket of a process. `selections` counts how often a folder was selected."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._room = ANSWER_LIMIT
        self.selections = 0
        super().__init__()

    def select(self, mailbox: str = "INBOX", readonly: bool = False) -> tuple[str, list[bytes | None]]:
        self.selections += 1
        return super().select(mailbox, readonly)

    def _create_socket(self, timeout: float | None) -> socket.socket:
        return self._process.socket

    def readline(self) -> bytes:
        if greeting := self._process.greeting:
            self._process.greeting = b""
            return greeting
        # That of imaplib ends at the UIDs of some hundred thousand messages.
        line: Any = self.file.readline(LONG_LINE_LIMIT)
        if len(line) >= LONG_LINE_LIMIT:
            raise self.abort(f"a line of more than {LONG_LINE_LIMIT} octets")
        self._spend(max(len(line), LINE_COST))
        return bytes(line)

    def read(self, size: int) -> bytes:
        self._spend(size)
        octets: bytes = super().read(size)
        return octets

    def send(self, data: Any) -> None:
        # What comes now is in answer to that.
        self._room = ANSWER_LIMIT
        super().send(data)

    def _spend(self, octets: int) -> None:
        self._room -= octets
        if self._room < 0:
            raise self.abort(f"more than {ANSWER_LIMIT >> 20} MiB in answer to one command")


class Process:
    """`cockpit-getmail imap`, with our socket for its standard input and output, once it has greeted."""

    def __init__(self, channel: Channel, words: Sequence[str]) -> None:
        self._channel = channel
        self.greeting = b""
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (closed when it ends)
        self.socket, other = socket.socketpair()
        argv = channel.command(*words)
        try:
            self._child = subprocess.Popen(  # noqa: S603 (quoted, and no secret)
                argv, stdin=other.fileno(), stdout=other.fileno(), stderr=self._errors
            )
        except OSError as error:
            self.socket.close()
            self._errors.close()
            raise failure("internal", f"{argv[0]} cannot be run: {error.strerror}.") from error
        finally:
            other.close()
        try:
            self._require_session()
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Have it end. Never raises."""
        with suppress(OSError):
            # To close it ends nothing while imaplib has it open, too.
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self._wait()
        self._errors.close()

    def _wait(self) -> int:
        """Return its exit status; whoever does not end is ended."""
        try:
            return self._child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            return self._child.wait()

    def _require_session(self) -> None:
        """Read its greeting. Raises Problem if it does not log in."""
        while not self.greeting.endswith(b"\n"):
            octet = self.socket.recv(1)
            if not octet or len(self.greeting) > LINE_LIMIT:
                raise self._explain()
            self.greeting += octet
        if refused := _REFUSED.match(self.greeting):
            kind, cause, text = (word.decode("utf-8", "replace") for word in refused.groups())
            raise Problem(kind, printable(text.strip()), {"cause": cause})  # type: ignore[arg-type]

    def _explain(self) -> Problem:
        """Return the Problem of a program that has ended, or is none of ours."""
        self.socket.close()
        status = self._wait()
        self._errors.seek(0)
        said = [line for line in self._errors.read().splitlines() if line.strip()]
        last = f": {printable(said[-1])}" if said else f" (exit status {status})."
        host = self._channel.host
        if host is None:
            return failure("internal", f"cockpit-getmail imap gave no session{last}")
        if status == _SSH_FAILED:
            return failure("network", f"The connection to {host} failed{last}")
        return failure("network", f"cockpit-getmail imap on {host} gave no session{last}")
