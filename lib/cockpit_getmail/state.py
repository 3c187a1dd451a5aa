# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a connector remembers between runs, in SQLite: messages seen, intents, credited time, past runs.

Records belong to a mailbox (protocol, server, port, user name) and in it to a folder with its UIDVALIDITY.
Ages are counted on the mailbox's own clock, which only runs add to: a jump of the wall clock cannot make a
message old.
"""

import os
import re
import sqlite3
import time
from collections.abc import Container, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NamedTuple

from cockpit_getmail.destination.base import Refusal, Staged
from cockpit_getmail.durable import sync_folder
from cockpit_getmail.matching import There
from cockpit_getmail.problem import failure
from cockpit_getmail.retriever.base import Folder, Remote, Seen
from cockpit_getmail.sqlite import transaction
from cockpit_getmail.state_file import StrPath, connect, explained, lock

DAY = 86400
_NONE: Mapping[str, Refusal] = {}
_NO_NAMES: Mapping[tuple[str, int], str | None] = {}
KEEP_MISSING = 30 * DAY
PATIENCE = 2 * DAY
"""Credited seconds since the first failure before a message is set aside: outages and rate limits pass."""


class Intent(NamedTuple):
    """A message about to be delivered under the name of `staged`; `exact` as in retriever.base.Part."""

    message: Remote
    exact: bool
    staged: Staged
    message_id: str | None = None


class State:
    """The open state of one connector, locked against every other run. Raises Problem (internal, quota)."""

    def __init__(self, folder: StrPath) -> None:
        self._tick: tuple[float, float, int] | None = None
        with explained(folder):
            self.folder = folder
            self._lock = lock(folder)
            try:
                self._db = connect(os.path.join(folder, "state.sqlite"))
            except BaseException:
                os.close(self._lock)
                raise

    def __enter__(self) -> "State":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            with explained(self.folder):
                if self._tick:
                    self._db.execute(_TICK, self._tick)
                self._db.close()
        finally:
            os.close(self._lock)

    @property
    def token(self) -> str:
        """Sixteen hexadecimal digits that mark this connector's files. Raises Problem (internal)."""
        token = str(self._row("SELECT token FROM token")[0])
        if not re.fullmatch("[0-9a-f]{16}", token):
            # It becomes a part of file names.
            raise failure("internal", f"State in {self.folder}: the token is damaged.")
        return token

    def begin(self, identity: str, limit: float) -> "MailboxState":
        """Return the state of a mailbox; credit it the time since the last run, at most `limit` seconds.

        It is recorded together with what is recorded first: a poll has one transaction, at its end.
        """
        now = time.time()
        query = "SELECT id, clock, last_tick FROM mailbox WHERE identity = ?"
        found = self._rows(query, (identity,))
        if not found:
            with self.transaction() as db:
                db.execute("INSERT INTO mailbox (identity, last_tick) VALUES (?, ?)", (identity, now))
            found = self._rows(query, (identity,))
        [(mailbox, clock, last_tick)] = found
        clock += min(max(now - last_tick, 0.0), limit)
        self._tick = clock, now, mailbox
        # The names of the database and its log are on disk before anything is said to be recorded.
        with explained(self.folder):
            sync_folder(self.folder)
        return MailboxState(self, mailbox, clock)

    def open_intents(self) -> dict[str, list[Staged]]:
        """Return what a run that was cut off was about to deliver, by location."""
        found: dict[str, list[Staged]] = {}
        query = "SELECT location, name, stored FROM intent JOIN place ON place.id = intent.place"
        for location, name, stored in self._rows(query):
            found.setdefault(location, []).append(Staged(str(name), stored))
        return found

    def settle(self, delivered: Iterable[str]) -> None:
        """End all open intents: those of these names as delivered, the others as never begun."""
        done = set(delivered)
        with self.transaction() as db:
            undone = [row for row in db.execute("SELECT name FROM intent") if row[0] not in done]
            db.executemany("DELETE FROM intent WHERE name = ?", undone)
            _deliver(db)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        tick = self._tick
        with explained(self.folder), transaction(self._db) as db:
            if tick:
                db.execute(_TICK, tick)
            yield db
        if tick:
            self._tick = None

    def _rows(self, query: str, values: Mapping[str, Any] | tuple[Any, ...] = ()) -> list[Any]:
        with explained(self.folder):
            return self._db.execute(query, values).fetchall()

    def _row(self, query: str, values: tuple[Any, ...] = ()) -> Any:
        return self._rows(query, values)[0]


class MailboxState:
    """The records of one mailbox."""

    def __init__(self, state: State, mailbox: int, clock: float) -> None:
        self._state = state
        self._mailbox = mailbox
        self._clock = clock

    @property
    def tls_seen(self) -> bool:
        return bool(self._state._row("SELECT tls_seen FROM mailbox WHERE id = ?", (self._mailbox,))[0])

    def saw_tls(self) -> None:
        with self._state.transaction() as db:
            db.execute("UPDATE mailbox SET tls_seen = 1 WHERE id = ?", (self._mailbox,))

    def knows(self, name: str) -> bool:
        """Whether there are records of a folder of this name."""
        query = "SELECT 1 FROM folder WHERE mailbox = ? AND name = ? LIMIT 1"
        return bool(self._state._rows(query, (self._mailbox, name)))

    def rename(self, folder: Folder, there: Container[str]) -> str | None:
        """Take a folder of a new name for the only one of its UIDVALIDITY that is not `there` any more.

        What is in it is matched with what is on record. Return the former name; None if there is no such one.
        """
        if self.knows(folder.name):
            return None
        rows = self._state._rows(_OF_VALIDITY, (self._mailbox, folder.validity))
        gone = [row for row in rows if row[1] not in there]
        if len(gone) != 1:
            return None
        [(number, name)] = gone
        with self._state.transaction() as db:
            db.execute(_RETIRE, (number,))
            db.execute(_RENAME, (folder.name, self._mailbox, name))
        return str(name)

    def folder(self, folder: Folder) -> "FolderState":
        key = (self._mailbox, folder.name, folder.validity)
        query = "SELECT id, reopened, stale FROM folder WHERE mailbox = ? AND name = ? AND validity = ?"
        rows = self._state._rows(query, key)
        if not rows or rows[0][2]:
            with self._state.transaction() as db:
                db.execute(_OPEN_FOLDER, (*key, *key[:2]))
                # Should one of these come back, what is on record by then has other UIDs there.
                db.execute(_MAKE_OTHERS_STALE, key)
        # Without UIDVALIDITY there is no promise that a UID is not used again (RFC 1939 section 7).
        number, reopened, stale = self._state._row(query, key)
        uids_return = folder.validity == 0
        return FolderState(self._state, number, reopened, stale, self._clock, uids_return=uids_return)


class FolderState:
    """The records of one folder under one UIDVALIDITY.

    It is `stale` until what is there is matched with what is on record under another one, in use since.
    `number` is what its records bear, `clock` that of its mailbox.
    """

    def __init__(
        self, state: State, number: int, reopened: int, stale: int, clock: float, *, uids_return: bool
    ) -> None:
        self.number = number
        self.stale = bool(stale)
        self.clock = clock
        self._state = state
        self._reopened = reopened
        self._uids_return = uids_return

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Write what the block writes, or nothing. Raises Problem (internal, quota)."""
        return self._state.transaction()

    def rows(self, query: str, values: Mapping[str, Any] | tuple[Any, ...] = ()) -> list[Any]:
        """Return what the state has to a query. Raises Problem (internal, quota)."""
        return self._state._rows(query, values)

    def number_anew(self) -> None:
        """Begin anew under the same UIDVALIDITY, as under another one: no UID on record means what it did."""
        query = "SELECT mailbox, name, validity FROM folder WHERE id = ?"
        mailbox, name, validity = self._state._row(query, (self.number,))
        with self._state.transaction() as db:
            # To a UIDVALIDITY that no server has.
            db.execute(_RETIRE, (self.number,))
            added = db.execute(_OPEN_FOLDER, (mailbox, name, validity, mailbox, name))
        self.number, self._reopened, self.stale = added.lastrowid or 0, 0, True

    @property
    def seen(self) -> Seen | None:
        """The folder as it was when each message was accounted for; None if it must be listed whole.

        That is once a day at least: there may be servers on whose UIDNEXT nobody can rely.
        """
        query = "SELECT uid_next, messages, listed FROM folder WHERE id = ?"
        uid_next, messages, listed = self._state._row(query, (self.number,))
        return Seen(uid_next, messages) if uid_next and 0 <= self.clock - listed < DAY else None

    @property
    def highest(self) -> int:
        """The largest UIDNEXT that was recorded; see account()."""
        return int(self._state._row("SELECT highest FROM folder WHERE id = ?", (self.number,))[0])

    def account(self, seen: Seen, *, whole: bool, uid_next: int = 0) -> None:
        """Record that each message is accounted for, after a listing of the `whole` or of what was new.

        `uid_next` is UIDNEXT where that is beyond it: it never gets smaller. Not if a message was taken out
        of the quarantine since this run began: the next one lists the folder.
        """
        with self._state.transaction() as db:
            db.execute(
                "UPDATE folder SET uid_next = ?, messages = ?, listed = CASE WHEN ? THEN ? ELSE listed END, "
                "highest = max(highest, ?) WHERE id = ? AND reopened = ?",
                (*seen, whole, self.clock, max(seen.uid_next, uid_next), self.number, self._reopened),
            )

    def is_unknown(self) -> bool:
        """Whether nothing is recorded of this folder."""
        return not self._state._rows("SELECT 1 FROM message WHERE folder = ? LIMIT 1", (self.number,))

    def known(self, first: int | None = None) -> dict[tuple[str, int], int]:
        """Return size by (uid, ordinal) of the messages that are not to be fetched again; see list_new().

        With `first`, which is for IMAP, only of those whose UID is not smaller.
        """
        query = "SELECT uid, ordinal, size, state FROM message WHERE folder = ?"
        later = "" if first is None else f" AND CAST(uid AS INTEGER) >= {first:d}"
        return {
            (uid, ordinal): ~size if state == "removed" else size
            for uid, ordinal, size, state in self._state._rows(query + later, (self.number,))
        }

    def set_aside(self) -> int:
        """Return how many messages are set aside."""
        query = "SELECT count(*) FROM message WHERE folder = ? AND state = 'quarantined'"
        return int(self._state._row(query, (self.number,))[0])

    def attempts(self) -> dict[tuple[str, int], int]:
        """Return the number of failed attempts by (uid, ordinal), those first that are to be tried first."""
        query = "SELECT uid, ordinal, attempts FROM failure WHERE folder = ? ORDER BY attempts, since"
        return {(uid, ordinal): count for uid, ordinal, count in self._state._rows(query, (self.number,))}

    def saw(self, known: Mapping[tuple[str, int], int], present: set[tuple[str, int]]) -> None:
        """Note which known messages the server has; forget those that it has not had for 30 days.

        So are those on record under another UIDVALIDITY that were not there when it came to be this one.
        Over POP3 one that was deleted there and is gone indeed is forgotten at once: from then on another may
        have its UIDL. If one is still or again there, nobody knows which it is: it is let alone.
        """
        here = self.number
        query = "SELECT uid, ordinal FROM message WHERE folder = ? AND missing IS NOT NULL"
        back = {(uid, ordinal) for uid, ordinal in self._state._rows(query, (here,))}
        gone = [key for key in known if key not in present and key not in back]
        with self._state.transaction() as db:
            db.executemany(_SET_MISSING, ((self.clock, here, *key) for key in gone))
            db.executemany(_SET_MISSING, ((None, here, *key) for key in back & present))
            db.execute(
                "DELETE FROM message WHERE folder = ? AND missing IS NOT NULL "
                "AND (state = 'removed' AND ? OR ? - missing > ?)",
                (here, self._uids_return, self.clock, KEEP_MISSING),
            )
            db.execute(_FORGET_FORMER, (self.clock, KEEP_MISSING, here))

    def intend(self, location: str, batch: Iterable[Intent]) -> None:
        """Record in one transaction that the batch before is delivered and this one is about to be."""
        with self._state.transaction() as db:
            _deliver(db)
            db.execute("INSERT OR IGNORE INTO place (location) VALUES (?)", (location,))
            place = db.execute("SELECT id FROM place WHERE location = ?", (location,)).fetchone()[0]
            db.executemany(
                "INSERT INTO intent VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        self.number,
                        m.uid,
                        m.ordinal,
                        m.size,
                        exact,
                        place,
                        staged.name,
                        staged.size,
                        message_id,
                        m.date,
                        m.same,
                    )
                    for m, exact, staged, message_id in batch
                ),
            )

    def delivered(self, refused: Mapping[str, Refusal] = _NONE) -> None:
        """Record that all intents are delivered, but for those `refused`, by name of what was staged.

        Who is refused for good is set aside at once; the others are fetched again.
        """
        with self._state.transaction() as db:
            for name, refusal in refused.items():
                row = db.execute(_TAKE_BACK, (name,)).fetchone()
                db.execute("DELETE FROM intent WHERE name = ?", (name,))
                if refusal.tried:
                    self._count_failure(db, row[:2], refusal.reason)
                if refusal.for_good:
                    uid, ordinal, size, date, same, message_id = row
                    message = Remote(uid, size, ordinal, date=date, same=same)
                    self._keep(db, There(message, message_id), "quarantined")
            _deliver(db)

    def failed(self, message: Remote, reason: str, quarantine_after: int | None) -> bool:
        """Count a failed attempt; return whether the message is now set aside.

        That takes so many attempts, over PATIENCE at least.
        """
        key = (message.uid, message.ordinal)
        with self._state.transaction() as db:
            attempts, since = self._count_failure(db, key, reason)
            tried = quarantine_after is not None and attempts >= quarantine_after
            aside = tried and self.clock - since >= PATIENCE
            if aside:
                self._keep(db, There(message), "quarantined")
        return aside

    def postpone(self, message: Remote, reason: str) -> None:
        """Let others be tried before a message, which has done nothing wrong yet."""
        with self._state.transaction() as db:
            db.execute(_POSTPONE, (self.number, message.uid, message.ordinal, reason, self.clock))

    def hold(
        self,
        dropped: Iterable[Remote],
        aside: Iterable[tuple[Remote, str]],
        names: Mapping[tuple[str, int], str | None] = _NO_NAMES,
    ) -> None:
        """Record what filters held back: these are never fetched again, those set aside for a reason.

        `names` are Message-IDs by (uid, ordinal).
        """
        with self._state.transaction() as db:
            for message, reason in aside:
                key = message.uid, message.ordinal
                self._count_failure(db, key, reason)
                self._keep(db, There(message, names.get(key)), "quarantined")
            for message in dropped:
                key = message.uid, message.ordinal
                self._keep(db, There(message, names.get(key)), "dropped")
                db.execute(_FORGET_FAILURE, (self.number, *key))

    def baseline(self, messages: Iterable[There]) -> None:
        """Record that these count as seen: they are never fetched, and never deleted on the server."""
        with self._state.transaction() as db:
            for there in messages:
                self._keep(db, there, "baselined")
                db.execute(_FORGET_FAILURE, (self.number, there.message.uid, there.message.ordinal))

    def _count_failure(self, db: sqlite3.Connection, key: tuple[str, int], reason: str) -> tuple[int, float]:
        """Count a failed attempt; return how many there were, and when the first was."""
        db.execute(_COUNT_FAILURE, (self.number, *key, reason, self.clock))
        query = f"SELECT attempts, since FROM failure {_ONE}"  # noqa: S608 (constants only)
        attempts, since = db.execute(query, (self.number, *key)).fetchone()
        return attempts, since

    def _keep(self, db: sqlite3.Connection, there: There, state: str) -> None:
        message = there.message
        what = message.uid, message.ordinal, message.size, message.date, message.same, there.message_id
        db.execute(_KEEP, (self.number, *what, state, self.clock))

    def due(self, days: int) -> list[Remote]:
        """Return the messages that were delivered at least so many credited days ago and may be deleted."""
        query = (
            "SELECT uid, size, ordinal, 0, date FROM message WHERE folder = ? AND state = 'delivered' "
            "AND exact AND missing IS NULL AND ? - clock >= ?"
        )
        return [Remote(*row) for row in self._state._rows(query, (self.number, self.clock, days * DAY))]

    def removed(self, keys: Iterable[tuple[str, int]]) -> None:
        """Record that the server has deleted these."""
        with self._state.transaction() as db:
            db.executemany(_SET_REMOVED, ((self.clock, self.number, *key) for key in keys))


def _deliver(db: sqlite3.Connection) -> None:
    """End all intents as delivered."""
    db.execute(
        f"INSERT OR REPLACE INTO message ({_DELIVERED}) "  # noqa: S608 (constants only)
        "SELECT folder, uid, ordinal, size, exact, 'delivered', place, intent.name, clock, message_id, date, "
        "same "
        "FROM intent JOIN folder ON folder.id = intent.folder JOIN mailbox ON mailbox.id = folder.mailbox"
    )
    db.execute(
        "DELETE FROM failure WHERE (folder, uid, ordinal) IN (SELECT folder, uid, ordinal FROM intent)"
    )
    db.execute("DELETE FROM intent")


_ONE = "WHERE folder = ? AND uid = ? AND ordinal = ?"
_DELIVERED = "folder, uid, ordinal, size, exact, state, place, name, clock, message_id, date, same"
# Where there was no failed attempt yet, there is no first one to count from.
_ANEW = "reason = excluded.reason, since = CASE attempts WHEN 0 THEN excluded.since ELSE since END"
_FAILURE = "INSERT INTO failure VALUES (?, ?, ?, {}, ?, ?) ON CONFLICT DO UPDATE SET attempts = attempts + {}"
_COUNT_FAILURE = f"{_FAILURE.format(1, 1)}, {_ANEW}"
_POSTPONE = f"{_FAILURE.format(0, '(attempts > 0)')}, {_ANEW}"
_TAKE_BACK = "SELECT uid, ordinal, size, date, same, message_id FROM intent WHERE name = ?"
_KEEP = (
    "INSERT OR REPLACE INTO message "
    "(folder, uid, ordinal, size, date, same, message_id, exact, state, clock) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)"
)
_FORGET_FAILURE = f"DELETE FROM failure {_ONE}"  # noqa: S608 (constants only)
_TICK = "UPDATE mailbox SET clock = ?, last_tick = ? WHERE id = ?"
_OPEN_FOLDER = (
    "INSERT OR IGNORE INTO folder (mailbox, name, validity, stale) "
    "SELECT ?, ?, ?, EXISTS (SELECT 1 FROM folder WHERE mailbox = ? AND name = ?)"
)
_MAKE_OTHERS_STALE = (
    "UPDATE folder SET stale = 1, uid_next = NULL WHERE mailbox = ? AND name = ? AND validity <> ?"
)
_RETIRE = "UPDATE folder SET validity = -id, stale = 1, uid_next = NULL WHERE id = ?"
# INBOX is always there (RFC 3501 section 5.1).
_OF_VALIDITY = "SELECT id, name FROM folder WHERE mailbox = ? AND validity = ? AND name <> 'INBOX'"
_RENAME = "UPDATE folder SET name = ? WHERE mailbox = ? AND name = ?"
_FORGET_FORMER = (
    "DELETE FROM message WHERE missing IS NOT NULL AND ? - missing > ? AND folder IN ("
    "SELECT f.id FROM folder AS f JOIN folder AS here USING (mailbox, name) "
    "WHERE here.id = ? AND f.id <> here.id)"
)
_SET_MISSING = f"UPDATE message SET missing = ? {_ONE}"  # noqa: S608 (constants only)
_SET_REMOVED = f"UPDATE message SET state = 'removed', missing = ? {_ONE}"  # noqa: S608
