# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run or a verification tells while it works, and what stays of it when it has ended."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from typing import TYPE_CHECKING

from cockpit_getmail import days, history, status_file
from cockpit_getmail.problem import Problem
from cockpit_getmail.report import tell_done, tell_new

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from typing import Any, Literal

    from cockpit_getmail.report import Reporter
    from cockpit_getmail.status_file import Outcome, Report, StrPath, TaskState

LOGGED_IN = ("mailbox", "delivery", "quota", "filter")
"""Causes that are met only after the log-in."""
_FILES: dict[str, str] = {"run": status_file.RUN, "verify": status_file.VERIFY}


class Record:
    """One task's record, and the Reporter that it reports to; `report` shows to a person what it is told.

    What cannot be written to the status file never ends a task.
    """

    def __init__(
        self,
        folder: StrPath,
        kind: Literal["run", "verify"],
        token: str,
        report: Reporter,
        *,
        days: int,
        baseline: bool = False,
    ) -> None:
        self._folder = folder
        self._show = report
        self._days = days
        self._lock = threading.Lock()
        self._log_octets = 0
        self._told_failure = False
        self.before = status_file.read(folder, _FILES[kind])
        self._report = _make(kind, token, self.before)
        if baseline:
            self._report["baseline"] = True
        self._save()

    def begin(self, messages: int, octets: int) -> None:
        with self._lock:
            # So the log-in has succeeded, however the run ends.
            self._report["refused"] = 0
            self._report["total_messages"] += messages
            self._report["total_bytes"] += octets
        self._show.begin(messages, octets)
        self._tell(tell_new(messages, octets))

    def advance(self, messages: int, octets: int) -> None:
        with self._lock:
            self._report["messages"] += messages
            self._report["bytes"] += octets
            self._count_today(messages)
        self._show.advance(messages, octets)
        self._tell(tell_done(self._report["messages"], self._report["total_messages"]))

    def mark(self, messages: int, more: int) -> None:
        """Tell that so many messages are marked as seen, and of how many more it is known that they will."""
        with self._lock:
            self._report["refused"] = 0
            self._report["baselined"] += messages
            self._report["total_messages"] += more
        if messages:
            self.note(f"{self._report['baselined']} of {self._report['total_messages']} marked as seen.")

    def progress(self, text: str, messages: int, total: int) -> None:
        """Tell how far a verification is: so many messages of the total."""
        with self._lock:
            self._report["messages"], self._report["total_messages"] = messages, total
        self.note(text)

    def note(self, text: str) -> None:
        self._show.note(text)
        self._tell(text)

    def warn(self, text: str) -> None:
        self._show.warn(text)
        self._tell(text)

    def forgive(self) -> None:
        """Count failures anew."""
        self._report["failures"] = self._report["refused"] = 0

    @property
    def is_cut_off(self) -> bool:
        """Whether the run before, whose lock this one has, did not end by itself."""
        return self.before is not None and self.before["state"] == "running"

    def settle(self, db: sqlite3.Connection) -> None:
        """Record how the run before ended, if it is_cut_off; count all runs anew, if it left no report."""
        before = self.before
        if before is None:
            # There was none, or it is lost: a power cut may cost a file that was not synced.
            for entry in history.outcomes(db):
                self._count_entry(entry)
            return
        if found := history.find(db, before["token"]):
            # It was cut off between its two records.
            self._count_entry(found)
            return
        self._count("failed", {"cause": "internal", "message": status_file.CUT_OFF, "partial": 0})
        ended: Report = {**before, "state": "failed", "ended": time.time()}
        ended["cause"], ended["message"] = "internal", status_file.CUT_OFF
        ended["log"] = [*before["log"], (before["version"] + 1, status_file.CUT_OFF)]
        history.add(db, ended, self._days)

    def recall(self, db: sqlite3.Connection) -> None:
        """Tell what runs delivered by day: as the last one told it, if the history knows of none after that.

        Else as the history has it, which does not know of one that went on over midnight.
        """
        before = self.before
        if not (before and before["days"] and before["token"] == history.newest(db)):
            self._report["days"] = history.count_days(db, time.time())

    def _count_today(self, messages: int) -> None:
        now, counts = time.time(), self._report["days"]
        today = days.day_of(now)
        if today not in counts:
            counts = self._report["days"] = days.keep(counts, days.last_days(now))
        counts[today] = counts.get(today, 0) + messages

    def _count_entry(self, entry: dict[str, Any]) -> None:
        result = entry["result"] or {}
        partial = max(result.get("failed", 0), result.get("set_aside", 0))
        outcome: Outcome = {"cause": entry["cause"], "message": entry["message"], "partial": partial}
        if hint := result.get("hint"):
            outcome["hint"] = hint
        left = result.get("left", 0) + result.get("baselined", 0)
        self._count(entry["state"], outcome, at=entry["ended"], left=left)

    def end(
        self,
        state: TaskState,
        transaction: Callable[[], AbstractContextManager[sqlite3.Connection]] | None,
        problem: Problem | None = None,
        *,
        text: str = "",
        result: dict[str, Any] | None = None,
        partial: int = 0,
        unfinished: bool = False,
        keeps_pace: bool = False,
        counts: Mapping[str, int] | None = None,
    ) -> None:
        """Record the end, in the state's `transaction` if there is one. Raises Problem after a success.

        What cannot be recorded there is no success, and told as a failure. `partial` messages of the mailbox
        are not delivered; `counts` are failed, set_aside, deleted, passed, left. What is `unfinished` goes
        on at once. A failure that `keeps_pace` makes no later run wait for longer.
        """
        report = self._report
        outcome = _tell_outcome(problem, partial)
        report["state"], report["ended"] = state, time.time()
        report["cause"], report["message"], report["result"] = outcome["cause"], outcome["message"], result
        if hint := outcome.get("hint"):
            report["hint"] = hint
        if unfinished:
            report["unfinished"] = True
        report.update(counts or {})  # type: ignore[typeddict-item]
        self._log(text or outcome["message"])
        try:
            if transaction:
                with transaction() as db:
                    history.add(db, report, self._days)
        except Problem as trouble:
            if state == "succeeded":
                self.end("failed", None, trouble)
                raise
            self._show.warn(f"This run is missing in the history. {trouble.message}")
        self._count(state, outcome, left=report["left"] + report["baselined"])
        if keeps_pace:
            report["failures"] = 1
        self._save(durably=self._is_news())

    def _count(self, state: str, outcome: Outcome, *, at: float | None = None, left: int = 0) -> None:
        """Count a run that ended by itself, now or `at` a time, and left so many messages unfetched."""
        report = self._report
        if state == "cancelled" or report["kind"] != "run":
            return
        report["runs"] += 1
        report["outcome"] = outcome
        if state == "succeeded":
            report["failures"] = report["refused"] = 0
            report["last_success"] = at or time.time()
            if not (outcome["partial"] or left or report.get("unfinished")):
                report["first_complete"] = report["first_complete"] or report["last_success"]
            return
        report["failures"] += 1
        if outcome["cause"] == "credentials":
            report["refused"] += 1
        elif outcome["cause"] in LOGGED_IN:
            report["refused"] = 0

    def _is_news(self) -> bool:
        """Whether it would be wrong if the file before were back after a power cut, but for the time."""
        before, report = self.before, self._report
        return before is None or bool(report["messages"]) or before["outcome"] != report["outcome"]

    def _tell(self, text: str) -> None:
        self._log(text)
        self._save()

    def _log(self, text: str) -> None:
        if not text:
            return
        with self._lock:
            report = self._report
            report["version"] += 1
            report["text"] = text
            report["log"].append((report["version"], text))
            self._log_octets += _octets(text)
            while self._log_octets > status_file.LOG_LIMIT and len(report["log"]) > 1:
                self._log_octets -= _octets(report["log"].pop(0)[1])
                report["log_cut"] = True

    def _save(self, *, durably: bool = False) -> None:
        try:
            with self._lock:
                name = _FILES[self._report["kind"]]
                status_file.write(self._folder, self._report, name, durably=durably)
        except OSError as error:
            if not self._told_failure:
                self._told_failure = True
                self._show.warn(f"What this run does cannot be told: {error.strerror}.")


def _tell_outcome(problem: Problem | None, partial: int) -> Outcome:
    if problem is None:
        return {"cause": None, "message": "", "partial": partial}
    told: Outcome = {"cause": problem.cause, "message": problem.message, "partial": partial}
    if problem.hint:
        told["hint"] = problem.hint
    return told


def _octets(text: str) -> int:
    """Return how long a text is in the status file: a character may take twelve octets there."""
    return len(json.dumps(text))


def _make(kind: Literal["run", "verify"], token: str, before: Report | None) -> Report:
    invocation = os.environ.get("INVOCATION_ID", "")
    return {
        "token": token,
        "kind": kind,
        "invocation": invocation if re.fullmatch("[0-9a-f]{32}", invocation) else "",
        "state": "running",
        "started": time.time(),
        "ended": None,
        "version": 1,
        "messages": 0,
        "bytes": 0,
        "total_messages": 0,
        "total_bytes": 0,
        "failed": 0,
        "set_aside": 0,
        "deleted": 0,
        "passed": 0,
        "left": 0,
        "baselined": 0,
        "cause": None,
        "message": "",
        "text": "",
        "log": [],
        "log_cut": False,
        "result": None,
        "failures": before["failures"] if before else 0,
        "refused": before["refused"] if before else 0,
        "first_complete": before["first_complete"] if before else None,
        "last_success": before["last_success"] if before else None,
        "runs": before["runs"] if before else 0,
        "outcome": before["outcome"] if before else None,
        "days": before["days"] if before else {},
    }
