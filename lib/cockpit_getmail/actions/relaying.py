# SPDX-License-Identifier: LGPL-2.1-or-later
"""`cockpit-getmail imap`: logging in to the mailbox of a connector for a program that speaks IMAP there."""

from __future__ import annotations

import sys

from cockpit_getmail import relay as relays
from cockpit_getmail import settings, units
from cockpit_getmail.actions.log_in import log_in
from cockpit_getmail.actions.remote import find_mailbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cockpit_getmail.connector import Connector
    from cockpit_getmail.settings import Settings


def relay(name: str, account: str | None, refused: int) -> int:
    """Relay on this process's stdin and stdout; return an exit status. As root, a unit does it.

    `refused` is the exit status of a unit that could not log in. Raises Problem, which stdout was told too if
    there was no session.
    """
    sink = sys.stdout.fileno()
    with relays.refusing(sink):
        found = settings.load()
        connector = find_mailbox({"name": name, "account": account}, found)
        if units.checks_in_unit():
            told = log_in(connector, found, lambda ready, _: {"status": units.relay(ready, found)})
            return _end(connector, found, told["status"], refused)
        ca_pem = units.read_ca(connector)
        told = log_in(
            connector, found, lambda ready, _: {"mailbox": relays.open_mailbox(ready, ca_pem, found)}
        )
    relays.serve(told["mailbox"], sys.stdin.fileno(), sink)
    return 0


def relay_in_unit() -> None:
    """Relay in a unit, with nothing but what it was handed. Raises Problem, as relay() does."""
    sink = sys.stdout.fileno()
    with relays.refusing(sink):
        order = units.read_credentials()
        mailbox = relays.open_mailbox(order.connector, order.ca_pem, order.settings)
    relays.serve(mailbox, sys.stdin.fileno(), sink)


def _end(connector: Connector, found: Settings, status: int, refused: int) -> int:
    if status == refused and connector.uses_oauth:
        from cockpit_getmail.oauth import cache

        # It may have been revoked: a run is not to try it again.
        cache.drop(connector.name, found)
    return status
