# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connections through a program, whose standard input and output they are."""

from __future__ import annotations

import os
import select
import shlex
import signal
import socket
import subprocess
import threading
from contextlib import suppress

from cockpit_getmail.environment import ENVIRONMENT, identify
from cockpit_getmail.formats import is_command
from cockpit_getmail.problem import Problem, failure, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import IO

END_SECONDS = 0.3
"""So long a program has to end by itself once its connection is closed, and again once it is asked to."""
_WORDS_OCTETS = 4096
"""So much of the end of what it complains of is kept."""


class Tunnel:
    """A program that connects. `socket` is our end; it is the caller's to close."""

    def __init__(self, command: str) -> None:
        """Start a program by its absolute path with arguments, quoted as for a shell; no shell reads them.

        It has a clean environment and no terminal. Raises Problem (connector).
        """
        argv = split(command)
        self.socket, other = socket.socketpair()
        try:
            self._child = subprocess.Popen(  # noqa: S603 (no shell, and the administrator's own program)
                argv,
                stdin=other.fileno(),
                stdout=other.fileno(),
                stderr=subprocess.PIPE,
                bufsize=0,
                env={**ENVIRONMENT, **identify()},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            self.socket.close()
            message = f"The Tunnel {printable(argv[0])} cannot be run: {error.strerror}."
            raise failure("connector", message, parameter="Tunnel") from error
        finally:
            other.close()
        self._end = os.pidfd_open(self._child.pid)
        self._program = argv[0]
        self._words = b""
        self._listener = threading.Thread(target=self._listen, args=(self._child.stderr,), daemon=True)
        self._listener.start()

    def explain_end(self) -> Problem | None:
        """Return why the program has ended, None if it has not."""
        if not self._ends():
            return None
        # What it has started may keep its errors open.
        self._listener.join(END_SECONDS)
        found = os.waitid(os.P_PID, self._child.pid, os.WEXITED | os.WNOWAIT)
        status = found.si_status if found else 0
        is_signal = found is not None and found.si_code != os.CLD_EXITED
        ended = f"signal {status}" if is_signal else f"exit status {status}"
        lines = self._words.strip().splitlines()
        reason = f": {printable(lines[-1]).rstrip('.')}" if lines else ""
        return failure("network", f"The Tunnel {printable(self._program)} ended ({ended}){reason}.")

    def end(self) -> None:
        """End the program, and all that it has started with it. Never raises."""
        if not self._ends():
            self._signal(signal.SIGTERM)
            self._ends()
        self._signal(signal.SIGKILL)
        self._child.wait()
        os.close(self._end)

    def _ends(self) -> bool:
        """Whether it has come to its end, or does so in a moment. Its number stays its own."""
        poll = select.poll()
        poll.register(self._end, select.POLLIN)
        return bool(poll.poll(END_SECONDS * 1000))

    def _signal(self, number: signal.Signals) -> None:
        with suppress(OSError):
            os.killpg(self._child.pid, number)

    def _listen(self, stream: IO[bytes]) -> None:
        with suppress(OSError, ValueError), stream:
            while data := stream.read(_WORDS_OCTETS):
                self._words = (self._words + data)[-_WORDS_OCTETS:]


def split(command: str) -> list[str]:
    """Return a Tunnel's program and its arguments. Raises Problem (connector) if it is none."""
    if not is_command(command):
        message = "Tunnel must be a program's absolute path, and arguments quoted as for a shell."
        raise failure("connector", message, parameter="Tunnel")
    return shlex.split(command)
