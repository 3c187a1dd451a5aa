# SPDX-License-Identifier: LGPL-2.1-or-later
"""Forgetting the failures of a connector."""

from __future__ import annotations

from cockpit_getmail import database
from cockpit_getmail.actions import event, require_connector
from cockpit_getmail.actions.at_once import forgive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Let failures count no longer; the connector is due at once. Raises Problem (NotFound, Conflict)."""
    name = require_connector(database.read(settings.connectors_db), data).key
    forgive(name, settings)
    return event(name)
