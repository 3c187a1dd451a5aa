# SPDX-License-Identifier: LGPL-2.1-or-later
"""What runs and verifications logged."""

from __future__ import annotations

from cockpit_getmail import database, units
from cockpit_getmail.actions import require_connector
from cockpit_getmail.actions.tasks import find_task
from cockpit_getmail.connector import unit_name, verification_unit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings

LINES = 100


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return the last lines of a connector's runs, or of one task, or what followed the answer before.

    Raises Problem (NotFound, Conflict, internal).
    """
    lines, after = data.get("lines", LINES), data.get("after")
    if "token" in data:
        name = find_task(data["token"], settings).connector.name
        possible = (unit_name(name), verification_unit(name))
        found = units.read_journal_of_task(data["token"], possible, lines, after)
    else:
        name = require_connector(database.read(settings.connectors_db), data).key
        found = units.read_journal(unit_name(name), lines, after)
    answer: Answer = {"lines": found.lines}
    if found.cursor is not None:
        answer["cursor"] = found.cursor
    if after is not None and not found.follows:
        answer["restarted"] = True
    return answer
