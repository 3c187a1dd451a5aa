# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is asked of a mailbox, and what is refused before; tests/mail has what comes of it."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest

from cockpit_getmail import database, units
from cockpit_getmail.actions.create import folder as create_folder
from cockpit_getmail.actions.delete import folder as delete_folder
from cockpit_getmail.actions.delete import messages
from cockpit_getmail.actions.execute import append, copy, move
from cockpit_getmail.actions.update import flag, mark_seen, mark_unseen
from cockpit_getmail.actions.update import folder as update_folder
from cockpit_getmail.problem import Problem
from tests.support.schemas import check_schema

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.settings import Settings

NAME = "u@h"
STORED = {
    "Retriever": "SimpleIMAPRetriever",
    "Server": "h",
    "Username": "u",
    "Password": "geheim-4711",
    "Account": "ann",
}
FOUND = {"uidvalidity": 7, "done": [2], "missing": [30], "flagged": [], "message": None, "uid": 8}
UIDS = {"uids": ["30", 2, "2"]}
REQUEST = {"folder": "INBOX", "uids": [2, 30], "uidvalidity": None}


@pytest.fixture
def asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[Mapping[str, Any]]:
    """What is asked of the mailbox; the answer is FOUND."""
    with database.transaction(settings.connectors_db) as content:
        content.put(NAME, "getmail", STORED)
    found: list[Mapping[str, Any]] = []

    def visit(_: Connector, __: Settings, request: Mapping[str, Any]) -> dict[str, Any]:
        found.append(request)
        return FOUND

    monkeypatch.setattr(units, "visit", visit)
    return found


def act(module: ModuleType, settings: Settings, **data: Any) -> dict[str, Any]:
    answer: dict[str, Any] = module.answer({"name": NAME, **data}, settings)
    _, verb, action = module.__name__.rsplit(".", 2)
    check_schema(f"{verb}/{action.replace('_', '-')}.output.json", answer)
    return answer


def fails(module: ModuleType, settings: Settings, **data: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        act(module, settings, **data)
    return caught.value


@pytest.mark.parametrize(
    ("module", "data", "request_"),
    [
        (mark_seen, {}, {"about": "flag", "flags": ["\\Seen"], "remove": False}),
        (mark_unseen, {}, {"about": "flag", "flags": ["\\Seen"], "remove": True}),
        (flag, {"flags": ["$Work"]}, {"about": "flag", "flags": ["$Work"], "remove": False}),
        (flag, {"flags": ["$Work"], "remove": True}, {"about": "flag", "flags": ["$Work"], "remove": True}),
        (messages, {"uidvalidity": 7}, {"about": "remove", "uidvalidity": 7}),
        (copy, {"target": "Work"}, {"about": "copy", "target": "Work"}),
        (move, {"target": "Work"}, {"about": "move", "target": "Work"}),
    ],
)
def test_each_uid_is_asked_for_once(
    settings: Settings,
    asked: list[Mapping[str, Any]],
    module: ModuleType,
    data: dict[str, Any],
    request_: dict[str, Any],
) -> None:
    answer = act(module, settings, **UIDS, **data)
    assert asked == [{**REQUEST, **request_}]
    told = {"state": "success", "folder": "INBOX", "uidvalidity": 7, "done": ["2"], "missing": ["30"]}
    assert told.items() <= answer.items()
    assert ("flagged" in answer) == (module in (messages, move))
    assert "message" not in answer


@pytest.mark.parametrize(("folder", "target"), [("Work", "Work"), ("INBOX", "inbox"), (None, "INBOX")])
def test_nothing_is_moved_to_where_it_is(
    settings: Settings, asked: list[Mapping[str, Any]], folder: str | None, target: str
) -> None:
    where = {} if folder is None else {"folder": folder}
    problem = fails(move, settings, **UIDS, **where, target=target)
    assert problem.attributes == [{"parameter": "target", "value": target, "error": "conflict"}]
    assert asked == []
    assert act(move, settings, **UIDS, folder="Work", target="work")["target"] == "work"


def test_a_message_is_added(settings: Settings, asked: list[Mapping[str, Any]]) -> None:
    message = base64.b64encode(b"a").decode()
    answer = act(append, settings, message=message)
    assert answer == {"state": "success", "folder": "INBOX", "uidvalidity": 7, "uid": "8"}
    act(append, settings, message=message, folder="Work", flags=["\\Seen"], date=0)
    common = {"about": "append", "message": message}
    assert asked == [
        {**common, "folder": "INBOX", "flags": [], "date": None},
        {**common, "folder": "Work", "flags": ["\\Seen"], "date": 0},
    ]
    nothing = base64.b64encode(b"a\0").decode()
    assert fails(append, settings, message=nothing).type == "NotValid"


def test_folders(settings: Settings, asked: list[Mapping[str, Any]]) -> None:
    assert act(create_folder, settings, folder="a")["folder"] == "a"
    assert act(update_folder, settings, folder="a", rename="b")["folder"] == "b"
    assert act(update_folder, settings, folder="inbox", subscribed=False)["folder"] == "inbox"
    assert act(delete_folder, settings, folder="b")["folder"] == "b"
    act(delete_folder, settings, folder="b", force=True)
    assert asked == [
        {"about": "create-folder", "folder": "a"},
        {"about": "change-folder", "folder": "a", "rename": "b", "subscribed": None},
        {"about": "change-folder", "folder": "inbox", "rename": None, "subscribed": False},
        {"about": "remove-folder", "folder": "b", "force": False},
        {"about": "remove-folder", "folder": "b", "force": True},
    ]


def test_inbox_stays(settings: Settings, asked: list[Mapping[str, Any]]) -> None:
    for name in ("INBOX", "inBox"):
        assert fails(delete_folder, settings, folder=name, force=True).type == "Conflict"
        assert fails(update_folder, settings, folder=name, rename="x").type == "Conflict"
    assert fails(update_folder, settings, folder="a").type == "NotValid"
    assert asked == []
