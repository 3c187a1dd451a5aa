# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a server says it can do, once logged in."""

from __future__ import annotations

from cockpit_getmail.shape import optional, text, texts, word

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.remote import Found, Request
    from cockpit_getmail.remote.visit import Visit

LIMIT = 500


def answer(visit: Visit, _request: Request) -> Found:
    """Return {"protocol", "tls", "capabilities"}. Raises Problem."""
    retriever = visit.retriever
    found = retriever.capabilities if visit.protocol == "pop3" else visit.session.capabilities()
    return {"protocol": visit.protocol, "tls": retriever.tls, "capabilities": sorted(found)[:LIMIT]}


def check(_request: Request, found: Any) -> Found:
    """Return the answer in its shape."""
    return {
        "protocol": word(found["protocol"], "imap", "pop3"),
        "tls": optional(text, found["tls"]),
        "capabilities": texts(found["capabilities"], LIMIT),
    }
