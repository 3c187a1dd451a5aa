# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a connector is, derived from what its last run told and what root knows of its starts: never kept."""

from __future__ import annotations

import os

from cockpit_getmail.days import keep
from cockpit_getmail.problem import STATUS
from cockpit_getmail.schedule import REFUSED_LIMIT, next_run
from cockpit_getmail.status_file import CUT_OFF

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set
    from typing import Literal, TypedDict

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.ledger import Refusal, Start
    from cockpit_getmail.status_file import Report, StrPath

    class Judgement(TypedDict, total=False):
        """A status, and what it comes from if something is wrong."""

        status: str
        cause: str
        message: str
        hint: str

    class Optional(Judgement, total=False):
        """What else is not always told: how much of a run is done, and messages by day."""

        percent: int
        days: dict[str, int]

    class Condition(Optional):
        """What schemas/connector.json has as condition. Times are seconds since 1970."""

        last_run: int | None
        next_run: int | None
        failures: int
        messages: int
        bytes: int
        running: bool


WORKING = ("OK", "NEVER_RUN")
"""The statuses of connectors with which nothing is wrong."""
STATUSES = (*WORKING, *dict.fromkeys(status for status, _ in STATUS.values()), "TEMP_DISABLED", "DISABLED")
SILENT = "The run ended before it could tell anything."
SILENCE_SECONDS = 60.0
"""So long a run may take until it tells that it has begun; while it lasts it is seen to be running."""
_LOCKS = {"run": "lock", "verify": "verify.lock"}
_REFUSED = "The log-in was refused each time."
_ONCE_A_DAY = "Meanwhile it is tried once a day."
_REFUSED_HINT = f"Correct user name or password, or reset it. {_ONCE_A_DAY}"
_PARTIAL = "Messages of the mailbox that are not delivered: {}."
_PARTIAL_HINT = "The next run tries them again, but for those set aside: see read quarantine."


def derive(
    connector: Connector,
    report: Report | None,
    start: Start | None,
    is_running: bool,
    now: float,
    days: Set[str] = frozenset(),
) -> Condition:
    """Return how a connector is `now`, in seconds since 1970, and what came on these `days`.

    `report` is what its last run told: one that is under way by that, and not by `is_running`, was cut off.
    `start` is what the ledger knows.
    """
    refusal = _find_refusal(report, start, now)
    counted = None if report and start and start.forgiven == report["token"] else report
    is_cut_off = counted is not None and counted["state"] == "running" and not is_running
    failures, refused = (counted["failures"], counted["refused"]) if counted else (0, 0)
    is_silent = not is_running and _is_silent(report, start, now)
    failures += (is_cut_off or is_silent) + (start.failures if start and refusal else 0)
    told: Judgement = {}
    if not connector.enabled:
        told = {"status": "DISABLED"}
    elif refusal:
        told = _tell(refusal["cause"], refusal["message"], refusal.get("hint"))
    elif counted and refused >= REFUSED_LIMIT:
        told = _tell_refused(counted)
    elif is_silent:
        told = _tell("internal", SILENT)
    elif is_cut_off:
        told = _tell("internal", CUT_OFF)
    elif counted:
        told = _tell_outcome(counted, failures)
    has_worked = report is not None and report["last_success"] is not None
    due = next_run(connector.name, connector.minutes, _last_start(counted, start), failures, refused, now)
    if report and _goes_on(report, start) and not (failures or is_running):
        due = now
    return {
        "status": "OK" if has_worked else "NEVER_RUN",
        **told,
        **_tell_more(report, is_running, days),
        "last_run": _last_run(report, start),
        "next_run": int(due) if connector.enabled else None,
        "failures": failures,
        "messages": report["messages"] if report else 0,
        "bytes": report["bytes"] if report else 0,
        "running": is_running,
    }


def _tell_more(report: Report | None, is_running: bool, days: Set[str]) -> Optional:
    more: Optional = {}
    if report and is_running and report["state"] == "running" and (done := percent(report)) is not None:
        more["percent"] = done
    if report and (counts := keep(report["days"], days)):
        more["days"] = counts
    return more


def percent(report: Report) -> int | None:
    """Return how much of a task is done, by octets if their total is known, else by messages.

    0 to 100, which only one that succeeded has; None while no total is known.
    """
    if report["state"] == "succeeded":
        return 100
    done, total = report["bytes"], report["total_bytes"]
    if not total:
        done, total = report["messages"] + report["baselined"], report["total_messages"]
    return min(99, 100 * done // total) if total else None


def _find_refusal(report: Report | None, start: Start | None, now: float) -> Refusal | None:
    """Return why the last try to start a run failed, if none has begun since."""
    if start is None or start.problem is None:
        return None
    # A run of the future began before the clock was set back.
    is_last = report is None or start.at is None or not start.at < report["started"] <= now
    return start.problem if is_last else None


def _is_silent(report: Report | None, start: Start | None, now: float) -> bool:
    """Whether the last run was started and has told nothing, as if its program or its disk were out of order.

    It tells nothing either if one in the foreground was under way then.
    """
    if start is None or start.at is None or start.token is None or now - start.at < SILENCE_SECONDS:
        return False
    if report is None:
        return True
    return report["token"] != start.token and max(report["started"], report["ended"] or 0.0) < start.at


def _goes_on(report: Report, start: Start | None) -> bool:
    """Whether the last run ended because its access token did, and none was started since."""
    is_last = start is None or start.at is None or start.at <= (report["ended"] or 0.0)
    return is_last and report["state"] == "succeeded" and report.get("unfinished", False)


def _last_start(counted: Report | None, start: Start | None) -> float | None:
    if start and start.at is not None:
        return start.at
    return counted["started"] if counted else None


def _last_run(report: Report | None, start: Start | None) -> int | None:
    times = [report["started"]] if report else []
    times += [start.at] if start and start.at is not None else []
    return int(max(times)) if times else None


def _tell(cause: str, message: str, hint: str | None = None) -> Judgement:
    """Return what a failure is; its own `hint` says more than what its cause has."""
    status, usual = STATUS[cause]
    return {"status": status, "cause": cause, "message": message, "hint": hint or usual}


def _tell_refused(report: Report) -> Judgement:
    outcome = report["outcome"]
    message, hint = _REFUSED, _REFUSED_HINT
    if outcome and outcome["cause"] == "credentials":
        message = outcome["message"]
        hint = f"{outcome['hint']} {_ONCE_A_DAY}" if outcome.get("hint") else hint
    return {**_tell("credentials", message, hint), "status": "TEMP_DISABLED"}


def _tell_outcome(report: Report, failures: int) -> Judgement:
    """Return how the last run ended; nothing if it ended well, or if that was forgiven."""
    outcome = report["outcome"]
    if outcome and outcome["cause"] and failures:
        return _tell(outcome["cause"], outcome["message"], outcome.get("hint"))
    if outcome and outcome["partial"]:
        return {**_tell("mailbox", _PARTIAL.format(outcome["partial"])), "hint": _PARTIAL_HINT}
    return {}


class Locks:
    """The file locks that processes of this machine hold now, as the kernel shows them."""

    def __init__(self) -> None:
        held = (line.split() for line in _read_lines("/proc/locks"))
        # A process that waits for a lock stands after an arrow.
        self._held = {fields[5] for fields in held if len(fields) > 5 and fields[1] == "FLOCK"}
        self._mounts: dict[str, str] = {}
        for line in _read_lines("/proc/self/mountinfo"):
            mount, _, device, *_ = line.split(maxsplit=3)
            self._mounts[mount] = "{:02x}:{:02x}".format(*map(int, device.split(":")))

    def is_held(self, folder: StrPath, kind: Literal["run", "verify"] = "run") -> bool:
        """Whether a task of this kind has its lock in this state folder, which is not touched for that."""
        if not self._held:
            return False
        try:
            path = os.path.join(folder, _LOCKS[kind])
            descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            inode = os.fstat(descriptor).st_ino
            told = dict(line.split(maxsplit=1) for line in _read_lines(f"/proc/self/fdinfo/{descriptor}"))
        finally:
            os.close(descriptor)
        # Not st_dev: btrfs shows another device there than it has among the locks.
        return f"{self._mounts.get(told.get('mnt_id:', '').strip())}:{inode}" in self._held


def _read_lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.readlines()
    except OSError:
        return []
