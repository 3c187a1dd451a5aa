# SPDX-License-Identifier: LGPL-2.1-or-later
"""The messages of one connector that are in a Maildir, by the random number in their names.

A message keeps its name through all moves within the Maildir (but for what follows `:2,`), and 64 random bits
are enough to know it by. Eight octets a message let a Maildir of millions be looked through.
"""

from __future__ import annotations

import os
import re
import time
from array import array
from bisect import bisect_left
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

CLOCK_NANOSECONDS = 50_000_000
"""The times that file systems keep are no finer than some milliseconds."""
_SHELVES = 4096
_DELIVERED = re.compile(r"[0-9]+\.C[0-9a-f]{16}R[0-9a-f]{16}P")
_SIZE = re.compile(",S=([0-9]{1,15})")
_GONE = (FileNotFoundError, NotADirectoryError)


class Numbers:
    """A set of numbers of 64 bits that takes little more than these: add all, settle(), then ask."""

    def __init__(self) -> None:
        self._shelves = [array("Q") for _ in range(_SHELVES)]

    def add(self, number: int) -> None:
        self._shelves[number % _SHELVES].append(number)

    def settle(self) -> int:
        """End adding; return how many were added more than once."""
        repeated = 0
        for at, shelf in enumerate(self._shelves):
            ordered = sorted(set(shelf))
            repeated += len(shelf) - len(ordered)
            self._shelves[at] = array("Q", ordered)
        return repeated

    def __contains__(self, number: int) -> bool:
        shelf = self._shelves[number % _SHELVES]
        at = bisect_left(shelf, number)
        return at < len(shelf) and shelf[at] == number

    def __len__(self) -> int:
        return sum(map(len, self._shelves))


class Names:
    """How a connector whose files are marked with `token` names its messages: see maildir.Maildir.stage().

    Without a token, how any connector does.
    """

    def __init__(self, token: str | None) -> None:
        self._mark = f".C{token or ''}"
        mark = re.escape(token) if token else "[0-9a-f]{16}"
        self._pattern = re.compile(rf"[0-9]+\.C{mark}R([0-9a-f]{{16}})P[0-9]+\.[^/:\0]+")

    def find_number(self, name: str) -> int | None:
        """Return the number of a message by the name of its file, None if it is none of this connector's."""
        # Almost all names of a Maildir may be another's.
        if self._mark not in name:
            return None
        found = self._pattern.fullmatch(name.partition(":")[0])
        return int(found[1], 16) if found else None

    def scan(
        self, path: str, subfolders: Iterable[str] = (), *, backwards: bool = False
    ) -> Iterator[tuple[int, bool]]:
        """Yield the number of each message in a Maildir, and whether it is in another subfolder than these.

        Only names are read. The folders are taken in the order in which readers move messages, or else
        `backwards`: one that is moved the other way meanwhile may be missed. Raises OSError.
        """
        here = _find_here(path, subfolders)
        for folder in _find_folders(path, backwards=backwards):
            is_below = os.path.dirname(folder) not in here
            for entry in _list(folder):
                number = self.find_number(entry.name)
                if number is not None and entry.is_file(follow_symlinks=False):
                    yield number, is_below


def scan_others(
    path: str, sizes: Container[int], subfolders: Iterable[str] = ()
) -> Iterator[tuple[str, int, bool]]:
    """Yield path and size of messages of such sizes that no connector delivered, and as scan() does.

    Sizes are those that names tell. A message that is moved back to where it was may get another name from
    Dovecot. Raises OSError.
    """
    here = _find_here(path, subfolders)
    for folder in _find_folders(path):
        is_below = os.path.dirname(folder) not in here
        for entry in _list(folder):
            found = _SIZE.search(entry.name)
            if not found or int(found[1]) not in sizes or _DELIVERED.match(entry.name):
                continue
            if entry.is_file(follow_symlinks=False):
                yield entry.path, int(found[1]), is_below


def look_for_changes(path: str) -> Callable[[], bool]:
    """Return a function that tells whether a message may have been moved since. Both raise OSError."""
    begun = time.time_ns()
    before = _stamps(path)

    def is_changed() -> bool:
        # Of two changes at once, the time that the file system keeps is the same.
        recent = any(changed > begun - CLOCK_NANOSECONDS for _, changed in before.values())
        return recent or _stamps(path) != before

    return is_changed


def _stamps(path: str) -> dict[str, tuple[int, int]]:
    """Return inode and time of the last change of each folder that messages or such folders are in."""
    found = {}
    # A folder does not change by being renamed, but the one above does.
    for folder in (*_walk(path), *_find_folders(path)):
        with suppress(*_GONE):
            stat = os.stat(folder)
            found[folder] = stat.st_ino, stat.st_mtime_ns
    return found


def _find_here(path: str, subfolders: Iterable[str]) -> set[str]:
    return {path, *(f"{path}/{name}" for name in subfolders)}


def _find_folders(path: str, *, backwards: bool = False) -> list[str]:
    """Return the folders that messages are in, in the order in which readers move them."""
    found = [f"{folder}/{name}" for folder in _walk(path) for name in ("new", "cur")]
    return found[::-1] if backwards else found


def _walk(path: str) -> Iterator[str]:
    """Yield a Maildir and the folders below it, which are Maildirs too, or have some."""
    os.scandir(path).close()
    waiting = [path]
    while waiting:
        folder = waiting.pop()
        yield folder
        waiting += sorted(
            (
                entry.path
                for entry in _list(folder)
                if entry.name not in ("tmp", "new", "cur") and entry.is_dir(follow_symlinks=False)
            ),
            reverse=True,
        )


def _list(folder: str) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder; nothing if it is gone."""
    with suppress(*_GONE), os.scandir(folder) as entries:
        yield from entries
