# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tasks in MailStore's fields, and found by their tokens."""

import os
import pwd
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import history, status_file
from cockpit_getmail.actions import tasks
from cockpit_getmail.actions.execute import cancel
from cockpit_getmail.actions.read import history as past
from cockpit_getmail.actions.read import progress
from cockpit_getmail.connector import folder_name, make_token, token_prefix
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from cockpit_getmail.state import State
from cockpit_getmail.state_file import VERIFY_LOCK, lock
from cockpit_getmail.units import systemd
from tests.support.schemas import check_schema
from tests.unit.test_status_file import REPORT

NAME = "me@there"


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    """Without systemd, and where another user can get, too."""
    monkeypatch.setattr(systemd, "BOOTED", Path("/nowhere"))
    folder = Path(tempfile.mkdtemp(dir="/var/tmp"))
    folder.chmod(0o755)
    yield Settings(folder / "connectors", folder / "state", f"maildir:{folder}/mail/{{account}}", "nobody")
    shutil.rmtree(folder)


def hand_over(folder: Path) -> None:
    """Let the state be that of the user who fetches, as root does not read its own."""
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        for path in (folder, *folder.iterdir()):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)


@pytest.fixture
def folder(settings: Settings) -> Path:
    """The state folder of a connector."""
    Path(settings.connectors_db).write_text(
        f"{NAME}=getmail|Account|me|Label|home\nother=getmail|Account|me\n"
    )
    found = Path(settings.state_dir, folder_name(NAME))
    found.mkdir(parents=True)
    hand_over(found)
    return found


def report(token: str = "", **changed: Any) -> Any:
    return {**REPORT, "token": token or make_token(NAME), **changed}


def ask(settings: Settings, **data: Any) -> dict[str, Any]:
    answer = progress.answer({"action": "progress", **data}, settings)
    check_schema("read/progress.output.json", answer)
    return answer


@pytest.mark.parametrize(
    ("changed", "percent"),
    [
        ({"state": "running", "messages": 1, "total_messages": 3, "total_bytes": 0}, 33),
        ({"state": "running", "messages": 0, "total_messages": 0, "bytes": 0, "total_bytes": 0}, None),
        ({"state": "running", "bytes": 0, "total_bytes": 300}, 0),
        ({"state": "running", "bytes": 100, "total_bytes": 300}, 33),
        ({"state": "running", "bytes": 300, "total_bytes": 300}, 99),
        ({"state": "running", "bytes": 400, "total_bytes": 300}, 99),
        ({"state": "cancelled", "bytes": 150, "total_bytes": 300}, 50),
        ({"state": "succeeded", "bytes": 0, "total_bytes": 0}, 100),
        ({"kind": "verify", "state": "running", "messages": 1, "total_messages": 4, "total_bytes": 0}, 25),
    ],
)
def test_percent_is_by_octets_and_of_a_verification_by_messages(changed: Any, percent: int | None) -> None:
    assert tasks.tell("x", report(**changed))["percentProgress"] == percent


@pytest.mark.parametrize(
    ("version", "is_cut", "text"),
    [
        (0, False, "a\nb\n"),
        (5, False, "b\n"),
        (6, False, None),
        (9, False, None),
        (0, True, "...\na\nb\n"),
        (4, True, "a\nb\n"),
        (5, True, "b\n"),
    ],
)
def test_log_is_what_came_since_a_version(version: int, is_cut: bool, text: str | None) -> None:
    told = report(log=[(5, "a"), (6, "b")], log_cut=is_cut)
    assert tasks.tell("x", told, version)["logOutput"] == text


def test_failure_has_a_next_step(settings: Settings, folder: Path) -> None:
    told = report()
    status_file.write(folder, told, durably=False)
    answer = ask(settings, token=told["token"])
    assert (answer["statusCode"], answer["error"]["cause"]) == ("failed", "network")
    assert answer["error"]["message"] == "The connection broke."
    assert answer["error"]["hint"].endswith(".")
    assert answer["result"] == {
        "messages": 1,
        "bytes": 20,
        "failed": 0,
        "setAside": 0,
        "deleted": 0,
        "passedOver": 0,
        "left": 0,
        "baselined": 0,
    }


def test_verification_has_its_own_result(settings: Settings, folder: Path) -> None:
    result = {"checked": 0, "present": 0, "moved": 0, "elsewhere": 0, "missing": [], "missing_count": 0}
    result |= {"sound": True, "problems": []}
    told = report(kind="verify", state="succeeded", cause=None, message="", result=result)
    status_file.write(folder, told, status_file.VERIFY, durably=False)
    assert ask(settings, token=told["token"])["result"] == result


@pytest.mark.long
def test_run_that_is_not_there_any_more_was_cut_off(settings: Settings, folder: Path) -> None:
    told = report(state="running", ended=None)
    status_file.write(folder, told, durably=False)
    answer = ask(settings, token=told["token"], version=told["version"])
    assert (answer["statusCode"], answer["error"]["cause"]) == ("failed", "internal")
    assert answer["logOutput"] == f"{status_file.CUT_OFF}\n"
    assert answer["statusVersion"] == told["version"] + 1


@pytest.mark.long
def test_run_under_its_lock_is_under_way(settings: Settings, folder: Path) -> None:
    told = report(state="running", ended=None)
    status_file.write(folder, told, durably=False)
    with State(folder):
        hand_over(folder)
        assert ask(settings, token=told["token"])["statusCode"] == "running"
        [run] = past.answer({"name": NAME}, settings)["runs"]
        assert (run["token"], run["result"], run["end"]) == (told["token"], "running", None)
        assert tasks.find_task(told["token"], settings).wait(0.05) == told


@pytest.mark.long
def test_verification_under_its_lock_is_under_way(settings: Settings, folder: Path) -> None:
    told = report(kind="verify", state="running", ended=None)
    status_file.write(folder, told, status_file.VERIFY, durably=False)
    held = lock(folder, VERIFY_LOCK)
    try:
        assert ask(settings, token=told["token"])["statusCode"] == "running"
    finally:
        os.close(held)
    assert ask(settings, token=told["token"])["statusCode"] == "failed"


@pytest.mark.long
def test_older_task_is_in_the_history(settings: Settings, folder: Path) -> None:
    older, newer = report(), report(state="succeeded", cause=None, message="")
    with State(folder) as state, state.transaction() as db:
        history.add(db, older, 90)
        history.add(db, newer, 90)
    status_file.write(folder, newer, durably=False)
    hand_over(folder)
    assert ask(settings, token=older["token"])["error"]["cause"] == "network"
    assert ask(settings, token=newer["token"])["statusCode"] == "succeeded"
    answer = past.answer({"name": "home", "account": "me"}, settings)
    check_schema("read/history.output.json", answer)
    assert [run["token"] for run in answer["runs"]] == [newer["token"], older["token"]]
    assert [run.get("cause") for run in answer["runs"]] == [None, "network"]
    assert len(past.answer({"name": NAME, "limit": 1}, settings)["runs"]) == 1


@pytest.mark.long
@pytest.mark.parametrize("name", ["gone", NAME, "other"])
def test_token_that_nobody_knows(settings: Settings, folder: Path, name: str) -> None:
    with pytest.raises(Problem) as caught:
        ask(settings, token=make_token(name))
    assert caught.value.type == "NotFound"


def test_connector_that_never_ran_has_no_history(settings: Settings, folder: Path) -> None:
    assert past.answer({"name": "other"}, settings) == {"runs": []}


@pytest.mark.parametrize("data", [{"name": NAME}, {"token": token_prefix(NAME) + "0" * 16}])
def test_nothing_to_cancel(settings: Settings, folder: Path, data: Any) -> None:
    with pytest.raises(Problem) as caught:
        cancel.answer(data, settings)
    assert caught.value.type == "Conflict"
