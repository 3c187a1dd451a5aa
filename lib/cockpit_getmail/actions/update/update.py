# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changing a connector."""

from __future__ import annotations

from cockpit_getmail import database
from cockpit_getmail.actions import change_props, event, require_connector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Change the props given and keep the others. Raises Problem (NotFound, Conflict, NotValid)."""
    with database.transaction(settings.connectors_db) as content:
        record = require_connector(content, data)
        content.put(record.key, record.type, change_props(content, record, data))
    return event(record.key)
