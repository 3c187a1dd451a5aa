# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adding a message to a remote mailbox."""

from __future__ import annotations

from base64 import b64decode

from cockpit_getmail.actions import SUCCESS, refuse
from cockpit_getmail.actions.acting import INBOX
from cockpit_getmail.actions.remote import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Put a message into a folder; tell its UIDVALIDITY and UID, as far as the server does.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    request = {
        "about": "append",
        "folder": data.get("folder", INBOX),
        "message": data["message"],
        "flags": data.get("flags", []),
        "date": data.get("date"),
    }
    if b"\0" in b64decode(data["message"]):
        # No IMAP literal can carry it (RFC 3501 section 9).
        refuse([{"parameter": "message", "value": "", "error": "format"}])
    found = ask(data, settings, request, only_imap=True)
    uid = None if found["uid"] is None else str(found["uid"])
    return {**SUCCESS, "folder": request["folder"], "uidvalidity": found["uidvalidity"], "uid": uid}
