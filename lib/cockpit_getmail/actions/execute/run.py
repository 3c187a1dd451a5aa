# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starting a run."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from cockpit_getmail import database, units
from cockpit_getmail.actions import require_connector, require_runnable
from cockpit_getmail.launch import launch, stamp
from cockpit_getmail.ledger import Ledger
from cockpit_getmail.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Start a run of a connector as a unit, or find the one under way.

    Raises Problem (NotFound, Conflict for one that is disabled, NotValid, GenericError).
    """
    read_at = stamp(settings)
    content = database.read(settings.connectors_db)
    name = require_connector(content, data).key
    try:
        unit, token, running = launch(require_runnable(content, name), settings, read_at)
    except Problem as problem:
        _remember(name, settings, problem)
        raise
    if not running:
        _remember(name, settings)
    return {"unit": unit, "token": token, **({"running": True} if running else {})}


def _remember(name: str, settings: Settings, problem: Problem | None = None) -> None:
    """Note the start for the schedule, or why there is none. What is done is done, also if that fails."""
    if os.geteuid() != 0 or not units.is_available():
        return
    with suppress(Problem), Ledger(settings) as ledger:
        if problem is None:
            ledger.started(name, time.time())
        elif problem.type not in ("NotFound", "Conflict"):
            ledger.refused(name, time.time(), problem)
