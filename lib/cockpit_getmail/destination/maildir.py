# SPDX-License-Identifier: LGPL-2.1-or-later
"""Delivery into a Maildir (cr.yp.to/proto/maildir.html; Maildir++ for subfolders), durable and exactly once.

A message is written to tmp/ under a name never used again, and renamed into new/ once it is on disk and its
intent is recorded. The name in new/ adds Dovecot's S= (octets as stored) and W= (octets with a CR before
every LF): a W= that is not just what Dovecot counts makes it break off when the message is read.
"""

import errno
import os
import re
import socket
import stat
import time
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cockpit_getmail.destination import file_system
from cockpit_getmail.destination.base import Refusal, Staged
from cockpit_getmail.durable import make_folder
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever.base import BATCH_MESSAGES

if TYPE_CHECKING:
    from cockpit_getmail.destination import Target
    from cockpit_getmail.durable import StrPath
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.words import Cause

FOLDERS = ("tmp", "new", "cur")
SYNC_TOGETHER = 8
"""From so many messages on a batch is synced with its whole file system, where that can be relied on."""
SLOW_SECONDS = 1.0
"""If that takes longer, others are writing much: from then on each message is synced for itself."""
LARGE_OCTETS = 128 << 10
"""The kernel begins to write a message of so many at once, however it is synced then."""
_SIZES = re.compile("S=[0-9]+,W=[0-9]+")
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def make(target: "Target", settings: "Settings", token: str, state_folder: "StrPath") -> "Maildir":
    """Return the Maildir that is a connector's target."""
    return Maildir(target.place, token)


def create(path: str) -> None:
    """Make a Maildir and what is missing above it, durably, mode 0700. One that is there stays as it is."""
    for folder in (path, *(f"{path}/{name}" for name in FOLDERS)):
        if not os.path.isdir(folder):
            make_folder(folder)


class Maildir:
    """One Maildir. `token` is part of each name, so that a connector finds its own files in tmp/ again."""

    batch_messages = BATCH_MESSAGES
    remembers = True
    trouble: Problem | None = None

    def __init__(self, path: str | os.PathLike[str], token: str) -> None:
        self._path = os.fspath(path)
        self.location = f"maildir:{self._path}"
        self._token = token
        host = socket.gethostname() or "localhost"
        self._host = host.replace("/", r"\057").replace(":", r"\072").replace(",", r"\054")
        self._own_name = re.compile(rf"[0-9]+\.C{re.escape(token)}R[0-9a-f]{{16}}P[0-9]+\.[^/:,\0]+")
        self._files: dict[str, int] = {}
        with self._explained("opened"):
            create(self._path)
            self._tmp, self._new, self._cur = (self._open_folder(f"{self._path}/{name}") for name in FOLDERS)
        self._syncs_together: bool | None = None

    def stage(self, folder: str | None = None) -> "MaildirStaging":
        if self._syncs_together is None:
            self._syncs_together = file_system.can_sync(self._tmp)
        name = f"{int(time.time())}.C{self._token}R{os.urandom(8).hex()}P{os.getpid()}.{self._host}"
        with self._explained("written to"):
            descriptor = os.open(name, _NEW_FILE, 0o600, dir_fd=self._tmp)
        self._files[name] = descriptor
        return MaildirStaging(self, name, descriptor)

    def sync(self, batch: Sequence[Staged]) -> None:
        names = [_tmp_name(staged.name) for staged in batch]
        try:
            with self._explained("written to"):
                self._sync_files([self._files[name] for name in names])
        except Problem:
            # What a failed fsync leaves in the page cache looks clean: never sync these files again.
            self.discard(batch)
            raise
        for name in names:
            os.close(self._files.pop(name))

    def discard(self, batch: Sequence[Staged]) -> None:
        for staged in batch:
            with suppress(Problem):
                self.forget(_tmp_name(staged.name))

    def publish(self, batch: Sequence[Staged]) -> Mapping[str, Refusal]:
        with self._explained("delivered to"):
            for staged in batch:
                os.rename(_tmp_name(staged.name), staged.name, src_dir_fd=self._tmp, dst_dir_fd=self._new)
            os.fsync(self._new)
        return {}

    def recover(self, open_intents: Iterable[Staged]) -> set[str]:
        # Others may have written where intents are kept: a name such as `../x` is no message of ours.
        own = filter(self._is_own, open_intents)
        with self._explained("opened"):
            delivered: set[str] = set()
            absent: list[str] = []
            for staged in own:
                if self._finish_rename(staged):
                    delivered.add(staged.name)
                else:
                    absent.append(staged.name)
            if absent:
                there = {name.partition(",")[0].partition(":")[0] for name in self._names()}
                delivered.update(name for name in absent if _tmp_name(name) in there)
            os.fsync(self._new)
            os.fsync(self._cur)
            self._remove_leftovers()
        return delivered

    def close(self) -> None:
        """The folders are closed with this object."""

    def write(self, descriptor: int, data: bytes) -> None:
        with self._explained("written to"):
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]

    def begin_sync(self, descriptor: int, octets: int) -> None:
        """Let the kernel begin to write a whole message, so that a sync finds little left to wait for."""
        if octets >= LARGE_OCTETS or not self._syncs_together:
            with suppress(OSError):
                os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)

    def forget(self, name: str) -> None:
        """Close and unlink a file in tmp/."""
        descriptor = self._files.pop(name, None)
        if descriptor is not None:
            os.close(descriptor)
        with self._explained("written to"), suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._tmp)

    def _open_folder(self, folder: str) -> int:
        descriptor = os.open(folder, _FOLDER)
        weakref.finalize(self, os.close, descriptor)
        return descriptor

    def _sync_files(self, descriptors: list[int]) -> None:
        if self._syncs_together and len(descriptors) >= SYNC_TOGETHER:
            begun = time.monotonic()
            file_system.sync(self._tmp)
            self._syncs_together = time.monotonic() - begun < SLOW_SECONDS
            return
        for descriptor in descriptors:
            os.fsync(descriptor)
        os.fsync(self._tmp)

    def _is_own(self, staged: Staged) -> bool:
        """Whether this connector gives messages such names: see stage() and finish()."""
        name, _, sizes = staged.name.partition(",")
        return bool(self._own_name.fullmatch(name) and _SIZES.fullmatch(sizes))

    def _finish_rename(self, staged: Staged) -> bool:
        """Rename a message left in tmp/ if it is whole; unlink it if not."""
        name = _tmp_name(staged.name)
        try:
            found = os.stat(name, dir_fd=self._tmp, follow_symlinks=False)
        except FileNotFoundError:
            return False
        if stat.S_ISREG(found.st_mode) and found.st_size == staged.size:
            os.rename(name, staged.name, src_dir_fd=self._tmp, dst_dir_fd=self._new)
            return True
        os.unlink(name, dir_fd=self._tmp)
        return False

    def _names(self) -> Iterator[str]:
        """Yield the names of all messages in new/ and cur/, of this Maildir and its subfolders."""
        for folder, folders, files in os.walk(self._path, onerror=_raise_unless_gone):
            # The way readers move messages: one that is moved meanwhile is not missed.
            folders[:] = sorted({*folders} - {"tmp"}, key=lambda name: (name != "new", name != "cur"))
            if os.path.basename(folder) in ("new", "cur"):
                yield from files

    def _remove_leftovers(self) -> None:
        for name in os.listdir(self._tmp):
            if self._own_name.fullmatch(name):
                os.unlink(name, dir_fd=self._tmp)

    @contextmanager
    def _explained(self, done: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            reason = os.strerror(error.errno) if error.errno else str(error)
            cause: Cause = "quota" if full else "delivery"
            raise failure(cause, f"The Maildir {self._path} cannot be {done}: {reason}.") from error


class MaildirStaging:
    """One message on its way into tmp/, CRLF turned into LF."""

    def __init__(self, maildir: Maildir, name: str, descriptor: int) -> None:
        self._maildir = maildir
        self._name = name
        self._descriptor = descriptor
        self._stored = 0
        self._bare_ends = 0
        self._held = b""
        self._last = b""

    def write(self, data: bytes) -> None:
        data = self._held + data
        # A CR at the end may be the first half of a CRLF.
        self._held = b"\r" if data.endswith(b"\r") else b""
        self._put(data[: len(data) - len(self._held)].replace(b"\r\n", b"\n"))

    def finish(self) -> Staged:
        self._put(self._held)
        self._maildir.begin_sync(self._descriptor, self._stored)
        return Staged(f"{self._name},S={self._stored},W={self._stored + self._bare_ends}", self._stored)

    def abort(self) -> None:
        self._maildir.forget(self._name)

    def _put(self, data: bytes) -> None:
        self._maildir.write(self._descriptor, data)
        self._stored += len(data)
        pairs = data.count(b"\r\n") + (self._last + data[:1] == b"\r\n")
        self._bare_ends += data.count(b"\n") - pairs
        self._last = data[-1:] or self._last


def _raise_unless_gone(error: OSError) -> None:
    # What cannot be listed is not empty: a message in it would be delivered again.
    if not isinstance(error, FileNotFoundError):
        raise error


def _tmp_name(name: str) -> str:
    return name.partition(",")[0]
