# SPDX-License-Identifier: LGPL-2.1-or-later
"""One POST to a receiver nobody vouches for: in bounded time, to a checked address, never redirected."""

from collections.abc import Callable

from cockpit_getmail import http

POST_SECONDS = 10.0
"""For all of it, looking up the name included."""


def post(
    url: str,
    body: bytes,
    webhook_id: str,
    permit: Callable[[str], object] | None,
    seconds: float = POST_SECONDS,
    ca_pem: str | None = None,
) -> int:
    """Send JSON; return the status of the answer, whichever it is. For the rest see http.exchange()."""
    headers = {"Content-Type": "application/json", "webhook-id": webhook_id}
    answer = http.exchange(
        url, "POST", headers, body, seconds=seconds, answer_limit=0, ca_pem=ca_pem, permit=permit
    )
    return answer.status
