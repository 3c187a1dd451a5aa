# SPDX-License-Identifier: LGPL-2.1-or-later
"""The messages of a remote mailbox."""

from __future__ import annotations

from cockpit_getmail.actions.remote import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings

LIMIT = 50


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return a page of the messages in a folder.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    request = {
        "about": "messages",
        "folder": data.get("folder", "INBOX"),
        "search": data.get("search"),
        "limit": int(data.get("limit", LIMIT)),
        "before": str(data["before"]) if "before" in data else None,
    }
    return ask(data, settings, request)
