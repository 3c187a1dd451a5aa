# SPDX-License-Identifier: LGPL-2.1-or-later
"""A message of a remote mailbox."""

from __future__ import annotations

from cockpit_getmail.actions.remote import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return a message with its text and a list of its files.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    folder = data.get("folder", "INBOX")
    return ask(data, settings, {"about": "message", "folder": folder, "uid": str(data["uid"])})
