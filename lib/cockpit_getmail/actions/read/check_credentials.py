# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding out whether a log-in works."""

from __future__ import annotations

from cockpit_getmail import units
from cockpit_getmail.actions import format_props
from cockpit_getmail.connector import Connector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Log in and return what was found. Raises the Problem that was met."""
    props = {prop: value for prop, value in format_props(data).items() if value is not None}
    connector = Connector.from_record("", {"Account": "", **props})
    return {"state": "success", **units.check(connector, settings)}
