# SPDX-License-Identifier: LGPL-2.1-or-later
"""States that are sound, and each way in which one is not."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from cockpit_getmail import state_file
from cockpit_getmail.soundness import find_problems, read_token
from tests.support.verifying import Delivered


@pytest.fixture
def box(tmp_path: Path) -> Delivered:
    box = Delivered(tmp_path)
    for state in ("delivered", "removed"):
        box.deliver(state, state=state)
    box.record("quarantined", None, state="quarantined", place=None)
    box.record("skipped", None, state="skipped", place=None)
    box.execute("INSERT INTO failure VALUES (1, 'quarantined', 0, 3, 'It is bad.', 4000.0)")
    return box


@pytest.fixture
def db(box: Delivered) -> Iterator[sqlite3.Connection]:
    with closing(state_file.connect(str(box.state / "state.sqlite"))) as db:
        yield db


def test_state_of_runs_is_sound(db: sqlite3.Connection) -> None:
    assert find_problems(db) == []


def test_new_state_is_sound(tmp_path: Path) -> None:
    with closing(state_file.connect(str(tmp_path / "state.sqlite"))) as db:
        assert find_problems(db) == []
        assert read_token(db)


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("DELETE FROM token", "The token that marks the connector's files is damaged."),
        ("UPDATE token SET token = '../x'", "The token that marks the connector's files is damaged."),
        ("UPDATE token SET token = x'00'", "The token that marks the connector's files is damaged."),
        (
            "INSERT INTO token VALUES ('0123456789abcdef')",
            "The token that marks the connector's files is damaged.",
        ),
        ("DELETE FROM place", "2 times message names a missing place."),
        ("UPDATE folder SET mailbox = 5", "1 times folder names a missing mailbox."),
        (
            "UPDATE message SET place = NULL WHERE state = 'removed'",
            "There are delivered messages without a place: 1.",
        ),
        ("UPDATE message SET size = -1", "There are messages with an impossible size: 4."),
        ("UPDATE message SET size = 'big'", "There are messages with an impossible size: 4."),
        ("UPDATE mailbox SET clock = 3999", "There are messages from the future of their mailbox: 4."),
        ("UPDATE folder SET messages = -1", "There are folders with impossible counts: 1."),
        ("UPDATE mailbox SET clock = -1", "There are mailboxes with an impossible clock: 1."),
        ("UPDATE failure SET attempts = -1", "There are failures that were never tried: 1."),
    ],
)
def test_what_is_not_sound_is_told(db: sqlite3.Connection, statement: str, problem: str) -> None:
    db.execute(statement)
    assert problem in find_problems(db)


def test_damaged_table_is_told(box: Delivered) -> None:
    """An index that lacks a row."""
    with closing(state_file.connect(str(box.state / "state.sqlite"))) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, 'quarantined', 'skipped') WHERE name = 'aside'"
        )
    with closing(state_file.connect(str(box.state / "state.sqlite"))) as db:
        assert any(problem.startswith("Damaged: ") for problem in find_problems(db))
