# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a connector remembers between runs, in SQLite: messages seen, intents, credited time.

Records belong to a mailbox (protocol, server, port, user name) and in it to a folder with its UIDVALIDITY.
Ages are counted on the mailbox's own clock, which only runs add to: a jump of the wall clock cannot make a
message old.
"""

import errno
import fcntl
import os
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias

from cockpit_getmail.destination.base import Staged
from cockpit_getmail.durable import sync_folder
from cockpit_getmail.problem import failure
from cockpit_getmail.retriever.base import Folder, Remote, Seen

StrPath: TypeAlias = str | os.PathLike[str]
DAY = 86400
KEEP_MISSING = 30 * DAY
PATIENCE = 2 * DAY
"""Credited seconds since the first failure before a message is set aside: outages and rate limits pass."""
SCHEMA_VERSION = 2
_PRIVATE_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_SPACE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
_SCHEMA = """
CREATE TABLE token (token TEXT NOT NULL);
CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE,
    tls_seen INTEGER NOT NULL DEFAULT 0, clock REAL NOT NULL DEFAULT 0, last_tick REAL);
CREATE TABLE folder (
    id INTEGER PRIMARY KEY, mailbox INTEGER NOT NULL REFERENCES mailbox, name TEXT NOT NULL,
    validity INTEGER NOT NULL, uid_next INTEGER, messages INTEGER, listed REAL,
    UNIQUE (mailbox, name, validity));
CREATE TABLE place (id INTEGER PRIMARY KEY, location TEXT NOT NULL UNIQUE);
CREATE TABLE message (
    folder INTEGER NOT NULL REFERENCES folder, uid TEXT NOT NULL, ordinal INTEGER NOT NULL,
    size INTEGER NOT NULL, exact INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('delivered', 'removed', 'quarantined')),
    place INTEGER REFERENCES place, name TEXT, clock REAL NOT NULL, missing REAL,
    PRIMARY KEY (folder, uid, ordinal)) WITHOUT ROWID;
CREATE TABLE intent (
    folder INTEGER NOT NULL REFERENCES folder, uid TEXT NOT NULL, ordinal INTEGER NOT NULL,
    size INTEGER NOT NULL, exact INTEGER NOT NULL,
    place INTEGER NOT NULL REFERENCES place, name TEXT NOT NULL UNIQUE, stored INTEGER NOT NULL,
    PRIMARY KEY (folder, uid, ordinal)) WITHOUT ROWID;
CREATE TABLE failure (
    folder INTEGER NOT NULL REFERENCES folder, uid TEXT NOT NULL, ordinal INTEGER NOT NULL,
    attempts INTEGER NOT NULL, reason TEXT NOT NULL, since REAL NOT NULL,
    PRIMARY KEY (folder, uid, ordinal)) WITHOUT ROWID;
"""


_UPGRADES = {
    1: [f"ALTER TABLE folder ADD COLUMN {c}" for c in ("uid_next INTEGER", "messages INTEGER", "listed REAL")]
}
"""What makes the tables of an older version those of the next one."""


class Intent(NamedTuple):
    """A message about to be delivered under the name of `staged`; `exact` as in retriever.base.Part."""

    message: Remote
    exact: bool
    staged: Staged


class State:
    """The open state of one connector, locked against every other run. Raises Problem (internal, quota)."""

    def __init__(self, folder: StrPath) -> None:
        with explained(folder):
            self._folder = folder
            self._lock = lock(folder)
            try:
                self._db = _connect(os.path.join(folder, "state.sqlite"))
            except BaseException:
                os.close(self._lock)
                raise

    def __enter__(self) -> "State":
        return self

    def __exit__(self, *_: object) -> None:
        try:
            with explained(self._folder):
                self._db.close()
        finally:
            os.close(self._lock)

    @property
    def token(self) -> str:
        """Sixteen hexadecimal digits that mark this connector's files. Raises Problem (internal)."""
        token = str(self._row("SELECT token FROM token")[0])
        if not re.fullmatch("[0-9a-f]{16}", token):
            # It becomes a part of file names.
            raise failure("internal", f"State in {self._folder}: the token is damaged.")
        return token

    def begin(self, identity: str, limit: float) -> "MailboxState":
        """Return the state of a mailbox; credit it the time since the last run, at most `limit` seconds."""
        now = time.time()
        with self.transaction() as db:
            db.execute("INSERT OR IGNORE INTO mailbox (identity, last_tick) VALUES (?, ?)", (identity, now))
            row = db.execute(
                "SELECT id, clock, last_tick FROM mailbox WHERE identity = ?", (identity,)
            ).fetchone()
            clock = row[1] + min(max(now - row[2], 0.0), limit)
            db.execute("UPDATE mailbox SET clock = ?, last_tick = ? WHERE id = ?", (clock, now, row[0]))
        # The names of the database and its log are on disk before anything is said to be recorded.
        with explained(self._folder):
            sync_folder(self._folder)
        return MailboxState(self, row[0], clock)

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
        with explained(self._folder):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def _rows(self, query: str, values: tuple[Any, ...] = ()) -> list[Any]:
        with explained(self._folder):
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

    def folder(self, folder: Folder) -> "FolderState":
        key = (self._mailbox, folder.name, folder.validity)
        with self._state.transaction() as db:
            db.execute("INSERT OR IGNORE INTO folder (mailbox, name, validity) VALUES (?, ?, ?)", key)
        row = self._state._row("SELECT id FROM folder WHERE mailbox = ? AND name = ? AND validity = ?", key)
        # Without UIDVALIDITY there is no promise that a UID is not used again (RFC 1939 section 7).
        return FolderState(self._state, row[0], self._clock, uids_return=folder.validity == 0)


class FolderState:
    """The records of one folder under one UIDVALIDITY."""

    def __init__(self, state: State, folder: int, clock: float, *, uids_return: bool) -> None:
        self._state = state
        self._folder = folder
        self._clock = clock
        self._uids_return = uids_return

    @property
    def seen(self) -> Seen | None:
        """The folder as it was when each message was accounted for; None if it must be listed whole.

        That is once a day at least: there may be servers on whose UIDNEXT nobody can rely.
        """
        query = "SELECT uid_next, messages, listed FROM folder WHERE id = ?"
        uid_next, messages, listed = self._state._row(query, (self._folder,))
        return Seen(uid_next, messages) if uid_next and 0 <= self._clock - listed < DAY else None

    def account(self, seen: Seen, *, whole: bool) -> None:
        """Record that each message is accounted for, after a listing of the `whole` or of what was new."""
        with self._state.transaction() as db:
            db.execute(
                "UPDATE folder SET uid_next = ?, messages = ?, listed = CASE WHEN ? THEN ? ELSE listed END "
                "WHERE id = ?",
                (*seen, whole, self._clock, self._folder),
            )

    def is_unknown(self) -> bool:
        """Whether nothing is recorded of this folder."""
        return not self._state._rows("SELECT 1 FROM message WHERE folder = ? LIMIT 1", (self._folder,))

    def known(self, first: int | None = None) -> dict[tuple[str, int], int]:
        """Return size by (uid, ordinal) of the messages that are not to be fetched again; see list_new().

        With `first`, which is for IMAP, only of those whose UID is not smaller.
        """
        query = "SELECT uid, ordinal, size, state FROM message WHERE folder = ?"
        later = "" if first is None else f" AND CAST(uid AS INTEGER) >= {first:d}"
        return {
            (uid, ordinal): ~size if state == "removed" else size
            for uid, ordinal, size, state in self._state._rows(query + later, (self._folder,))
        }

    def set_aside(self) -> int:
        """Return how many messages are set aside."""
        query = "SELECT count(*) FROM message WHERE folder = ? AND state = 'quarantined'"
        return int(self._state._row(query, (self._folder,))[0])

    def attempts(self) -> dict[tuple[str, int], int]:
        """Return the number of failed attempts by (uid, ordinal)."""
        query = "SELECT uid, ordinal, attempts FROM failure WHERE folder = ?"
        return {(uid, ordinal): count for uid, ordinal, count in self._state._rows(query, (self._folder,))}

    def saw(self, known: Mapping[tuple[str, int], int], present: set[tuple[str, int]]) -> None:
        """Note which known messages the server has; forget those that it has not had for 30 days.

        Over POP3 one that was deleted there and is gone indeed is forgotten at once: from then on another may
        have its UIDL. If one is still or again there, nobody knows which it is: it is let alone.
        """
        here = self._folder
        query = "SELECT uid, ordinal FROM message WHERE folder = ? AND missing IS NOT NULL"
        back = {(uid, ordinal) for uid, ordinal in self._state._rows(query, (here,))}
        gone = [key for key in known if key not in present and key not in back]
        with self._state.transaction() as db:
            db.executemany(_SET_MISSING, ((self._clock, here, *key) for key in gone))
            db.executemany(_SET_MISSING, ((None, here, *key) for key in back & present))
            db.execute(
                "DELETE FROM message WHERE folder = ? AND missing IS NOT NULL "
                "AND (state = 'removed' AND ? OR ? - missing > ?)",
                (here, self._uids_return, self._clock, KEEP_MISSING),
            )

    def intend(self, location: str, batch: Iterable[Intent]) -> None:
        """Record in one transaction that the batch before is delivered and this one is about to be."""
        with self._state.transaction() as db:
            _deliver(db)
            db.execute("INSERT OR IGNORE INTO place (location) VALUES (?)", (location,))
            place = db.execute("SELECT id FROM place WHERE location = ?", (location,)).fetchone()[0]
            db.executemany(
                "INSERT INTO intent VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (self._folder, m.uid, m.ordinal, m.size, exact, place, staged.name, staged.size)
                    for m, exact, staged in batch
                ),
            )

    def delivered(self) -> None:
        """Record that all intents are delivered."""
        with self._state.transaction() as db:
            _deliver(db)

    def failed(self, message: Remote, reason: str, quarantine_after: int | None) -> bool:
        """Count a failed attempt; return whether the message is now set aside.

        That takes so many attempts, over PATIENCE at least.
        """
        key = (self._folder, message.uid, message.ordinal)
        with self._state.transaction() as db:
            db.execute(
                "INSERT INTO failure VALUES (?, ?, ?, 1, ?, ?) ON CONFLICT DO UPDATE "
                "SET attempts = attempts + 1, reason = excluded.reason",
                (*key, reason, self._clock),
            )
            attempts, since = db.execute(
                "SELECT attempts, since FROM failure WHERE folder = ? AND uid = ? AND ordinal = ?", key
            ).fetchone()
            tried = quarantine_after is not None and attempts >= quarantine_after
            aside = tried and self._clock - since >= PATIENCE
            if aside:
                db.execute(
                    "INSERT OR REPLACE INTO message (folder, uid, ordinal, size, exact, state, clock) "
                    "VALUES (?, ?, ?, ?, 0, 'quarantined', ?)",
                    (*key, message.size, self._clock),
                )
        return aside

    def due(self, days: int) -> list[Remote]:
        """Return the messages that were delivered at least so many credited days ago and may be deleted."""
        query = (
            "SELECT uid, size, ordinal FROM message WHERE folder = ? AND state = 'delivered' AND exact "
            "AND missing IS NULL AND ? - clock >= ?"
        )
        return [Remote(*row) for row in self._state._rows(query, (self._folder, self._clock, days * DAY))]

    def removed(self, keys: Iterable[tuple[str, int]]) -> None:
        """Record that the server has deleted these."""
        with self._state.transaction() as db:
            db.executemany(_SET_REMOVED, ((self._clock, self._folder, *key) for key in keys))


def _deliver(db: sqlite3.Connection) -> None:
    """End all intents as delivered."""
    db.execute(
        "INSERT OR REPLACE INTO message (folder, uid, ordinal, size, exact, state, place, name, clock) "
        "SELECT folder, uid, ordinal, size, exact, 'delivered', place, intent.name, mailbox.clock "
        "FROM intent JOIN folder ON folder.id = intent.folder JOIN mailbox ON mailbox.id = folder.mailbox"
    )
    db.execute(
        "DELETE FROM failure WHERE (folder, uid, ordinal) IN (SELECT folder, uid, ordinal FROM intent)"
    )
    db.execute("DELETE FROM intent")


_ONE = "WHERE folder = ? AND uid = ? AND ordinal = ?"
_SET_MISSING = f"UPDATE message SET missing = ? {_ONE}"  # noqa: S608 (constants only)
_SET_REMOVED = f"UPDATE message SET state = 'removed', missing = ? {_ONE}"  # noqa: S608


def lock(folder: StrPath) -> int:
    """Return a descriptor that holds a state folder's lock. Raises Problem (running) if a run has it."""
    flags = _PRIVATE_FILE | os.O_NONBLOCK
    path = os.path.join(folder, "lock")
    while True:
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between open and flock the state may have been removed: then this lock is nobody's.
            if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
                return descriptor
        except BlockingIOError as error:
            os.close(descriptor)
            raise failure("running", "This connector is being fetched now.", kind="Conflict") from error
        except FileNotFoundError:
            pass
        os.close(descriptor)


def _connect(path: str) -> sqlite3.Connection:
    # SQLite would make the file readable for all, as the umask has it.
    os.close(os.open(path, _PRIVATE_FILE, 0o600))
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=10)
    try:
        # Debian's defaults lost a committed row when the power was cut: both are read back.
        journal = db.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        db.execute("PRAGMA synchronous = FULL")
        if journal != "wal" or db.execute("PRAGMA synchronous").fetchone()[0] != 2:
            raise failure("internal", f"{path} cannot be kept safe against a power cut on this file system.")
        version = db.execute("PRAGMA user_version").fetchone()[0]
        if version == 0:
            _create(db)
        elif version != SCHEMA_VERSION:
            _upgrade(db, version, path)
    except BaseException:
        db.close()
        raise
    return db


def _create(db: sqlite3.Connection) -> None:
    db.execute("BEGIN IMMEDIATE")
    for statement in _SCHEMA.split(";")[:-1]:
        db.execute(statement)
    db.execute("INSERT INTO token VALUES (?)", (os.urandom(8).hex(),))
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    db.execute("COMMIT")


def _upgrade(db: sqlite3.Connection, version: int, path: str) -> None:
    if not 0 < version < SCHEMA_VERSION:
        raise failure("internal", f"{path} was written by another version of cockpit-getmail.")
    db.execute("BEGIN IMMEDIATE")
    for older in range(version, SCHEMA_VERSION):
        for statement in _UPGRADES[older]:
            db.execute(statement)
    db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    db.execute("COMMIT")


@contextmanager
def explained(folder: StrPath) -> Iterator[None]:
    """Raise what the state in `folder` meets as a Problem (internal, quota)."""
    try:
        yield
    except sqlite3.Error as error:
        full = getattr(error, "sqlite_errorcode", None) in _NO_SPACE
        hint = "no space is left" if full else f"the record of what was fetched cannot be used ({error})"
        raise failure("quota" if full else "internal", f"State in {folder}: {hint}.") from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise failure("quota" if full else "internal", f"State in {folder}: {reason}.") from error
