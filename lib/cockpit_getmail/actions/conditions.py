# SPDX-License-Identifier: LGPL-2.1-or-later
"""How connectors are, of many at once: a small file of each, one question to systemd, one to the ledger."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from cockpit_getmail import status_file
from cockpit_getmail.actions import is_of_account, select
from cockpit_getmail.connector import Connector, folder_name, unit_name
from cockpit_getmail.days import last_days
from cockpit_getmail.ledger import Ledger
from cockpit_getmail.problem import Problem
from cockpit_getmail.status import WORKING, Locks, derive

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from cockpit_getmail.database import Database, Record
    from cockpit_getmail.ledger import Start
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.status import Condition
    from cockpit_getmail.status_file import Report

SYSTEMD = "/run/systemd/system"


def find_conditions(
    content: Database, data: Mapping[str, Any], settings: Settings, name: str | None = None
) -> Iterator[tuple[Record, Condition]]:
    """Yield the connectors that the filters of an input leave, and how they are; with a key only this one."""
    account, label = data.get("account"), data.get("label")
    chosen = (
        record
        for record in select(content)
        if name in (None, record.key)
        and label in (None, record.props.get("Label"))
        and is_of_account(record, account)
    )
    status, status_ok = data.get("status"), data.get("status_ok")
    for record, condition in watch(chosen, settings):
        is_ok = condition["status"] in WORKING
        if status in (None, condition["status"]) and (status_ok is None or is_ok == bool(status_ok)):
            yield record, condition


def watch(records: Iterable[Record], settings: Settings) -> Iterator[tuple[Record, Condition]]:
    """Yield these connectors and how they are now."""
    # First: of a run that begins meanwhile there is no report yet, or it has its lock.
    is_used = os.path.isdir(settings.state_dir)
    units, starts = (_find_units(), _read_starts(settings)) if is_used else (set(), {})
    now = time.time()
    days = last_days(now)

    def tell(record: Record, report: Report | None, is_running: bool) -> Condition:
        connector = Connector.from_record(record.key, record.props)
        return derive(connector, report, starts.get(record.key), is_running, now, days)

    found: list[tuple[Record, Report | None, Condition | None]] = []
    for record in records:
        report, is_running = _look(record, units, settings)
        # Of thousands no more is kept than need be: memory costs more time than all that is derived.
        is_open = is_doubtful(report, is_running)
        found.append((record, report, None) if is_open else (record, None, tell(record, report, is_running)))
    locks: Locks | None = None
    for record, report, condition in found:
        if condition is None:
            locks = locks or Locks()
            condition = tell(record, *_look_again(record, report, locks, settings))
        yield record, condition


def is_doubtful(report: Report | None, has_unit: bool) -> bool:
    """Whether a run is under way in the foreground, or was cut off."""
    return report is not None and report["state"] == "running" and not has_unit


def _look(record: Record, units: set[str], settings: Settings) -> tuple[Report | None, bool]:
    """Return what a connector's last run told, and whether it has a unit."""
    report = status_file.read(_folder(record, settings), with_log=False)
    return report, bool(units) and unit_name(record.key) in units


def _look_again(
    record: Record, report: Report | None, locks: Locks, settings: Settings
) -> tuple[Report | None, bool]:
    """Return what a run without a unit tells now, and whether it is under way."""
    folder = _folder(record, settings)
    if locks.is_held(folder):
        return report, True
    again = status_file.read(folder, with_log=False)
    # It wrote since the locks were looked at.
    return again, again is not None and again["state"] == "running" and again != report


def _folder(record: Record, settings: Settings) -> str:
    return f"{settings.state_dir}/{folder_name(record.key)}"


def _find_units() -> set[str]:
    """Return the units of runs, which only root starts. Where systemd does not answer, their locks tell."""
    if os.geteuid() != 0 or not os.path.isdir(SYSTEMD):
        return set()
    from cockpit_getmail import units

    with suppress(Problem):
        return units.running()
    return set()


def _read_starts(settings: Settings) -> dict[str, Start]:
    ledger = Ledger.open_for_reading(settings)
    if ledger is None:
        return {}
    with suppress(Problem), ledger:
        return ledger.starts()
    return {}
