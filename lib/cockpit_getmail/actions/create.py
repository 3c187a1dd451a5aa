# SPDX-License-Identifier: LGPL-2.1-or-later
"""create: a connector."""

import time
from typing import Any

from cockpit_getmail import database
from cockpit_getmail.actions import check_whole, completed, event
from cockpit_getmail.connector import make_name
from cockpit_getmail.settings import Settings


def create(data: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Store a connector under a key of its own; return the event, with the key as `name`."""
    props = completed(data)
    check_whole(props)
    with database.transaction(settings.connectors_db) as connectors:
        name = make_name(props["Username"], props["Server"])
        while connectors.get(name):
            name += f"-{int(time.time())}"
        connectors.put(name, "getmail", props)
    return event(name)


ACTIONS = {"create": create}
