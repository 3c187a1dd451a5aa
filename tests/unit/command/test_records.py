# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is shown of connectors and of what they did."""

import time
from typing import Any

import pytest

from tests.unit.command.conftest import Commands

TOKEN = "d242d822a59bd4db308eef8b85af7d2a"


@pytest.fixture(autouse=True)
def _far_east(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Times are those of the place where somebody reads them."""
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def connector(name: str, status: str, **fields: Any) -> dict[str, Any]:
    common = {"account": "a", "last_run": 0, "next_run": None, "failures": 0, "messages": 0, "bytes": 0}
    return {"name": name, "status": status, "running": False, **common, **fields}


@pytest.mark.long
def test_problems_come_first_and_say_what_to_do(commands: Commands) -> None:
    failing = connector("bad", "CONNECTION_IMPOSSIBLE", message="Refused.", hint="Wait.", failures=1)
    others = [connector("off", "DISABLED"), connector("good", "OK"), failing, connector("new", "NEVER_RUN")]
    commands.helpers.answer({"connectors": others})
    assert commands.run("status") == 0
    assert [line.split()[-5] for line in commands.lines[1:5]] == ["bad", "new", "good", "off"]
    assert commands.lines[5:] == ["", "bad", "  Refused.", "  Wait."]
    assert "1970-01-01 09:00" in commands.lines[1]


@pytest.mark.long
def test_one_connector_is_told_line_by_line(commands: Commands) -> None:
    commands.helpers.answer({"connectors": [connector("me", "OK", messages=2, bytes=1500, label="l")]})
    assert commands.run("status", "l", "--of", "a") == 0
    assert commands.lines == [
        "Name       me",
        "Label      l",
        "Account    a",
        "Status     ok",
        "Last run   1970-01-01 09:00",
        "Next run   -",
        "Delivered  2 messages, 1.5 kB",
    ]
    [(_, request)] = commands.helpers.asked
    assert request == {"action": "status", "name": "l", "account": "a"}


@pytest.mark.long
def test_history(commands: Commands) -> None:
    run = {"token": TOKEN, "start": 0, "messages": 0, "bytes": 0, "passedOver": 0, "left": 0, "baselined": 0}
    commands.helpers.answer(
        {
            "runs": [
                {**run, "end": None, "result": "running"},
                {**run, "end": 120, "result": "failed", "cause": "network", "message": "Refused."},
                {**run, "end": 2, "result": "succeeded", "messages": 3, "bytes": 20},
                {**run, "end": 2, "result": "succeeded", "passedOver": 4, "left": 50},
            ]
        }
    )
    assert commands.run("history", "me", "--limit", "3") == 0
    *lines, last = commands.lines
    assert last.endswith("  4 passed over, 50 left for later runs")
    assert [line.split() for line in lines] == [
        ["STARTED", "TOOK", "RESULT", "MESSAGES", "SIZE", "WHAT"],
        ["1970-01-01", "09:00", "running", "0", "0", "bytes"],
        ["1970-01-01", "09:00", "2", "min", "failed", "0", "0", "bytes", "Refused."],
        ["1970-01-01", "09:00", "2", "s", "succeeded", "3", "20", "bytes"],
    ]
    [(_, request)] = commands.helpers.asked
    assert request == {"action": "history", "name": "me", "limit": 3}


@pytest.mark.long
def test_log(commands: Commands) -> None:
    commands.helpers.answer({"lines": [{"time": 1.5, "priority": 5, "message": "7 new messages.\x1b"}]})
    assert commands.run("log", "--token", TOKEN, "-n", "1") == 0
    assert commands.lines == ["1970-01-01 09:00:01  7 new messages.\\x1b"]
    [(_, request)] = commands.helpers.asked
    assert request == {"action": "log", "token": TOKEN, "lines": 1}


@pytest.mark.long
def test_quarantine(commands: Commands) -> None:
    message = {"folder": "INBOX", "uid": "7", "size": 12, "reason": "Too odd.", "attempts": 9, "since": None}
    commands.helpers.answer({"messages": [message]}, {"state": "success", "messages": 1})
    assert commands.run("quarantine", "me") == 0
    assert commands.lines[1].split() == ["INBOX", "7", "12", "bytes", "-", "9", "Too", "odd."]
    assert commands.run("retry", "me", "--uid", "7", "--folder", "INBOX") == 0
    assert commands.lines[2] == "The next run tries 1 message again."
    assert commands.helpers.asked[-1] == (
        "execute",
        {"action": "retry", "name": "me", "uid": "7", "folder": "INBOX"},
    )


@pytest.mark.long
def test_info_shows_settings_as_they_are_written(commands: Commands) -> None:
    counts = {
        "connectors": 3,
        "enabled": 2,
        "running": 1,
        "by_status": {"OK": 2, "DISABLED": 1, "NEVER_RUN": 0},
    }
    settings = {"CALLBACK_ALLOW_PRIVATE": False, "CHECK_TIMEOUT": 10.0, "MAX_RUNS": 1}
    secrets = {"sealed": 4, "plain": 1}
    commands.helpers.answer({"version": "1", "counts": counts, "settings": settings, "secrets": secrets})
    assert commands.run("info") == 0
    assert [line.split(maxsplit=1) for line in commands.lines] == [
        ["Version", "1"],
        ["Connectors", "3, 2 enabled, 1 running"],
        ["ok", "2"],
        ["disabled", "1"],
        ["Secrets", "4 sealed, 1 in clear"],
        ["CALLBACK_ALLOW_PRIVATE", "no"],
        ["CHECK_TIMEOUT", "10"],
        ["MAX_RUNS", "1"],
    ]


@pytest.mark.long
def test_accounts(commands: Commands) -> None:
    user = {"name": "u", "user": True, "connectors": 2}
    commands.helpers.answer({"accounts": [user, {"name": "m@h", "user": False, "connectors": 1}]})
    assert commands.run("accounts") == 0
    assert commands.lines[1:] == [
        "u        a user of this machine           2",
        "m@h      a mailbox                        1",
    ]


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "answer", "line"),
    [
        ("list", {"connectors": {}}, "There are no connectors yet: `cockpit-getmail add` makes one."),
        ("list --ok", {"connectors": {}}, "There is no connector that fits."),
        ("status", {"connectors": []}, "There is no connector that fits."),
        ("history me", {"runs": []}, "It has not run yet."),
        ("quarantine me", {"messages": []}, "No message is set aside."),
    ],
)
def test_nothing_is_told_in_words(commands: Commands, words: str, answer: dict[str, Any], line: str) -> None:
    commands.helpers.answer(answer)
    assert commands.run(*words.split()) == 0
    assert commands.lines == [line]


@pytest.mark.long
def test_old_record_without_an_account_can_be_shown(commands: Commands) -> None:
    props = {"Odd": "x", "Delete": "0", "Server": "h", "type": "getmail"}
    listed = {**connector("me", "OK"), "type": "getmail", "props": props}
    found = {**connector("me", "OK"), "account": ""}
    commands.helpers.answer({"connectors": [found]}, {"connectors": {"": [listed]}})
    assert commands.run("show", "me") == 0
    assert commands.lines[:4] == ["Name       me", "Server     h", "Delete     0", "Odd        x"]


@pytest.mark.long
def test_lines_that_are_no_record_are_told(commands: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    commands.helpers.answer({"connectors": {}, "broken": [{"line": 7, "reason": "It has no =."}]})
    assert commands.run("list") == 0
    assert "Line 7 of the database cannot be read: It has no =." in capsys.readouterr().err
