# SPDX-License-Identifier: LGPL-2.1-or-later
"""Files with secrets that a connector names: nobody but root and who reads them has a say in them."""

from __future__ import annotations

import os
import stat

from cockpit_getmail.problem import printable

_LINKS = 40
"""As many as Linux follows."""


def read(path: str, limit: int) -> bytes:
    """Return what is in a file, at most `limit` octets. Raises ValueError, which says why it does not.

    It must be a regular file of root's or the caller's that nobody else may read, where nobody else can put
    another one in its place: who could would choose what of root's is read and sent away.
    """
    return _read(path, limit, is_private=True)


def read_any(path: str, limit: int) -> bytes:
    """Return what is in a regular file as read() does, whoever else has a say in it."""
    return _read(path, limit, is_private=False)


def _read(path: str, limit: int, *, is_private: bool) -> bytes:
    if not os.path.isabs(path):
        raise ValueError("it is not an absolute path")
    try:
        # Not to wait for a pipe's other end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise ValueError("it is not a regular file")
            if is_private:
                _require_private(path, found)
            if is_private and not os.path.samestat(found, os.lstat(_follow(path))):
                raise ValueError("it was replaced meanwhile")
            data = file.read(limit + 1)
    except OSError as error:
        raise ValueError(str(error.strerror)) from error
    if len(data) > limit:
        raise ValueError(f"it has more than {limit >> 10} KiB")
    return data


def _require_private(path: str, found: os.stat_result) -> None:
    if not _is_trusted(found):
        raise ValueError(f"it belongs to user {found.st_uid}; `chown root {printable(path)}` if you trust it")
    if found.st_mode & 0o077:
        raise ValueError(f"others may read it; `chmod 600 {printable(path)}`")


def _follow(path: str) -> str:
    """Return a path without symbolic links. Raises ValueError for one on which others have a say, OSError."""
    place, left, links = "/", _split(path), 0
    while left:
        _require_folder(place)
        name = left.pop()
        if name == "..":
            place = os.path.dirname(place)
            continue
        entry = os.path.join(place, name)
        found = os.lstat(entry)
        if not _is_trusted(found):
            message = f"{printable(entry)} belongs to user {found.st_uid}, who can put another file there"
            raise ValueError(message)
        if not stat.S_ISLNK(found.st_mode):
            place = entry
            continue
        links += 1
        if links > _LINKS:
            raise ValueError("it has too many symbolic links")
        target = os.readlink(entry)
        left += _split(target)
        place = "/" if os.path.isabs(target) else place
    return place


def _split(path: str) -> list[str]:
    """Return the names in a path, the last one first."""
    return [name for name in reversed(path.split("/")) if name not in ("", ".")]


def _require_folder(folder: str) -> None:
    found = os.lstat(folder)
    # In one like /tmp others can only add.
    if found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX:
        folder = printable(folder)
        raise ValueError(f"others can put another file into {folder}; `chmod go-w {folder}`")


def _is_trusted(found: os.stat_result) -> bool:
    return found.st_uid in (0, os.geteuid())
