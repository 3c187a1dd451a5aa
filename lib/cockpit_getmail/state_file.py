# SPDX-License-Identifier: LGPL-2.1-or-later
"""The file under the state: its tables, those of older versions, and the lock of a run."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Self, TypeAlias

from cockpit_getmail.durable import make_private
from cockpit_getmail.problem import failure
from cockpit_getmail.sqlite import FULL, WAIT_SECONDS, read_version, transaction, write_ahead

StrPath: TypeAlias = str | os.PathLike[str]
SCHEMA_VERSION = 5
RUN_LOCK, VERIFY_LOCK = "lock", "verify.lock"
_DONE = {RUN_LOCK: "fetched", VERIFY_LOCK: "verified"}
_PRIVATE_FILE = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
_NO_SPACE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE)
_MESSAGE = """
CREATE TABLE message (
    folder INTEGER NOT NULL REFERENCES folder, uid TEXT NOT NULL, ordinal INTEGER NOT NULL,
    size INTEGER NOT NULL, exact INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN (
        'delivered', 'removed', 'quarantined', 'skipped', 'dropped', 'baselined', 'duplicate')),
    place INTEGER REFERENCES place, name TEXT, clock REAL NOT NULL, missing REAL, message_id TEXT,
    date INTEGER, same TEXT NOT NULL DEFAULT '', PRIMARY KEY (folder, uid, ordinal)) WITHOUT ROWID;
CREATE INDEX aside ON message (folder) WHERE state = 'quarantined';
CREATE INDEX same ON message (same) WHERE same <> '';
"""
_RUN = """
CREATE TABLE run (
    id INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, invocation TEXT NOT NULL,
    started REAL NOT NULL, ended REAL NOT NULL, state TEXT NOT NULL, messages INTEGER NOT NULL,
    bytes INTEGER NOT NULL, cause TEXT, message TEXT NOT NULL, result TEXT, log TEXT, clock REAL NOT NULL);
CREATE INDEX age ON run (clock);
CREATE INDEX logged ON run (id) WHERE log IS NOT NULL;
"""
_UNMARKED = """
CREATE TABLE unmarked (
    folder INTEGER NOT NULL REFERENCES folder, uid TEXT NOT NULL, ordinal INTEGER NOT NULL,
    PRIMARY KEY (folder, uid, ordinal)) WITHOUT ROWID;
"""
_SCHEMA = f"""
CREATE TABLE token (token TEXT NOT NULL);
CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE,
    tls_seen INTEGER NOT NULL DEFAULT 0, clock REAL NOT NULL DEFAULT 0, last_tick REAL);
CREATE TABLE folder (
    id INTEGER PRIMARY KEY, mailbox INTEGER NOT NULL REFERENCES mailbox, name TEXT NOT NULL,
    validity INTEGER NOT NULL, uid_next INTEGER, messages INTEGER, listed REAL,
    reopened INTEGER NOT NULL DEFAULT 0, stale INTEGER NOT NULL DEFAULT 0,
    highest INTEGER NOT NULL DEFAULT 0, UNIQUE (mailbox, name, validity));
CREATE TABLE place (id INTEGER PRIMARY KEY, location TEXT NOT NULL UNIQUE);
CREATE TABLE intent (
    folder INTEGER NOT NULL REFERENCES folder, uid TEXT NOT NULL, ordinal INTEGER NOT NULL,
    size INTEGER NOT NULL, exact INTEGER NOT NULL,
    place INTEGER NOT NULL REFERENCES place, name TEXT NOT NULL UNIQUE, stored INTEGER NOT NULL,
    message_id TEXT, date INTEGER, same TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (folder, uid, ordinal)) WITHOUT ROWID;
CREATE TABLE failure (
    folder INTEGER NOT NULL REFERENCES folder, uid TEXT NOT NULL, ordinal INTEGER NOT NULL,
    attempts INTEGER NOT NULL, reason TEXT NOT NULL, since REAL NOT NULL,
    PRIMARY KEY (folder, uid, ordinal)) WITHOUT ROWID;
{_UNMARKED}{_MESSAGE}{_RUN}"""
_KEPT = "folder, uid, ordinal, size, exact, state, place, name, clock, missing"
_UPGRADES = {
    1: [
        f"ALTER TABLE folder ADD COLUMN {c}" for c in ("uid_next INTEGER", "messages INTEGER", "listed REAL")
    ],
    2: [
        "ALTER TABLE folder ADD COLUMN reopened INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE intent ADD COLUMN message_id TEXT",
        "ALTER TABLE message RENAME TO older",
        *(_MESSAGE + _RUN).split(";")[:-1],
        f"INSERT INTO message ({_KEPT}) SELECT {_KEPT} FROM older",  # noqa: S608 (constants only)
        "DROP TABLE older",
    ],
    # What the table of messages allows is widened once, by the last.
    3: [],
    4: [
        "ALTER TABLE folder ADD COLUMN stale INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE folder ADD COLUMN highest INTEGER NOT NULL DEFAULT 0",
        "ALTER TABLE intent ADD COLUMN date INTEGER",
        "ALTER TABLE intent ADD COLUMN same TEXT NOT NULL DEFAULT ''",
        *_UNMARKED.split(";")[:-1],
        "DROP INDEX aside",
        "DROP INDEX IF EXISTS same",
        "ALTER TABLE message RENAME TO older",
        *_MESSAGE.split(";")[:-1],
        f"INSERT INTO message ({_KEPT}, message_id) SELECT {_KEPT}, message_id FROM older",  # noqa: S608
        "DROP TABLE older",
    ],
}
"""What makes the tables of an older version those of the next one."""


def lock(folder: StrPath, name: str = RUN_LOCK) -> int:
    """Return a descriptor that holds a lock of a state folder. Raises Problem (running) if another has it."""
    flags = _PRIVATE_FILE | os.O_NONBLOCK
    path = os.path.join(folder, name)
    while True:
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # Between open and flock the state may have been removed: then this lock is nobody's.
            if os.path.samestat(os.fstat(descriptor), os.lstat(path)):
                return descriptor
        except BlockingIOError as error:
            os.close(descriptor)
            message = f"This connector is being {_DONE[name]} now."
            raise failure("running", message, kind="Conflict") from error
        except FileNotFoundError:
            pass
        os.close(descriptor)


class OpenState:
    """The open file of a connector, locked against every other run. Raises Problem (internal, quota).

    `tick` is what is to be recorded of a mailbox's clock together with what is recorded next.
    """

    def __init__(self, folder: StrPath) -> None:
        self.tick: tuple[float, float, int] | None = None
        with explained(folder):
            self.folder = folder
            self._lock = lock(folder)
            try:
                self._db = connect(os.path.join(folder, "state.sqlite"))
            except BaseException:
                os.close(self._lock)
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            with explained(self.folder):
                if self.tick:
                    self._db.execute(_TICK, self.tick)
                self._db.close()
        finally:
            os.close(self._lock)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Write what the block writes, or nothing."""
        tick = self.tick
        with explained(self.folder), transaction(self._db) as db:
            if tick:
                db.execute(_TICK, tick)
            yield db
        if tick:
            self.tick = None

    def rows(self, query: str, values: Mapping[str, Any] | tuple[Any, ...] = ()) -> list[Any]:
        """Return what there is to a query."""
        with explained(self.folder):
            return self._db.execute(query, values).fetchall()

    def row(self, query: str, values: tuple[Any, ...] = ()) -> Any:
        """Return the first row of it."""
        return self.rows(query, values)[0]


def find_tls(identity: str) -> tuple[str, tuple[int, str]]:
    """Return the query, and what it is about, for whether the server of a mailbox was ever reached over TLS.

    By whatever user name: a server offers TLS before it knows who comes.
    """
    server = identity[: identity.rfind("\n") + 1]
    query = "SELECT 1 FROM mailbox WHERE tls_seen AND substr(identity, 1, ?) = ? LIMIT 1"
    return query, (len(server), server)


@contextmanager
def opened(folder: StrPath) -> Iterator[sqlite3.Connection | None]:
    """Give the database beside a run, without its lock; None if there is none yet. Raises Problem.

    Each statement is a transaction of its own, unless BEGIN IMMEDIATE begins one.
    """
    path = os.path.join(folder, "state.sqlite")
    with explained(folder):
        if not os.path.lexists(path):
            yield None
            return
        with closing(connect(path)) as db:
            yield db


def connect(path: str) -> sqlite3.Connection:
    """Open the database, made or brought to our version. Raises Problem, sqlite3.Error, OSError."""
    make_private(path)
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=WAIT_SECONDS)
    try:
        # Debian's defaults lost a committed row when the power was cut: both are read back.
        journal = write_ahead(db)
        db.execute("PRAGMA synchronous = FULL")
        if journal != "wal" or db.execute("PRAGMA synchronous").fetchone()[0] != 2:
            raise failure("internal", f"{path} cannot be kept safe against a power cut on this file system.")
        if read_version(db) != SCHEMA_VERSION:
            _prepare(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: str) -> None:
    """Make the tables, or make those of an older version ours."""
    with transaction(db):
        # Another process may have done so meanwhile.
        version = read_version(db)
        if not 0 <= version <= SCHEMA_VERSION:
            raise failure("internal", f"{path} was written by another version of cockpit-getmail.")
        if version == 0:
            _create(db)
        for older in range(version or SCHEMA_VERSION, SCHEMA_VERSION):
            for statement in _UPGRADES[older]:
                db.execute(statement)
        db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _create(db: sqlite3.Connection) -> None:
    for statement in _SCHEMA.split(";")[:-1]:
        db.execute(statement)
    db.execute("INSERT INTO token VALUES (?)", (os.urandom(8).hex(),))


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
        full = error.errno in FULL
        reason = os.strerror(error.errno) if error.errno else str(error)
        raise failure("quota" if full else "internal", f"State in {folder}: {reason}.") from error


ONE_MESSAGE = "WHERE folder = ? AND uid = ? AND ordinal = ?"
FORGET_FAILURE = f"DELETE FROM failure {ONE_MESSAGE}"  # noqa: S608 (constants only)
_TICK = "UPDATE mailbox SET clock = ?, last_tick = ? WHERE id = ?"
