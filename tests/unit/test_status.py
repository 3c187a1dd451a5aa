# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is derived of a connector, case by case, and whatever its files tell."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail import schedule, status_file
from cockpit_getmail.connector import Connector
from cockpit_getmail.days import last_days
from cockpit_getmail.ledger import Start
from cockpit_getmail.problem import STATUS, printable
from cockpit_getmail.status import SILENT, WORKING, Locks, derive
from tests.support.schemas import check_schema

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit_getmail.ledger import Refusal
    from cockpit_getmail.status_file import Outcome, Report

NOW = 1_700_000_000.0
MINUTES = 30
TOKEN, OTHER = "0123456789abcdef" * 2, "f" * 32
FINE: Outcome = {"cause": None, "message": "", "partial": 0}
BAD: Outcome = {"cause": "network", "message": "No route to host.", "partial": 0}
WRONG: Outcome = {"cause": "credentials", "message": "The password is wrong.", "partial": 0}
SOME: Outcome = {"cause": None, "message": "", "partial": 3}
REFUSAL: Refusal = {"type": "GenericError", "cause": "settings", "message": "There is no such user."}
CUT_OFF = "The run was cut off before its end."


def connector(status: str = "enabled") -> Connector:
    return Connector.from_record("u@h", {"status": status, "Time": str(MINUTES)})


def report(outcome: Outcome | None, **more: Any) -> Report:
    """Return what a run told that ended a minute ago."""
    base: Report = {
        "token": TOKEN,
        "kind": "run",
        "invocation": "",
        "state": "failed" if outcome and outcome["cause"] else "succeeded",
        "started": NOW - 90,
        "ended": NOW - 60,
        "version": 3,
        "messages": 2,
        "bytes": 40,
        "total_messages": 2,
        "total_bytes": 40,
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
        "failures": 0,
        "refused": 0,
        "first_complete": None,
        "last_success": NOW - 9999,
        "runs": 1,
        "outcome": outcome,
        "days": {},
    }
    return base | more  # type: ignore[return-value]


NEW = report(None, state="running", last_success=None)
EARLIER = report(BAD, failures=2, started=NOW - 999, ended=NOW - 998)


@pytest.mark.parametrize(
    ("told", "start", "is_running", "status", "cause", "message", "failures"),
    [
        (None, None, False, "NEVER_RUN", None, None, 0),
        (None, Start(NOW - 5), True, "NEVER_RUN", None, None, 0),
        (None, Start(NOW - 5, REFUSAL, failures=2), False, "CONNECTION_IMPOSSIBLE", "settings", ..., 2),
        (report(FINE), None, False, "OK", None, None, 0),
        (report(FINE), Start(NOW - 91), True, "OK", None, None, 0),
        (report(FINE), Start(NOW - 91, failures=3), False, "OK", None, None, 0),
        (report(SOME), None, False, "NO_ACCESS_TO_ALL_MAIL", "mailbox", ..., 0),
        (report(BAD, failures=2), None, False, "CONNECTION_IMPOSSIBLE", "network", "No route to host.", 2),
        (
            report(WRONG, failures=4, refused=4),
            None,
            False,
            "INVALID_CREDENTIALS",
            "credentials",
            WRONG["message"],
            4,
        ),
        (
            report(WRONG, failures=5, refused=5),
            None,
            False,
            "TEMP_DISABLED",
            "credentials",
            WRONG["message"],
            5,
        ),
        # Network trouble in between neither counts nor clears.
        (report(BAD, failures=7, refused=4), None, False, "CONNECTION_IMPOSSIBLE", "network", ..., 7),
        (report(BAD, failures=7, refused=6), None, False, "TEMP_DISABLED", "credentials", ..., 7),
        # Under way, it is still as it was when the last run ended.
        (NEW, None, True, "NEVER_RUN", None, None, 0),
        (report(FINE, state="running"), None, True, "OK", None, None, 0),
        (report(BAD, state="running", failures=1), None, True, "CONNECTION_IMPOSSIBLE", "network", ..., 1),
        (report(BAD, state="cancelled", failures=1), None, False, "CONNECTION_IMPOSSIBLE", "network", ..., 1),
        (report(None, state="cancelled", last_success=None), None, False, "NEVER_RUN", None, None, 0),
        # Under way, and nobody is there.
        (NEW, None, False, "NO_ACCESS_TO_ALL_MAIL", "internal", CUT_OFF, 1),
        (report(FINE, state="running"), None, False, "NO_ACCESS_TO_ALL_MAIL", "internal", CUT_OFF, 1),
        (
            report(BAD, state="running", failures=2),
            None,
            False,
            "NO_ACCESS_TO_ALL_MAIL",
            "internal",
            CUT_OFF,
            3,
        ),
        (
            report(WRONG, state="running", failures=5, refused=5),
            None,
            False,
            "TEMP_DISABLED",
            "credentials",
            ...,
            6,
        ),
        # It could not be started, before the last run began or after that.
        (report(FINE), Start(NOW - 200, REFUSAL, failures=1), False, "OK", None, None, 0),
        (
            report(FINE),
            Start(NOW - 20, REFUSAL, failures=1),
            False,
            "CONNECTION_IMPOSSIBLE",
            "settings",
            ...,
            1,
        ),
        (
            report(BAD, failures=2),
            Start(NOW - 20, REFUSAL, failures=1),
            False,
            "CONNECTION_IMPOSSIBLE",
            "settings",
            ...,
            3,
        ),
        # Since the clock was set back.
        (
            report(FINE, started=NOW + 9e6),
            Start(NOW - 20, REFUSAL, failures=1),
            False,
            "CONNECTION_IMPOSSIBLE",
            "settings",
            ...,
            1,
        ),
        # It was started, and told nothing.
        (None, Start(NOW - 61, token=OTHER), False, "NO_ACCESS_TO_ALL_MAIL", "internal", SILENT, 1),
        (None, Start(NOW - 61, token=OTHER), True, "NEVER_RUN", None, None, 0),
        (None, Start(NOW - 59, token=OTHER), False, "NEVER_RUN", None, None, 0),
        (EARLIER, Start(NOW - 61, token=OTHER), False, "NO_ACCESS_TO_ALL_MAIL", "internal", SILENT, 3),
        (EARLIER, Start(NOW - 99, token=TOKEN), False, "CONNECTION_IMPOSSIBLE", "network", ..., 2),
        # As one in the foreground was under way, or came later.
        (report(FINE), Start(NOW - 61, token=OTHER), False, "OK", None, None, 0),
        (report(FINE), Start(NOW - 99, token=OTHER), False, "OK", None, None, 0),
        (
            report(FINE, state="running", ended=None),
            Start(NOW - 99, token=OTHER),
            False,
            "NO_ACCESS_TO_ALL_MAIL",
            "internal",
            CUT_OFF,
            1,
        ),
        # Forgiven.
        (report(BAD, failures=2), Start(None, forgiven=TOKEN), False, "OK", None, None, 0),
        (report(WRONG, failures=9, refused=9), Start(None, forgiven=TOKEN), False, "OK", None, None, 0),
        (
            report(WRONG, failures=9, refused=9, last_success=None),
            Start(None, forgiven=TOKEN),
            False,
            "NEVER_RUN",
            None,
            None,
            0,
        ),
        (NEW, Start(None, forgiven=TOKEN), False, "NEVER_RUN", None, None, 0),
        (
            report(BAD, failures=2),
            Start(None, forgiven=OTHER),
            False,
            "CONNECTION_IMPOSSIBLE",
            "network",
            ...,
            2,
        ),
        # The run after that is under way, and does not count what was.
        (report(WRONG, state="running"), Start(NOW - 91, forgiven=OTHER), True, "OK", None, None, 0),
    ],
)
def test_what_is_derived(
    told: Report | None,
    start: Start | None,
    is_running: bool,
    status: str,
    cause: str | None,
    message: Any,
    failures: int,
) -> None:
    found = derive(connector(), told, start, is_running, NOW)
    assert (found["status"], found.get("cause")) == (status, cause)
    assert message is ... or found.get("message") == message
    assert ("message" in found, "hint" in found) == (status not in WORKING,) * 2
    assert found["failures"] == failures
    assert found["running"] == is_running
    assert (found["messages"], found["bytes"]) == ((2, 40) if told else (0, 0))
    disabled = derive(connector("disabled"), told, start, is_running, NOW)
    assert {"cause", "message", "hint"}.isdisjoint(disabled)
    changed = {"status": "DISABLED", "next_run": None}
    assert disabled == {**{key: found.get(key) for key in disabled}, **changed}


@pytest.mark.parametrize("cause", STATUS)
def test_each_cause_has_its_status(cause: str) -> None:
    outcome: Outcome = {"cause": cause, "message": "m", "partial": 0}
    found = derive(connector(), report(outcome, failures=1), None, False, NOW)
    assert (found["status"], found["hint"]) == STATUS[cause]
    assert (found["cause"], found["message"]) == (cause, "m")


def next_slot(after: float) -> int:
    return int(schedule.next_run("u@h", MINUTES, after, 0, 0, after))


@pytest.mark.parametrize(
    ("told", "start", "last_run", "next_run"),
    [
        (None, None, None, NOW),
        (None, Start(NOW - 5), NOW - 5, next_slot(NOW - 5)),
        (report(FINE), None, NOW - 90, next_slot(NOW - 90)),
        (report(FINE), Start(NOW - 91), NOW - 90, next_slot(NOW - 91)),
        # What a run says of its start keeps the schedule from nothing.
        (report(FINE, started=1e11), Start(NOW - 91), 1e11, next_slot(NOW - 91)),
        (report(BAD, failures=1), Start(NOW - 91), NOW - 90, next_slot(NOW - 91)),
        (report(BAD, failures=3), Start(NOW - 91), NOW - 90, NOW - 91 + 4 * 1800),
        (report(BAD, failures=3, refused=5), Start(NOW - 91), NOW - 90, NOW - 91 + 86400),
        (report(FINE), Start(NOW - 5, REFUSAL, failures=2), NOW - 5, NOW - 5 + 2 * 1800),
        (report(WRONG, failures=9, refused=9), Start(None, forgiven=TOKEN), NOW - 90, NOW),
        # One in the foreground, after that.
        (report(BAD, failures=1), Start(None, forgiven=OTHER), NOW - 90, next_slot(NOW - 90)),
        (report(FINE), Start(NOW + 1000), NOW + 1000, NOW),
    ],
)
def test_when_it_runs(told: Report | None, start: Start | None, last_run: Any, next_run: float) -> None:
    found = derive(connector(), told, start, False, NOW)
    assert (found["last_run"], found["next_run"]) == (last_run, next_run)


def test_hint_of_a_failure_beats_that_of_its_cause() -> None:
    outcome: Outcome = {**WRONG, "hint": "Sign in again."}
    found = derive(connector(), report(outcome, failures=1, refused=1), None, False, NOW)
    assert (found["status"], found["hint"]) == ("INVALID_CREDENTIALS", "Sign in again.")
    found = derive(connector(), report(outcome, failures=5, refused=5), None, False, NOW)
    told = "Sign in again. Meanwhile it is tried once a day."
    assert (found["status"], found["hint"]) == ("TEMP_DISABLED", told)
    refusal: Refusal = {**REFUSAL, "hint": "Do this."}
    assert derive(connector(), None, Start(NOW - 5, refusal, failures=1), False, NOW)["hint"] == "Do this."


@pytest.mark.parametrize(
    ("told", "start", "is_running", "is_due"),
    [
        (report(FINE, unfinished=True), Start(NOW - 91), False, True),
        (report(FINE, unfinished=True), None, False, True),
        (report(FINE, unfinished=True), Start(NOW - 91), True, False),
        # The next one was started, and has told nothing yet.
        (report(FINE, unfinished=True), Start(NOW - 5), False, False),
        (report(FINE, unfinished=True, state="running"), Start(NOW - 91), True, False),
        (report(FINE, unfinished=True), Start(NOW - 50, REFUSAL, failures=1), False, False),
        (report(FINE), Start(NOW - 91), False, False),
    ],
)
def test_run_that_ended_with_its_token_is_due_at_once(
    told: Report, start: Start | None, is_running: bool, is_due: bool
) -> None:
    found = derive(connector(), told, start, is_running, NOW)
    assert found["next_run"]
    assert (found["next_run"] <= NOW) == is_due


@pytest.mark.parametrize(
    ("changed", "is_running", "percent"),
    [
        ({"state": "running", "bytes": 13, "total_bytes": 40}, True, 32),
        ({"state": "running", "bytes": 0, "total_bytes": 40}, True, 0),
        # As much as that, it has not ended.
        ({"state": "running", "bytes": 40, "total_bytes": 40}, True, 99),
        ({"state": "running", "bytes": 1 << 60, "total_bytes": 40}, True, 99),
        ({"state": "running", "bytes": 0, "total_bytes": 0, "messages": 2, "total_messages": 3}, True, 66),
        ({"state": "running", "bytes": 0, "total_bytes": 0, "messages": 0, "total_messages": 0}, True, None),
        # The report is of the run before, or of one that was cut off.
        ({"state": "succeeded"}, True, None),
        ({"state": "running"}, False, None),
        ({"state": "succeeded"}, False, None),
    ],
)
def test_how_much_is_done(changed: dict[str, Any], is_running: bool, percent: int | None) -> None:
    found = derive(connector(), report(FINE, **changed), None, is_running, NOW)
    assert found.get("percent") == percent
    assert ("percent" in found) == (percent is not None)


def test_days_are_told_but_for_old_ones_and_those_to_come() -> None:
    counts = {"2023-10-01": 5, "2023-11-13": 2, "2023-11-14": 0, "2023-12-01": 4}
    days = frozenset(("2023-11-12", "2023-11-13", "2023-11-14"))
    for told, expected in ((counts, {"2023-11-13": 2}), ({}, None), ({"2023-10-01": 5}, None)):
        found = derive(connector(), report(FINE, days=told), None, False, NOW, days)
        assert found.get("days") == expected
        assert ("days" in found) == bool(expected)
    assert "days" not in derive(connector(), None, None, False, NOW, days)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)
DAYS = last_days(NOW)
NUMBERS = st.integers(-1, 1 << 64) | st.floats()
HOSTILE = {
    **dict.fromkeys(("started", "last_success", "failures", "refused", "messages", "bytes"), NUMBERS),
    **dict.fromkeys(("total_messages", "total_bytes"), NUMBERS),
    "state": st.sampled_from([*status_file.STATES, "lost", None]),
    "days": st.dictionaries(st.sampled_from([*DAYS, "2023-01-01", "x"]) | st.text(max_size=3), NUMBERS),
    "outcome": st.fixed_dictionaries(
        {
            "cause": st.sampled_from([*STATUS, None, "magic"]),
            "message": st.text(st.characters()),
            "partial": NUMBERS,
        }
    ),
}


@pytest.mark.long
@given(
    st.fixed_dictionaries({}, optional=HOSTILE),
    st.dictionaries(st.sampled_from(sorted(NEW)), JSON, max_size=2),
    st.booleans(),
)
def test_whatever_a_run_tells_there_is_an_answer(
    fields: dict[str, Any], more: dict[str, Any], is_running: bool
) -> None:
    text = json.dumps({**report(FINE), **fields, **more})
    told = status_file.parse(text.encode())
    starts = (None, Start(NOW - 5), Start(None, forgiven=TOKEN), Start(NOW, REFUSAL, None, 1))
    for start in (*starts, Start(NOW - 70, token=OTHER)):
        found = derive(connector(), told, start, is_running, NOW, DAYS)
        check_schema("read/status.output.json", {"connectors": [{"name": "x", "account": "", **found}]})
        message = found.get("message", "")
        assert printable(message) == message


def test_lock_of_a_run_is_seen_and_not_taken(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("held", "free", "empty", "link")]
    for folder in folders:
        folder.mkdir()
    (folders[1] / "lock").touch()
    hold = "import fcntl, sys; fcntl.flock(f := open(sys.argv[1], 'w'), fcntl.LOCK_EX); print(flush=True)"
    argv = [sys.executable, "-c", f"{hold}; input()", str(folders[0] / "lock")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdout
        run.stdout.readline()
        os.symlink(folders[0] / "lock", folders[3] / "lock")
        assert list(map(Locks().is_held, folders)) == [True, False, False, False]
        run.communicate(b"\n")
    assert not Locks().is_held(folders[0])
    with open(folders[0] / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
