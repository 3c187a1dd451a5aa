# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is set aside, and what people decide about it: with a state as runs leave it."""

from __future__ import annotations

import os
import pwd
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from cockpit_getmail import state_file, status_file
from cockpit_getmail.connector import Connector, folder_name
from tests.api.conftest import STORED, Api
from tests.unit.test_status import FINE, report

pytestmark = pytest.mark.long

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_700_000_000.0
DAY = 86400.0


@pytest.fixture(params=["as this user", "as nobody"])
def fetched(request: pytest.FixtureRequest) -> Api:
    """A connector of whose mailbox messages 7 and 8 are set aside; its last run told so."""
    api: Api = request.getfixturevalue("api" if request.param == "as this user" else "nobody")
    name = api.add()
    make_state(api, name)
    told = report(FINE, started=time.time() - 60)
    told["outcome"] = {"cause": None, "message": "", "partial": 2}
    status_file.write(api.state / folder_name(name), told, durably=False)
    give(api)
    return api


def give(api: Api) -> None:
    """Give all state to who would fetch, who can reach it."""
    if os.geteuid() != 0:
        return
    user = api.user or pwd.getpwnam("nobody")
    if not api.user:
        api.folder.chmod(0o711)
        api.state.chmod(0o755)
    for path in api.state.rglob("*"):
        os.chown(path, user.pw_uid, user.pw_gid)
    if api.user:
        os.chown(api.state, user.pw_uid, user.pw_gid)


def make_state(api: Api, name: str) -> Path:
    folder = api.state / folder_name(name)
    folder.mkdir(parents=True)
    mailbox = Connector.from_record(name, STORED).mailbox
    with closing(state_file.connect(str(folder / "state.sqlite"))) as db:
        db.execute("INSERT INTO mailbox VALUES (1, ?, 0, ?, ?)", (mailbox, 9 * DAY, NOW))
        db.execute("INSERT INTO folder (id, mailbox, name, validity) VALUES (1, 1, 'INBOX', 5)")
        for uid, days in ((7, 2), (8, 3)):
            db.execute(
                "INSERT INTO message (folder, uid, ordinal, size, exact, state, clock) "
                "VALUES (1, ?, 0, 4711, 0, 'quarantined', ?)",
                (str(uid), days * DAY),
            )
            db.execute("INSERT INTO failure VALUES (1, ?, 0, 3, ?, 0)", (str(uid), f"{uid} is bad."))
    return folder


def states(api: Api, name: str) -> dict[str, str]:
    with closing(state_file.connect(str(api.state / folder_name(name) / "state.sqlite"))) as db:
        return dict(db.execute("SELECT uid, state FROM message"))


def name_of(api: Api) -> str:
    [name] = api.conditions()
    return name


def test_what_is_set_aside(fetched: Api) -> None:
    first = {
        "folder": "INBOX",
        "uid": "7",
        "size": 4711,
        "reason": "7 is bad.",
        "attempts": 3,
        "since": int(NOW - 7 * DAY),
    }
    second = {**first, "uid": "8", "reason": "8 is bad.", "since": int(NOW - 6 * DAY)}
    found = fetched.succeed("read", "quarantine", name=name_of(fetched))
    assert found == {"messages": [first, second]}


@pytest.mark.parametrize("uid", ["7", 7])
def test_one_is_retried_and_the_connector_is_due_at_once(fetched: Api, uid: str | int) -> None:
    name = name_of(fetched)
    assert fetched.conditions()[name]["status"] == "NO_ACCESS_TO_ALL_MAIL"
    answer = fetched.succeed("execute", "retry", name=name, uid=uid, folder="INBOX")
    assert answer == {"state": "success", "messages": 1}
    assert states(fetched, name) == {"8": "quarantined"}
    assert fetched.conditions()[name]["next_run"] <= time.time()


def test_all_are_skipped_and_the_status_is_right(fetched: Api) -> None:
    name = name_of(fetched)
    assert fetched.succeed("execute", "skip", name=name) == {"state": "success", "messages": 2}
    assert states(fetched, name) == {"7": "skipped", "8": "skipped"}
    assert fetched.succeed("read", "quarantine", name=name) == {"messages": []}
    assert fetched.conditions()[name]["status"] == "OK"
    assert fetched.succeed("execute", "skip", name=name) == {"state": "success", "messages": 0}


def test_skip_forgives_no_failure(fetched: Api) -> None:
    name = name_of(fetched)
    folder = fetched.state / folder_name(name)
    told = report({"cause": "network", "message": "No route.", "partial": 0}, started=time.time(), failures=3)
    status_file.write(folder, told, durably=False)
    give(fetched)
    before = fetched.conditions()[name]
    assert before["status"] == "CONNECTION_IMPOSSIBLE"
    fetched.succeed("execute", "skip", name=name)
    after = fetched.conditions()[name]
    assert (after["status"], after["failures"]) == (before["status"], 3)
    assert after["next_run"] == before["next_run"]


def test_message_that_is_not_set_aside(fetched: Api) -> None:
    name = name_of(fetched)
    for action in ("retry", "skip"):
        problem = fetched.fail("execute", action, name=name, uid="9")
        assert (problem["type"], problem["message"]) == ("NotFound", "No message 9 is set aside.")
        assert fetched.fail("execute", action, name=name, uid="7", folder="Spam")["type"] == "NotFound"
        assert fetched.succeed("execute", action, name=name, folder="Spam")["messages"] == 0
    assert states(fetched, name) == {"7": "quarantined", "8": "quarantined"}


def test_connector_that_is_unknown_or_never_fetched(api: Api) -> None:
    assert api.fail("read", "quarantine", name="nobody")["type"] == "NotFound"
    name = api.add()
    before = api.files()
    assert api.succeed("read", "quarantine", name=name) == {"messages": []}
    for action in ("retry", "skip"):
        assert api.fail("execute", action, name="nobody")["type"] == "NotFound"
        assert api.succeed("execute", action, name=name)["messages"] == 0
        assert api.fail("execute", action, name=name, uid="1")["type"] == "NotFound"
        assert set(api.faults("execute", action, name=name, uid="", folder=1)) == {"uid", "folder"}
    assert api.files() == before


def test_record_that_is_not_valid(api: Api) -> None:
    name = api.add(Port="x")
    assert api.faults("read", "quarantine", name=name) == {"Port": "integer"}
