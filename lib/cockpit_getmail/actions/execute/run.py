# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starting a run."""

from __future__ import annotations

from cockpit_getmail import database, units
from cockpit_getmail.actions import require_connector, require_runnable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Start a run of a connector as a unit, or find the one under way.

    Raises Problem (NotFound, Conflict for one that is disabled, NotValid, GenericError).
    """
    content = database.read(settings.connectors_db)
    connector = require_runnable(content, require_connector(content, data).key)
    unit, running = units.start_run(connector, settings)
    return {"unit": unit, "running": True} if running else {"unit": unit}
