# SPDX-License-Identifier: LGPL-2.1-or-later
"""What units have logged, read from systemd's journal."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from cockpit_getmail.problem import failure, printable
from cockpit_getmail.units.process import run
from cockpit_getmail.units.systemd import TASK_FIELD, is_available

SECONDS = 30.0
OUTPUT_LIMIT = 32 << 20
PRIORITIES = tuple("01234567")
NOTICE = 5
"""The priority of a line without one."""


def read_journal(unit: str, lines: int) -> list[dict[str, Any]]:
    """Return the last lines by and about a unit (without `.service`), the oldest first.

    Each has time (seconds since 1970), priority (0 to 7, of syslog) and message. Raises Problem (internal).
    """
    return _read((f"--unit={unit}.service",), lines)


def read_journal_of_task(token: str, units: Sequence[str], lines: int) -> list[dict[str, Any]]:
    """Return the last lines by and about a task, as read_journal(). Raises Problem (internal).

    It is, or was, one of these units' (without `.service`).
    """
    # Anybody may log a line with a token.
    of_task = (f"{TASK_FIELD}={token}", *(f"_SYSTEMD_UNIT={unit}.service" for unit in units))
    for found in _ask(of_task, 1, "_SYSTEMD_UNIT,_SYSTEMD_INVOCATION_ID"):
        unit, invocation = found["_SYSTEMD_UNIT"], found["_SYSTEMD_INVOCATION_ID"]
        # How it ended systemd tells, which does not know the token.
        return _read((*of_task, "+", "_PID=1", f"UNIT={unit}", f"INVOCATION_ID={invocation}"), lines)
    return []


def _read(matches: Sequence[str], lines: int) -> list[dict[str, Any]]:
    return [_parse(found) for found in _ask(matches, lines, "MESSAGE,PRIORITY")]


def _ask(matches: Sequence[str], lines: int, fields: str) -> list[dict[str, Any]]:
    if not is_available():
        message = "There is no systemd here, and so no journal: read progress has the last lines of a run."
        raise failure("internal", message)
    options = (
        "--quiet",
        "--no-pager",
        "--output=json",
        f"--output-fields={fields}",
        f"--lines={lines}",
    )
    done = run(["journalctl", *options, *matches], timeout=SECONDS, output_limit=OUTPUT_LIMIT)
    if done.status != 0:
        complaint = done.errors.decode("utf-8", "replace").strip().partition("\n")[0]
        reason = printable(complaint) or "it took too long, or its answer had no end"
        raise failure("internal", f"The journal cannot be read: {reason}. Run this as root.")
    return [json.loads(line) for line in done.output.splitlines()]


def _parse(found: Mapping[str, Any]) -> dict[str, Any]:
    priority = found.get("PRIORITY")
    return {
        "time": int(found["__REALTIME_TIMESTAMP"]) / 1_000_000,
        "priority": int(priority) if priority in PRIORITIES else NOTICE,
        "message": _text(found.get("MESSAGE")),
    }


def _text(message: object) -> str:
    """Return a message as text: journalctl(1) has octets of one that is not UTF-8, null of a long one.

    Of a line with several it has a list of them. What a unit logs is not to be believed.
    """
    if not isinstance(message, list):
        return printable(message) if isinstance(message, str) else ""
    if all(isinstance(octet, int) for octet in message):
        return printable(bytes(message))
    return printable(" ".join(map(_text, message)))
