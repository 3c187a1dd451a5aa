# SPDX-License-Identifier: LGPL-2.1-or-later
"""How far a run, a verification or a sign-in is, or how it ended."""

from __future__ import annotations

from cockpit_getmail.actions.tasks import find_task, tell
from cockpit_getmail.signin import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return a task in MailStore's fields, with what it logged after a version. Raises Problem (NotFound)."""
    token = data["token"]
    begun = record.find_by_token(token, settings)
    if begun:
        from cockpit_getmail.actions import sign_in

        return sign_in.tell(sign_in.current(begun, settings), data.get("version", 0))
    return tell(token, find_task(token, settings).report(), data.get("version", 0))
