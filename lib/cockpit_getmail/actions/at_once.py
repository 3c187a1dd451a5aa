# SPDX-License-Identifier: LGPL-2.1-or-later
"""What makes a change count at once: runs ended, failures forgiven, callbacks told of it.

The database is written before.
"""

from __future__ import annotations

import os
from contextlib import suppress

from cockpit_getmail import callbacks, status_file
from cockpit_getmail.actions import TYPE
from cockpit_getmail.connector import Connector, folder_name, unit_name, verification_unit
from cockpit_getmail.database import Record
from cockpit_getmail.ledger import Ledger
from cockpit_getmail.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit_getmail.settings import Settings
    from cockpit_getmail.status import Condition

SYSTEMD = "/run/systemd/system"
"""Without it nothing of units is imported."""


def forgive(name: str, settings: Settings) -> None:
    """Let the failures of a connector count no longer, so that it is due at once. Raises Problem."""
    if not os.path.isdir(settings.state_dir):
        return
    report = status_file.read(os.path.join(settings.state_dir, folder_name(name)))
    with Ledger(settings) as ledger:
        ledger.forgive(name, report["token"] if report else None)


def note(name: str, props: Mapping[str, str], settings: Settings) -> None:
    """Note for callbacks how a connector is now: else a run before the next tick might go unnoticed.

    Without that the change is made all the same.
    """
    if not callbacks.are_wanted(props):
        return
    from cockpit_getmail.actions.conditions import watch

    def find_condition(_: Connector) -> Condition:
        [(_record, condition)] = watch([Record(name, TYPE, dict(props))], settings)
        return condition

    with suppress(Problem):
        callbacks.note(settings, Connector.from_record(name, props), find_condition)


def forget(name: str, settings: Settings) -> None:
    """Remove what is known of a connector's starts, callbacks and tokens; what stays of that does no harm."""
    from cockpit_getmail.oauth import cache

    with suppress(Problem):
        callbacks.forget(settings, name)
    cache.forget(name, settings)
    ledger = Ledger.open_for_reading(settings)
    if ledger:
        with suppress(Problem), ledger:
            ledger.forget(name)


def end_run(name: str) -> None:
    """End the run of a connector after the message it is at, and wait for that. Raises Problem (internal)."""
    _end(unit_name(name))


def end_tasks(name: str) -> None:
    """End the run and the verification of a connector, and wait for that. Raises Problem (internal)."""
    _end(unit_name(name))
    _end(verification_unit(name))


def _end(unit: str) -> None:
    """End a unit of root's. A run in the foreground is its caller's to end."""
    if os.geteuid() != 0 or not os.path.isdir(SYSTEMD):
        return
    from cockpit_getmail import units

    if units.is_running(unit):
        units.stop(unit)
