# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs and verifications by their tokens: what they tell, told in MailStore's fields, and their ends."""

from __future__ import annotations

import os
import time

from cockpit_getmail import database, status_file, units
from cockpit_getmail.actions import require_connector, select
from cockpit_getmail.connector import Connector, folder_name, token_prefix, unit_name, verification_unit
from cockpit_getmail.ledger import Ledger
from cockpit_getmail.problem import STATUS, Problem, failure
from cockpit_getmail.status import SILENT, Locks, percent

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.status_file import Report

RUNNING = "running"
POLL_SECONDS = (0.02, 0.25)
"""The least and the greatest time between two looks at what a task tells."""
_LOOK_SECONDS = 1.0
"""So often systemd is asked whether a task that tells nothing new is still there."""


class Task:
    """One task of a connector."""

    def __init__(self, connector: Connector, token: str, settings: Settings) -> None:
        self.connector = connector
        self.token = token
        self._settings = settings
        self._folder = os.path.join(settings.state_dir, folder_name(connector.name))

    def report(self) -> Report | None:
        """Return what it told last, or how it ended; None if it has just begun.

        Raises Problem (NotFound for a token nobody knows; internal for a run that ended and told nothing).
        """
        told = self._read()
        if told and told["state"] != RUNNING:
            return told
        if self._is_under_way():
            return told
        # It may have ended since it was looked at.
        told = self._read() or told
        if told and told["state"] != RUNNING:
            return told
        # One that was killed right at its end is only there.
        found = self._find(told)
        if found is None:
            raise self._unknown()
        return found

    def wait(self, seconds: float) -> Report | None:
        """Wait so long for its end; return report(). Raises Problem."""
        deadline = time.monotonic() + seconds
        pause, looked = POLL_SECONDS[0], time.monotonic()
        while (left := deadline - time.monotonic()) > 0:
            told = self._read()
            if told and told["state"] != RUNNING:
                return told
            if time.monotonic() - looked > _LOOK_SECONDS:
                if not self._is_under_way():
                    break
                looked = time.monotonic()
            time.sleep(min(pause, left))
            pause = min(2 * pause, POLL_SECONDS[1])
        return self.report()

    def _read(self) -> Report | None:
        for name in (status_file.RUN, status_file.VERIFY):
            told = status_file.read(self._folder, name)
            if told and told["token"] == self.token:
                return told
        return None

    def _is_under_way(self) -> bool:
        name = self.connector.name
        if units.is_available():
            possible = (unit_name(name), verification_unit(name))
            if self.token in map(units.find_token, possible):
                return True
        told = self._read()
        return told is not None and Locks().is_held(self._folder, told["kind"])

    def _unknown(self) -> Problem:
        """Return what to say of a task of which there is neither report nor record."""
        ledger = Ledger.open_for_reading(self._settings)
        if ledger:
            with ledger:
                start = ledger.find(self.connector.name)
            if start and start.token == self.token:
                return failure("internal", f"{SILENT} See read log.")
        return failure("connector", "There is no task with this token.", kind="NotFound")

    def _find(self, told: Report | None) -> Report | None:
        """Return the task as the history has it, else as one that was cut off after it had told this."""
        try:
            question = {"about": "task", "token": self.token}
            found: Report | None = units.ask(self.connector, self._settings, question)["task"]
        except Problem:
            if told is None:
                raise
            found = None
        if found and found["token"] == self.token:
            return found
        return cut_off(told) if told else None


def find_task(token: str, settings: Settings) -> Task:
    """Return a task by its token. Raises Problem (NotFound)."""
    for record in select(database.read(settings.connectors_db)):
        if token.startswith(token_prefix(record.key)):
            return Task(Connector.from_record(record.key, record.props), token, settings)
    raise failure("connector", "There is no connector that this token is of.", kind="NotFound")


def started(unit: str, token: str, data: Mapping[str, Any], settings: Settings, *, running: bool) -> Answer:
    """Return the answer to a start: with `wait`, milliseconds, also how far it is then. Raises Problem."""
    answer: Answer = {"unit": unit, "token": token, **({"running": True} if running else {})}
    if "wait" not in data:
        return answer
    return {**answer, **tell(token, find_task(token, settings).wait(data["wait"] / 1000))}


def list_runs(data: Mapping[str, Any], settings: Settings, limit: int) -> list[Report]:
    """Return the last runs of the connector that an input means, the newest first. Raises Problem."""
    record = require_connector(database.read(settings.connectors_db), data)
    connector = Connector.from_record(record.key, record.props)
    folder = os.path.join(settings.state_dir, folder_name(record.key))
    # First: what ends meanwhile is in the history then.
    last = status_file.read(folder)
    question = {"about": "history", "limit": limit}
    runs: list[Report] = units.ask(connector, settings, question)["runs"] if limit else []
    if last and last["token"] not in [run["token"] for run in runs]:
        runs.insert(0, Task(connector, last["token"], settings).report() or last)
    return runs[:limit]


def cut_off(report: Report) -> Report:
    """Return the report of a task that was under way by it, and is not any more."""
    version = report["version"] + 1
    ended: Report = {**report, "state": "failed", "cause": "internal", "message": status_file.CUT_OFF}
    ended["version"], ended["text"] = version, status_file.CUT_OFF
    ended["log"] = [*report["log"], (version, status_file.CUT_OFF)]
    return ended


def tell(token: str, report: Report | None, version: int = 0) -> Answer:
    """Return what a task told in MailStore's fields, with the log lines after a version."""
    if report is None:
        untold = dict.fromkeys(("percentProgress", "statusText", "logOutput", "result", "error"))
        return {"token": token, "statusVersion": 0, "statusCode": RUNNING, **untold}
    return {
        "token": report["token"],
        "statusVersion": report["version"],
        "statusCode": report["state"],
        "percentProgress": percent(report),
        "statusText": report["text"] or None,
        "logOutput": _new_lines(report, version),
        "result": None if report["state"] == RUNNING else _result(report),
        "error": _error(report),
    }


def _new_lines(report: Report, version: int) -> str | None:
    lines = [(number, line) for number, line in report["log"] if number > version]
    if not lines:
        return None
    text = "".join(f"{line}\n" for _, line in lines)
    is_cut = report["log_cut"] and lines[0][0] == report["log"][0][0] and version < lines[0][0] - 1
    return f"...\n{text}" if is_cut else text


def _result(report: Report) -> Answer | None:
    if report["kind"] == "verify":
        return report["result"]
    return {
        "messages": report["messages"],
        "bytes": report["bytes"],
        "failed": report["failed"],
        "setAside": report["set_aside"],
        "deleted": report["deleted"],
        "passedOver": report["passed"],
        "left": report["left"],
        "baselined": report["baselined"],
    }


def _error(report: Report) -> Answer | None:
    if report["state"] != "failed":
        return None
    cause = report["cause"] or "internal"
    return {"message": report["message"], "cause": cause, "hint": report.get("hint") or STATUS[cause][1]}
