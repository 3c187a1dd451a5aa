# SPDX-License-Identifier: LGPL-2.1-or-later
"""The one door to other programs: a clean environment, bounded time, bounded output."""

import os
import selectors
import signal
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NamedTuple

from cockpit_getmail.environment import ENVIRONMENT
from cockpit_getmail.problem import failure

OUTPUT_LIMIT = 64 << 10
_READ = 16 << 10


class Finished(NamedTuple):
    """How a program ended. `status` is None if it was killed: too slow, or more output than allowed."""

    status: int | None
    output: bytes
    errors: bytes


class Identity(NamedTuple):
    """Who a program is run as, and what it gets beside ENVIRONMENT."""

    uid: int
    gid: int
    groups: Sequence[int]
    variables: Mapping[str, str]


def run(
    argv: Sequence[str],
    *,
    stdin: bytes = b"",
    timeout: float,
    output_limit: int = OUTPUT_LIMIT,
    user: Identity | None = None,
    variables: Mapping[str, str] | None = None,
    own_group: bool = False,
) -> Finished:
    """Run a program to its end, at most `timeout` seconds and so many octets of output, and of errors.

    With a `user` it is run as that one; `variables` are more for its environment. With `own_group` it has a
    session of its own, without a terminal, and all of that is killed that did not come to its end in time.
    Raises Problem (cause internal) if it cannot be started.
    """
    deadline = time.monotonic() + timeout
    with _as_file(stdin) as file:
        try:
            child = subprocess.Popen(  # noqa: S603 (no shell, and the caller quotes)
                argv,
                stdin=file,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**ENVIRONMENT, **(variables or {}), **(user.variables if user else {})},
                cwd="/",
                start_new_session=own_group,
                user=user and user.uid,
                group=user and user.gid,
                extra_groups=user and user.groups,
            )
        except OSError as error:
            raise failure("internal", f"{argv[0]} cannot be run: {error.strerror}.") from error
    with child:
        try:
            output, errors, whole = _collect(child, deadline, output_limit)
            status = child.wait(max(0.0, deadline - time.monotonic())) if whole else None
        except subprocess.TimeoutExpired:
            status = None
        finally:
            # Until it is waited for, its number is nobody else's.
            if own_group and child.returncode is None:
                with suppress(OSError):
                    os.killpg(child.pid, signal.SIGKILL)
            child.kill()
    return Finished(status, output, errors)


def attend(argv: Sequence[str], user: Identity, *, stdin: bytes, stops: Iterable[signal.Signals]) -> int:
    """Run a program as another user, with this process's output, and pass signals on to it until it ends.

    Returns its exit status, or the negative number of the signal that ended it. Its session has no terminal
    to control it: it cannot type for whoever reads there (TIOCSTI, ioctl_tty(2)). Raises OSError.
    """
    asked: list[int] = []
    child: subprocess.Popen[bytes] | None = None

    def stop(number: int, _frame: FrameType | None) -> None:
        asked.append(number)
        if child:
            child.send_signal(number)

    handled = [number for number in stops if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, stop) for number in handled}
    try:
        with _as_file(stdin) as file:
            child = subprocess.Popen(  # noqa: S603 (no shell, and the caller's own program)
                argv,
                stdin=file,
                env={**ENVIRONMENT, **user.variables},
                cwd="/",
                umask=0o077,
                start_new_session=True,
                user=user.uid,
                group=user.gid,
                extra_groups=user.groups,
            )
        for early in asked:
            child.send_signal(early)
        return child.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def passing_through(argv: Sequence[str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program on this process's own standard streams; it does not outlive the block.

    Raises Problem (cause internal) if it cannot be started.
    """
    try:
        child = subprocess.Popen(argv, env=ENVIRONMENT, cwd="/")  # noqa: S603 (no shell, and the caller quotes)
    except OSError as error:
        raise failure("internal", f"{argv[0]} cannot be run: {error.strerror}.") from error
    with child:
        try:
            yield child
        finally:
            child.kill()


@contextmanager
def _as_file(data: bytes) -> Iterator[int]:
    """Give a descriptor to read data from. It never touches a disk, and unlike a pipe it never fills."""
    file = os.memfd_create("stdin", os.MFD_CLOEXEC)
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
        os.lseek(file, 0, os.SEEK_SET)
        yield file
    finally:
        os.close(file)


def _collect(child: subprocess.Popen[bytes], deadline: float, limit: int) -> tuple[bytes, bytes, bool]:
    """Return output and errors, and whether both came to their end in time and within the limit."""
    streams = (child.stdout, child.stderr)
    read: dict[object, bytearray] = {stream: bytearray() for stream in streams}
    with selectors.DefaultSelector() as selector:
        for stream in streams:
            if stream is not None:
                selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            for key, _ in ready:
                data = os.read(key.fd, _READ)
                read[key.fileobj] += data
                if not data:
                    selector.unregister(key.fileobj)
            if not ready or any(len(data) > limit for data in read.values()):
                break
        whole = not selector.get_map()
    output, errors = (bytes(read[stream][:limit]) for stream in streams)
    return output, errors, whole
