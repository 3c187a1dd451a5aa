# SPDX-License-Identifier: LGPL-2.1-or-later
"""Looking for each message that was delivered to a Maildir: by its name, and where that fails by Message-ID.

It goes on while messages are delivered and moved, and holds eight octets for each.
"""

from __future__ import annotations

import json
import os
import re
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from cockpit_getmail.delivery import find_message_id
from cockpit_getmail.destination.maildir_names import Names, Numbers, look_for_changes, scan_others
from cockpit_getmail.envelope import HEADER_LIMIT
from cockpit_getmail.problem import failure, printable
from cockpit_getmail.report import count
from cockpit_getmail.soundness import read_token

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterator
    from typing import Protocol, TypedDict

    class Progress(Protocol):
        """Where it is told how far a search is: so many messages of a total."""

        def __call__(self, text: str, messages: int, total: int) -> None: ...

    class Missing(TypedDict):
        """A message that is nowhere; `message_id` is None if it had none, or nobody noted it then."""

        folder: str
        uid: str
        message_id: str | None


MAILDIR = "maildir:"
PAUSES = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Before each other look through the Maildir: so often it is made, while messages are moved."""
LISTED, LISTED_OCTETS = 1000, 256 << 10
"""So many missing messages are named, and no more of them than a status file can take."""
LINES = 100
"""Progress is told in no more lines."""
_PAGE = 5000
_WHERE = "state IN ('delivered', 'removed')"
_TOTAL = f"SELECT count(*) FROM message WHERE {_WHERE}"  # noqa: S608 (constants only)
_NAMES = f"SELECT name FROM message WHERE {_WHERE} AND name IS NOT NULL"  # noqa: S608
_ROWS = f"""
SELECT folder, uid, ordinal, location, name, message_id FROM message LEFT JOIN place ON place.id = place
WHERE (folder, uid, ordinal) > (?, ?, ?) AND {_WHERE} ORDER BY folder, uid, ordinal LIMIT {_PAGE}
"""  # noqa: S608


_SIZE = re.compile(",S=([0-9]{1,15}),")
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Row(NamedTuple):
    """A message that was delivered: its key, where to and as which file."""

    folder: int
    uid: str
    ordinal: int
    location: str | None
    name: str | None
    message_id: str | None


class Renamed:
    """Messages that are not there by their names: they may be by size and Message-ID, under other names."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[int, str], list[Row]] = {}
        self._count = 0

    def add(self, row: Row) -> bool:
        """Take a message to look for; return whether it is not too much."""
        if self._count >= LISTED:
            return False
        size = _SIZE.search(row.name or "")
        key = int(size[1]) if size else -1, row.message_id or ""
        self._waiting.setdefault(key, []).append(row)
        self._count += 1
        return True

    @property
    def rows(self) -> list[Row]:
        """Those that were not found."""
        return sorted(row for rows in self._waiting.values() for row in rows)

    def find(self, path: str, subfolders: Collection[str]) -> Iterator[bool]:
        """Yield for each that is found whether it is in another subfolder than these. Raises OSError."""
        if not self._waiting:
            return
        for file, size, is_below in scan_others(path, {size for size, _ in self._waiting}, subfolders):
            message_id = _read_message_id(file)
            rows = self._waiting.get((size, message_id)) if message_id else None
            if rows:
                rows.pop()
                yield is_below


def _read_message_id(path: str) -> str | None:
    """Return the Message-ID of a stored message, None if it has none or is gone."""
    try:
        with open(os.open(path, _OPEN), "rb") as file:
            return find_message_id(file.read(HEADER_LIMIT).replace(b"\n", b"\r\n"))
    except OSError:
        return None


class Search:
    """A search for what was delivered to `location`. All counts are of messages.

    `present` are in the Maildir itself, or in those of its `subfolders` that mail is delivered into; `moved`
    are in another one, `missing` nowhere; `elsewhere` are those that were delivered to another location.
    `unnamed` have no file of the connector's to look for, and `repeated` one that another has, too.
    """

    def __init__(
        self, db: sqlite3.Connection, location: str, progress: Progress, subfolders: Collection[str] = ()
    ) -> None:
        self._db = db
        self._subfolders = subfolders
        self._location = location
        self._path = location.removeprefix(MAILDIR)
        self._progress = progress
        self._names = Names(read_token(db))
        self._lost = Numbers()
        self._listed_octets = 0
        self.present = self.moved = self.elsewhere = self.missing = self.unnamed = self.repeated = 0
        self.listed: list[Missing] = []

    def search(self) -> None:
        """Count them. Raises Problem (delivery) if the Maildir cannot be read, and sqlite3.Error."""
        total = self._db.execute(_TOTAL).fetchone()[0]
        self._progress(f"{count(total, 'message')} to be verified.", 0, total)
        here, below = Numbers(), Numbers()
        if self._location.startswith(MAILDIR) and self._is_used():
            self._scan(here, below)
        self._progress("Verifying...", 0, total)
        self._look_for_all(here, below, total)
        if self._lost:
            self._look_again()

    def _is_used(self) -> bool:
        """Whether messages were delivered to this location."""
        query = (
            f"SELECT 1 FROM message JOIN place ON place.id = place WHERE {_WHERE} AND location = ? LIMIT 1"  # noqa: S608
        )
        return self._db.execute(query, (self._location,)).fetchone() is not None

    def _look_for_all(self, here: Numbers, below: Numbers, total: int) -> None:
        step = find_step(total)
        recorded = Numbers()
        done = 0
        for row in self._rows():
            done += 1
            self._count(row, here, below, recorded)
            if done % step == 0:
                self._progress(f"{done} messages verified...", done, max(done, total))
        # A run that matches messages again under other UIDs moves their records behind us, or before us.
        self.repeated = self._count_repeated() if recorded.settle() else 0
        self._lost.settle()
        self._progress(f"{count(done, 'message')} verified.", done, done)

    def _count_repeated(self) -> int:
        """Return how many have a file that another has, at one moment."""
        recorded = Numbers()
        for (name,) in self._db.execute(_NAMES):
            number = self._names.find_number(name)
            if number is not None:
                recorded.add(number)
        return recorded.settle()

    def _count(self, row: Row, here: Numbers, below: Numbers, recorded: Numbers) -> None:
        number = self._names.find_number(row.name or "")
        if number is not None:
            recorded.add(number)
        elif row.location is None or row.location.startswith(MAILDIR):
            # No other destination has files.
            self.unnamed += 1
        if row.location != self._location:
            self.elsewhere += 1
        elif number is None:
            self._miss(row)
        elif number in here:
            self.present += 1
        elif number in below:
            self.moved += 1
        else:
            self._lost.add(number)

    def _look_again(self) -> None:
        """Look once more for what is lost: it may have been moved, or delivered, while it was looked for."""
        here, below = Numbers(), Numbers()
        for turn, pause in enumerate(PAUSES):
            time.sleep(pause)
            if not self._scan_again(here, below, backwards=turn % 2 == 0):
                break
        doubtful = Renamed()
        for row in self._rows():
            number = self._names.find_number(row.name or "")
            if row.location != self._location or number is None or number not in self._lost:
                continue
            if number in here:
                self.present += 1
            elif number in below:
                self.moved += 1
            elif not doubtful.add(row):
                self.missing += 1
        with self._explained():
            for is_below in doubtful.find(self._path, self._subfolders):
                self.moved += is_below
                self.present += not is_below
        for row in doubtful.rows:
            self._miss(row)

    def _scan_again(self, here: Numbers, below: Numbers, *, backwards: bool) -> bool:
        """Add what of the lost is found; return whether the rest may have been moved meanwhile."""
        with self._explained():
            is_changed = look_for_changes(self._path)
            self._scan(here, below, self._lost, backwards=backwards)
            return len(here) + len(below) < len(self._lost) and is_changed()

    def _miss(self, row: Row) -> None:
        self.missing += 1
        [folder] = self._db.execute("SELECT name FROM folder WHERE id = ?", (row.folder,)).fetchone() or [""]
        entry: Missing = {
            "folder": printable(folder),
            "uid": printable(row.uid),
            "message_id": None if row.message_id is None else printable(row.message_id),
        }
        self._listed_octets += len(json.dumps(entry))
        if len(self.listed) < LISTED and self._listed_octets <= LISTED_OCTETS:
            self.listed.append(entry)

    def _rows(self) -> Iterator[Row]:
        """Yield what was delivered. Between two pages no snapshot keeps SQLite from tidying up its log."""
        key: tuple[int, str, int] = (-1, "", 0)
        while page := self._db.execute(_ROWS, key).fetchall():
            yield from map(Row._make, page)
            key = page[-1][:3]

    def _scan(
        self, here: Numbers, below: Numbers, within: Numbers | None = None, *, backwards: bool = False
    ) -> None:
        """Add what is where it was delivered, and in other subfolders. Raises Problem (delivery)."""
        with self._explained():
            for number, is_below in self._names.scan(self._path, self._subfolders, backwards=backwards):
                if within is None or number in within:
                    (below if is_below else here).add(number)
        here.settle()
        below.settle()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            reason = error.strerror or str(error)
            message = f"The Maildir {printable(self._path)} cannot be read: {reason}."
            raise failure("delivery", message) from error


def find_step(total: int) -> int:
    """Return after how many messages each it is told how many are done: 100, 200, 500, 1000..."""
    step = 100
    while step * LINES < total:
        step = step * 5 // 2 if str(step)[0] == "2" else step * 2
    return step
