# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program on a terminal of its own, and a person who types.

with Terminal(["cockpit-getmail", "add"]) as terminal:
    terminal.expect("Server: ")
    terminal.type("imap.example.com")
    assert terminal.wait() == 0
assert "Added" in terminal.shown
"""

import errno
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType

PATIENCE = 60.0
SIZE = (40, 120)
_ESCAPE = re.compile(r"\x1b(\[[0-9;?]*[a-zA-Z]|\][^\x07]*\x07|[=>()][A-Z0-9]?)")


class Terminal:
    """`raw` is all that was written to it, `shown` the same without what moves a cursor or colours."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str]) -> None:
        self.raw = ""
        self._seen = 0
        self._mine, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        self.process = subprocess.Popen(
            argv,
            stdin=its,
            stdout=its,
            stderr=its,
            env={"TERM": "xterm-256color", **env},
            preexec_fn=_take_terminal,
        )
        os.close(its)

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._mine)

    @property
    def shown(self) -> str:
        return _ESCAPE.sub("", self.raw).replace("\r\n", "\n")

    def expect(self, text: str) -> None:
        """Wait until something new is shown that has this text in it."""
        deadline = time.monotonic() + PATIENCE
        while (found := self.shown.find(text, self._seen)) < 0:
            assert time.monotonic() < deadline, f"{text!r} is not shown: {self.shown!r}"
            assert self._read(), f"It ended without {text!r}: {self.shown!r}"
        self._seen = found + len(text)

    def type(self, line: str, end: str = "\n") -> None:
        os.write(self._mine, f"{line}{end}".encode())

    def wait(self) -> int:
        """Return the exit status of the program when it has ended."""
        deadline = time.monotonic() + PATIENCE
        while self._read():
            assert time.monotonic() < deadline, f"It does not end: {self.shown!r}"
        return self.process.wait(PATIENCE)

    def _read(self) -> bool:
        """Take what was written in the meantime; return whether there may be more to come."""
        if not select.select([self._mine], [], [], 0.05)[0]:
            return True
        try:
            data = os.read(self._mine, 65536)
        except OSError as error:
            # So a terminal ends that no process has open any more.
            if error.errno != errno.EIO:
                raise
            return False
        self.raw += data.decode(errors="replace")
        return bool(data)


def _take_terminal() -> None:
    os.setsid()
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
