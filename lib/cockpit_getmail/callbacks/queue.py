# SPDX-License-Identifier: LGPL-2.1-or-later
"""What root remembers of callbacks, in one SQLite file: what was noted last, and what is to be sent.

A change is noted and put into the queue in one transaction: so it is told, and not twice.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager

from cockpit_getmail.sqlite import OwnFile, transaction
from cockpit_getmail.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from cockpit_getmail.settings import Settings

PAUSES = (60.0, 240.0, 900.0, 2400.0)
"""The seconds from one try to the next: five of them in an hour."""
TRIES = len(PAUSES) + 1
_SCHEMA = (
    """CREATE TABLE noted (
        name TEXT NOT NULL, kind TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, kind)
    ) WITHOUT ROWID""",
    """CREATE TABLE event (
        id INTEGER PRIMARY KEY, webhook TEXT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
        url TEXT NOT NULL, message TEXT NOT NULL, tries INTEGER NOT NULL, due REAL NOT NULL
    )""",
    "CREATE TABLE said (what TEXT PRIMARY KEY) WITHOUT ROWID",
)
_UPDATE = "UPDATE noted SET value = ? WHERE name = ? AND kind = ? AND value = ?"
_INSERT = """INSERT INTO event (webhook, name, kind, url, message, tries, due)
    VALUES (?, ?, ?, ?, ?, 0, ?)"""
# After the clock was set back an event may seem to be due in a year.
_DUE = "(due <= :now OR due > :now + :longest)"
# The first of each URL, then the second of each: one with many does not keep the others waiting.
_CLAIM = f"""SELECT id, webhook, name, kind, url, message, tries FROM event WHERE {_DUE}
    ORDER BY ROW_NUMBER() OVER (PARTITION BY url ORDER BY id), id LIMIT :limit"""  # noqa: S608 (a constant)


class Change(Value):
    """That `after` is what there is now of a kind of news, and `before` was noted; None: nothing was.

    `message` tells of it; None if nobody is to be told.
    """

    __slots__ = ("after", "before", "kind", "message", "name", "url")

    def __init__(
        self, name: str, kind: str, before: str | None, after: str, url: str, message: dict[str, Any] | None
    ) -> None:
        self.name = name
        self.kind = kind
        self.before = before
        self.after = after
        self.url = url
        self.message = message


class Event(Value):
    """A callback to be sent to `url`; `tries` are those made, with the one it was claimed for."""

    __slots__ = ("kind", "message", "name", "number", "tries", "url", "webhook_id")

    def __init__(
        self,
        number: int,
        webhook_id: str,
        name: str,
        kind: str,
        url: str,
        message: dict[str, Any],
        tries: int,
    ) -> None:
        self.number = number
        self.webhook_id = webhook_id
        self.name = name
        self.kind = kind
        self.url = url
        self.message = message
        self.tries = tries


class Queue(OwnFile):
    """The open file. Its methods raise Problem (internal, quota), see OwnFile."""

    FILE = ".callbacks.sqlite"
    WHAT = "The queue of callbacks"
    VERSION = 1
    SCHEMA = _SCHEMA
    SYNCHRONOUS = "FULL"

    @classmethod
    def exists(cls, settings: Settings) -> bool:
        return os.path.exists(cls.path_of(settings))

    def noted(self) -> dict[tuple[str, str], str]:
        """Return what was noted last, by connector and kind."""
        with self._explained(self._path):
            rows = self._db.execute("SELECT name, kind, value FROM noted").fetchall()
            return {(name, kind): value for name, kind, value in rows}

    def record(self, changes: Iterable[Change], now: float) -> None:
        """Note what there is now, and put the messages that tell of it into the queue.

        Where something else is noted than before, another process was here: there nothing is done.
        """
        with self._transaction():
            for change in changes:
                if self._note(change) and change.message is not None:
                    event = (f"msg_{os.urandom(16).hex()}", change.name, change.kind, change.url)
                    self._db.execute(_INSERT, (*event, json.dumps(change.message), now))

    def keep(self, urls: Mapping[tuple[str, str], str]) -> None:
        """Forget all but these kinds of these connectors; what waits for them goes to these URLs."""
        with self._transaction():
            for table in ("noted", "event"):
                found = self._db.execute(f"SELECT DISTINCT name, kind FROM {table}").fetchall()  # noqa: S608
                gone = [row for row in found if row not in urls]
                self._db.executemany(f"DELETE FROM {table} WHERE name = ? AND kind = ?", gone)  # noqa: S608
            rows = self._db.execute("SELECT DISTINCT name, kind, url FROM event").fetchall()
            moved = [(urls[name, kind], name, kind) for name, kind, url in rows if urls[name, kind] != url]
            self._db.executemany("UPDATE event SET url = ? WHERE name = ? AND kind = ?", moved)

    def forget(self, name: str) -> None:
        """Forget a connector."""
        with self._transaction():
            for table in ("noted", "event"):
                self._db.execute(f"DELETE FROM {table} WHERE name = ?", (name,))  # noqa: S608

    def claim(self, now: float, limit: int) -> list[Event]:
        """Return what is due, at most so many, and count a try of each: who is killed now has made it."""
        with self._transaction():
            found = {"now": now, "longest": PAUSES[-1], "limit": limit}
            events = [
                Event(number, webhook, name, kind, url, json.loads(message), tries + 1)
                for number, webhook, name, kind, url, message, tries in self._db.execute(_CLAIM, found)
            ]
            self._db.executemany(
                "UPDATE event SET tries = ?, due = ? WHERE id = ?",
                [(event.tries, now + _pause(event.tries), event.number) for event in events],
            )
        return events

    def release(self, events: Iterable[Event], due: float) -> None:
        """Take back the tries of events that were not sent after all."""
        with self._transaction():
            self._db.executemany(
                "UPDATE event SET tries = ?, due = ? WHERE id = ?",
                [(event.tries - 1, due, event.number) for event in events],
            )

    def remove(self, events: Iterable[Event]) -> None:
        """Forget events that were received, or given up."""
        with self._transaction():
            numbers = [(event.number,) for event in events]
            self._db.executemany("DELETE FROM event WHERE id = ?", numbers)

    def next_due(self, now: float) -> float | None:
        """Return when the next event is due, not before now; None if nothing waits."""
        with self._explained(self._path):
            values = {"now": now, "longest": PAUSES[-1]}
            query = f"SELECT MIN(CASE WHEN {_DUE} THEN :now ELSE due END) FROM event"  # noqa: S608
            due: float | None = self._db.execute(query, values).fetchone()[0]
            return due

    def is_news(self, what: str, *, holds: bool) -> bool:
        """Whether something holds now and did not when this was asked last."""
        with self._transaction():
            if holds:
                return self._db.execute("INSERT OR IGNORE INTO said VALUES (?)", (what,)).rowcount > 0
            self._db.execute("DELETE FROM said WHERE what = ?", (what,))
            return False

    def _note(self, change: Change) -> bool:
        key = (change.name, change.kind)
        if change.before is None:
            done = self._db.execute("INSERT OR IGNORE INTO noted VALUES (?, ?, ?)", (*key, change.after))
        else:
            done = self._db.execute(_UPDATE, (change.after, *key, change.before))
        return done.rowcount > 0

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._explained(self._path), transaction(self._db):
            yield


def _pause(tries: int) -> float:
    # Of the last one whoever is killed sees no end: it is made once more.
    return PAUSES[tries - 1] if tries < TRIES else PAUSES[0]
