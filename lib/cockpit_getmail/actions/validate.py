# SPDX-License-Identifier: LGPL-2.1-or-later
"""validate: create, update. The schema has been asked already; what is left concerns the whole connector."""

from typing import Any

from cockpit_getmail import database
from cockpit_getmail.actions import check_whole, completed, merged
from cockpit_getmail.settings import Settings


def create(data: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return success if create would take this."""
    check_whole(completed(data))
    return {"state": "success"}


def update(data: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return success if update would take this. A name that is not there is not a fault of the values."""
    record = database.read(settings.connectors_db).get(data["name"])
    check_whole(merged(record.props if record else {}, data))
    return {"state": "success"}


ACTIONS = {"create": create, "update": update}
