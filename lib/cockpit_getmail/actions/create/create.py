# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adding a connector."""

from __future__ import annotations

import time

from cockpit_getmail import database
from cockpit_getmail.actions import TYPE, event, make_props, refuse_command, refuse_taken_label
from cockpit_getmail.actions.at_once import note
from cockpit_getmail.actions.delivering import refuse_target
from cockpit_getmail.actions.trusting import refuse_certificate
from cockpit_getmail.connector import make_name
from cockpit_getmail.database import Database
from cockpit_getmail.login.sealed import put_sealed, seal_wanted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Store a connector under a name that is free, and return it. Raises Problem (NotValid)."""
    refuse_command(data, settings)
    path = settings.connectors_db
    props = make_props(database.read(path) if "Label" in data else Database(), data)
    refuse_target(props, settings)
    refuse_certificate(props)
    # Not under the lock: it takes its time.
    props = put_sealed(props, seal_wanted(props, settings))
    name = make_name(props["Username"], props["Server"])
    with database.transaction(path) as content:
        refuse_taken_label(content, props)
        while content.get(name):
            name += f"-{int(time.time())}"
        content.put(name, TYPE, props)
    note(name, props, settings)
    return event(name)
