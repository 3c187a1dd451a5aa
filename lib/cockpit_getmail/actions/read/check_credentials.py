# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding out whether a log-in works."""

from __future__ import annotations

from cockpit_getmail import database, schema, units
from cockpit_getmail.actions import LOG_IN, as_in_clear, find_connector, merge_props, refuse
from cockpit_getmail.connector import SEALED, Connector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Log in and return what was found. Raises Problem (NotValid, Conflict), and the one that was met."""
    props = _complete(data, settings) if data.get("name") else merge_props({}, data)
    connector = Connector.from_record("", {"Account": "", **props})
    return {"state": "success", **units.check(connector, settings)}


def _complete(data: dict[str, Any], settings: Settings) -> dict[str, str]:
    """Return the props that the connector would have after an update, as far as a log-in depends on them.

    Raises Problem (NotValid, also for what is stored; Conflict).
    """
    record = find_connector(database.read(settings.connectors_db), data)
    if record is None:
        refuse(schema.check("read", "check-credentials", {**data, "name": None}))
        return merge_props({}, data)
    # In old databases an empty prop is not set.
    stored = {
        prop: value for prop, value in record.props.items() if SEALED.get(prop, prop) in LOG_IN and value
    }
    props = merge_props(stored, data)
    refuse(schema.check("read", "check-credentials", {"action": "check-credentials", **as_in_clear(props)}))
    return props
