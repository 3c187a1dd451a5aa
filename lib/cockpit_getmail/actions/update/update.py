# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changing a connector."""

from __future__ import annotations

from cockpit_getmail import database
from cockpit_getmail.actions import (
    LOG_IN,
    change_props,
    event,
    format_props,
    refuse_command,
    require_connector,
)
from cockpit_getmail.actions.at_once import end_run, forgive, note
from cockpit_getmail.actions.delivering import refuse_target
from cockpit_getmail.actions.trusting import refuse_certificate
from cockpit_getmail.connector import SEALED
from cockpit_getmail.login.sealed import put_sealed, seal_wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Change the props given and keep the others. Raises Problem (NotFound, Conflict, NotValid, internal)."""
    refuse_command(data, settings)
    # Not under the lock: it takes its time.
    sealed = seal_wanted(format_props(data), settings)
    with database.transaction(settings.connectors_db) as content:
        record = require_connector(content, data)
        props = put_sealed(change_props(content, record, data), sealed)
        refuse_target(props, settings, record.props)
        refuse_certificate(props, record.props)
        content.put(record.key, record.type, props)
    if props.get("status") == "disabled":
        end_run(record.key)
    if any(props.get(prop) != record.props.get(prop) for prop in (*LOG_IN, *SEALED)):
        forgive(record.key, settings)
    note(record.key, props, settings)
    return event(record.key)
