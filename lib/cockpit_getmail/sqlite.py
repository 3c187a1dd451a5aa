# SPDX-License-Identifier: LGPL-2.1-or-later
"""What our SQLite files have in common, and those of root's own that helpers open too."""

from __future__ import annotations

import errno
import os
import time
from contextlib import contextmanager, suppress

from cockpit_getmail.durable import make_private
from cockpit_getmail.problem import failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from typing import ClassVar, Self

    from cockpit_getmail.problem import Problem
    from cockpit_getmail.settings import Settings

WAIT_SECONDS = 10.0
"""So long a process waits while another one writes."""
FULL = (errno.ENOSPC, errno.EDQUOT)
"""What the system says where no space is left."""


@contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Write what the block writes, or nothing if it raises. Waits for others. Raises sqlite3.Error."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield db
        db.execute("COMMIT")
    finally:
        if db.in_transaction:
            db.execute("ROLLBACK")


def write_ahead(db: sqlite3.Connection) -> str:
    """Have the file keep a write-ahead log; return the journal it has. Waits for others.

    Raises sqlite3.Error. SQLite's own wait is not for changes of the journal: of two who make one at once in
    a new file, it refuses one.
    """
    import sqlite3

    until = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return str(db.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if _code(error) != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
        time.sleep(0.005)


def _code(error: sqlite3.Error) -> int:
    """Return the primary result code of SQLite, 0 where the error is Python's own."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def read_version(db: sqlite3.Connection) -> int:
    """Return the version of a file's tables, 0 for a new file. Raises sqlite3.Error."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


class OwnFile:
    """A file of root's own in STATE_DIR, made if it is not there. Several processes may use it at once.

    Its methods raise Problem (internal, quota) with `path`, and so does opening it. Then the attribute
    `damaged` means that what is there is no such file of this version.
    """

    FILE: ClassVar[str]
    """Its name: no connector's folder begins with a dot."""
    WHAT: ClassVar[str]
    ADVICE: ClassVar[str] = ""
    """What to do with one that is damaged."""
    VERSION: ClassVar[int]
    SCHEMA: ClassVar[tuple[str, ...]]
    SYNCHRONOUS: ClassVar[str]

    def __init__(self, settings: Settings) -> None:
        path = self.path_of(settings)
        with self._explained(path):
            os.makedirs(settings.state_dir, 0o755, exist_ok=True)
            make_private(path)
            self._db = self._connect(path)
        self._path = path

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._explained(self._path):
            self._db.close()

    @classmethod
    def path_of(cls, settings: Settings) -> str:
        """Return where the file is."""
        return os.path.join(settings.state_dir, cls.FILE)

    @classmethod
    def set_aside(cls, settings: Settings) -> str:
        """Rename a damaged file, so that a new one is begun; return its new path. Raises Problem."""
        path = cls.path_of(settings)
        with cls._explained(path):
            aside = f"{path}.damaged"
            os.replace(path, aside)
            for suffix in ("-wal", "-shm"):
                with suppress(FileNotFoundError):
                    os.unlink(path + suffix)
        return aside

    @classmethod
    def _connect(cls, path: str) -> sqlite3.Connection:
        import sqlite3

        # Each statement is a transaction of its own, unless one is begun.
        db = sqlite3.connect(path, isolation_level=None, timeout=WAIT_SECONDS)
        try:
            write_ahead(db)
            db.execute(f"PRAGMA synchronous = {cls.SYNCHRONOUS}")
            if read_version(db) != cls.VERSION:
                cls._create(db, path)
        except BaseException:
            db.close()
            raise
        return db

    @classmethod
    def _create(cls, db: sqlite3.Connection, path: str) -> None:
        with transaction(db):
            # Another process may have done so meanwhile.
            version = read_version(db)
            if version == 0:
                for statement in cls.SCHEMA:
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {cls.VERSION}")
            elif version != cls.VERSION:
                raise cls._not_ours(path, "was written by another version of cockpit-getmail")

    @classmethod
    @contextmanager
    def _explained(cls, path: str) -> Iterator[None]:
        """Raise what the file meets as a Problem that names it."""
        import sqlite3

        try:
            yield
        except sqlite3.Error as error:
            code = _code(error)
            if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise cls._not_ours(path, f"is damaged ({error})") from error
            raise cls._unusable(path, str(error), full=code == sqlite3.SQLITE_FULL) from error
        except OSError as error:
            raise cls._unusable(path, error.strerror or str(error), full=error.errno in FULL) from error

    @classmethod
    def _unusable(cls, path: str, reason: str, *, full: bool) -> Problem:
        message = f"{cls.WHAT} {path} cannot be used: {reason}."
        return failure("quota" if full else "internal", message, path=path)

    @classmethod
    def _not_ours(cls, path: str, reason: str) -> Problem:
        return failure("internal", f"{cls.WHAT} {path} {reason}.{cls.ADVICE}", path=path, damaged=True)
