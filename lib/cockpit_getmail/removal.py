# SPDX-License-Identifier: LGPL-2.1-or-later
"""The end of a connector's state, whatever the user of its runs did to hinder it."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from cockpit_getmail.durable import sync_folder
from cockpit_getmail.state_file import RUN_LOCK, VERIFY_LOCK, explained, lock

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def is_left(folder: Path) -> bool:
    """Whether this is a state that may be removed, or there is what a removal that was cut off left of one.

    A folder that only has a connector's name may be somebody's mail.
    """
    signs = (*(folder / name for name in ("state.sqlite", RUN_LOCK, VERIFY_LOCK)), _remains(folder))
    return _is_removable(folder) and any(map(os.path.lexists, signs))


@contextmanager
def removal(folder: Path) -> Iterator[None]:
    """Remove a connector's state for good at the end of the block, if that ends well.

    Another user's state stays, unless this is root. Raises Problem (cause running) while a run has the lock;
    none can begin in the block. That holds where the folder is this process's own: who else has it could hold
    the lock for ever, or put something else in its place, so root does not ask for it. A run of that user in
    the foreground goes on to its end with the files it has open, and what it records is gone with them.
    """
    with explained(folder):
        held = lock(folder) if _is_lock_believed(folder) else None
    try:
        yield
        if _is_removable(folder):
            with explained(folder):
                _remove(folder)
    finally:
        if held is not None:
            os.close(held)


def _is_removable(folder: Path) -> bool:
    there = filter(os.path.lexists, (folder, _remains(folder)))
    return all(os.access(path, os.R_OK | os.W_OK | os.X_OK) for path in (folder.parent, *there))


def _is_lock_believed(folder: Path) -> bool:
    with suppress(FileNotFoundError):
        found = folder.lstat()
        return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid()
    return False


def _remains(folder: Path) -> Path:
    """Return where a state goes before it is removed. No connector's folder is hidden."""
    return folder.with_name(f".{folder.name}.removed")


def _remove(folder: Path) -> None:
    remains = _remains(folder)
    if os.path.lexists(folder):
        remains.mkdir(mode=0o700, exist_ok=True)
        # Out of the way in one step: a run that starts meanwhile begins anew, not in what is left.
        folder.rename(remains / os.urandom(8).hex())
        sync_folder(folder.parent)
    if os.path.lexists(remains):
        _remove_tree(remains)
        sync_folder(folder.parent)


def _remove_tree(tree: Path) -> None:
    """Remove a folder with all in it, however deep, following no link and entering no other file system.

    Each folder below is brought up into the top one, which no mount point can be, and emptied there.
    """
    top = _seize(tree)
    try:
        while names := os.listdir(top):
            for name in names:
                _remove_entry(name, top)
    finally:
        os.close(top)
    tree.rmdir()


def _remove_entry(name: str, top: int) -> None:
    if not stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
        os.unlink(name, dir_fd=top)
        return
    folder = _seize(name, top)
    try:
        with os.scandir(folder) as entries:
            for entry in list(entries):
                if entry.is_dir(follow_symlinks=False):
                    os.rename(entry.name, os.urandom(8).hex(), src_dir_fd=folder, dst_dir_fd=top)
                else:
                    os.unlink(entry.name, dir_fd=folder)
    finally:
        os.close(folder)
    os.rmdir(name, dir_fd=top)


def _seize(folder: Path | str, parent: int | None = None) -> int:
    """Open a folder and make it this process's own: who has it open can put nothing more into it."""
    descriptor = os.open(folder, _FOLDER, dir_fd=parent)
    try:
        os.fchown(descriptor, os.geteuid(), -1)
        os.fchmod(descriptor, 0o700)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
