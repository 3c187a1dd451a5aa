# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connectors whose mail could not be delivered are not saved."""

from collections.abc import Mapping
from typing import Any

import pytest

from cockpit_getmail.actions.create import create
from cockpit_getmail.actions.delivering import refuse_target
from cockpit_getmail.actions.update import update
from cockpit_getmail.actions.validate import create as validate_create
from cockpit_getmail.actions.validate import update as validate_update
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings

HOME = "maildir:~/Maildir"
INPUT: dict[str, Any] = {
    "Retriever": "SimpleIMAPRetriever",
    "Server": "mail.example",
    "Username": "u",
    "Password": "p",
    "Account": "nobody",
}


def faults(props: Mapping[str, str], destination: str = "maildir:/srv/{account}", **more: Any) -> list[str]:
    told: Any = []
    try:
        refuse_target(props, Settings(destination=destination, **more))
    except Problem as problem:
        told = problem.attributes
    assert [fault["value"] for fault in told] == [props[fault["parameter"]] for fault in told]
    return [f"{fault['parameter']} {fault['error']}" for fault in told]


@pytest.mark.parametrize(
    ("destination", "account", "found"),
    [
        (HOME, "nobody", []),
        (HOME, "nobody@example.org", []),
        (HOME, "no-such-user", ["Account unknown"]),
        (HOME, "no-such-user@nobody", ["Account unknown"]),
        (HOME, "root@example.org", ["Account unknown"]),
        ("maildir:/srv/{account}", "no-such-user", []),
        ("maildir:/srv/{domain}/{user}", "me", ["Account format"]),
        ("maildir:/srv/{domain}/{user}", "me@here", []),
        ("command:/bin/true {domain}", "me", ["Account format"]),
        ("command:/bin/true {account}", "-e", ["Account format"]),
        ("command:/bin/true -d {account}", "me", []),
        ("lmtp:unix:/no/such/socket", "me", []),
    ],
)
def test_account_must_have_a_place(destination: str, account: str, found: list[str]) -> None:
    assert faults({"Account": account}, destination) == found
    assert faults({"Account": account, "Destination": destination}) == found


@pytest.mark.parametrize(
    ("destination", "found"),
    [
        ("mbox:/x", ["Destination format"]),
        ("maildir:/srv/{name}", ["Destination format"]),
        ("command:/bin/{user}", ["Destination format"]),
        ("command:/bin/true 'x", ["Destination format"]),
        ("command:/no/such/program", ["Destination unknown"]),
        ("command:/etc/passwd", ["Destination unknown"]),
        ("command:/etc", ["Destination unknown"]),
        ("command:/bin/true", []),
    ],
)
def test_destination_must_be_one(destination: str, found: list[str]) -> None:
    assert faults({"Account": "me", "Destination": destination}) == found


def test_nobody_is_to_blame_for_the_servers_own_program() -> None:
    assert faults({"Account": "me"}, "command:/no/such/program") == []


@pytest.mark.parametrize(
    ("destination", "folder", "found"),
    [
        ("maildir:/srv/{account}", "Work/In", []),
        ("maildir:/srv/{account}", "a" * 255, ["Folder format"]),
        ("lmtp:localhost:24", "Work", ["Folder conflict"]),
        ("lmtp:localhost:24", "inbox", []),
        ("command:/bin/true", "Work", ["Folder conflict"]),
        ("command:/bin/true {folder}", "Work", []),
        ("command:/bin/true {folder}", "-Work", ["Folder format"]),
        ("command:/bin/true", "INBOX", []),
    ],
)
def test_folder_must_have_a_way(destination: str, folder: str, found: list[str]) -> None:
    assert faults({"Account": "me", "Folder": folder}, destination) == found


@pytest.mark.parametrize(
    ("destination", "found"),
    [
        ("maildir:/srv/{account}", []),
        ("lmtp:localhost:24", ["FolderMap conflict"]),
        ("command:/bin/true", ["FolderMap conflict"]),
        ("command:/bin/true {folder}", []),
    ],
)
def test_folders_that_are_kept_must_have_a_way(destination: str, found: list[str]) -> None:
    assert faults({"Account": "me", "FolderMap": "keep"}, destination) == found
    assert faults({"Account": "me", "FolderMap": "inbox"}, destination) == []


def test_lmtp_that_knows_a_delimiter_has_folders() -> None:
    assert faults({"Account": "me", "Folder": "Work"}, "lmtp:localhost:24", recipient_delimiter="+") == []


def test_all_faults_are_told_at_once() -> None:
    props = {"Account": "-e", "Folder": "Work", "Destination": "command:/no/such/program {account}"}
    assert faults(props) == ["Account format", "Destination unknown", "Folder conflict"]


def test_connector_of_no_user_is_not_stored(settings: Settings) -> None:
    bad = {**INPUT, "Account": "no-such-user", "Destination": HOME}
    for answer in (create.answer, validate_create.answer):
        with pytest.raises(Problem) as caught:
            answer(bad, settings)
        expected = [{"parameter": "Account", "value": "no-such-user", "error": "unknown"}]
        assert (caught.value.type, caught.value.attributes) == ("NotValid", expected)
    name = create.answer({**bad, "Account": "nobody"}, settings)["name"]
    for change in ({"Account": "no-such-user"}, {"Folder": "a" * 255}, {"Destination": "command:/none"}):
        for answer in (update.answer, validate_update.answer):
            with pytest.raises(Problem) as caught:
                answer({"name": name, **change}, settings)
            assert caught.value.type == "NotValid"
    with pytest.raises(Problem):
        validate_update.answer({"name": "unknown", "Destination": "command:/none"}, settings)


def test_what_an_update_does_not_touch_is_not_judged(settings: Settings) -> None:
    name = create.answer({**INPUT, "Account": "no-such-user"}, settings)["name"]
    home = Settings(settings.connectors_db, settings.state_dir, HOME)
    assert update.answer({"name": name, "Time": "7"}, home)["state"] == "success"
    with pytest.raises(Problem):
        update.answer({"name": name, "Account": "no-such-user@here"}, home)
