# SPDX-License-Identifier: LGPL-2.1-or-later
"""delete: a connector and what it remembers. Mail stays where it is."""

import os
from typing import Any

from cockpit_getmail import database, state, units
from cockpit_getmail.actions import event, require
from cockpit_getmail.connector import folder_name, unit_name
from cockpit_getmail.settings import Settings


def delete(data: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """End a run under way, then remove record and state. Raises Problem if a foreground run is at work."""
    name = data["name"]
    require(database.read(settings.connectors_db), name)
    if os.geteuid() == 0 and units.is_available() and units.is_running(unit_name(name)):
        units.stop(unit_name(name))
    # The state goes last: without it, a connector that is still there would fetch everything again.
    with (
        state.removal(settings.state_dir / folder_name(name)),
        database.transaction(settings.connectors_db) as connectors,
    ):
        require(connectors, name)
        connectors.remove(name)
    return event(name)


ACTIONS = {"delete": delete}
