# SPDX-License-Identifier: LGPL-2.1-or-later
"""What units have logged, read from systemd's journal."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.units.process import run
from cockpit_getmail.units.systemd import TASK_FIELD, is_available

SECONDS = 30.0
OUTPUT_LIMIT = 32 << 20
_FIELDS = "MESSAGE,PRIORITY"
PRIORITIES = tuple("01234567")
NOTICE = 5
"""The priority of a line without one."""


class Excerpt(NamedTuple):
    """Lines of the journal, the oldest first.

    Each has time (seconds since 1970), priority (0 to 7, of syslog) and message. What is logged after them
    follows `cursor`, which is None if there are none. `follows`: they are those after the cursor asked for.
    """

    lines: list[dict[str, Any]]
    cursor: str | None
    follows: bool


def read_journal(unit: str, lines: int, after: str | None = None) -> Excerpt:
    """Return the last lines by and about a unit (without `.service`), at most so many.

    With the cursor of an excerpt, the first ones `after` it; the last ones, if the journal does not have the
    line there any more. Raises Problem (internal).
    """
    return _read((f"--unit={unit}.service",), lines, after)


def read_journal_of_task(token: str, units: Sequence[str], lines: int, after: str | None = None) -> Excerpt:
    """Return the last lines by and about a task, as read_journal(). Raises Problem (internal).

    It is, or was, one of these units' (without `.service`).
    """
    # Anybody may log a line with a token.
    of_task = (f"{TASK_FIELD}={token}", *(f"_SYSTEMD_UNIT={unit}.service" for unit in units))
    for found in _ask(of_task, 1, "_SYSTEMD_UNIT,_SYSTEMD_INVOCATION_ID"):
        unit, invocation = found["_SYSTEMD_UNIT"], found["_SYSTEMD_INVOCATION_ID"]
        # How it ended systemd tells, which does not know the token.
        matches = (*of_task, "+", "_PID=1", f"UNIT={unit}", f"INVOCATION_ID={invocation}")
        return _read(matches, lines, after)
    return Excerpt([], after, follows=False)


def _read(matches: Sequence[str], lines: int, after: str | None) -> Excerpt:
    newer = None if after is None else _ask_after(matches, lines, after)
    found = _ask(matches, lines, _FIELDS) if newer is None else newer
    cursor = found[-1]["__CURSOR"] if found else after
    return Excerpt([_parse(line) for line in found], cursor, follows=newer is not None)


def _ask_after(matches: Sequence[str], lines: int, cursor: str) -> list[dict[str, Any]] | None:
    """Return the first lines after a cursor, None if its own line is not there: then some may be missing.

    --after-cursor would not tell that, and leaves out the first of the others then.
    """
    try:
        found = _ask(matches, lines + 1, _FIELDS, f"--cursor={cursor}")
    except Problem:
        # Most likely it is no cursor: if it is the journal, the next question has the same answer.
        return None
    return found[1:] if found and found[0]["__CURSOR"] == cursor else None


def _ask(matches: Sequence[str], lines: int, fields: str, *more: str) -> list[dict[str, Any]]:
    if not is_available():
        message = "There is no systemd here, and so no journal: read progress has the last lines of a run."
        raise failure("internal", message)
    options = (
        "--quiet",
        "--no-pager",
        "--output=json",
        f"--output-fields={fields}",
        f"--lines={lines}",
        *more,
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
