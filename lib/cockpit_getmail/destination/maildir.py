# SPDX-License-Identifier: LGPL-2.1-or-later
"""Delivery into a Maildir (cr.yp.to/proto/maildir.html; Maildir++ for subfolders), durable and exactly once.

A message is written to tmp/ under a name never used again, and renamed into new/ once it is on disk and its
intent is recorded. The name in new/ adds Dovecot's S= (octets as stored) and W= (octets with a CR before
every LF): a W= that is not just what Dovecot counts makes it break off when the message is read.

What goes to a subfolder comes by its tmp/: where a message lies there tells where it goes, also for a run
that knows nothing of the one that was cut off.
"""

import errno
import os
import re
import socket
import stat
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cockpit_getmail.destination import file_system
from cockpit_getmail.destination.base import Refusal, Staged
from cockpit_getmail.destination.line_ends import LineEnds
from cockpit_getmail.destination.maildir_folders import Box, create, find_subfolders, format_subfolder
from cockpit_getmail.durable import sync_folder
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever.base import BATCH_MESSAGES

if TYPE_CHECKING:
    from cockpit_getmail.destination import Target
    from cockpit_getmail.durable import StrPath
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.words import Cause

SYNC_TOGETHER = 8
"""From so many messages on a batch is synced with its whole file system, where that can be relied on."""
SLOW_SECONDS = 1.0
"""If that takes longer, others are writing much: from then on each message is synced for itself."""
LARGE_OCTETS = 128 << 10
"""The kernel begins to write a message of so many at once, however it is synced then."""
_SIZES = re.compile("S=[0-9]+,W=[0-9]+")
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def make(target: "Target", settings: "Settings", token: str, state_folder: "StrPath") -> "Maildir":
    """Return the Maildir that is a connector's target."""
    return Maildir(target.place, token, target.folder)


class Maildir:
    """One Maildir. `token` is part of each name, so that a connector finds its own files in tmp/ again.

    `folder` is where a message goes for which stage() names no other; empty for the Maildir itself.
    """

    batch_messages = BATCH_MESSAGES
    remembers = True
    trouble: Problem | None = None

    def __init__(self, path: str | os.PathLike[str], token: str, folder: str = "") -> None:
        self._path = os.fspath(path)
        self._subfolder = format_subfolder(folder)
        self.location = f"maildir:{self._path}"
        self._token = token
        host = socket.gethostname() or "localhost"
        self._host = host.replace("/", r"\057").replace(":", r"\072").replace(",", r"\054")
        self._own_name = re.compile(rf"[0-9]+\.C{re.escape(token)}R[0-9a-f]{{16}}P[0-9]+\.[^/:,\0]+")
        self._boxes: dict[str, Box] = {}
        self._staged: dict[str, Box] = {}
        self._files: dict[str, int] = {}
        self._top = self._open("")

    def require_folders(self) -> None:
        """Each is made when something goes there."""

    def stage(self, folder: str | None = None) -> "MaildirStaging":
        box = self._open(self._subfolder if folder is None else format_subfolder(folder))
        if box.syncs_together is None:
            box.syncs_together = file_system.can_sync(box.tmp)
        name = f"{int(time.time())}.C{self._token}R{os.urandom(8).hex()}P{os.getpid()}.{self._host}"
        with self._explained("written to"):
            descriptor = os.open(name, _NEW_FILE, 0o600, dir_fd=box.tmp)
        self._staged[name], self._files[name] = box, descriptor
        return MaildirStaging(self, name, descriptor)

    def sync(self, batch: Sequence[Staged]) -> None:
        names = [_tmp_name(staged.name) for staged in batch]
        try:
            with self._explained("written to"):
                for box, inside in self._by_box(names).items():
                    _sync_files(box, [self._files[name] for name in inside])
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
                _rename(staged, self._staged[_tmp_name(staged.name)])
            for box in self._by_box([_tmp_name(staged.name) for staged in batch]):
                os.fsync(box.new)
        for staged in batch:
            del self._staged[_tmp_name(staged.name)]
        return {}

    def recover(self, open_intents: Iterable[Staged]) -> set[str]:
        # Others may have written where intents are kept: a name such as `../x` is no message of ours.
        own = {_tmp_name(staged.name): staged for staged in open_intents if self._is_own(staged)}
        with self._explained("opened"):
            left = self._find_left()
            renamed = {
                name for name, staged in own.items() if name in left and _finish_rename(staged, left[name])
            }
            there = self._find_delivered(own.keys() - renamed)
            self._sync_delivered(left.values(), there.values())
            for name, box in left.items():
                if name not in renamed:
                    with suppress(FileNotFoundError):
                        os.unlink(name, dir_fd=box.tmp)
        return {own[name].name for name in (*renamed, *there)}

    def close(self) -> None:
        """The folders are closed with this object."""

    def write(self, descriptor: int, data: bytes) -> None:
        with self._explained("written to"):
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]

    def begin_sync(self, name: str, octets: int) -> None:
        """Let the kernel begin to write a whole message, so that a sync finds little left to wait for."""
        if octets >= LARGE_OCTETS or not self._staged[name].syncs_together:
            with suppress(OSError):
                os.posix_fadvise(self._files[name], 0, 0, os.POSIX_FADV_DONTNEED)

    def forget(self, name: str) -> None:
        """Close and unlink a file in tmp/."""
        descriptor = self._files.pop(name, None)
        if descriptor is not None:
            os.close(descriptor)
        box = self._staged.pop(name, self._top)
        with self._explained("written to"), suppress(FileNotFoundError):
            os.unlink(name, dir_fd=box.tmp)

    def _open(self, subfolder: str) -> Box:
        """Return the Maildir or a subfolder, which is made if it is missing."""
        if subfolder not in self._boxes:
            with self._explained("opened", subfolder):
                create(self._path, subfolder)
                self._boxes[subfolder] = Box(self._path, subfolder)
        return self._boxes[subfolder]

    def _by_box(self, names: Iterable[str]) -> dict[Box, list[str]]:
        found: dict[Box, list[str]] = {}
        for name in names:
            found.setdefault(self._staged[name], []).append(name)
        return found

    def _is_own(self, staged: Staged) -> bool:
        """Whether this connector gives messages such names: see stage() and finish()."""
        name, _, sizes = staged.name.partition(",")
        return bool(self._own_name.fullmatch(name) and _SIZES.fullmatch(sizes))

    def _find_left(self) -> dict[str, Box]:
        """Return where a run that was cut off left messages in tmp/, by their names there."""
        found: dict[str, Box] = {}
        for subfolder in ("", *find_subfolders(self._path)):
            with suppress(FileNotFoundError, NotADirectoryError):
                names = os.listdir(os.path.join(self._path, subfolder, "tmp"))
                own = list(filter(self._own_name.fullmatch, names))
                found |= dict.fromkeys(own, self._open(subfolder)) if own else {}
        return found

    def _find_delivered(self, names: Set[str]) -> dict[str, str]:
        """Return in which folder messages are that have these names in tmp/, in new/ or cur/ anywhere."""
        return {
            tmp_name: folder
            for folder, name in (self._names() if names else ())
            if (tmp_name := _tmp_name(name.partition(":")[0])) in names
        }

    def _sync_delivered(self, boxes: Iterable[Box], folders: Iterable[str]) -> None:
        """Bring names in new/ and cur/ to the disk, and in folders where messages were found."""
        for box in {self._top, *boxes}:
            os.fsync(box.new)
            os.fsync(box.cur)
        for folder in {*folders}:
            with suppress(FileNotFoundError):
                sync_folder(folder)

    def _names(self) -> Iterator[tuple[str, str]]:
        """Yield folder and name of all messages in new/ and cur/, of this Maildir and its subfolders."""
        for folder, folders, files in os.walk(self._path, onerror=_raise_unless_gone):
            # The way readers move messages: one that is moved meanwhile is not missed.
            folders[:] = sorted({*folders} - {"tmp"}, key=lambda name: (name != "new", name != "cur"))
            if os.path.basename(folder) in ("new", "cur"):
                yield from ((folder, name) for name in files)

    @contextmanager
    def _explained(self, done: str, subfolder: str = "") -> Iterator[None]:
        try:
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            reason = os.strerror(error.errno) if error.errno else str(error)
            cause: Cause = "quota" if full else "delivery"
            path = os.path.join(self._path, subfolder) if subfolder else self._path
            raise failure(cause, f"The Maildir {path} cannot be {done}: {reason}.") from error


class MaildirStaging:
    """One message on its way into tmp/, CRLF turned into LF."""

    def __init__(self, maildir: Maildir, name: str, descriptor: int) -> None:
        self._maildir = maildir
        self._name = name
        self._descriptor = descriptor
        self._stored = 0
        self._bare_ends = 0
        self._line_ends = LineEnds()
        self._last = b""

    def write(self, data: bytes) -> None:
        self._put(self._line_ends.convert(data))

    def finish(self) -> Staged:
        self._put(self._line_ends.finish())
        self._maildir.begin_sync(self._name, self._stored)
        return Staged(f"{self._name},S={self._stored},W={self._stored + self._bare_ends}", self._stored)

    def abort(self) -> None:
        self._maildir.forget(self._name)

    def _put(self, data: bytes) -> None:
        self._maildir.write(self._descriptor, data)
        self._stored += len(data)
        pairs = data.count(b"\r\n") + (self._last + data[:1] == b"\r\n")
        self._bare_ends += data.count(b"\n") - pairs
        self._last = data[-1:] or self._last


def _sync_files(box: Box, descriptors: list[int]) -> None:
    """Bring files in tmp/ and their names to the disk."""
    if box.syncs_together and len(descriptors) >= SYNC_TOGETHER:
        begun = time.monotonic()
        file_system.sync(box.tmp)
        box.syncs_together = time.monotonic() - begun < SLOW_SECONDS
        return
    for descriptor in descriptors:
        os.fsync(descriptor)
    os.fsync(box.tmp)


def _rename(staged: Staged, box: Box) -> None:
    os.rename(_tmp_name(staged.name), staged.name, src_dir_fd=box.tmp, dst_dir_fd=box.new)


def _finish_rename(staged: Staged, box: Box) -> bool:
    """Rename a message left in tmp/ if it is whole; return whether it was."""
    try:
        found = os.stat(_tmp_name(staged.name), dir_fd=box.tmp, follow_symlinks=False)
    except FileNotFoundError:
        return False
    is_whole = stat.S_ISREG(found.st_mode) and found.st_size == staged.size
    if is_whole:
        _rename(staged, box)
    return is_whole


def _raise_unless_gone(error: OSError) -> None:
    # What cannot be listed is not empty: a message in it would be delivered again.
    if not isinstance(error, FileNotFoundError):
        raise error


def _tmp_name(name: str) -> str:
    return name.partition(",")[0]
