# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that gets a message on its standard input, for a bounded time; little of its output is kept."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import time
from contextlib import suppress
from functools import cache
from shutil import which
from typing import TYPE_CHECKING, NamedTuple, cast

from cockpit_getmail.environment import ENVIRONMENT, identify
from cockpit_getmail.problem import failure, printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import IO

WORDS_OCTETS = 1024
"""So much of what a program says is kept."""
_READ = 16 << 10
_FLEETING = re.compile("/(dev|proc|run|sys|tmp|var/tmp)(?!/user$)(/|$)")
"""Where nobody has mail that is to stay."""
_CANNOT_START = (126, 127)
_SAYS_SO = b"setpriv: "


class Ended(NamedTuple):
    """How a program ended: its exit status, or the negative number of the signal that ended it.

    `status` is None if its time was up. `words` is the beginning of its output and errors.
    """

    status: int | None
    words: bytes


def run(argv: Sequence[str], message: int, seconds: float) -> Ended:
    """Run a program to its end, at most so many seconds: then it is killed with all that it has started.

    `message` is the descriptor of a file: the end of a pipe would be the end of the message for a program,
    also where this process is killed in the middle of it. Raises OSError if it cannot be started.
    """
    deadline = time.monotonic() + seconds
    guard = _find_guard()
    with subprocess.Popen(  # noqa: S603 (no shell, and the administrator's own program)
        [*guard, *argv],
        stdin=message,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        bufsize=0,
        env={**ENVIRONMENT, **identify()},
        cwd="/",
        start_new_session=True,
    ) as child:
        try:
            words, in_time = _attend(child, deadline)
        finally:
            if child.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
        status = child.wait()
    if guard and status in _CANNOT_START and words.startswith(_SAYS_SO):
        raise OSError(words.removeprefix(_SAYS_SO).decode("utf-8", "replace").strip())
    return Ended(status if in_time else None, words)


def require_lasting(mounts: str = "/proc/self/mountinfo") -> None:
    """Raise Problem (settings) if a unit hides folders by others in memory to which a program may write.

    It would find room there, and what it delivers would be gone with the unit.
    """
    if "CREDENTIALS_DIRECTORY" not in os.environ:
        return
    with open(mounts, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            # proc_pid_mountinfo(5)
            mount, _, system = line.partition(" - ")
            point, options = mount.split()[4:6]
            is_open = system.startswith("tmpfs ") and "rw" in options.split(",")
            if is_open and not _FLEETING.match(point):
                message = (
                    f"What is written to {printable(point)} would end with the run, as it is hidden from it. "
                    "A drop-in must name the very folders to write to in ReadWritePaths=, none above them."
                )
                raise failure("settings", message)


@cache
def _find_guard() -> tuple[str, ...]:
    """Return what lets a program end with this process, however that ends (PR_SET_PDEATHSIG, prctl(2)).

    A unit takes all its processes with it, and there this may not be allowed; a run in the foreground that is
    killed would leave its program alone.
    """
    found = which("setpriv", path=ENVIRONMENT["PATH"])
    if found is None:
        return ()
    guard = (found, "--pdeathsig", "KILL", "--")
    tried = subprocess.run(  # noqa: S603 (fixed words)
        [*guard, found, "--version"],
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )
    return () if tried.returncode else guard


def _attend(child: subprocess.Popen[bytes], deadline: float) -> tuple[bytes, bool]:
    """Listen to a program until it ends: return what it said, and whether in time.

    What it has started may go on and keep its output open: that is not waited for.
    """
    listener = _Listener(cast("IO[bytes]", child.stdout).fileno())
    end = os.pidfd_open(child.pid)
    try:
        poll = select.poll()
        poll.register(listener.descriptor, select.POLLIN)
        poll.register(end, select.POLLIN)
        while (left := deadline - time.monotonic()) > 0:
            ready = {descriptor for descriptor, _ in poll.poll(left * 1000)}
            if end in ready:
                listener.listen()
                return listener.words, True
            if listener.descriptor in ready and not listener.listen():
                poll.unregister(listener.descriptor)
        return listener.words, False
    finally:
        os.close(end)


class _Listener:
    """A pipe of which the beginning counts: the rest is read so that nobody waits for it."""

    def __init__(self, descriptor: int) -> None:
        os.set_blocking(descriptor, False)
        self.descriptor = descriptor
        self.words = b""

    def listen(self) -> bool:
        """Read what is there; return whether more may come."""
        try:
            data = os.read(self.descriptor, _READ)
        except BlockingIOError:
            return True
        self.words = (self.words + data)[:WORDS_OCTETS]
        return bool(data)
