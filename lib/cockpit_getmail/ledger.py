# SPDX-License-Identifier: LGPL-2.1-or-later
"""What root remembers of starts, in one SQLite file for all connectors: when, and what came of trying.

How a run ended is not here: the run itself tells that in its state folder (status_file). Several processes
may use the file at once.
"""

from __future__ import annotations

import errno
import json
import os
from contextlib import contextmanager, suppress

from cockpit_getmail.durable import make_private
from cockpit_getmail.problem import Problem, failure, sentence
from cockpit_getmail.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from typing import TypedDict

    from cockpit_getmail.settings import Settings

    class Refusal(TypedDict):
        """A Problem without its attributes."""

        type: str
        cause: str
        message: str


FILE = ".schedule.sqlite"
"""In STATE_DIR, where no connector's folder begins with a dot."""
VERSION = 2
WAIT_SECONDS = 10.0
"""So long a process waits while another one writes."""
_SCHEMA = """CREATE TABLE start (
    name TEXT PRIMARY KEY, at REAL, token TEXT,
    problem TEXT, failures INTEGER NOT NULL DEFAULT 0, forgiven TEXT
) WITHOUT ROWID"""
_LIST = "SELECT name, at, problem, forgiven, failures, token FROM start"
_FIND = "SELECT at, problem, forgiven, failures, token FROM start WHERE name = ?"
_STARTED = """INSERT INTO start (name, at, token) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE
    SET at = excluded.at, token = excluded.token, problem = NULL, failures = 0"""
_REFUSED = """INSERT INTO start (name, at, problem, failures) VALUES (?, ?, ?, 1) ON CONFLICT (name) DO UPDATE
    SET at = excluded.at, token = NULL, problem = excluded.problem, failures = failures + 1"""
_FORGIVE = """INSERT INTO start (name, forgiven) VALUES (?, ?) ON CONFLICT (name) DO UPDATE
    SET at = NULL, token = NULL, problem = NULL, failures = 0, forgiven = excluded.forgiven"""


class Start(Value):
    """The last start of a connector.

    `at` is when it was started, or tried to be, in seconds since 1970; None makes it due at once. `problem`
    tells why it could not be started, and `failures` how often in a row. `forgiven` is the token of the run
    whose failure, and all before it, count no longer. `token` is that of the run that was started.
    """

    __slots__ = ("at", "failures", "forgiven", "problem", "token")

    def __init__(
        self,
        at: float | None,
        problem: Refusal | None = None,
        forgiven: str | None = None,
        failures: int = 0,
        token: str | None = None,
    ) -> None:
        self.at = at
        self.problem = problem
        self.forgiven = forgiven
        self.failures = failures
        self.token = token


class Ledger:
    """The open file, made if it is not there. Its methods raise Problem (internal, quota) with `path`.

    So does opening it. The attribute `damaged` means that what is there is no ledger of this version.
    """

    def __init__(self, settings: Settings) -> None:
        self.path = path_of(settings)
        with _explained(self.path):
            os.makedirs(settings.state_dir, 0o755, exist_ok=True)
            make_private(self.path)
            self._db = _connect(self.path)

    @classmethod
    def open_for_reading(cls, settings: Settings) -> Ledger | None:
        """Return the open file; None if it is missing, damaged, or not this user's."""
        if not os.access(path_of(settings), os.R_OK | os.W_OK):
            return None
        with suppress(Problem):
            return cls(settings)
        return None

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with _explained(self.path):
            self._db.close()

    def starts(self) -> dict[str, Start]:
        """Return the last start of each connector that was ever started, by name."""
        with _explained(self.path):
            return {name: _parse(*row) for name, *row in self._db.execute(_LIST)}

    def find(self, name: str) -> Start | None:
        """Return the last start of one connector, None if it was never started."""
        with _explained(self.path):
            row = self._db.execute(_FIND, (name,)).fetchone()
            return _parse(*row) if row else None

    def started(self, name: str, at: float, token: str | None = None) -> None:
        """Record that a run was started, by a token that its report has."""
        self._write(_STARTED, name, at, token)

    def refused(self, name: str, at: float, problem: Problem) -> None:
        """Record that no run could be started, and why."""
        refusal = {"type": problem.type, "cause": problem.cause, "message": sentence(problem)}
        self._write(_REFUSED, name, at, json.dumps(refusal))

    def forgive(self, name: str, token: str | None) -> None:
        """Let the failures up to the run with this token count no longer; the connector is due at once."""
        self._write(_FORGIVE, name, token)

    def forget(self, name: str) -> None:
        """Remove what is known of a connector that is no more."""
        self._write("DELETE FROM start WHERE name = ?", name)

    def _write(self, statement: str, *values: str | float | None) -> None:
        with _explained(self.path):
            self._db.execute(statement, values)


def _parse(
    at: float | None, problem: str | None, forgiven: str | None, failures: int, token: str | None
) -> Start:
    return Start(at, json.loads(problem) if problem else None, forgiven, failures, token)


def path_of(settings: Settings) -> str:
    return os.path.join(settings.state_dir, FILE)


def set_aside(settings: Settings) -> str:
    """Rename a damaged file, so that a new one is begun; return its new path. Raises Problem."""
    path = path_of(settings)
    with _explained(path):
        aside = f"{path}.damaged"
        os.replace(path, aside)
        for suffix in ("-wal", "-shm"):
            with suppress(FileNotFoundError):
                os.unlink(path + suffix)
    return aside


def _connect(path: str) -> sqlite3.Connection:
    import sqlite3

    # Each statement is a transaction of its own.
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=WAIT_SECONDS)
    try:
        db.execute("PRAGMA journal_mode = WAL")
        # After a power cut the last starts may be missing: then these runs are repeated.
        db.execute("PRAGMA synchronous = NORMAL")
        if _version(db) != VERSION:
            _create(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _version(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def _create(db: sqlite3.Connection, path: str) -> None:
    db.execute("BEGIN IMMEDIATE")
    # Another process may have done so meanwhile.
    version = _version(db)
    if version == 0:
        db.execute(_SCHEMA)
        db.execute(f"PRAGMA user_version = {VERSION}")
    db.execute("COMMIT")
    if version not in (0, VERSION):
        raise _not_ours(path, "was written by another version of cockpit-getmail")


@contextmanager
def _explained(path: str) -> Iterator[None]:
    """Raise what the file meets as a Problem that names it."""
    import sqlite3

    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise _not_ours(path, f"is damaged ({error})") from error
        raise _unusable(path, str(error), full=code == sqlite3.SQLITE_FULL) from error
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise _unusable(path, error.strerror or str(error), full=full) from error


def _unusable(path: str, reason: str, *, full: bool) -> Problem:
    message = f"The record of starts {path} cannot be used: {reason}."
    return failure("quota" if full else "internal", message, path=path)


def _not_ours(path: str, reason: str) -> Problem:
    message = f"The record of starts {path} {reason}. Remove it: a new one is made."
    return failure("internal", message, path=path, damaged=True)
