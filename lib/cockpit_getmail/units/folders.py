# SPDX-License-Identifier: LGPL-2.1-or-later
"""Making folders: durably, and never as root where another user may write."""

import errno
import os
import stat
from pathlib import Path

HOMES = ("/home", "/root", "/run/user")
LINKS_LIMIT = 40
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def make_as_root(name: str | Path, uid: int, gid: int) -> bool:
    """Make a folder for the user; False, and nothing is made, if somebody but root may write above it."""
    folder = Path(name)
    if any(folder.is_relative_to(home) for home in HOMES):
        # An account without a user does not get a home by this.
        return False
    walk = _Walk(folder)
    try:
        missing = walk.go()
        if missing is None:
            return False
        for above in missing[:-1]:
            walk.make(above, 0o711, 0, 0)
        for last in missing[-1:]:
            walk.make(last, 0o700, uid, gid)
        return True
    finally:
        walk.close()


class _Walk:
    """A way down from / in which nobody but root can have a say."""

    def __init__(self, path: Path) -> None:
        self._names = list(path.parts[1:])
        self._links = 0
        self._at = os.open("/", _FOLDER)

    def close(self) -> None:
        os.close(self._at)

    def go(self) -> list[str] | None:
        """Go as far as there are folders; return the names that are missing. None: a folder is not root's."""
        while self._names:
            here = os.fstat(self._at)
            if here.st_uid != 0 or here.st_mode & _OTHERS_MAY_WRITE:
                return None
            try:
                self._step(self._names[0])
            except FileNotFoundError:
                return self._names
        return []

    def make(self, name: str, mode: int, uid: int, gid: int) -> None:
        """Make a folder here, durably and all at once, and go into it."""
        draft = f".{os.urandom(8).hex()}.new"
        os.mkdir(draft, 0o700, dir_fd=self._at)
        try:
            made = os.open(draft, _FOLDER, dir_fd=self._at)
            os.fchown(made, uid, gid)
            os.fchmod(made, mode)
            os.fsync(made)
            os.rename(draft, name, src_dir_fd=self._at, dst_dir_fd=self._at)
        except BaseException:
            os.rmdir(draft, dir_fd=self._at)
            raise
        os.fsync(self._at)
        self._enter(made)

    def _step(self, name: str) -> None:
        found = os.stat(name, dir_fd=self._at, follow_symlinks=False)
        if not stat.S_ISLNK(found.st_mode):
            self._enter(os.open(name, _FOLDER, dir_fd=self._at))
            self._names.pop(0)
            return
        self._links += 1
        if self._links > LINKS_LIMIT:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        target = Path(os.readlink(name, dir_fd=self._at))
        if target.is_absolute():
            self._enter(os.open("/", _FOLDER))
        self._names[:1] = target.parts[1:] if target.is_absolute() else target.parts

    def _enter(self, folder: int) -> None:
        os.close(self._at)
        self._at = folder
