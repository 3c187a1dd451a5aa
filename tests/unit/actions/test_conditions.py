# SPDX-License-Identifier: LGPL-2.1-or-later
"""How connectors are, by real status files, locks and records of starts."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cockpit_getmail import database, status_file
from cockpit_getmail.actions import conditions
from cockpit_getmail.actions.read import list as listing
from cockpit_getmail.actions.read import status
from cockpit_getmail.actions.update import reset, update
from cockpit_getmail.connector import folder_name
from cockpit_getmail.days import day_of
from cockpit_getmail.folder_state import DAY
from cockpit_getmail.ledger import Ledger
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.settings import Settings
from cockpit_getmail.status import Locks
from tests.support.schemas import check_schema
from tests.unit.test_status import BAD, FINE, WRONG, report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cockpit_getmail.status_file import Report

NAMES = ("fine@h", "bad@h", "new@h", "off@h", "refused@h", "other@h")
PROPS = {
    "Retriever": "SimpleIMAPRetriever",
    "Server": "h",
    "Username": "u",
    "Password": "p",
    "Account": "ann@x",
    "Time": "30",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Six connectors; those named fine, bad and refused have run as that says."""
    with database.transaction(settings.connectors_db) as content:
        for number, name in enumerate(NAMES):
            props = {**PROPS, "Label": f"l{number // 2}", "Username": name}
            content.put(name, "getmail", props | ({"status": "disabled"} if name == "off@h" else {}))
        content.put("other@h", "getmail", {**PROPS, "Account": "bob"})
        content.put("ibay", "ibay", {"Account": "ann@x"})
    tell(settings, "fine@h", report(FINE))
    tell(settings, "bad@h", report(BAD, failures=2))
    tell(settings, "refused@h", report(WRONG, failures=6, refused=6))
    return settings


def tell(settings: Settings, name: str, told: Report) -> Path:
    """Write what a run tells; return its state folder."""
    folder = Path(settings.state_dir, folder_name(name))
    folder.mkdir(parents=True, exist_ok=True)
    status_file.write(folder, told, durably=False)
    return folder


def statuses(settings: Settings, **data: Any) -> dict[str, str]:
    """Return the status of those that status tells of, which must be those that list tells of."""
    answer = status.answer({"action": "status", **data}, settings)
    check_schema("read/status.output.json", answer)
    found = {each["name"]: each["status"] for each in answer["connectors"]}
    if "name" not in data:
        groups = listing.answer({"action": "list", **data}, settings)
        check_schema("read/list.output.json", groups)
        listed = [each for group in groups["connectors"].values() for each in group]
        assert {each["name"]: each["status"] for each in listed} == found
    return found


ALL = {
    "bad@h": "CONNECTION_IMPOSSIBLE",
    "fine@h": "OK",
    "new@h": "NEVER_RUN",
    "off@h": "DISABLED",
    "other@h": "NEVER_RUN",
    "refused@h": "TEMP_DISABLED",
}


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({}, ALL),
        ({"account": "ann"}, ALL.keys() - {"other@h"}),
        ({"account": "ann@x"}, ALL.keys() - {"other@h"}),
        ({"account": "bob"}, {"other@h"}),
        ({"account": "x"}, set()),
        ({"label": "l0"}, {"fine@h", "bad@h"}),
        ({"label": "l0", "status_ok": 0}, {"bad@h"}),
        ({"label": ""}, set()),
        ({"status_ok": 1}, {"fine@h", "new@h", "other@h"}),
        ({"status_ok": 0}, {"bad@h", "off@h", "refused@h"}),
        ({"status": "TEMP_DISABLED"}, {"refused@h"}),
        ({"status": "OK", "status_ok": 0}, set()),
        ({"status": "NEVER_RUN", "account": "ann"}, {"new@h"}),
        ({"name": "l0", "status": "OK"}, Problem),
        ({"name": "bad@h"}, {"bad@h"}),
        ({"name": "bad@h", "status": "OK"}, set()),
        ({"name": "l1", "account": "bob"}, Problem),
        ({"name": "0", "account": "bob"}, {"other@h"}),
    ],
)
def test_filters(settings: Settings, filters: dict[str, Any], names: Any) -> None:
    if names is Problem:
        with pytest.raises(Problem):
            statuses(settings, **filters)
    else:
        assert statuses(settings, **filters) == {name: ALL[name] for name in names}


@pytest.mark.long
def test_running_one_tells_how_much_is_done(settings: Settings) -> None:
    folder = tell(settings, "fine@h", report(FINE, state="running", bytes=10, total_bytes=40))
    tell(settings, "bad@h", report(FINE, state="running", bytes=10, total_bytes=40))
    with run_elsewhere(folder):
        statuses(settings)
        found = status.answer({}, settings)["connectors"]
    assert {each["name"]: each["percent"] for each in found if "percent" in each} == {"fine@h": 25}


def test_days_are_the_last_fourteen(settings: Settings) -> None:
    now = time.time()
    days = {day_of(now - number * DAY): number + 1 for number in (15, 2, 0)}
    tell(settings, "fine@h", report(FINE, days=days))
    tell(settings, "bad@h", report(BAD, days={day_of(now + 2 * DAY): 1, day_of(now - 15 * DAY): 1}))
    statuses(settings)
    found = status.answer({}, settings)["connectors"]
    expected = {"fine@h": {day_of(now - 2 * DAY): 3, day_of(now): 1}}
    assert {each["name"]: each["days"] for each in found if "days" in each} == expected


def test_order_is_the_databases(settings: Settings) -> None:
    assert list(statuses(settings)) == sorted(NAMES)


@contextmanager
def run_elsewhere(folder: Path) -> Iterator[None]:
    """Hold a state's lock as a run in the foreground does."""
    hold = "import fcntl, sys; fcntl.flock(f := open(sys.argv[1], 'w'), fcntl.LOCK_EX); print(flush=True)"
    argv = [sys.executable, "-c", f"{hold}; input()", str(folder / "lock")]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as run:
        assert run.stdout
        run.stdout.readline()
        yield
        run.communicate(b"\n")


def test_run_in_the_foreground_is_told_from_one_that_was_cut_off(settings: Settings) -> None:
    for name in ("fine@h", "bad@h"):
        folder = tell(settings, name, report(FINE, state="running"))
    (folder / "lock").touch()
    with run_elsewhere(Path(settings.state_dir, "fine@h")):
        found = status.answer({}, settings)["connectors"]
    told = {each["name"]: (each["status"], each["running"], each["failures"]) for each in found}
    assert told["fine@h"] == ("OK", True, 0)
    assert told["bad@h"] == ("NO_ACCESS_TO_ALL_MAIL", False, 1)


def test_run_that_ends_meanwhile_was_not_cut_off(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """The locks are looked at when it has ended already."""
    tell(settings, "new@h", report(None, state="running"))

    class LateLocks(Locks):
        def __init__(self) -> None:
            super().__init__()
            tell(settings, "new@h", report(FINE))

    monkeypatch.setattr(conditions, "Locks", LateLocks)
    assert statuses(settings, name="new@h") == {"new@h": "OK"}


def test_start_that_failed_is_told_until_one_succeeds(settings: Settings) -> None:
    now = time.time()
    with Ledger(settings) as ledger:
        ledger.refused("fine@h", now, failure("delivery", "The Maildir is a file."))
    (found,) = status.answer({"name": "fine@h"}, settings)["connectors"]
    assert (found["status"], found["cause"], found["failures"]) == ("NO_ACCESS_TO_ALL_MAIL", "delivery", 1)
    with Ledger(settings) as ledger:
        ledger.started("fine@h", now)
    assert statuses(settings, name="fine@h") == {"fine@h": "OK"}


def test_ledger_that_is_damaged_hinders_nothing(settings: Settings) -> None:
    Path(settings.state_dir, ".schedule.sqlite").write_bytes(b"x" * 5000)
    assert statuses(settings) == ALL


def is_due(settings: Settings, name: str) -> bool:
    (found,) = status.answer({"name": name}, settings)["connectors"]
    return bool(found["next_run"] <= time.time())


def start(settings: Settings, name: str) -> None:
    with Ledger(settings) as ledger:
        ledger.started(name, time.time())
    assert not is_due(settings, name)


def test_reset_forgives_and_makes_due(settings: Settings) -> None:
    for name in ("refused@h", "bad@h", "new@h"):
        start(settings, name)
    with Ledger(settings) as ledger:
        ledger.refused("new@h", time.time(), failure("delivery", "The Maildir is a file."))
    for data in ({"name": "l2", "account": "ann"}, {"name": "bad@h"}, {"name": "new@h"}):
        answer = reset.answer(data, settings)
        check_schema("update/reset.output.json", answer)
        assert is_due(settings, answer["name"])
    changed = {"refused@h": "OK", "bad@h": "OK", "new@h": "NEVER_RUN"}
    assert statuses(settings) == ALL | changed
    # A run that fails after that counts anew.
    tell(settings, "bad@h", report(BAD, token="e" * 32, failures=1))
    assert statuses(settings, name="bad@h") == {"bad@h": "CONNECTION_IMPOSSIBLE"}
    assert not Path(settings.state_dir, "new@h").exists()


def test_reset_of_what_is_not_there(settings: Settings) -> None:
    with pytest.raises(Problem) as caught:
        reset.answer({"name": "nobody"}, settings)
    assert caught.value.type == "NotFound"
    assert not Path(settings.state_dir, ".schedule.sqlite").exists()


@pytest.mark.parametrize(
    ("change", "forgives"),
    [
        ({"Password": "new"}, True),
        ({"Username": "x"}, True),
        ({"Server": "h2"}, True),
        ({"Port": 1143}, True),
        ({"Retriever": "SimplePOP3Retriever"}, True),
        ({"TLS": "required"}, True),
        ({"CAFile": "/ca"}, True),
        ({"Fingerprint": "0a" * 32}, True),
        ({"Password": ""}, False),
        ({"Password": "p", "Server": "h", "Port": None}, False),
        ({"Time": 7, "Label": "new", "Account": "carl", "Delete": 3}, False),
    ],
)
def test_update_of_what_a_log_in_depends_on_forgives(
    settings: Settings, change: dict[str, Any], forgives: bool
) -> None:
    start(settings, "refused@h")
    update.answer({"name": "refused@h", **change}, settings)
    assert statuses(settings, name="refused@h") == {"refused@h": "OK" if forgives else "TEMP_DISABLED"}
    assert is_due(settings, "refused@h") == forgives


def test_nothing_is_made_where_nothing_ran(settings: Settings, tmp_path: Path) -> None:
    elsewhere = Settings(settings.connectors_db, tmp_path / "none")
    update.answer({"name": "new@h", "Password": "x"}, elsewhere)
    reset.answer({"name": "new@h"}, elsewhere)
    assert set(statuses(elsewhere).values()) == {"NEVER_RUN", "DISABLED"}
    assert not (tmp_path / "none").exists()


TEXT = json.dumps(report(BAD, failures=1)).encode()
DAMAGE = st.tuples(st.integers(0, len(TEXT)), st.integers(0, 9), st.binary(max_size=9)).map(
    lambda damage: TEXT[: damage[0]] + damage[2] + TEXT[damage[0] + damage[1] :]
)


@pytest.mark.long
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(DAMAGE | st.binary())
def test_whatever_a_status_file_holds_list_answers(settings: Settings, content: bytes) -> None:
    Path(settings.state_dir, "bad@h", status_file.RUN).write_bytes(content)
    assert statuses(settings).keys() == ALL.keys()


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "sparse", "long"])
def test_whatever_a_status_file_is_list_answers(settings: Settings, tmp_path: Path, kind: str) -> None:
    path = Path(settings.state_dir, "fine@h", status_file.RUN)
    path.unlink()
    if kind == "link":
        path.symlink_to(Path(settings.state_dir, "bad@h", status_file.RUN))
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "sparse":
        path.touch()
        os.truncate(path, 1 << 40)
    else:
        status_file.write(path.parent, report(FINE, text="x" * 70000), durably=False)
    assert statuses(settings) == ALL | {"fine@h": "NEVER_RUN"}


def test_lock_is_not_touched(settings: Settings) -> None:
    folder = tell(settings, "fine@h", report(FINE, state="running"))
    os.mkfifo(folder / "lock")
    tell(settings, "bad@h", report(FINE, state="running"))
    before = os.stat(folder / "lock")
    assert statuses(settings)["fine@h"] == "NO_ACCESS_TO_ALL_MAIL"
    assert os.stat(folder / "lock").st_atime_ns == before.st_atime_ns
    assert not (Path(settings.state_dir) / "bad@h" / "lock").exists()
    (folder / "lock").unlink()
    with open(folder / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
