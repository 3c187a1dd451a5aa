# SPDX-License-Identifier: LGPL-2.1-or-later
"""Past runs and verifications of one connector, in its state.

They are kept for so many days of the state's own clock: a jump of the wall clock forgets nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cockpit_getmail.days import LIMIT, day_of, keep, last_days
from cockpit_getmail.folder_state import DAY

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from typing import Any

    from cockpit_getmail.status_file import Report

LOGS_KEPT = 100
"""Of so many the log is kept with the rest."""
COUNTS = ("messages", "bytes", "failed", "set_aside", "deleted", "passed", "left", "baselined")
_COLUMNS = "token, kind, invocation, started, ended, state, messages, bytes, cause, message, result, log"
_CLOCK = "(SELECT coalesce(sum(clock), 0) FROM mailbox)"


def add(db: sqlite3.Connection, report: Report, days: int) -> None:
    """Record a task that has ended, unless it is already, and forget what is older than so many days."""
    row = (
        *(report[name] for name in ("token", "kind", "invocation", "started", "ended", "state")),
        *(report[name] for name in ("messages", "bytes", "cause", "message")),
        json.dumps(_result(report)),
        json.dumps(report["log"]),
    )
    values = ", ".join("?" * len(row))
    added = db.execute(f"INSERT OR IGNORE INTO run ({_COLUMNS}, clock) VALUES ({values}, {_CLOCK})", row)  # noqa: S608
    if added.rowcount:
        newest = added.lastrowid or 0
        db.execute("UPDATE run SET log = NULL WHERE id <= ? AND log IS NOT NULL", (newest - LOGS_KEPT,))
        db.execute(f"DELETE FROM run WHERE clock < {_CLOCK} - ?", (days * DAY,))  # noqa: S608


def listing(db: sqlite3.Connection, limit: int) -> list[dict[str, Any]]:
    """Return the last runs, newest first, without their logs."""
    query = f"SELECT {_COLUMNS} FROM run WHERE kind = 'run' ORDER BY id DESC LIMIT ?"  # noqa: S608
    return [{**entry, "log": None} for entry in _entries(db, query, (limit,))]


def outcomes(db: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """Yield all runs, the oldest first, without their logs."""
    query = f"SELECT {_COLUMNS.removesuffix('log')}NULL FROM run WHERE kind = 'run' ORDER BY id"  # noqa: S608
    return _entries(db, query, ())


def find(db: sqlite3.Connection, token: str) -> dict[str, Any] | None:
    """Return a task: a Report's fields from `token` to `message`, `result` and `log`, None if it is gone.

    The result of a run is what it did with messages, by number, and the hint of its failure.
    """
    query = f"SELECT {_COLUMNS} FROM run WHERE token = ?"  # noqa: S608 (constants only)
    return next(_entries(db, query, (token,)), None)


def newest(db: sqlite3.Connection) -> str | None:
    """Return the token of the last run, None if there is none."""
    row = db.execute("SELECT token FROM run WHERE kind = 'run' ORDER BY id DESC LIMIT 1").fetchone()
    return str(row[0]) if row else None


def count_days(db: sqlite3.Connection, now: float) -> dict[str, int]:
    """Return how many messages runs delivered that ended on the last days, by day."""
    # No more time is credited than went by: all of them are among these.
    query = f"SELECT ended, messages FROM run WHERE kind = 'run' AND clock >= {_CLOCK} - ?"  # noqa: S608
    counts: dict[str, int] = {}
    for ended, messages in db.execute(query, (LIMIT * DAY,)):
        day = day_of(ended)
        counts[day] = counts.get(day, 0) + messages
    return keep(counts, last_days(now))


def _result(report: Report) -> dict[str, Any] | None:
    if report["kind"] != "run":
        return report["result"]
    result: dict[str, Any] = {name: report[name] for name in COUNTS}  # type: ignore[literal-required]
    return {**result, "hint": report["hint"]} if "hint" in report else result


def _entries(db: sqlite3.Connection, query: str, values: tuple[Any, ...]) -> Iterator[dict[str, Any]]:
    names = _COLUMNS.split(", ")
    for row in db.execute(query, values):
        entry = dict(zip(names, row, strict=True))
        for name in ("result", "log"):
            entry[name] = None if entry[name] is None else json.loads(entry[name])
        yield entry
