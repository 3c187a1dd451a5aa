# SPDX-License-Identifier: LGPL-2.1-or-later
"""The certificate that a mail server shows."""

from __future__ import annotations

from cockpit_getmail import login, units
from cockpit_getmail.actions import format_props
from cockpit_getmail.actions.remote import find_mailbox
from cockpit_getmail.connector import Connector

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return the server's certificate, trusted or not. Nobody logs in.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    if "form" in data:
        props = {prop: value or "" for prop, value in format_props(data["form"]).items()}
        connector = Connector("", {"Account": "", "Username": "", **props})
    else:
        found = find_mailbox(data, settings)
        # Without its secrets, but trusting whom it trusts.
        connector = Connector(found.name, found.props)
    login.require_allowed(connector, settings)
    return units.visit(connector, settings, {"about": "certificate"})
