# SPDX-License-Identifier: LGPL-2.1-or-later
"""The unit that talks to receivers, and the two messages between it and root: a request and its results.

It knows what it is to send, and nothing else of this machine. What comes out of it is believed only in its
shape.
"""

import json
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from cockpit_getmail.callbacks.address import require_public
from cockpit_getmail.callbacks.message import sign
from cockpit_getmail.callbacks.post import POST_SECONDS, post
from cockpit_getmail.callbacks.queue import Event
from cockpit_getmail.problem import Problem, printable

RECEIVERS = 16
"""So many are talked to at once."""
BEGIN_SECONDS = 30.0
"""After so long nothing more is begun."""
UNIT_SECONDS = BEGIN_SECONDS + POST_SECONDS + 5
REQUEST_LIMIT = 4 << 20
ANSWER_LIMIT = 256 << 10
_TEXT_LIMIT = 200


class Result(NamedTuple):
    """What came of a callback: the status of the answer, or why there is none."""

    status: int
    error: str = ""

    @property
    def is_received(self) -> bool:
        return 200 <= self.status <= 299


FAILED = Result(0, "The unit for callbacks ended without an answer.")


def main() -> int:
    """Send what is asked for on stdin, tell on stdout what came of it; return 0."""
    # Whoever asked may be gone: the kernel ends what does not end itself.
    signal.setitimer(signal.ITIMER_REAL, UNIT_SECONDS)
    found = work(sys.stdin.buffer.read(REQUEST_LIMIT))
    sys.stdout.buffer.write(found)
    sys.stdout.buffer.flush()
    return 0


def format_request(events: Iterable[Event], secret: str, *, allow_private: bool) -> bytes:
    """Return the request: one JSON object. It holds the secret."""
    told = [{"id": event.webhook_id, "url": event.url, "message": event.message} for event in events]
    return json.dumps({"secret": secret, "allow_private": allow_private, "events": told}).encode()


def work(request: bytes, ca_pem: str | None = None) -> bytes:
    """Send what a request has; return the results. What there was no time for has none.

    To each URL one goes after the other, until one gets no answer: then all the rest have none either.
    """
    asked = json.loads(request)
    by_url: dict[str, list[dict[str, Any]]] = {}
    for event in asked["events"]:
        by_url.setdefault(event["url"], []).append(event)
    permit = None if asked["allow_private"] is True else require_public
    end = time.monotonic() + BEGIN_SECONDS

    def send_all(url: str) -> dict[str, Result]:
        found: dict[str, Result] = {}
        lost = None
        for event in by_url[url]:
            if lost is None and time.monotonic() >= end:
                break
            body = json.dumps(sign(event["message"], asked["secret"])).encode()
            try:
                result = lost or Result(post(url, body, event["id"], permit, ca_pem=ca_pem))
            except Problem as problem:
                result = lost = Result(0, problem.message[:_TEXT_LIMIT])
            found[event["id"]] = result
        return found

    with ThreadPoolExecutor(RECEIVERS) as pool:
        results = {key: result for found in pool.map(send_all, by_url) for key, result in found.items()}
    return json.dumps({"results": {key: list(result) for key, result in results.items()}}).encode()


def parse_results(data: bytes, events: Sequence[Event]) -> Mapping[str, Result] | None:
    """Return the results of these events by id; None if this is no answer."""
    asked = {event.webhook_id for event in events}
    try:
        found = json.loads(data)["results"]
        return {key: _check(*result) for key, result in found.items() if key in asked}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _check(status: object, error: object) -> Result:
    if type(status) is not int or not 0 <= status <= 999 or not isinstance(error, str):
        raise ValueError
    return Result(status, printable(error[:_TEXT_LIMIT]))
