# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starting a run."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from cockpit_getmail import database, units
from cockpit_getmail.actions import require_connector, require_runnable
from cockpit_getmail.actions.tasks import started
from cockpit_getmail.launch import launch, stamp
from cockpit_getmail.ledger import Ledger
from cockpit_getmail.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Start a run of a connector as a unit, or find the one under way; `wait` for its end if asked to.

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
    return started(unit, token, data, settings, running=running)


def _remember(name: str, settings: Settings, problem: Problem) -> None:
    """Note for the schedule why there was no start. If that fails, the problem is told all the same."""
    if os.geteuid() != 0 or not units.is_available() or problem.type in ("NotFound", "Conflict"):
        return
    with suppress(Problem), Ledger(settings) as ledger:
        ledger.refused(name, time.time(), problem)
