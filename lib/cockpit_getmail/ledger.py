# SPDX-License-Identifier: LGPL-2.1-or-later
"""What root remembers of starts, in one SQLite file for all connectors: when, and what came of trying.

How a run ended is not here: the run itself tells that in its state folder (status_file).
"""

from __future__ import annotations

import json
import os
from contextlib import suppress

from cockpit_getmail.problem import Problem, sentence
from cockpit_getmail.sqlite import OwnFile
from cockpit_getmail.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NotRequired, TypedDict

    from cockpit_getmail.settings import Settings

    class Refusal(TypedDict):
        """A Problem without its attributes but for a hint of its own."""

        type: str
        cause: str
        message: str
        hint: NotRequired[str]


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


class Ledger(OwnFile):
    """The open file. Its methods raise Problem (internal, quota), see OwnFile."""

    FILE = ".schedule.sqlite"
    WHAT = "The record of starts"
    ADVICE = " Remove it: a new one is made."
    VERSION = 2
    SCHEMA = (_SCHEMA,)
    # After a power cut the last starts may be missing: then these runs are repeated.
    SYNCHRONOUS = "NORMAL"

    @classmethod
    def open_for_reading(cls, settings: Settings) -> Ledger | None:
        """Return the open file; None if it is missing, damaged, or not this user's."""
        if not os.access(cls.path_of(settings), os.R_OK | os.W_OK):
            return None
        with suppress(Problem):
            return cls(settings)
        return None

    def starts(self) -> dict[str, Start]:
        """Return the last start of each connector that was ever started, by name."""
        with self._explained(self._path):
            return {name: _parse(*row) for name, *row in self._db.execute(_LIST)}

    def find(self, name: str) -> Start | None:
        """Return the last start of one connector, None if it was never started."""
        with self._explained(self._path):
            row = self._db.execute(_FIND, (name,)).fetchone()
            return _parse(*row) if row else None

    def started(self, name: str, at: float, token: str | None = None) -> None:
        """Record that a run was started, by a token that its report has."""
        self._write(_STARTED, name, at, token)

    def refused(self, name: str, at: float, problem: Problem) -> None:
        """Record that no run could be started, and why."""
        refusal = {"type": problem.type, "cause": problem.cause, "message": sentence(problem)}
        if problem.hint:
            refusal["hint"] = problem.hint
        self._write(_REFUSED, name, at, json.dumps(refusal))

    def forgive(self, name: str, token: str | None) -> None:
        """Let the failures up to the run with this token count no longer; the connector is due at once."""
        self._write(_FORGIVE, name, token)

    def forget(self, name: str) -> None:
        """Remove what is known of a connector that is no more."""
        self._write("DELETE FROM start WHERE name = ?", name)

    def _write(self, statement: str, *values: str | float | None) -> None:
        with self._explained(self._path):
            self._db.execute(statement, values)


def _parse(
    at: float | None, problem: str | None, forgiven: str | None, failures: int, token: str | None
) -> Start:
    return Start(at, json.loads(problem) if problem else None, forgiven, failures, token)
