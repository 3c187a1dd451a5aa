# SPDX-License-Identifier: LGPL-2.1-or-later
"""Questions about a state: answered from a real one, and answers that may be anything."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail import history, inquiry
from cockpit_getmail.state import State
from tests.unit.test_history import report
from tests.unit.test_status_file import VALUES

if TYPE_CHECKING:
    from pathlib import Path

ABOUT = ("history", "task", "tls", "quarantine", "retry", "skip")
REFUSED = (ValueError, LookupError, TypeError, AttributeError, RecursionError)
KEPT = ("token", "kind", "invocation", "started", "ended", "messages", "bytes", "cause", "message")
ENTRY: dict[str, Any] = {name: report(1)[name] for name in KEPT}  # type: ignore[literal-required]
ENTRY |= {"state": "failed", "result": dict.fromkeys(history.COUNTS, 1), "log": [[2, "Connected."]]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with State(tmp_path) as state, state.transaction() as db:
        for number in range(3):
            history.add(db, report(number, message="It broke.\x1b[0m", failed=number), 90)
        history.add(db, report(3, kind="verify"), 90)
    return tmp_path


def ask(folder: Path, /, **question: Any) -> Any:
    """Return what comes through the sandbox's way out."""
    found = json.loads(json.dumps(inquiry.answer(folder, question)))
    return inquiry.check(question, found)


def test_runs_are_listed(folder: Path) -> None:
    runs = ask(folder, about="history", limit=2)["runs"]
    assert [(int(run["token"], 16), run["failed"]) for run in runs] == [(2, 2), (1, 1)]
    assert runs[0]["message"] == r"It broke.\x1b[0m"
    assert runs[0]["result"] is None


def test_task_is_found_with_its_log(folder: Path) -> None:
    task = ask(folder, about="task", token=f"{1:032x}")["task"]
    assert (task["state"], task["failed"], task["version"]) == ("failed", 1, 3)
    assert task["log"] == [(2, "2 new messages."), (3, "1 of 2 delivered.")]
    assert task["text"] == "1 of 2 delivered."
    verification = ask(folder, about="task", token=f"{3:032x}")["task"]
    assert verification["result"] == report(3)["result"]
    assert ask(folder, about="task", token=f"{9:032x}") == {"task": None}


def test_whether_tls_was_seen_is_told_of_one_server(tmp_path: Path) -> None:
    with State(tmp_path) as state:
        state.begin("imap\nh\n143\nann", 1.0).saw_tls()
        state.begin("imap\nother\n143\nann", 1.0)
    names = ("imap\nh\n143\nann", "imap\nh\n143\nbob", "imap\nother\n143\nann", "imap\nh\n1430\nann")
    found = [ask(tmp_path, about="tls", mailbox=name)["seen"] for name in names]
    assert found == [True, True, False, False]
    with pytest.raises(REFUSED):
        inquiry.check({"about": "tls"}, {"seen": 1})


@pytest.mark.parametrize("about", ABOUT)
def test_state_without_a_database_has_nothing(tmp_path: Path, about: str) -> None:
    question = {"about": about, "limit": 9, "token": "0" * 32, "mailbox": "m", "folder": None, "uid": None}
    assert ask(tmp_path, **question) == inquiry.nothing(question)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "lie",
    [
        {"token": "0" * 31},
        {"token": 7},
        {"state": "running"},
        {"state": "lost"},
        {"kind": "mail"},
        {"ended": None},
        {"ended": float("nan")},
        {"started": -1},
        {"messages": -1},
        {"bytes": True},
        {"bytes": 1 << 63},
        {"cause": "weather"},
        {"message": None},
        {"result": {"failed": "1"}},
        {"log": 5},
        {"log": [["2", "x"]]},
        {"log": [[2, {}]]},
        {"log": ["x"]},
        {"version": "2"},
        {"outcome": []},
    ],
)
def test_entry_that_cannot_be_is_refused(lie: dict[str, Any]) -> None:
    assert inquiry.check({"about": "task"}, {"task": ENTRY})["task"]["token"] == ENTRY["token"]
    with pytest.raises(REFUSED):
        inquiry.check({"about": "task"}, {"task": {**ENTRY, **lie}})
    with pytest.raises(REFUSED):
        inquiry.check({"about": "history"}, {"runs": [ENTRY, {**ENTRY, **lie}]})


@pytest.mark.parametrize(
    "lie", [{"since": 10**15}, {"since": -1}, {"size": 1.5}, {"uid": 7}, {"reason": None}]
)
def test_message_set_aside_is_not_believed(lie: dict[str, Any]) -> None:
    message = {"folder": "INBOX", "uid": "7", "reason": "r", "size": 1, "attempts": 1, "since": 1_700_000_000}
    assert inquiry.check({"about": "quarantine"}, {"messages": [message]}) == {"messages": [message]}
    with pytest.raises(REFUSED):
        inquiry.check({"about": "quarantine"}, {"messages": [{**message, **lie}]})


@pytest.mark.long
@given(about=st.sampled_from(ABOUT), found=VALUES, inner=VALUES, name=st.sampled_from(sorted(ENTRY)))
def test_no_answer_is_believed_but_in_its_shape(about: str, found: Any, inner: Any, name: str) -> None:
    changed = {**ENTRY, name: inner}
    for told in (found, {"task": changed}, {"runs": [changed]}, {"messages": [inner]}, {"messages": inner}):
        try:
            checked = inquiry.check({"about": about}, told)
        except REFUSED:
            continue
        assert checked.keys() == inquiry.nothing({"about": about}).keys()
        assert not any(ord(character) < 32 for character in _texts(checked))


def _texts(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(map(_texts, (*value.keys(), *value.values())))
    if isinstance(value, list | tuple):
        return "".join(map(_texts, value))
    return value if isinstance(value, str) else ""
