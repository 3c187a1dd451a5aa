# SPDX-License-Identifier: LGPL-2.1-or-later
"""One message kept until all of it is there, for who must have it whole: filters, LMTP, a program."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from cockpit_getmail.problem import failure
from cockpit_getmail.sqlite import FULL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cockpit_getmail.durable import StrPath
    from cockpit_getmail.words import Cause

MEMORY_OCTETS = 1 << 20
"""A larger message goes to the disk, so that memory does not grow with it."""
CHUNK_OCTETS = 64 << 10
_NEW_FILE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Spool:
    """Octets as they were written, CRLF and all. What goes to the disk has no name there in `folder`.

    Raises Problem (quota, internal). Once nothing more is written, several threads may read.
    """

    def __init__(self, folder: StrPath) -> None:
        self._folder = folder
        self._memory = bytearray()
        self._file = -1
        self.size = 0

    def write(self, data: bytes) -> None:
        self.size += len(data)
        if self._file < 0:
            self._memory += data
            if self.size <= MEMORY_OCTETS:
                return
            data, self._memory = bytes(self._memory), bytearray()
        try:
            self._append(data)
        except OSError as error:
            cause: Cause = "quota" if error.errno in FULL else "internal"
            reason = error.strerror or error
            message = f"A large message cannot be kept in {self._folder} on its way: {reason}."
            raise failure(cause, message) from error

    def chunks(self) -> Iterator[bytes]:
        """Yield all of it in order, each time from the beginning."""
        at = 0
        while piece := self._read(at, CHUNK_OCTETS):
            yield piece
            at += len(piece)

    def head(self, limit: int) -> bytes:
        """Return its first octets, so many at most."""
        found = b""
        while len(found) < limit and (piece := self._read(len(found), limit - len(found))):
            found += piece
        return found

    def open(self) -> int:
        """Return a descriptor, to be closed, from which another process reads all of it."""
        try:
            if self._file >= 0:
                return os.open(f"/proc/self/fd/{self._file}", os.O_RDONLY | os.O_CLOEXEC)
            made = os.memfd_create("message")
            with open(made, "wb", closefd=False) as file:
                file.write(self._memory)
            os.lseek(made, 0, os.SEEK_SET)
            return made
        except OSError as error:
            raise failure("internal", f"A message cannot be handed on: {error.strerror}.") from error

    def close(self) -> None:
        """Forget it. Never raises."""
        self._memory = bytearray()
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, data: bytes) -> None:
        if self._file < 0:
            self._file = _open_nameless(self._folder)
        view = memoryview(data)
        while view:
            view = view[os.write(self._file, view) :]

    def _read(self, at: int, octets: int) -> bytes:
        if self._file < 0:
            return bytes(self._memory[at : at + octets])
        try:
            return os.pread(self._file, octets, at)
        except OSError as error:
            message = f"A large message cannot be read again in {self._folder}: {error.strerror}."
            raise failure("internal", message) from error


def _open_nameless(folder: StrPath) -> int:
    try:
        return os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except OSError as error:
        # Not every file system has that, such as NFS, and what containers have before Linux 6.1.
        if error.errno not in (errno.EOPNOTSUPP, errno.EISDIR):
            raise
    name = os.path.join(folder, f".{os.urandom(8).hex()}.new")
    descriptor = os.open(name, _NEW_FILE, 0o600)
    os.unlink(name)
    return descriptor
