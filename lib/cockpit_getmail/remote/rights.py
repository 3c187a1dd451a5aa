# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people may do in a folder (RFC 4314)."""

from __future__ import annotations

from cockpit_getmail.shape import items, optional, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.remote import Found, Request
    from cockpit_getmail.remote.visit import Visit

LIMIT = 1000


def answer(visit: Visit, request: Request) -> Found:
    """Return {"folder", "rights", "everyone"}: whose account it is, and a list of {"who", "rights"}.

    Both are None where the server does not tell; everybody's it tells only to who may change them. Raises
    Problem.
    """
    from cockpit_getmail.retriever.imap_client import Refused

    folder, client = request["folder"], visit.imap
    if not client.has_capability("ACL"):
        return {"folder": folder, "rights": None, "everyone": None}
    rights = client.my_rights(folder)
    try:
        everyone = [{"who": who, "rights": given} for who, given in client.access_list(folder)[:LIMIT]]
    except Refused:
        everyone = None
    return {"folder": folder, "rights": rights, "everyone": everyone}


def check(request: Request, found: Any) -> Found:
    """Return the answer in its shape."""
    return {
        "folder": request["folder"],
        "rights": optional(text, found["rights"]),
        "everyone": optional(lambda listed: items(_check_entry, listed, LIMIT), found["everyone"]),
    }


def _check_entry(entry: Any) -> Found:
    return {"who": text(entry["who"]), "rights": text(entry["rights"])}
