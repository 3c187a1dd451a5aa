# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of a message in a remote mailbox."""

from __future__ import annotations

from cockpit_getmail.actions.remote import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return a list of a message's files.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    request = {
        "about": "files",
        "folder": data.get("folder", "INBOX"),
        "uid": str(data["uid"]),
        "raw": data.get("raw_file_list", 0) == 1,
    }
    return ask(data, settings, request)
