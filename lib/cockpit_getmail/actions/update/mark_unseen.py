# SPDX-License-Identifier: LGPL-2.1-or-later
"""Marking messages of a remote mailbox as unseen."""

from __future__ import annotations

from cockpit_getmail.actions.acting import act_on_messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Mark messages as unseen; tell which, and which are not there.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    return act_on_messages("flag", data, settings, flags=["\\Seen"], remove=True)
