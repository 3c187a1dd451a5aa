# SPDX-License-Identifier: LGPL-2.1-or-later
"""Following tasks of helpers that say how each is."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import Client, usage
from cockpit_getmail.command.screen import Screen
from cockpit_getmail.command.session import Session, Told
from cockpit_getmail.problem import Problem
from tests.unit.client.conftest import Helpers

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


class Followed:
    def __init__(self, folder: Path) -> None:
        self.helpers = Helpers(folder)
        self.out = io.StringIO()

    def run(self, *words: str) -> int:
        """Run a command with these helpers; return its exit status."""
        options = usage.parse(words)
        handled: int = options.handler(
            Session(options, Client(helpers=self.helpers.folder), Screen(self.out))
        )
        return handled


@pytest.fixture
def followed(tmp_path: Path) -> Followed:
    return Followed(tmp_path)


def test_each_line_of_the_log_is_shown_once(followed: Followed) -> None:
    followed.helpers.answer(
        {"unit": "cockpit-getmail-me", **status("running", 1, logOutput="7 new messages.\n")},
        status("running", 1),
        status("running", 2, logOutput="3 of 7\n5 of 7\n"),
        status("succeeded", 3, logOutput="7 of 7\x1b\n", percentProgress=100),
    )
    assert followed.run("run", "me", "--of", "there", "--follow") == 0
    assert followed.out.getvalue() == "7 new messages.\n3 of 7\n5 of 7\n7 of 7\\x1b\n"
    (verb, request), *_ = followed.helpers.asked
    assert (verb, request["action"], request["name"], request["account"]) == ("execute", "run", "me", "there")


def test_failure_is_a_problem_with_its_cause(followed: Followed) -> None:
    error = {"cause": "credentials", "message": "Refused.", "hint": "Look."}
    followed.helpers.answer({"unit": "u", **status("failed", 9, error=error)})
    with pytest.raises(Problem, match="Refused") as told:
        followed.run("run", "me", "-f")
    assert (told.value.cause, told.value.attributes) == (
        "credentials",
        {"cause": "credentials", "hint": "Look."},
    )


@pytest.mark.parametrize("command", ["run -f", "verify"])
def test_end_by_cancel_is_told(followed: Followed, command: str) -> None:
    followed.helpers.answer({"unit": "u", **status("cancelled", 9)})
    with pytest.raises(Problem, match="cancelled") as told:
        followed.run(*command.split(), "me")
    assert told.value.cause == "running"


def test_json_is_the_last_status_and_nothing_else(followed: Followed) -> None:
    followed.helpers.answer({"unit": "u", **status("running", 1, logOutput="x\n")}, status("succeeded", 2))
    assert followed.run("run", "me", "--follow", "--json") == 0
    assert json.loads(followed.out.getvalue()) == {"unit": "u", **status("succeeded", 2)}


def test_json_of_a_failure_is_told_once(followed: Followed) -> None:
    error = {"cause": "network", "message": "No.", "hint": None}
    followed.helpers.answer({"unit": "u", **status("failed", 2, error=error)})
    with pytest.raises(Told) as told:
        followed.run("run", "me", "--follow", "--json")
    assert told.value.problem.cause == "network"
    assert json.loads(followed.out.getvalue())["error"] == error


def test_start_without_following(followed: Followed) -> None:
    followed.helpers.answer({"unit": "cockpit-getmail-me", "token": TOKEN, "running": True})
    assert followed.run("run", "me") == 0
    assert followed.out.getvalue().startswith("It runs already: unit cockpit-getmail-me.\n")


def test_sound_mail_is_told(followed: Followed) -> None:
    # What its log says, the result says too.
    followed.helpers.answer({"unit": "u", **status("succeeded", 2, result=RESULT, logOutput="Finished.\n")})
    assert followed.run("verify", "me") == 0
    assert followed.out.getvalue().splitlines() == [
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
def test_what_is_missing_is_told(followed: Followed, result: dict[str, Any], text: str) -> None:
    followed.helpers.answer({"unit": "u", **status("succeeded", 2, result={**RESULT, **result})})
    assert followed.run("verify", "me") == 65
    assert text in followed.out.getvalue().splitlines()
    assert "All is well." not in followed.out.getvalue()
