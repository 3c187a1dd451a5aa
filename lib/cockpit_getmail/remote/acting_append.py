# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adding a message to a folder of a remote mailbox (RFC 3501 section 6.3.11)."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime

from cockpit_getmail.remote.acting import explain
from cockpit_getmail.retriever.imap_client import Refused
from cockpit_getmail.retriever.uid_set import UID_LIMIT
from cockpit_getmail.shape import number, optional

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.remote import Found, Request
    from cockpit_getmail.remote.visit import Visit

_APPENDED = re.compile(rb"\[APPENDUID (\d{1,10}) (\d{1,10})\]", re.IGNORECASE)
"""The response code of RFC 4315 section 3."""
_NUMBERS = ("uidvalidity", "uid")


def answer(visit: Visit, request: Request) -> Found:
    """Add the `message` (base64). Returns {"uidvalidity", "uid"}, None if unknown. Raises Problem."""
    seconds = request["date"]
    date = None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    message = base64.b64decode(request["message"])
    try:
        said = visit.imap.append(request["folder"], message, request["flags"], date)
    except Refused as refused:
        raise explain(visit, refused, request["folder"]) from refused
    found = _APPENDED.search(said)
    return {"uidvalidity": int(found[1]), "uid": int(found[2])} if found else dict.fromkeys(_NUMBERS)


def check(_request: Request, found: Any) -> Found:
    """Return the answer in its shape."""
    return {name: optional(_check_number, found[name]) for name in _NUMBERS}


def _check_number(value: Any) -> int:
    return number(value, UID_LIMIT)
