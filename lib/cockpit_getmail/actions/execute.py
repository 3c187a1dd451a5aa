# SPDX-License-Identifier: LGPL-2.1-or-later
"""execute: run."""

from typing import Any

from cockpit_getmail import database, units
from cockpit_getmail.actions import require_runnable
from cockpit_getmail.settings import Settings


def run(data: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Start a run as a unit; return its name, and whether it was running already."""
    connector = require_runnable(database.read(settings.connectors_db), data["name"])
    unit, running = units.start_run(connector, settings)
    return {"unit": unit, "running": True} if running else {"unit": unit}


ACTIONS = {"run": run}
