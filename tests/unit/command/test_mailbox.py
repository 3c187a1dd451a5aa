# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is shown of a remote mailbox."""

import base64
import sys
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail.command.words import moment
from cockpit_getmail.problem import Problem
from tests.unit.command.conftest import Commands

ADDRESS = [{"name": "Anna", "email": "anna@x.example"}, {"name": "", "email": "b@x.example"}]


def summary(uid: str, **fields: Any) -> dict[str, Any]:
    common = {"flags": [], "size": 1500, "received": None, "subject": "Hi\x1b[31m", "date": "today"}
    return {"uid": uid, "sent_from": ADDRESS, "sent_to": [], "message_id": "<1@x>", **common, **fields}


def asked(commands: Commands) -> dict[str, Any]:
    [(_, request)] = commands.helpers.asked
    return request


@pytest.mark.long
def test_folders_tell_which_are_fetched_and_where_to(commands: Commands) -> None:
    folder = {"name": "INBOX", "messages": 3, "unseen": 1, "size": None, "special_use": None, "chosen": True}
    other = {"name": "Sent", "messages": None, "unseen": None, "size": 5, "chosen": False}
    commands.helpers.answer(
        {"folders": [{**folder, "local": "INBOX"}, {**other, "special_use": "\\Sent", "local": None}]}
    )
    assert commands.run("folders", "me") == 0
    assert [line.split() for line in commands.lines] == [
        ["FOLDER", "FETCHED", "MESSAGES", "UNSEEN", "SIZE", "USE", "HERE"],
        ["INBOX", "yes", "3", "1", "INBOX"],
        ["Sent", "5", "bytes", "\\Sent"],
    ]


@pytest.mark.long
def test_messages(commands: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    came = {"received": 1795300000}
    found = [summary("12", **came), summary("9", flags=["\\SEEN"], subject="Re: Hi", **came), summary("x")]
    commands.helpers.answer({"folder": "A", "total": 30, "messages": found, "before": "9"})
    assert commands.run("messages", "me", "--folder", "A", "--search", "FROM anna", "--limit", "2") == 0
    assert asked(commands) == {
        "action": "messages",
        "name": "me",
        "folder": "A",
        "search": "FROM anna",
        "limit": 2,
    }
    when = moment(came["received"], relative=False)
    assert [" ".join(line.split()) for line in commands.lines] == [
        "UID RECEIVED FROM SUBJECT SIZE",
        f"12 {when} Anna, b@x.example Hi\\x1b[31m 1.5 kB new",
        f"9 {when} Anna, b@x.example Re: Hi 1.5 kB",
        "x - Anna, b@x.example Hi\\x1b[31m 1.5 kB",
    ]
    assert capsys.readouterr().err == "30 in all; older ones: --before 9\n"


@pytest.mark.long
def test_no_message(commands: Commands) -> None:
    commands.helpers.answer({"folder": "INBOX", "total": 0, "messages": [], "before": None})
    assert commands.run("messages", "me", "--before", "7") == 0
    assert asked(commands)["before"] == "7"
    assert commands.lines == ["There is no message that fits."]


@pytest.mark.long
def test_preview(commands: Commands) -> None:
    folder = {"name": "INBOX", "messages": 9, "wanted": 4, "passed": 5}
    found = [{**summary("3"), "folder": "INBOX"}]
    commands.helpers.answer({"folders": [folder], "wanted": 4, "passed": 5, "left": 3, "messages": found})
    assert commands.run("preview", "me") == 0
    assert commands.lines[1].split() == ["INBOX", "9", "4", "5"]
    assert commands.lines[2] == "4 messages wanted, 3 of them in later runs."
    assert commands.lines[5].split()[:2] == ["INBOX", "3"]


BODY = {"plain": ["One\r\n\x1b]0;x\x07\r\n" + "y" * 600, "Two"], "html": ["<p>One"]}
FILE = {"id": "2", "file_name": "a.pdf", "type": "application/pdf", "size": 2500}


def message(**fields: Any) -> dict[str, Any]:
    headers = [{"Name": "Subject", "Value": "Hi\r\n there"}]
    told = {**summary("7"), "headers": headers, "body": BODY, **fields}
    return {"folder": "INBOX", "message": told, "attachments": [FILE], "cut": True}


@pytest.mark.long
def test_a_message_is_shown_as_text(commands: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    commands.helpers.answer(message())
    assert commands.run("message", "me", "7") == 0
    assert asked(commands) == {"action": "message", "name": "me", "uid": "7"}
    assert commands.lines == [
        "From     Anna, b@x.example",
        "To",
        "Date     today",
        "Subject  Hi\\x1b[31m",
        "File     2: a.pdf, 2.5 kB",
        "",
        "One",
        "\\x1b]0;x\\x07",
        *("y" * 250, "y" * 250, "y" * 100),
        "",
        "Two",
    ]
    assert capsys.readouterr().err == "The message is longer than what is shown.\n"


@pytest.mark.long
def test_header_and_html_of_a_message(commands: Commands) -> None:
    commands.helpers.answer(message())
    assert commands.run("message", "me", "7", "--headers", "--html") == 0
    assert commands.lines == ["Subject  Hi there", "File     2: a.pdf, 2.5 kB", "", "<p>One"]


@pytest.mark.long
def test_there_is_only_html(commands: Commands, capsys: pytest.CaptureFixture[str]) -> None:
    commands.helpers.answer(message(body={"plain": [], "html": ["<p>"]}))
    assert commands.run("message", "me", "7") == 0
    assert "--html" in capsys.readouterr().err


@pytest.mark.long
def test_files(commands: Commands) -> None:
    commands.helpers.answer({"folder": "INBOX", "uid": "7", "files": [FILE]})
    assert commands.run("files", "me", "7", "--all") == 0
    assert asked(commands)["raw_file_list"] == 1
    assert [line.split() for line in commands.lines] == [
        ["ID", "SIZE", "TYPE", "NAME"],
        ["2", "2.5", "kB", "application/pdf", "a.pdf"],
    ]


def piece(data: bytes, following: int | None) -> dict[str, Any]:
    return {"file": FILE, "offset": 0, "data": base64.b64encode(data).decode(), "next": following}


@pytest.mark.long
def test_a_file_is_written_piece_by_piece(commands: Commands, tmp_path: Path) -> None:
    commands.helpers.answer(piece(b"one ", 4), piece(b"two", None))
    target = tmp_path / "a.pdf"
    assert commands.run("file", "me", "7", "2", str(target), "--folder", "A") == 0
    assert target.read_bytes() == b"one two"
    assert [request["offset"] for _, request in commands.helpers.asked] == [0, 4]
    assert commands.lines == [f"Written: {target}, 7 bytes."]


def test_a_file_that_is_there_stays(commands: Commands, tmp_path: Path) -> None:
    (tmp_path / "a.pdf").write_bytes(b"mine")
    with pytest.raises(Problem, match="File exists"):
        commands.run("file", "me", "7", "2", str(tmp_path / "a.pdf"))
    assert (tmp_path / "a.pdf").read_bytes() == b"mine"
    assert commands.helpers.asked == []


@pytest.mark.long
def test_a_file_to_standard_output(commands: Commands, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    commands.helpers.answer(piece(b"\x00\xff", None))
    assert commands.run("file", "me", "7", "2", "-") == 0
    sys.stdout.flush()
    assert capfdbinary.readouterr().out == b"\x00\xff"


@pytest.mark.long
def test_what_a_server_tells(commands: Commands) -> None:
    told = {"a": [{"b": 1, "c": None}, {"b": True}], "d": ["x", "y"], "pem": "1\n2\n"}
    commands.helpers.answer(told)
    assert commands.run("server", "me", "quota", "--folder", "A") == 0
    assert asked(commands) == {"action": "quota", "name": "me", "folder": "A"}
    assert [line.split() for line in commands.lines] == [
        ["a", "b", "1"],
        ["a", "c", "-"],
        ["a", "b", "yes"],
        ["d", "x", "y"],
        ["pem", "1"],
        ["pem", "2"],
    ]


@pytest.mark.long
@pytest.mark.parametrize("what", ["capabilities", "namespace", "rights", "certificate"])
def test_each_question_has_its_action(commands: Commands, what: str) -> None:
    commands.helpers.answer({"x": "y"})
    assert commands.run("server", "me", what) == 0
    assert asked(commands) == {"action": what, "name": "me"}
