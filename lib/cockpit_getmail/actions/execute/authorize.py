# SPDX-License-Identifier: LGPL-2.1-or-later
"""Beginning a sign-in at the provider of a connector's tokens."""

from __future__ import annotations

from cockpit_getmail import database
from cockpit_getmail.actions import require_connector, require_valid, sign_in
from cockpit_getmail.signin.unit import unit_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.signin.record import SignIn


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return where a person signs in, and how far that is; `wait` for the end if asked to.

    Raises Problem (NotFound, Conflict, NotValid, GenericError as the provider has it).
    """
    content = database.read(settings.connectors_db)
    connector = require_valid(content, require_connector(content, data).key)
    begun = sign_in.begin(connector, settings, data.get("flow"))
    found = sign_in.wait_for(begun, settings, data["wait"] / 1000) if data.get("wait") else begun
    return {**_show(begun), **sign_in.tell(found)}


def _show(begun: SignIn) -> Answer:
    """Return what a person needs. What only this machine may know is not in it."""
    shown: Answer = {"address": begun.address, "expires": begun.expires}
    if begun.has_unit:
        shown["unit"] = unit_name(begun.name)
    if begun.code:
        shown |= {"code": begun.code, "interval": begun.interval}
    if begun.address_with_code:
        shown["address_with_code"] = begun.address_with_code
    return shown
