# SPDX-License-Identifier: LGPL-2.1-or-later
"""How connectors are, without their props."""

from __future__ import annotations

from cockpit_getmail import database
from cockpit_getmail.actions import require_connector
from cockpit_getmail.actions.conditions import find_conditions

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return how the connectors are that the filters leave, in the order of the database.

    Raises Problem (NotFound, Conflict) for a name that means none of them, or several.
    """
    content = database.read(settings.connectors_db)
    name = require_connector(content, data).key if "name" in data else None
    found = []
    for record, condition in find_conditions(content, data, settings, name):
        label = record.props.get("Label")
        named = {"name": record.key, "account": record.props.get("Account", "")}
        found.append({**named, **({} if label is None else {"label": label}), **condition})
    return {"connectors": found}
