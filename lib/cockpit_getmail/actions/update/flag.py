# SPDX-License-Identifier: LGPL-2.1-or-later
"""Flagging messages of a remote mailbox."""

from __future__ import annotations

from cockpit_getmail.actions.acting import act_on_messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Give messages flags, or take these away; tell which have them so, and which are not there.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    remove = data.get("remove", False)
    return act_on_messages("flag", data, settings, flags=data["flags"], remove=remove)
