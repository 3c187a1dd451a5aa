# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether the record of what was fetched can be right, as far as it says so itself."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3

_SHOWN = 20
_RULES = {
    "delivered messages without a place": "message WHERE state IN ('delivered', 'removed') AND place IS NULL",
    "messages with an impossible size": "message WHERE typeof(size) != 'integer' OR size < 0",
    "messages from the future of their mailbox": (
        "message JOIN folder ON folder.id = folder JOIN mailbox ON mailbox.id = mailbox "
        "WHERE message.clock > mailbox.clock"
    ),
    "folders with impossible counts": (
        "folder WHERE uid_next < 0 OR messages < 0 OR (validity < 0 AND NOT (stale AND validity = -id))"
    ),
    "mailboxes with an impossible clock": "mailbox WHERE NOT clock >= 0",
    "failures that were never tried": "failure WHERE attempts < 0",
}
"""By what it is, where to find what must not be."""


def read_token(db: sqlite3.Connection) -> str | None:
    """Return the token that marks the connector's files, None if it is damaged. Raises sqlite3.Error."""
    rows = db.execute("SELECT token FROM token LIMIT 2").fetchall()
    token = rows[0][0] if len(rows) == 1 else None
    return token if isinstance(token, str) and re.fullmatch("[0-9a-f]{16}", token) else None


def find_problems(db: sqlite3.Connection) -> list[str]:
    """Return what is wrong with the tables, a sentence each; nothing if all is well. Raises sqlite3.Error."""
    told = [str(row[0]) for row in db.execute(f"PRAGMA integrity_check({_SHOWN})")]
    problems = [f"Damaged: {line}." for line in told if line != "ok"]
    if read_token(db) is None:
        problems.append("The token that marks the connector's files is damaged.")
    dangling = Counter((table, parent) for table, _, parent, _ in db.execute("PRAGMA foreign_key_check"))
    problems += [
        f"{number} times {table} names a missing {parent}." for (table, parent), number in dangling.items()
    ]
    for what, where in _RULES.items():
        number = db.execute(f"SELECT count(*) FROM {where}").fetchone()[0]  # noqa: S608 (constants only)
        if number:
            problems.append(f"There are {what}: {number}.")
    return problems
