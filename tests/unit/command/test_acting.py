# SPDX-License-Identifier: LGPL-2.1-or-later
"""What commands change in a remote mailbox."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail.command.acting import MESSAGE_LIMIT
from cockpit_getmail.helper import INPUT_LIMIT
from cockpit_getmail.problem import Problem
from tests.unit.command.conftest import Commands

DONE: dict[str, Any] = {"state": "success", "folder": "INBOX", "done": ["4"], "missing": [], "flagged": []}


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "request_"),
    [
        (("--seen",), {"action": "mark-seen"}),
        (("--unseen", "--uidvalidity", "7"), {"action": "mark-unseen", "uidvalidity": 7}),
        (("--flag", "\\Flagged", "--flag", "$A"), {"action": "flag", "flags": ["\\Flagged", "$A"]}),
        (
            ("--unflag", "$A", "--folder", "F"),
            {"action": "flag", "flags": ["$A"], "remove": True, "folder": "F"},
        ),
    ],
)
def test_mark(commands: Commands, words: tuple[str, ...], request_: dict[str, Any]) -> None:
    commands.helpers.answer({**DONE, "missing": ["5"]})
    assert commands.run("mark", "me", "4", "5", *words) == 0
    assert commands.helpers.asked == [("update", {"name": "me", "uids": ["4", "5"], **request_})]
    assert commands.lines == ["1 message marked, 1 not there."]


def test_nothing_is_deleted_without_a_yes(commands: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    assert commands.run("delete-messages", "me", "4") == 1
    assert commands.helpers.asked == []
    assert "--yes" in capsys.readouterr().err


@pytest.mark.long
def test_delete_messages(commands: Commands) -> None:
    commands.helpers.answer({**DONE, "done": [], "flagged": ["4"], "message": "They are only marked."})
    assert commands.run("delete-messages", "me", "4", "--yes") == 0
    assert commands.helpers.asked == [("delete", {"action": "messages", "name": "me", "uids": ["4"]})]
    assert commands.lines == ["0 messages deleted.", "They are only marked."]


@pytest.mark.long
@pytest.mark.parametrize(("name", "word"), [("copy", "copied"), ("move", "moved")])
def test_copy_and_move(commands: Commands, name: str, word: str) -> None:
    commands.helpers.answer({**DONE, "target": "B"})
    assert commands.run(name, "me", "4", "--to", "B") == 0
    assert commands.helpers.asked == [
        ("execute", {"action": name, "name": "me", "uids": ["4"], "target": "B"})
    ]
    assert commands.lines == [f"1 message {word}."]


@pytest.mark.long
def test_append(commands: Commands, tmp_path: Path) -> None:
    mail = tmp_path / "m.eml"
    mail.write_bytes(b"Subject: \xff\r\n\r\n")
    commands.helpers.answer({"state": "success", "folder": "B", "uidvalidity": 1, "uid": "9"})
    assert commands.run("append", "me", str(mail), "--folder", "B", "--flag", "\\Seen", "--date", "5") == 0
    message = base64.b64encode(mail.read_bytes()).decode()
    sent = {"name": "me", "folder": "B", "message": message, "flags": ["\\Seen"], "date": 5}
    assert commands.helpers.asked == [("execute", {"action": "append", **sent})]
    assert commands.lines == ["It is in B. Its UID is 9."]


@pytest.mark.long
def test_append_of_more_than_a_helper_takes(commands: Commands, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="/dev/zero has more than 760 KiB"):
        commands.run("append", "me", "/dev/zero")
    assert commands.helpers.asked == []
    (tmp_path / "m.eml").write_bytes(b"x" * MESSAGE_LIMIT)
    commands.helpers.answer({"state": "success", "folder": "B", "uidvalidity": 1, "uid": "9"})
    assert commands.run("append", "me", str(tmp_path / "m.eml"), "--folder", "B" * 255) == 0
    assert len(json.dumps(commands.helpers.asked)) < INPUT_LIMIT


def test_append_of_nothing(commands: Commands, tmp_path: Path) -> None:
    with pytest.raises(Problem, match="No such file"):
        commands.run("append", "me", str(tmp_path / "none"))
    assert commands.helpers.asked == []


@pytest.mark.long
@pytest.mark.parametrize(
    ("words", "verb", "fields"),
    [
        (("--create",), "create", {}),
        (("--rename", "B"), "update", {"rename": "B"}),
        (("--subscribe",), "update", {"subscribed": True}),
        (("--unsubscribe",), "update", {"subscribed": False}),
        (("--delete",), "delete", {}),
        (("--delete", "--force"), "delete", {"force": True}),
    ],
)
def test_folder(commands: Commands, words: tuple[str, ...], verb: str, fields: dict[str, Any]) -> None:
    commands.helpers.answer({"state": "success", "folder": "A"})
    assert commands.run("folder", "me", "A", *words) == 0
    assert commands.helpers.asked == [(verb, {"action": "folder", "name": "me", "folder": "A", **fields})]
    assert commands.lines == ["Done: A."]
