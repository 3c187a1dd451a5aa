# SPDX-License-Identifier: LGPL-2.1-or-later
"""Converting all secrets, portion by portion, told as one."""

import json
from typing import Any

import pytest

from tests.unit.command.conftest import Commands

INFO = {"settings": {"ENCRYPT_SECRETS": False}}
DONE = {"state": "success", "connectors": 2, "secrets": 3}
FAILED = {"name": "me@here", "message": "Password does not open."}


@pytest.mark.long
def test_portions_are_told_as_one(commands: Commands) -> None:
    commands.helpers.answer({**DONE, "after": "b", "left": 2}, DONE, {"settings": {"ENCRYPT_SECRETS": True}})
    assert commands.run("seal") == 0
    assert commands.lines == ["6 secrets of 4 connectors are now sealed."]
    assert [request.get("after") for _, request in commands.helpers.asked[:2]] == [None, "b"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("command", "is_set", "advice"),
    [
        ("seal", True, []),
        ("unseal", False, []),
        ("seal", False, ["What is stored from now on stays in clear: ENCRYPT_SECRETS=yes seals that, too."]),
        ("unseal", True, ["What is stored from now on is sealed all the same, by ENCRYPT_SECRETS=yes."]),
    ],
)
def test_what_the_setting_means_is_told(
    commands: Commands, command: str, is_set: bool, advice: list[str]
) -> None:
    one = {"state": "success", "connectors": 1, "secrets": 1}
    commands.helpers.answer(one, {"settings": {"ENCRYPT_SECRETS": is_set}})
    assert commands.run(command) == 0
    assert commands.lines[0].startswith("1 secret of 1 connector is now ")
    assert commands.lines[1:] == advice


@pytest.mark.long
def test_nothing_to_do_is_told(commands: Commands) -> None:
    commands.helpers.answer({"state": "success", "connectors": 0, "secrets": 0}, INFO)
    assert commands.run("unseal") == 0
    assert commands.lines == ["All secrets were stored in clear already."]


@pytest.mark.long
def test_what_does_not_open_is_told(commands: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    commands.helpers.answer({**DONE, "failed": [FAILED], "failed_count": 1}, INFO)
    assert commands.run("unseal") == 65
    assert commands.lines == ["3 secrets of 2 connectors are now stored in clear."]
    assert "me@here: Password does not open." in capsys.readouterr().err


@pytest.mark.long
def test_json_is_one_answer(commands: Commands) -> None:
    first: dict[str, Any] = {**DONE, "after": "b", "left": 2, "failed": [FAILED], "failed_count": 1}
    commands.helpers.answer(first, DONE)
    assert commands.run("--json", "unseal") == 65
    [line] = commands.lines
    whole = {"state": "success", "connectors": 4, "secrets": 6, "failed": [FAILED], "failed_count": 1}
    assert json.loads(line) == whole
