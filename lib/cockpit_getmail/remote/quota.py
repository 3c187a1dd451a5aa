# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much there may be in an account, and how much there is (RFC 2087, RFC 9208)."""

from __future__ import annotations

from cockpit_getmail.shape import items, number, optional, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.remote import Found, Request
    from cockpit_getmail.remote.visit import Visit

LIMIT = 100


def answer(visit: Visit, request: Request) -> Found:
    """Return {"folder", "quotas"}, a list of {"root", "resource", "usage", "limit"}.

    `quotas` is None where the server does not tell. Raises Problem.
    """
    folder, client = request["folder"], visit.imap
    if not client.has_capability("QUOTA"):
        return {"folder": folder, "quotas": None}
    _, quotas = client.get_quota_root(client.quote(folder))
    return {"folder": folder, "quotas": [_tell(quota) for quota in quotas[:LIMIT]]}


def check(request: Request, found: Any) -> Found:
    """Return the answer in its shape."""
    return {
        "folder": request["folder"],
        "quotas": optional(lambda quotas: items(_check_quota, quotas, LIMIT), found["quotas"]),
    }


def _tell(quota: Any) -> Found:
    root, resource = str(quota.quota_root), str(quota.resource).upper()
    return {"root": root, "resource": resource, "usage": int(quota.usage), "limit": int(quota.limit)}


def _check_quota(quota: Any) -> Found:
    return {
        "root": text(quota["root"]),
        "resource": text(quota["resource"]),
        "usage": number(quota["usage"]),
        "limit": number(quota["limit"]),
    }
