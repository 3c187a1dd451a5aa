# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folders that are there after a power cut too, and files for SQLite."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    StrPath: TypeAlias = str | os.PathLike[str]


def make_folder(folder: str) -> None:
    """Make a folder and what is missing above it, mode 0700. Raises OSError."""
    above = os.path.dirname(folder)
    if not os.path.exists(above):
        make_folder(above)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError:
        if not os.path.isdir(folder):
            raise
    sync_folder(folder)
    sync_folder(above)


def sync_folder(folder: StrPath) -> None:
    """Bring the names in a folder to the disk. Raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_private(path: str) -> None:
    """Make a file that is missing, mode 0600: SQLite would make it readable for all, as the umask has it.

    Raises OSError if something else is there.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        # Never opened beside SQLite: to close it would take the locks of this process's other connections
        # (sqlite.org/howtocorrupt.html, 2.2).
        if not stat.S_ISREG(os.lstat(path).st_mode):
            raise
