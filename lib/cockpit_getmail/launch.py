# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starting a run or a verification of a connector, whoever asks for it: a person or the schedule."""

from __future__ import annotations

import os
import time
from functools import partial

from cockpit_getmail import database, login, status_file, units
from cockpit_getmail.connector import Connector, folder_name, make_token
from cockpit_getmail.ledger import Ledger
from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.removal import is_left, removal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from cockpit_getmail.login import Ready
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.status_file import Report

    Stamp: TypeAlias = tuple[int, ...]

END_SECONDS = 5.0
"""So long a unit may take to go after its run has told that it has ended."""
_POLL_SECONDS = 0.02


def stamp(settings: Settings) -> Stamp:
    """Return what is another for each change of the connector database: take it before reading that."""
    try:
        found = os.stat(settings.connectors_db)
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def launch(
    connector: Connector, settings: Settings, read_at: Stamp = (), *, baseline: bool = False
) -> tuple[str, str, bool]:
    """Start a run; return its unit without `.service`, its token, and whether it was running already.

    `read_at` is the stamp() of the database that the connector was read from. A connector that was deleted or
    disabled meanwhile does not run on. Raises Problem: NotFound or Conflict for that, and as
    units.start_run(); also if the start cannot be recorded, and then the run goes on. A `baseline` may be of
    a connector that is disabled, and no other run that is under way stands for it (Conflict).
    """
    forgiven: str | None = None
    ready: Ready | None = None
    start_run = partial(units.start_run, baseline=baseline)

    def start(token: str) -> tuple[str, bool]:
        nonlocal forgiven, ready
        forgiven = _find_forgiven(connector.name, settings)
        forgive = is_forgiven(connector.name, settings)
        found, problem = ready = ready or login.resolve(connector, settings)
        try:
            return start_run(found, settings, token, forgive=forgive, problem=problem)
        except Problem as trouble:
            problem = login.explain(found, trouble)
            if problem is trouble:
                raise
        found, problem = ready = Connector(found.name, found.props), problem
        return start_run(found, settings, token, forgive=forgive, problem=problem)

    unit, token, running = _start(connector.name, settings, start, status_file.RUN)
    if not running:
        if not (read_at and stamp(settings) == read_at):
            _require_still(connector.name, unit, settings, may_be_disabled=baseline)
        with Ledger(settings) as ledger:
            if _find_forgiven(connector.name, settings) == forgiven:
                ledger.started(connector.name, time.time(), token)
            else:
                # Somebody has changed how it logs in, and this run may have begun with what was before.
                ledger.forgive(connector.name, token)
    elif baseline and not _is_baseline(connector.name, token, settings):
        message = "A run of this connector is under way that fetches: wait for its end, or cancel it."
        raise failure("running", message, kind="Conflict")
    return unit, token, running


def launch_verification(
    connector: Connector, settings: Settings, read_at: Stamp = ()
) -> tuple[str, str, bool]:
    """Start a verification; return as launch() does, which see. It may be of a connector that is disabled."""
    start = partial(units.start_verification, connector, settings)
    unit, token, running = _start(connector.name, settings, start, status_file.VERIFY)
    if not running and not (read_at and stamp(settings) == read_at):
        _require_still(connector.name, unit, settings, may_be_disabled=True)
    return unit, token, running


def is_forgiven(name: str, settings: Settings) -> bool:
    """Whether the failures of the last run, and all before it, are not to count any more. Raises Problem."""
    report = _read_report(name, settings)
    # What is told as running may have been cut off, and that counts as a failure.
    if report is None or not (report["failures"] or report["refused"] or report["state"] == "running"):
        return False
    return _find_forgiven(name, settings) == report["token"]


def _find_forgiven(name: str, settings: Settings) -> str | None:
    """Return the token of the last run whose failure does not count any more. Raises Problem."""
    ledger = Ledger.open_for_reading(settings)
    if ledger is None:
        return None
    with ledger:
        start = ledger.find(name)
    return start.forgiven if start else None


def _start(
    name: str, settings: Settings, start: Callable[[str], tuple[str, bool]], file: str
) -> tuple[str, str, bool]:
    """Start a task of a connector by a token, or find the one that is under way; `file` is what it tells."""
    deadline = time.monotonic() + END_SECONDS
    while True:
        token = make_token(name)
        unit, running = start(token)
        if not running:
            return unit, token, False
        found = units.find_token(unit)
        if found is not None:
            report = _read_report(name, settings, file)
            is_over = report is not None and report["token"] == found and report["state"] != "running"
            if not is_over or time.monotonic() > deadline:
                return unit, found, True
        # It has told its end, and its unit is about to go.
        time.sleep(_POLL_SECONDS)


def _is_baseline(name: str, token: str, settings: Settings) -> bool:
    """Whether a run that is under way is a baseline; it may have told nothing yet."""
    deadline = time.monotonic() + END_SECONDS
    while time.monotonic() < deadline:
        report = _read_report(name, settings)
        if report and report["token"] == token:
            return report.get("baseline", False)
        time.sleep(_POLL_SECONDS)
    return False


def _read_report(name: str, settings: Settings, file: str = status_file.RUN) -> Report | None:
    return status_file.read(os.path.join(settings.state_dir, folder_name(name)), file)


def _require_still(name: str, unit: str, settings: Settings, *, may_be_disabled: bool = False) -> None:
    """End the task if its connector was deleted or disabled: who did so may have come too early to end it."""
    record = database.read(settings.connectors_db).get(name)
    if record is None:
        units.stop(unit)
        _remove_state(name, settings)
        message = f"The connector {printable(name)} was deleted meanwhile."
        raise failure("connector", message, kind="NotFound")
    if not may_be_disabled and not Connector.from_record(name, record.props).enabled:
        units.stop(unit)
        message = f"The connector {printable(name)} was disabled meanwhile: enable it first."
        raise failure("connector", message, kind="Conflict")


def _remove_state(name: str, settings: Settings) -> None:
    """Remove the state that systemd has made anew for the run."""
    from pathlib import Path

    folder = Path(settings.state_dir, folder_name(name))
    # With the lock: nobody adds it again meanwhile.
    with database.transaction(settings.connectors_db) as content:
        if content.get(name) is None and is_left(folder):
            with removal(folder):
                pass
