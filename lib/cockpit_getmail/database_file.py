# SPDX-License-Identifier: LGPL-2.1-or-later
"""The file under the database: read whole, locked by one writer at a time, replaced at once and durably."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
import time
from contextlib import contextmanager, suppress

from cockpit_getmail.durable import sync_folder
from cockpit_getmail.problem import Problem, failure, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cockpit_getmail.words import Type

LOCK_WAIT = 30.0
"""Seconds a writer waits for the others."""
_LOCK_POLL = 0.01


def read(path: str | Path) -> bytes:
    """Return the content now, nothing for a missing file. Raises Problem (cause internal, with `path`)."""
    with _explained(path, "read"):
        return _read(os.fspath(path))


class Writer:
    """One writer's turn: the exclusive lock, and the content under it. Every method raises Problem.

    A symbolic link is followed, so that the file it names is locked and replaced and the link stays.
    """

    def __init__(self, path: str | Path) -> None:
        """Wait for the others, LOCK_WAIT seconds at most (Problem of type Timeout), and read."""
        self._path = path
        self._target = os.path.realpath(path)
        self._lock = _Lock(self._target + ".lock")
        try:
            with _explained(path, "written"):
                _make_folder(os.path.dirname(self._target))
                self._lock.acquire()
                _remove_leftovers(self._target)
                self.data = _read(self._target)
        except BaseException:
            self.close()
            raise

    def replace(self, data: bytes) -> None:
        """Make data the content. A crash or a full disk leaves the old file or the new one, of mode 0600."""
        with _explained(self._path, "written"):
            if not self._lock.is_held():
                self._lock.acquire()
                if _read(self._target) != self.data:
                    raise _refusal(self._target, "Conflict", "was changed by another program meanwhile")
            _replace(self._target, data)

    def close(self) -> None:
        """Let the next writer in."""
        self._lock.release()


class _Lock:
    """The flock of a file that the e-smith Perl library takes too, and unlinks when it leaves.

    It is never unlinked here: the Perl library does not look whether the file it has locked is still there.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._descriptor = -1

    def acquire(self) -> None:
        deadline = time.monotonic() + LOCK_WAIT
        while True:
            self.release()
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            self._descriptor = os.open(self._name, flags, 0o600)
            while not self._try():
                if time.monotonic() > deadline:
                    raise _refusal(self._name, "Timeout", f"is held by another program for {LOCK_WAIT:g} s")
                time.sleep(_LOCK_POLL)
            if self.is_held():
                return

    def _try(self) -> bool:
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def is_held(self) -> bool:
        """Whether what is locked is still the file that others find. Another may have unlinked it since."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.lstat(self._name))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _read(name: str) -> bytes:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return b""
    with open(descriptor, "rb") as file:
        # A FIFO would hang the reader, and a writer would put a file in the place of a device.
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return file.read()


def _replace(target: str, data: bytes) -> None:
    folder, name = os.path.split(target)
    temporary = os.path.join(folder, f".{name}.{os.urandom(8).hex()}.tmp")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(temporary, flags, 0o600)
    try:
        try:
            _fill(descriptor, data, target)
        finally:
            os.close(descriptor)
        os.rename(temporary, target)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(folder)


def _fill(descriptor: int, data: bytes, target: str) -> None:
    os.fchmod(descriptor, 0o600)  # the umask may have left less
    if os.geteuid() == 0:
        with suppress(FileNotFoundError):
            old = os.stat(target)
            os.fchown(descriptor, old.st_uid, old.st_gid)
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


def _remove_leftovers(target: str) -> None:
    """Unlink the temporary files of writers that were killed: under the lock there is no other writer."""
    folder, name = os.path.split(target)
    ours = re.compile(re.escape(f".{name}.") + r"[0-9a-f]{16}\.tmp")
    for entry in filter(ours.fullmatch, os.listdir(folder)):
        with suppress(OSError):
            os.unlink(os.path.join(folder, entry))


def _make_folder(folder: str) -> None:
    """Make the folder and those above it where they are missing. Below root's, others have their mail."""
    if not os.path.isdir(folder):
        parent = os.path.dirname(folder)
        _make_folder(parent)
        with suppress(FileExistsError):
            os.mkdir(folder, 0o755 if os.geteuid() == 0 else 0o700)
        sync_folder(parent)


def _refusal(name: str, kind: Type, fact: str) -> Problem:
    message = f"{printable(name)} {fact}: nothing was written. Try again."
    return failure("internal", message, kind=kind, path=name)


@contextmanager
def _explained(path: str | Path, done: str) -> Iterator[None]:
    """Turn an OSError into a Problem that says what to do."""
    try:
        yield
    except OSError as error:
        advice = ""
        if isinstance(error, PermissionError) and os.geteuid() != 0:
            advice = " Run this as root."
        elif error.errno in (errno.ENOSPC, errno.EDQUOT):
            advice = " Nothing was changed: free some space and try again."
        reason = error.strerror or str(error)
        message = f"The connector database {printable(os.fspath(path))} cannot be {done}: {reason}.{advice}"
        raise failure("internal", message, path=os.fspath(path)) from error
