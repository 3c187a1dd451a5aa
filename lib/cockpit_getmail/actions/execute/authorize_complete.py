# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bringing a sign-in to its end."""

from __future__ import annotations

from cockpit_getmail import database
from cockpit_getmail.actions import require_connector, sign_in
from cockpit_getmail.problem import failure
from cockpit_getmail.signin import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.signin.record import SignIn


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Take the address that the browser was sent to, or ask about a code; return how far the sign-in is.

    Raises Problem (NotFound; Conflict if none is under way; GenericError for an address that is not its own,
    or a provider that cannot be reached: then it can be tried again).
    """
    begun = _find(data, settings)
    if begun is None or sign_in.current(begun, settings).state != "running":
        raise failure("connector", "No such sign-in is under way: begin with authorize.", kind="Conflict")
    if begun.code:
        return sign_in.tell(sign_in.wait_for(begun, settings, data.get("wait", 0) / 1000))
    if not data.get("redirect"):
        message = "The address is missing that the browser was sent to after the sign-in."
        raise failure("connector", message, parameter="redirect")
    sign_in.complete(begun, data["redirect"], settings)
    return sign_in.tell(sign_in.current(begun, settings))


def _find(data: dict[str, Any], settings: Settings) -> SignIn | None:
    if "token" in data:
        return record.find_by_token(data["token"], settings)
    return record.find(require_connector(database.read(settings.connectors_db), data).key, settings)
