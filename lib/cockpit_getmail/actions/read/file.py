# SPDX-License-Identifier: LGPL-2.1-or-later
"""A file of a message in a remote mailbox, piece by piece."""

from __future__ import annotations

from cockpit_getmail.actions.remote import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings

LIMIT = 4 << 20


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return a piece of a file.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    request = {
        "about": "file",
        "folder": data.get("folder", "INBOX"),
        "uid": str(data["uid"]),
        "file": data["file"],
        "offset": int(data.get("offset", 0)),
        "limit": int(data.get("limit", LIMIT)),
    }
    return ask(data, settings, request)
