# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sending what is due: a unit does it, and root keeps count."""

from __future__ import annotations

import os
import sys
import time

from cockpit_getmail.callbacks.queue import TRIES, Queue
from cockpit_getmail.problem import Problem, printable
from cockpit_getmail.report import Lines
from cockpit_getmail.url import show_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit_getmail.callbacks.queue import Event
    from cockpit_getmail.callbacks.unit import Result
    from cockpit_getmail.settings import Settings

BATCH = 100
STAY_SECONDS = 60.0
"""After so long the rest waits for the next call."""
AGAIN_SECONDS = 60.0
"""So long waits what could not be handed to the unit."""
_KINDS = {"complete": "first complete run", "status": "status"}


def send_due(settings: Settings, now: float, say: Lines | None = None) -> float | None:
    """Send the callbacks that are due `now` (seconds since 1970); return when the next one is, None if none.

    It takes as long as the receivers do, but begins nothing after a minute. Raises Problem (internal, quota,
    settings), also if the unit cannot be started.
    """
    if not settings.callback_secret or not Queue.exists(settings):
        return None
    say = say or Lines(sys.stderr)
    end = time.monotonic() + STAY_SECONDS
    with Queue(settings) as opened:
        while time.monotonic() < end and (events := opened.claim(now, BATCH)):
            try:
                results = _send(events, settings)
            except Problem:
                opened.release(events, now + AGAIN_SECONDS)
                raise
            _settle(opened, events, results, now, say)
        return opened.next_due(now)


def _send(events: list[Event], settings: Settings) -> Mapping[str, Result]:
    from cockpit_getmail import units
    from cockpit_getmail.callbacks import unit

    request = unit.format_request(
        events, settings.callback_secret, allow_private=settings.callback_allow_private
    )
    if os.geteuid() == 0 and units.is_available():
        from cockpit_getmail.units import posting

        answer = posting.run_unit(request, settings, unit.UNIT_SECONDS, unit.ANSWER_LIMIT)
    else:
        answer = unit.work(request)
    # Who makes the unit fail has had a try: else it would be asked to send the same for ever.
    found = unit.parse_results(answer, events)
    return dict.fromkeys((event.webhook_id for event in events), unit.FAILED) if found is None else found


def _settle(
    opened: Queue, events: list[Event], results: Mapping[str, Result], now: float, say: Lines
) -> None:
    waiting = [event for event in events if event.webhook_id not in results]
    opened.release(waiting, now)
    done = []
    for event in events:
        result = results.get(event.webhook_id)
        if result is None:
            continue
        if result.is_received or event.tries >= TRIES:
            done.append(event)
        if not result.is_received:
            _complain(event, result, say)
    opened.remove(done)


def _complain(event: Event, result: Result, say: Lines) -> None:
    what = f"The callback of {printable(event.name)} ({_KINDS[event.kind]}) to {show_url(event.url)}"
    reason = result.error or f"The receiver answered {result.status}."
    if event.tries >= TRIES:
        say.warn(f"{what} is given up after {event.tries} tries: {reason}")
    else:
        say.note(f"{what} failed at try {event.tries} of {TRIES}: {reason}")
