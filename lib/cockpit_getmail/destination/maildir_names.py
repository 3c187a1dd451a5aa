# SPDX-License-Identifier: LGPL-2.1-or-later
"""The messages of one connector that are in a Maildir, by the random number in their names.

A message keeps its name through all moves within the Maildir (but for what follows `:2,`), and 64 random bits
are enough to know it by. Eight octets a message let a Maildir of millions be looked through.
"""

from __future__ import annotations

import os
import re
from array import array
from bisect import bisect_left
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SHELVES = 4096
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

    def scan(self, path: str) -> Iterator[tuple[int, bool]]:
        """Yield the number of each message in a Maildir, and whether it is in a subfolder.

        Only names are read. One that is renamed meanwhile may be missed. Raises OSError.
        """
        for folder in _walk(path):
            is_below = folder != path
            # The way readers move messages: one that is moved meanwhile is not missed.
            for name in ("new", "cur"):
                for entry in _list(f"{folder}/{name}"):
                    number = self.find_number(entry.name)
                    if number is not None and entry.is_file(follow_symlinks=False):
                        yield number, is_below


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
