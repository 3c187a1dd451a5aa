# SPDX-License-Identifier: LGPL-2.1-or-later
"""Past runs in a real state."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from cockpit_getmail import history
from cockpit_getmail.days import day_of
from cockpit_getmail.folder_state import DAY
from cockpit_getmail.state import State
from tests.unit.test_status_file import REPORT

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit_getmail.status_file import Report


def report(number: int, **changed: object) -> Report:
    found: Report = {**REPORT, "token": f"{number:032x}", **changed}  # type: ignore[typeddict-item]
    return found


@pytest.fixture
def state(tmp_path: Path) -> State:
    return State(tmp_path)


def test_what_is_added_is_found(state: State) -> None:
    with state, state.transaction() as db:
        history.add(db, report(1), 90)
        history.add(db, report(1, state="succeeded"), 90)
        history.add(db, report(2, kind="verify"), 90)
        found = history.find(db, f"{1:032x}")
        assert found
        assert found["state"] == "failed"
        assert found["log"] == [[2, "2 new messages."], [3, "1 of 2 delivered."]]
        assert found["result"] == {name: REPORT[name] for name in history.COUNTS}  # type: ignore[literal-required]
        verified = history.find(db, f"{2:032x}")
        assert verified
        assert verified["result"] == REPORT["result"]
        assert {name: found[name] for name in ("started", "ended", "messages", "bytes", "cause")} == {
            name: REPORT[name] for name in ("started", "ended", "messages", "bytes", "cause")
        }
        assert history.find(db, f"{3:032x}") is None
        assert [entry["token"] for entry in history.listing(db, 10)] == [f"{1:032x}"]


def test_newest_come_first_and_only_so_many(state: State) -> None:
    with state, state.transaction() as db:
        for number in range(5):
            # Whatever the clock says.
            history.add(db, report(number, started=100.0 - number), 90)
        assert [int(entry["token"], 16) for entry in history.listing(db, 3)] == [4, 3, 2]
        assert history.newest(db) == f"{4:032x}"


def test_newest_is_that_of_runs(state: State) -> None:
    with state, state.transaction() as db:
        assert history.newest(db) is None
        history.add(db, report(1), 90)
        history.add(db, report(2, kind="verify"), 90)
        assert history.newest(db) == f"{1:032x}"


def test_messages_are_counted_by_the_days_of_their_runs(state: State) -> None:
    now = time.time()
    ends = [*(now - DAY * number for number in (0, 0, 1, 13, 14, 40)), now + 2 * DAY, 9e9, 0.0]
    with state:
        state.begin("imap\nh\n143\nu", DAY)
        with state.transaction() as db:
            assert history.count_days(db, now) == {}
            for number, ended in enumerate(ends):
                history.add(db, report(number, ended=ended, messages=1 << number), 90)
            history.add(db, report(90, ended=now, messages=0), 90)
            history.add(db, report(91, ended=now, kind="verify"), 90)
            counts = {day_of(now): 3, day_of(now - DAY): 4, day_of(now - 13 * DAY): 8}
            assert history.count_days(db, now) == counts
            # All these runs are old by now, by the state's own clock.
            db.execute("UPDATE mailbox SET clock = clock + ?", (15 * DAY,))
            assert history.count_days(db, now) == {}


def test_logs_are_kept_of_the_last_ones_only(state: State) -> None:
    with state, state.transaction() as db:
        for number in range(history.LOGS_KEPT + 2):
            history.add(db, report(number), 90)
        logs = [history.find(db, f"{number:032x}") for number in range(history.LOGS_KEPT + 2)]
        assert [bool(entry and entry["log"]) for entry in logs] == [False] * 2 + [True] * history.LOGS_KEPT


def test_days_are_those_of_the_credited_clock(state: State) -> None:
    """Neither a year ahead nor a year back forgets anything."""
    with state:
        state.begin("imap\nh\n143\nu", DAY)
        for number, clock in enumerate((0, 1, 2.5, 3, 3)):
            with state.transaction() as db:
                db.execute("UPDATE mailbox SET clock = ?", (clock * DAY,))
                history.add(db, report(number, started=(1e9, 9e9)[number % 2]), 2)
        with state.transaction() as db:
            assert [int(entry["token"], 16) for entry in history.listing(db, 9)] == [4, 3, 2, 1]
