# SPDX-License-Identifier: LGPL-2.1-or-later
"""Questions about a state where there is no systemd: who answers them. tests/machine has the sandbox."""

import json
import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from cockpit_getmail import history
from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import TEXT_LIMIT, Problem, failure, printable
from cockpit_getmail.settings import Settings
from cockpit_getmail.state import State
from cockpit_getmail.units import asking, systemd, wire
from tests.support import need_root
from tests.support.schemas import load
from tests.unit.test_history import report

LIMIT = load("read/history.input.json")["properties"]["limit"]["maximum"]
CONNECTOR = Connector("me@here", {})
QUESTION = {"about": "history", "limit": 10}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    monkeypatch.setattr(systemd, "BOOTED", Path("/nowhere"))
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Settings(state_dir=folder)


@pytest.fixture
def owned(settings: Settings) -> Path:
    """A state folder of nobody's, with a run in it."""
    need_root()
    nobody = pwd.getpwnam("nobody")
    folder = Path(settings.state_dir, CONNECTOR.name)
    folder.mkdir(mode=0o700)
    with State(folder) as state, state.transaction() as db:
        history.add(db, report(1), 90)
    for path in (folder, *folder.iterdir()):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    return folder


def ask(settings: Settings) -> dict[str, Any]:
    return asking.ask(CONNECTOR, settings, QUESTION)


def replace_program(monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """Let whatever is written by some code be the answer."""
    monkeypatch.setattr(asking, "program", lambda: ["/usr/bin/python3", "-c", code])


def replace_answer(monkeypatch: pytest.MonkeyPatch, answer: Any) -> None:
    replace_program(monkeypatch, f"import json; print(json.dumps({wire_of(answer)!r}))")


def wire_of(answer: Any) -> Any:
    found: Any = json.loads(wire.format_answer(answer))
    return found


def test_where_no_state_is_nothing_is_asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_program(monkeypatch, "asked")
    assert ask(settings) == {"runs": []}
    Path(settings.state_dir, CONNECTOR.name).symlink_to("/")
    assert ask(settings) == {"runs": []}


@pytest.mark.long
def test_owner_answers(settings: Settings, owned: Path) -> None:
    assert [run["token"] for run in ask(settings)["runs"]] == [report(1)["token"]]
    assert {path.stat().st_uid for path in (owned, *owned.iterdir())} == {pwd.getpwnam("nobody").pw_uid}


@pytest.mark.long
def test_root_does_not_look_itself(settings: Settings, owned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = wire_of({"runs": [{**ENTRY, "message": "WHO"}]})
    code = f"import json, os; print(json.dumps({told!r}).replace('WHO', str(os.getresuid())))"
    replace_program(monkeypatch, code)
    uid = pwd.getpwnam("nobody").pw_uid
    assert ask(settings)["runs"][0]["message"] == str((uid, uid, uid))
    assert os.geteuid() == 0


ENTRY = {**report(1), "result": {}, "log": []}


@pytest.mark.long
@pytest.mark.parametrize("answer", [[], {}, {"runs": 1}, {"runs": [{**ENTRY, "bytes": -1}]}, "x" * 100])
def test_answer_of_no_shape_is_told(
    settings: Settings, owned: Path, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    replace_answer(monkeypatch, answer)
    with pytest.raises(Problem, match="gave no answer") as caught:
        ask(settings)
    assert caught.value.cause == "internal"


@pytest.mark.long
def test_answer_without_an_end_is_told(
    settings: Settings, owned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_program(monkeypatch, "while True: print('x' * 100_000)")
    with pytest.raises(Problem, match="gave no answer"):
        ask(settings)


@pytest.mark.long
def test_longest_history_comes_through(
    settings: Settings, owned: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    longest = {**ENTRY, "message": printable("é" * TEXT_LIMIT)}
    told = wire_of({"runs": [longest]})
    code = f"import json; told = {told!r}; told['found']['runs'] *= {LIMIT}; print(json.dumps(told))"
    replace_program(monkeypatch, code)
    assert len(ask(settings)["runs"]) == LIMIT


@pytest.mark.long
def test_problem_comes_through(settings: Settings, owned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_answer(monkeypatch, failure("quota", "No space\x1b is left.", kind="Conflict"))
    with pytest.raises(Problem) as caught:
        ask(settings)
    problem = caught.value
    assert (problem.type, problem.cause, problem.message) == ("Conflict", "quota", r"No space\x1b is left.")


@pytest.mark.long
def test_bug_in_the_child_is_told(settings: Settings, owned: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    replace_program(monkeypatch, "1 / 0")
    with pytest.raises(Problem, match=r"nobody cannot read .*division by zero"):
        ask(settings)


def test_state_of_roots_is_not_read(settings: Settings) -> None:
    need_root()
    Path(settings.state_dir, CONNECTOR.name).mkdir()
    with pytest.raises(Problem, match="root's"):
        ask(settings)
