# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where the folders of an account begin: its own, those of others and those of all (RFC 2342)."""

from __future__ import annotations

from cockpit_getmail.shape import items, optional, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.remote import Found, Request
    from cockpit_getmail.remote.visit import Visit

LIMIT = 100
KINDS = ("personal", "other", "shared")


def answer(visit: Visit, _request: Request) -> Found:
    """Return {"personal", "other", "shared"}, each a list of {"prefix", "separator"}.

    Each is None where the server does not tell. Raises Problem.
    """
    if not visit.imap.has_capability("NAMESPACE"):
        return dict.fromkeys(KINDS)
    found = visit.imap.namespace()
    return {kind: _tell(listed) for kind, listed in zip(KINDS, found, strict=True)}


def check(_request: Request, found: Any) -> Found:
    """Return the answer in its shape."""
    return {kind: optional(_check_list, found[kind]) for kind in KINDS}


def _tell(listed: Any) -> list[Found]:
    first = (listed or ())[:LIMIT]
    return [{"prefix": str(prefix), "separator": str(separator or "")} for prefix, separator in first]


def _check_list(found: Any) -> list[Found]:
    return items(lambda item: {name: text(item[name]) for name in ("prefix", "separator")}, found, LIMIT)
