# SPDX-License-Identifier: LGPL-2.1-or-later
"""lib/cockpit_getmail/sqlite.py: what our SQLite files have in common."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cockpit_getmail import sqlite


@contextmanager
def reader_of(file: Path) -> Iterator[sqlite3.Connection]:
    """Give a connection that reads a new file, as another process does that opens it at the same time."""
    with closing(sqlite3.connect(file, isolation_level=None, check_same_thread=False)) as db:
        db.execute("CREATE TABLE one (one)")
        db.execute("BEGIN")
        db.execute("SELECT * FROM one").fetchall()
        yield db


def test_two_who_open_a_new_file_wait_for_each_other(tmp_path: Path) -> None:
    file = tmp_path / "new.sqlite"
    with reader_of(file) as reader, closing(sqlite3.connect(file)) as db:
        done = threading.Timer(0.2, reader.execute, ("COMMIT",))
        done.start()
        assert sqlite.write_ahead(db) == "wal"
        done.join()


@pytest.mark.long
def test_wait_for_who_reads_a_new_file_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite, "WAIT_SECONDS", 0.1)
    file = tmp_path / "new.sqlite"
    locked = pytest.raises(sqlite3.OperationalError, match="locked")
    with reader_of(file), closing(sqlite3.connect(file)) as db, locked:
        sqlite.write_ahead(db)


def test_what_else_is_wrong_is_not_waited_for(tmp_path: Path) -> None:
    file = tmp_path / "other.sqlite"
    file.write_bytes(b"not a database, and long enough to be read as the header of one" * 20)
    with closing(sqlite3.connect(file)) as db, pytest.raises(sqlite3.DatabaseError, match="not a database"):
        sqlite.write_ahead(db)
