# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run or a verification tells of itself while it works and when it has ended: one small file.

The task writes it into the connector's state folder, root reads it: so nothing in it is believed but its
shape. It is replaced at once, so that who reads finds the old text or the new one.
"""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from contextlib import suppress

from cockpit_getmail import days
from cockpit_getmail.problem import STATUS, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

    StrPath: TypeAlias = str | os.PathLike[str]
    TaskState: TypeAlias = Literal["running", "succeeded", "failed", "cancelled"]

    class Outcome(TypedDict):
        """How the last run ended that ended by itself; `partial` messages of the mailbox are not here."""

        cause: str | None
        message: str
        hint: NotRequired[str]
        partial: int

    class Report(TypedDict):
        """Times are seconds since 1970, sizes octets; `version` grows with each change.

        `messages` and `bytes` are done, of `total_messages` and `total_bytes`, which are 0 until they are
        known. `passed` are messages that are not wanted, `left` those for later runs, `baselined` those that
        were marked as seen; a run that does nothing else is a `baseline`. `hint` is there if it is another
        one than the cause has, `unfinished` if it is to go on at once. `log` is the tail of the log by
        version; with `log_cut` there was more. What follows `result` is of runs alone, and counts over all of
        them: `failures` and `refused` log-ins in a row, and messages delivered by `days`, the last ones.
        """

        token: str
        kind: Literal["run", "verify"]
        invocation: str
        state: TaskState
        started: float
        ended: float | None
        version: int
        messages: int
        bytes: int
        total_messages: int
        total_bytes: int
        failed: int
        set_aside: int
        deleted: int
        passed: int
        left: int
        baselined: int
        cause: str | None
        message: str
        hint: NotRequired[str]
        unfinished: NotRequired[bool]
        baseline: NotRequired[bool]
        text: str
        log: list[tuple[int, str]]
        log_cut: bool
        result: dict[str, Any] | None
        failures: int
        refused: int
        first_complete: float | None
        last_success: float | None
        runs: int
        outcome: Outcome | None
        days: dict[str, int]


RUN, VERIFY = "status.json", "verify.json"
LIMITS = {RUN: 64 << 10, VERIFY: 512 << 10}
LOG_LIMIT = 8 << 10
"""So many octets of log lines stand in the file."""
CUT_OFF = "The run was cut off before its end."
TIME_LIMIT = 1e12
"""Times, in seconds since 1970, are less: of what is far beyond, no program tells the date."""
STATES = ("running", "succeeded", "failed", "cancelled")
_COUNT_LIMIT = 1 << 63
_HEXADECIMAL = re.compile("[0-9a-f]{32}")
_DAY = re.compile("[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")
_met: dict[str, str] = {}
"""The days met so far, each the one text that stands for it."""
_COUNTS = (
    *("version", "messages", "bytes", "total_messages", "total_bytes"),
    *("failed", "set_aside", "deleted", "failures", "refused", "runs"),
)
_LATER_COUNTS = ("passed", "left", "baselined")
"""Missing in what an older version wrote."""
_FOUND = ("checked", "present", "moved", "elsewhere")
_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FULL = (errno.ENOSPC, errno.EDQUOT)
_BLOCK = 512
"""What st_blocks counts in."""


def read(folder: StrPath, name: str = RUN, *, with_log: bool = True) -> Report | None:
    """Return what the last task told; None if there is nothing, or nothing to be believed.

    Without `with_log` the log is empty: checking its lines is most of the work.
    """
    try:
        # For thousands of connectors os.path.join() would take longer than all that is checked.
        descriptor = os.open(f"{os.fspath(folder)}/{name}", _OPEN)
    except OSError:
        return None
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LIMITS[name]:
            return None
        return parse(os.read(descriptor, LIMITS[name]), with_log=with_log)
    except OSError:
        return None
    finally:
        os.close(descriptor)


def write(folder: StrPath, report: Report, name: str = RUN, *, durably: bool) -> None:
    """Replace the file. Raises OSError.

    If it is not `durably`, the text before may be back after a power cut. On a full disk it is written over
    the text before, without the log: else that would go on to tell that all is well.
    """
    path = os.path.join(folder, name)
    try:
        _replace(path, _format(report), durably=durably)
    except OSError as error:
        if error.errno not in _FULL:
            raise
        with suppress(FileNotFoundError):
            os.unlink(f"{path}.new")
        if not _overwrite(path, _format({**report, "log": [], "log_cut": True})):
            raise


def _format(report: Report) -> bytes:
    return json.dumps(report, separators=(",", ":")).encode()


def _replace(path: str, data: bytes, *, durably: bool) -> None:
    draft = f"{path}.new"
    try:
        descriptor = os.open(draft, _NEW, 0o600)
    except FileExistsError:
        # Nobody else writes it: one that was killed has left it.
        os.unlink(draft)
        descriptor = os.open(draft, _NEW, 0o600)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        if durably:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)
    os.rename(draft, path)


def _overwrite(path: str, data: bytes) -> bool:
    """Write into the space that the file has; return whether it is enough. Raises OSError."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode) or len(data) > found.st_blocks * _BLOCK:
            return False
        # One write, and blanks to the end: at no moment is there anything but the old text or the new one.
        is_whole = os.pwrite(descriptor, data.ljust(found.st_size), 0) >= len(data)
        os.ftruncate(descriptor, len(data))
        return is_whole
    finally:
        os.close(descriptor)


def parse(data: bytes, *, with_log: bool = True) -> Report | None:
    """Return a report with nothing in it but what belongs there; None if it is none."""
    try:
        found = json.loads(data.decode())
        if isinstance(found, dict):
            return _check(found if with_log else {**found, "log": []})
    except (ValueError, LookupError, TypeError, RecursionError):
        pass
    return None


def _check(found: dict[str, Any]) -> Report:
    """Return a checked copy. Raises ValueError, LookupError or TypeError."""
    report: dict[str, Any] = {name: _count(found[name]) for name in _COUNTS}
    report |= {name: _count(found.get(name, 0)) for name in _LATER_COUNTS}
    for name in ("started", "ended", "first_complete", "last_success"):
        report[name] = None if name != "started" and found[name] is None else _time(found[name])
    token, invocation = found["token"], found["invocation"]
    if not _HEXADECIMAL.fullmatch(token) or not (invocation == "" or _HEXADECIMAL.fullmatch(invocation)):
        raise ValueError
    if found["kind"] not in ("run", "verify") or found["state"] not in STATES:
        raise ValueError
    report |= {name: found[name] for name in ("token", "invocation", "kind", "state")}
    report["log"] = [(_count(version), _text(line)) for version, line in found["log"]]
    report["log_cut"] = found["log_cut"] is True
    report["text"] = _text(found["text"])
    report["result"] = None if found["result"] is None else _result(found["result"])
    report |= _failure(found)
    outcome = found["outcome"]
    report["outcome"] = None
    if outcome is not None:
        report["outcome"] = {**_failure(outcome), "partial": _count(outcome["partial"])}
    for name in ("unfinished", "baseline"):
        if found.get(name) is True:
            report[name] = True
    # Missing in what an older version wrote.
    report["days"] = _days(found.get("days", {}))
    return report  # type: ignore[return-value]


def _failure(found: object) -> dict[str, Any]:
    """Return what says why a task failed; an older version wrote no hint."""
    if not isinstance(found, dict):
        raise ValueError
    hint = _text(found.get("hint", ""))
    told = {"cause": _cause(found["cause"]), "message": _text(found["message"])}
    return {**told, "hint": hint} if hint else told


def _count(value: object) -> int:
    if type(value) is not int or not 0 <= value < _COUNT_LIMIT:
        raise ValueError
    return value


def _time(value: object) -> float:
    if type(value) not in (int, float) or not 0 <= value < TIME_LIMIT:  # type: ignore[operator]
        raise ValueError
    return float(value)  # type: ignore[arg-type]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError
    return printable(value)


def _cause(value: object) -> str | None:
    if value is not None and value not in STATUS:
        raise ValueError
    return value if isinstance(value, str) else None


def _days(found: object) -> dict[str, int]:
    if not isinstance(found, dict) or len(found) > days.LIMIT:
        raise ValueError
    # Thousands of connectors tell the same days.
    if not found.keys() <= _met.keys():
        if not all(map(_DAY.fullmatch, found)):
            raise ValueError
        _met.update(zip(found, found, strict=True))
    return {_met[day]: _count(count) for day, count in found.items()}


def _result(found: Any) -> dict[str, Any]:
    """Return what a verification found, as verification.Result has it. Raises as _check()."""
    return {
        **{name: _count(found[name]) for name in _FOUND},
        "missing": [_missing(message) for message in found["missing"]],
        "missing_count": _count(found["missing_count"]),
        "sound": found["sound"] is True,
        "problems": [_text(problem) for problem in found["problems"]],
    }


def _missing(message: Any) -> dict[str, Any]:
    message_id = message["message_id"]
    return {
        **{name: _text(message[name]) for name in ("folder", "uid")},
        "message_id": None if message_id is None else _text(message_id),
    }
