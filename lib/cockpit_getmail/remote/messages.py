# SPDX-License-Identifier: LGPL-2.1-or-later
"""The messages of a remote folder, page by page."""

from __future__ import annotations

import json

from cockpit_getmail.remote.mail import PAGE_LIMIT, open_mail
from cockpit_getmail.remote.mail_shape import check_entry
from cockpit_getmail.shape import items, number, optional, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.remote import Found, Request
    from cockpit_getmail.remote.visit import Visit

ANSWER_LIMIT = 12 << 20
"""A page ends early where it would be larger."""


def answer(visit: Visit, request: Request) -> Found:
    """Return {"folder", "uidvalidity", "total", "messages", "before"}, the newest message first.

    Each is as Entry.tell() has it. Raises Problem.
    """
    mail = open_mail(visit, request)
    page = mail.page(request["search"], request["limit"], request["before"])
    messages: list[Found] = []
    before, room = page.before, ANSWER_LIMIT
    for entry in page.entries:
        told = entry.tell()
        room -= len(json.dumps(told))
        if room < 0 and messages:
            before = messages[-1]["uid"]
            break
        messages.append(told)
    return {
        "folder": request["folder"],
        "uidvalidity": mail.validity,
        "total": page.total,
        "messages": messages,
        "before": before,
    }


def check(request: Request, found: Any) -> Found:
    """Return the answer in its shape."""
    return {
        "folder": request["folder"],
        "uidvalidity": number(found["uidvalidity"]),
        "total": number(found["total"]),
        "messages": items(check_entry, found["messages"], PAGE_LIMIT),
        "before": optional(text, found["before"]),
    }
