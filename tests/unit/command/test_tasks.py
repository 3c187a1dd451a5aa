# SPDX-License-Identifier: LGPL-2.1-or-later
"""Following tasks of helpers that say how each is."""

import json
from typing import Any

import pytest

from cockpit_getmail.command.session import Told
from cockpit_getmail.problem import Problem
from tests.unit.command.conftest import Commands

pytestmark = pytest.mark.long

TOKEN = "d242d822a59bd4db308eef8b85af7d2a"
RESULT = {
    "checked": 3,
    "present": 2,
    "moved": 1,
    "elsewhere": 0,
    "missing": [],
    "missing_count": 0,
    "sound": True,
    "problems": [],
}


GONE = {"folder": "INBOX", "uid": "7", "message_id": "<a@b>"}


def status(code: str, version: int, **fields: Any) -> dict[str, Any]:
    return {
        "token": TOKEN,
        "statusVersion": version,
        "statusCode": code,
        "percentProgress": 50,
        "statusText": "It works.",
        "logOutput": None,
        "result": None,
        "error": None,
        **fields,
    }


def test_each_line_of_the_log_is_shown_once(commands: Commands) -> None:
    commands.helpers.answer(
        {"unit": "cockpit-getmail-me", **status("running", 1, logOutput="7 new messages.\n")},
        status("running", 1),
        status("running", 2, logOutput="3 of 7\n5 of 7\n"),
        status("succeeded", 3, logOutput="7 of 7\x1b\n", percentProgress=100),
    )
    assert commands.run("run", "me", "--of", "there", "--follow") == 0
    assert commands.out.getvalue() == "7 new messages.\n3 of 7\n5 of 7\n7 of 7\\x1b\n"
    (verb, request), *_ = commands.helpers.asked
    assert (verb, request["action"], request["name"], request["account"]) == ("execute", "run", "me", "there")


@pytest.mark.parametrize(("failed", "ended"), [(0, 0), (2, 65)])
def test_messages_that_failed_are_told_by_the_exit_status(
    commands: Commands, failed: int, ended: int
) -> None:
    result = {"messages": 5, "bytes": 9, "failed": failed, "setAside": 0, "deleted": 0}
    commands.helpers.answer({"unit": "u", **status("succeeded", 9, result=result)})
    assert commands.run("run", "me", "--follow") == ended


def test_failure_is_a_problem_with_its_cause(commands: Commands) -> None:
    error = {"cause": "credentials", "message": "Refused.", "hint": "Look."}
    commands.helpers.answer({"unit": "u", **status("failed", 9, logOutput="Here.\nRefused.\n", error=error)})
    with pytest.raises(Problem, match="Refused") as told:
        commands.run("run", "me", "-f")
    assert commands.lines == ["Here."]
    assert (told.value.cause, told.value.attributes) == (
        "credentials",
        {"cause": "credentials", "hint": "Look."},
    )


@pytest.mark.parametrize("command", ["run -f", "verify"])
def test_end_by_cancel_is_told(commands: Commands, command: str) -> None:
    commands.helpers.answer({"unit": "u", **status("cancelled", 9)})
    with pytest.raises(Problem, match="cancelled") as told:
        commands.run(*command.split(), "me")
    assert told.value.cause == "running"


def test_json_is_the_last_status_and_nothing_else(commands: Commands) -> None:
    commands.helpers.answer({"unit": "u", **status("running", 1, logOutput="x\n")}, status("succeeded", 2))
    assert commands.run("run", "me", "--follow", "--json") == 0
    assert json.loads(commands.out.getvalue()) == {"unit": "u", **status("succeeded", 2)}


def test_json_of_a_failure_is_told_once(commands: Commands) -> None:
    error = {"cause": "network", "message": "No.", "hint": None}
    commands.helpers.answer({"unit": "u", **status("failed", 2, error=error)})
    with pytest.raises(Told) as told:
        commands.run("run", "me", "--follow", "--json")
    assert told.value.problem.cause == "network"
    assert json.loads(commands.out.getvalue())["error"] == error


def test_start_without_following(commands: Commands) -> None:
    commands.helpers.answer({"unit": "cockpit-getmail-me", "token": TOKEN, "running": True})
    assert commands.run("run", "me") == 0
    assert commands.out.getvalue().startswith("It runs already: unit cockpit-getmail-me.\n")


def test_sound_mail_is_told(commands: Commands) -> None:
    # What its log says, the result says too.
    commands.helpers.answer({"unit": "u", **status("succeeded", 2, result=RESULT, logOutput="Finished.\n")})
    assert commands.run("verify", "me") == 0
    assert commands.out.getvalue().splitlines() == [
        "3 messages checked: 2 where they were put, 1 moved, 0 missing.",
        "All is well.",
    ]


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ({"missing": [GONE], "missing_count": 1}, "INBOX     7  <a@b>"),
        ({"missing": [{**GONE, "message_id": None}], "missing_count": 3}, "... and 2 more."),
        ({"sound": False, "problems": ["Two are one."]}, "Two are one."),
    ],
)
def test_what_is_missing_is_told(commands: Commands, result: dict[str, Any], text: str) -> None:
    commands.helpers.answer({"unit": "u", **status("succeeded", 2, result={**RESULT, **result})})
    assert commands.run("verify", "me") == 65
    assert text in commands.out.getvalue().splitlines()
    assert "All is well." not in commands.out.getvalue()


def test_baseline_is_followed_to_its_end(commands: Commands) -> None:
    log = "5 messages marked as seen; nothing was fetched.\n"
    commands.helpers.answer({"unit": "u", **status("succeeded", 9, logOutput=log, result={"baselined": 5})})
    assert commands.run("baseline", "me", "--of", "there") == 0
    assert commands.out.getvalue() == log
    [(verb, request)] = commands.helpers.asked
    assert (verb, request["action"], request["account"]) == ("execute", "baseline", "there")
