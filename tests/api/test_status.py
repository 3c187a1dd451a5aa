# SPDX-License-Identifier: LGPL-2.1-or-later
"""read status and list, update reset, and labels wherever a connector is named."""

from __future__ import annotations

import fcntl
import os
import time
from typing import TYPE_CHECKING, Any

import pytest

from cockpit_getmail import status_file
from cockpit_getmail.connector import folder_name
from cockpit_getmail.days import day_of
from tests.api.conftest import CONNECTOR, STORED, Answer, Api
from tests.unit.test_status import FINE, WRONG, report

pytestmark = pytest.mark.long

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FIRST, SECOND = "giacomo@my.remote.com", "u@my.remote.com"


def tell(api: Api, name: str, **more: Any) -> Path:
    """Write what the last run of a connector told; return its state folder."""
    folder = api.state / folder_name(name)
    folder.mkdir(parents=True, exist_ok=True)
    told = report(WRONG if more.get("refused") else FINE, started=time.time() - 60, **more)
    status_file.write(folder, told, durably=False)
    if api.user:
        api.as_user(api.user.pw_name)
    return folder


@pytest.fixture
def two(api: Api) -> Api:
    """Two connectors with one label in two accounts; the second one's log-in is refused."""
    assert api.create(Label="work") == FIRST
    assert api.create(Username="u", Label="work", Account="admin") == SECOND
    tell(api, SECOND, failures=5, refused=5)
    return api


def test_nothing_is_there(api: Api) -> None:
    assert api.succeed("read", "status") == {"connectors": []}
    assert not api.files()


def test_how_they_are(two: Api) -> None:
    found = two.conditions()
    assert list(found) == [FIRST, SECOND]
    new, refused = found.values()
    due = new.pop("next_run")
    assert 0 <= time.time() - due < 30
    named = {"name": FIRST, "account": CONNECTOR["Account"], "label": "work"}
    nothing = {"failures": 0, "messages": 0, "bytes": 0, "running": False, "last_run": None}
    assert new == {**named, "status": "NEVER_RUN", **nothing}
    assert (refused["status"], refused["cause"], refused["failures"]) == ("TEMP_DISABLED", "credentials", 5)
    assert (refused["message"], refused["messages"], refused["bytes"]) == (WRONG["message"], 2, 40)
    assert refused["next_run"] == pytest.approx(time.time() + 86400, abs=300)
    listed = two.succeed("read", "list", redact=True)["connectors"]["admin"][1]
    stored = [listed.pop(key) for key in ("name", "type", "props")]
    assert stored[:2] == [SECOND, "getmail"]
    assert stored[2]["Password"] == ""
    assert {**named, **listed, "name": SECOND, "account": "admin"} == refused


def test_filters(two: Api) -> None:
    assert set(two.conditions(status_ok=1)) == {FIRST}
    assert set(two.conditions(status_ok=0)) == {SECOND}
    assert set(two.conditions(status="TEMP_DISABLED", label="work")) == {SECOND}
    assert set(two.conditions(account="admin")) == {FIRST, SECOND}
    assert two.connectors(account=CONNECTOR["Account"])["admin"][0]["name"] == FIRST
    assert two.connectors(status="OK") == {}
    assert set(two.conditions(name="0", account="admin")) == {SECOND}
    faults = {"status": "enum", "status_ok": "maximum", "label": "type", "account": "minLength"}
    wrong = {"status": "BROKEN", "status_ok": 2, "label": None, "account": ""}
    assert two.faults("read", "list", **wrong) == faults
    assert two.faults("read", "status", **wrong, status_OK=1) == {
        **faults,
        "status_OK": "additionalProperties",
    }
    assert two.faults("read", "status", status_ok=True) == {"status_ok": "type"}


@pytest.mark.parametrize(
    ("verb", "action", "more"),
    [
        ("update", "update", {"Time": 7}),
        ("update", "enable", {}),
        ("update", "disable", {}),
        ("update", "reset", {}),
        ("delete", "delete", {}),
    ],
)
def test_label_names_a_connector(two: Api, verb: str, action: str, more: Answer) -> None:
    before = two.files()
    answer = two.fail(verb, action, name="work", **more)
    assert answer["type"] == "Conflict"
    assert "add account" in answer["message"]
    assert f"{SECOND} (admin)" in answer["message"]
    assert two.fail(verb, action, name="work", account="nobody", **more)["type"] == "NotFound"
    assert two.fail(verb, action, name="0", **more)["type"] == "NotFound"
    assert two.faults(verb, action, name="work", account="", **more) == {"account": "minLength"}
    assert two.files() == before
    assert two.succeed(verb, action, name="work", account=CONNECTOR["Account"], **more)["name"] == FIRST
    if verb != "delete":
        assert two.succeed(verb, action, name="0", account=CONNECTOR["Account"], **more)["name"] == FIRST
        assert two.props(FIRST) == {
            **STORED,
            "Label": "work",
            **{prop: str(value) for prop, value in more.items()},
            "status": "disabled" if action == "disable" else "enabled",
        }


def test_run_of_a_label_that_is_ambiguous(two: Api) -> None:
    assert two.fail("execute", "run", name="work")["type"] == "Conflict"
    problem = two.fail("execute", "run", name="0", account=CONNECTOR["Account"])
    assert problem["type"] == "GenericError"
    assert FIRST in problem["message"]


def test_validate_update_holds_a_label_against_what_is_stored(two: Api) -> None:
    assert two.fail("validate", "update", name="work", Time=7)["type"] == "Conflict"
    faults = two.faults("validate", "update", name="work", account=CONNECTOR["Account"], Account="admin")
    assert faults == {"Label": "conflict"}
    two.succeed("validate", "update", name="work", account=CONNECTOR["Account"], Account="admin", Label="w")


@pytest.mark.parametrize("verb", ["create", "validate"])
def test_label_is_taken(two: Api, verb: str) -> None:
    before = two.files()
    assert two.faults(verb, "create", **CONNECTOR, Label="work") == {"Label": "conflict"}
    loop = {"Server": "localhost", "Username": "admin", "Account": "admin"}
    faults = two.faults(verb, "create", **CONNECTOR | loop, Label="work")
    assert faults == {"Label": "conflict", "Server": "self"}
    assert two.faults(verb, "create", **CONNECTOR, Label="0") == {"Label": "format"}
    assert two.files() == before
    two.succeed(verb, "create", **CONNECTOR | {"Account": "other"}, Label="work")


def test_label_can_be_removed(two: Api) -> None:
    two.succeed("update", "update", name=FIRST, Label=None)
    assert two.props(FIRST) == STORED
    assert two.succeed("update", "update", name="work", Label="play")["name"] == SECOND


def test_interval_in_words(api: Api) -> None:
    name = api.create(SyncPeriod="12h")
    assert api.props(name) == {**STORED, "Time": "720"}
    api.succeed("update", "update", name=name, SyncPeriod="1h")
    assert api.props(name) == {**STORED, "Time": "60"}
    api.succeed("update", "update", name=name, Time=5)
    for verb in ("validate", "update"):
        assert api.faults(verb, "update", name=name, SyncPeriod="1h", Time=60) == {"SyncPeriod": "conflict"}
        assert api.faults(verb, "update", name=name, SyncPeriod="60") == {"SyncPeriod": "enum"}
    for verb in ("validate", "create"):
        faults = api.faults(verb, "create", **CONNECTOR, SyncPeriod="1h", Time="60")
        assert faults == {"SyncPeriod": "conflict"}
    assert api.props(name) == {**STORED, "Time": "5"}


def test_reset(two: Api) -> None:
    two.succeed("update", "reset", name="work", account=CONNECTOR["Account"])
    assert two.conditions(name=SECOND)[SECOND]["status"] == "TEMP_DISABLED"
    two.succeed("update", "reset", name="work", account="admin", type="getmail")
    found = two.conditions(name=SECOND)[SECOND]
    assert (found["status"], found["failures"]) == ("OK", 0)
    assert found["next_run"] <= time.time()
    assert two.fail("update", "reset", name="nobody")["type"] == "NotFound"
    assert two.faults("update", "reset") == {"name": "required"}


def test_new_password_forgives(two: Api) -> None:
    two.succeed("update", "update", name=SECOND, Password="new")
    assert two.conditions(name=SECOND)[SECOND]["status"] == "OK"
    two.succeed("delete", name=SECOND)
    two.create(Username="u")
    assert two.conditions(name=SECOND)[SECOND]["status"] == "NEVER_RUN"


def test_run_of_somebody_in_the_foreground_is_seen(api: Api) -> None:
    folder = tell(api, api.add(), state="running")
    with open(folder / "lock", "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert api.conditions()[FIRST]["running"]
        assert api.conditions()[FIRST]["percent"] == 99
    found = api.conditions()[FIRST]
    assert "percent" not in found
    assert (found["running"], found["status"], found["cause"]) == (False, "NO_ACCESS_TO_ALL_MAIL", "internal")


def test_state_of_another_user_is_not_told(nobody: Api) -> None:
    folder = tell(nobody, nobody.add())
    assert nobody.conditions()[FIRST]["status"] == "OK"
    os.chown(folder, 0, 0)
    folder.chmod(0o700)
    assert nobody.conditions()[FIRST]["status"] == "NEVER_RUN"


def test_days_are_told_and_nothing_is_believed_but_them(api: Api) -> None:
    now = time.time()
    name = api.add()
    days = {day_of(now): 3, day_of(now - 86400): 12, "2020-02-02": 7}
    folder = tell(api, name, days=days)
    told = {day_of(now): 3, day_of(now - 86400): 12}
    assert api.conditions()[FIRST]["days"] == told
    answer = api.succeed("read", "list")
    [[listed]] = answer["connectors"].values()
    assert (listed["days"], answer["today"]) == (told, day_of(now))
    tell(api, name, days={"2020-02-02": 7})
    assert "days" not in api.conditions()[FIRST]
    assert "today" not in api.succeed("read", "list")
    file = folder / status_file.RUN
    file.write_bytes(file.read_bytes().replace(b"2020-02-02", b"<script>x/"))
    assert api.conditions()[FIRST]["status"] == "NEVER_RUN"


def test_old_records_have_a_condition(api: Api, put: Callable[[str], None]) -> None:
    put("k=getmail|Time|hourly|Label|\nx=mailbox\nl=getmail|Account|a|Label|0\n")
    assert {name: found.get("label") for name, found in api.conditions().items()} == {"k": "", "l": "0"}
    assert api.conditions()["k"]["account"] == ""
