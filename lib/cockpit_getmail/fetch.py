# SPDX-License-Identifier: LGPL-2.1-or-later
"""One run: retriever -> destination -> state -> deletion on the server.

Nothing is deleted on the server but what the state has as delivered. README tells it step by step.
"""

from __future__ import annotations

import math
import re
import time
from typing import TYPE_CHECKING

from cockpit_getmail import destination as destinations
from cockpit_getmail import fetch_folder, selection
from cockpit_getmail import retriever as retrievers
from cockpit_getmail.connector import EXPIRES
from cockpit_getmail.fetch_folder import Means, Result
from cockpit_getmail.retriever.base import INBOX
from cockpit_getmail.state import DAY, State

if TYPE_CHECKING:
    from cockpit_getmail.connector import Connector
    from cockpit_getmail.destination.base import Destination
    from cockpit_getmail.filtering import Filtering
    from cockpit_getmail.report import Reporter
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.stop import Stop

SILENCE_SECONDS = 60.0
EXPIRY_SECONDS = 30.0
"""So long before its access token expires a run ends."""


def run(
    connector: Connector, settings: Settings, state: State, ca_pem: str | None, report: Reporter, stop: Stop
) -> Result:
    """Fetch what is new, deliver it, delete what is due. What was delivered stays, whatever happens.

    Asked to `stop`, it ends after the message it is at; so it does, in good order, when its access token
    expires. Raises Problem and Stopped.
    """
    if connector.access_token:
        stop.set_time(_find_time(connector))
    destination = destinations.make(connector, settings, state.token, state.folder)

    def make_filtering() -> Filtering | None:
        if not connector.filters:
            return None
        from cockpit_getmail import filtering

        return filtering.make(connector, settings, state.folder)

    try:
        means = Means(connector, selection.make(connector), destination, make_filtering, report, stop)
        return _run(means, state, ca_pem)
    finally:
        destination.close()


def _find_time(connector: Connector) -> float:
    """Return for how many seconds to go on by what is known of the access token."""
    text = connector.props.get(EXPIRES, "")
    if not re.fullmatch("[0-9]{1,12}", text):
        return math.inf
    left = int(text) - time.time()
    # The server's clock is another one, and messages on their way are still to come.
    return left - min(EXPIRY_SECONDS, left / 2)


def _run(means: Means, state: State, ca_pem: str | None) -> Result:
    connector, report = means.connector, means.report
    _recover(state, means.destination, report)
    mailbox = state.begin(connector.mailbox, max(DAY, 2 * 60 * connector.minutes))
    retriever = retrievers.make(connector, ca_pem=ca_pem, tls_seen=mailbox.tls_seen, timeout=SILENCE_SECONDS)
    orderly = False
    try:
        try:
            retriever.open()
        finally:
            # Also where the log-in failed: from here on there is no way back to a clear channel.
            if retriever.tls and not mailbox.tls_seen:
                mailbox.saw_tls()
        report.note(f"Connected to {connector.server} ({retriever.tls or 'not encrypted'}).")
        result = Result()
        for listed in (INBOX,):
            opened = retriever.select(listed)
            folder = mailbox.folder(opened)
            fetched = fetch_folder.fetch(means, retriever, opened, folder)
            result = fetched.plus(result)
        orderly = not result.was_left
        return result
    finally:
        retriever.close(orderly=orderly)


def _recover(state: State, destination: Destination, report: Reporter) -> None:
    """Settle what a run that was cut off left open, before anything is connected."""
    intents = state.open_intents()
    # Those of another place too: the Maildir may have been moved since, and no two messages have one name.
    delivered = destination.recover([staged for found in intents.values() for staged in found])
    state.settle(delivered)
    if delivered:
        report.note(f"{len(delivered)} messages of a run that was cut off are delivered.")
    intents.pop(destination.location, None)
    if lost := sum(staged.name not in delivered for found in intents.values() for staged in found):
        report.warn(f"{lost} messages of a run that was cut off were meant for another place: fetched again.")
