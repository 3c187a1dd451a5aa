# SPDX-License-Identifier: LGPL-2.1-or-later
"""Deleting messages of a remote mailbox."""

from __future__ import annotations

from cockpit_getmail.actions.acting import act_on_messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Remove messages and no others; tell which, which are only flagged, and which are not there.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    return act_on_messages("remove", data, settings)
