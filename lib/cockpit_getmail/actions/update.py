# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changing a connector."""

from __future__ import annotations

from cockpit_getmail import database
from cockpit_getmail.actions import change_props, event, require

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cockpit_getmail.actions import Action, Answer
    from cockpit_getmail.settings import Settings


def update(data: dict[str, Any], settings: Settings) -> Answer:
    """Change the props given and keep the others. Raises Problem (NotFound, NotValid)."""
    with database.transaction(settings.connectors_db) as content:
        record = require(content, data["name"])
        content.put(record.key, record.type, change_props(record.props, data))
    return event(record.key)


def enable(data: dict[str, Any], settings: Settings) -> Answer:
    """Enable a connector. Raises Problem (NotFound)."""
    return _set_status("enabled", data, settings)


def disable(data: dict[str, Any], settings: Settings) -> Answer:
    """Disable a connector. Raises Problem (NotFound)."""
    return _set_status("disabled", data, settings)


def _set_status(status: str, data: dict[str, Any], settings: Settings) -> Answer:
    with database.transaction(settings.connectors_db) as content:
        record = require(content, data["name"])
        content.put(record.key, record.type, {**record.props, "status": status})
    return event(record.key)


ACTIONS: Mapping[str, Action] = {"update": update, "enable": enable, "disable": disable}
