# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a tick looks at, and where there can be none. What it starts is tried on a machine (tests/machine)."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail import scheduler
from cockpit_getmail.connector import Connector
from cockpit_getmail.database import Record
from cockpit_getmail.ledger import Start
from cockpit_getmail.problem import Problem
from cockpit_getmail.report import Lines
from cockpit_getmail.scheduler import find_candidates, run_due
from cockpit_getmail.settings import Settings
from cockpit_getmail.status import derive

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit_getmail.ledger import Refusal
    from cockpit_getmail.status_file import Report

NOW = 1_800_000_000.0
TOKEN = "0123456789abcdef" * 2
FAILED: Report = {
    "token": TOKEN,
    "kind": "run",
    "invocation": "",
    "state": "failed",
    "started": NOW - 90,
    "ended": NOW - 60,
    "version": 3,
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
    "cause": "network",
    "message": "No route to host.",
    "text": "",
    "log": [],
    "log_cut": False,
    "result": None,
    "failures": 0,
    "refused": 0,
    "first_complete": None,
    "last_success": None,
    "runs": 1,
    "outcome": {"cause": "network", "message": "No route to host.", "partial": 0},
    "days": {},
}
PROBLEM: Refusal = {"type": "GenericError", "cause": "delivery", "message": "No folder."}
times = st.floats(NOW - 1e7, NOW + 1e7)
starts = st.builds(
    Start,
    st.none() | times,
    st.none() | st.just(PROBLEM),
    st.none() | st.sampled_from([TOKEN, "f" * 32]),
    st.integers(0, 9),
)


@given(
    st.text(min_size=1, max_size=9),
    st.integers(1, 3000),
    st.none() | starts,
    times,
    st.integers(0, 9),
    st.integers(0, 9),
    st.booleans(),
)
def test_what_is_due_is_looked_at(
    name: str, minutes: int, start: Start | None, started: float, failures: int, refused: int, runs: bool
) -> None:
    """By the ledger alone, before a file is read, nothing is left out that its files make due."""
    props = {"Time": str(minutes)}
    state = "running" if runs else "failed"
    report: Report = {**FAILED, "started": started, "failures": failures, "refused": refused, "state": state}  # type: ignore[typeddict-item]
    due = derive(Connector.from_record(name, props), report, start, False, NOW)["next_run"]
    if due is not None and due <= NOW:
        known = {name: start} if start else {}
        assert [*find_candidates([Record(name, "getmail", props)], known, NOW)]


def test_who_is_disabled_is_not_looked_at() -> None:
    assert not [*find_candidates([Record("a", "getmail", {"status": "disabled"})], {}, NOW)]


def test_just_started_it_is_not_looked_at() -> None:
    record = Record("a", "getmail", {"Time": "30"})
    assert not [*find_candidates([record], {"a": Start(NOW)}, NOW)]
    assert [*find_candidates([record], {"a": Start(NOW)}, NOW + 1800)]


def test_who_logs_in_by_token_may_have_to_go_on_at_once() -> None:
    record = Record("a", "getmail", {"Time": "30", "Provider": "google"})
    assert [*find_candidates([record], {"a": Start(NOW)}, NOW)]


@pytest.mark.skipif(os.path.isdir("/run/systemd/system"), reason="There is a systemd here.")
def test_without_systemd_the_way_out_is_told(tmp_path: Path) -> None:
    said = io.StringIO()
    with pytest.raises(Problem, match="cockpit-getmail fetch NAME, from cron") as caught:
        run_due(Settings(state_dir=tmp_path), Lines(said))
    assert caught.value.cause == "internal"
    assert not [*tmp_path.iterdir()]
    assert not said.getvalue()


def test_a_bug_stops_one_connector_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def launch(*_: object) -> None:
        raise AttributeError("canary")

    monkeypatch.setattr(scheduler, "launch", launch)
    with pytest.raises(Problem) as raised:
        scheduler._launch(Connector("n", {}), Settings(tmp_path / "db", tmp_path), ())
    assert (raised.value.cause, raised.value.message) == (
        "internal",
        "This is a bug in cockpit-getmail (AttributeError).",
    )
