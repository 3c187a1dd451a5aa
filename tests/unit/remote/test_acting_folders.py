# SPDX-License-Identifier: LGPL-2.1-or-later
from typing import Any

import pytest

from cockpit_getmail import remote
from cockpit_getmail.problem import Problem
from tests.support.fetching import make_connector
from tests.support.hostile import Rules, Server, imap, tagged


def act(server: Server, about: str, folder: str, **more: Any) -> dict[str, Any]:
    connector = make_connector("SimpleIMAPRetriever", server.port, TLS="none")
    request = {"about": about, "folder": folder, **more}
    return remote.check(request, remote.answer(connector, None, 5.0, request))


def listing(*lines: bytes) -> Rules:
    return {"LIST .*": tagged(b"".join(b"* LIST %s\r\n" % line for line in lines))}


@pytest.mark.parametrize(
    ("lines", "messages", "reason"),
    [
        ([rb'(\HasNoChildren) "/" Work'], 0, None),
        ([rb'(\HasNoChildren) "/" Work'], 7, "has 7 messages"),
        ([rb'(\HasNoChildren) "/" Work'], 1, "has 1 message:"),
        ([rb'() "/" Work', rb'() "/" Work/a'], 0, "has folders below it"),
        ([rb'() "/" Work', rb'() "/" Works'], 0, None),
        ([rb"() NIL Work", rb"() NIL Work/a"], 0, None),
        ([rb'(\Noselect) "/" Work'], None, None),
        ([rb'(\NonExistent) "/" Work'], None, None),
        ([rb'() "/" work'], 0, "There is no folder Work"),
    ],
)
def test_only_an_empty_folder_is_removed(
    lines: list[bytes], messages: int | None, reason: str | None
) -> None:
    rules: Rules = {**listing(*lines), 'DELETE "Work"': tagged()}
    if messages is not None:
        rules = {**rules, "STATUS .*": tagged(b'* STATUS "Work" (MESSAGES %d)\r\n' % messages)}
    with Server(imap(rules)) as server:
        if reason is None:
            assert act(server, "remove-folder", "Work", force=False) == {}
        else:
            with pytest.raises(Problem, match=reason):
                act(server, "remove-folder", "Work", force=False)
        assert bool(server.commands(r"\S+ DELETE .*")) == (reason is None)


def test_a_folder_is_removed_by_force() -> None:
    with Server(imap({'DELETE "Gr&APYA3w-e"': tagged()})) as server:
        assert act(server, "remove-folder", "Größe", force=True) == {}


@pytest.mark.parametrize(
    ("request_", "folder"),
    [
        ({"about": "create-folder"}, "Work"),
        ({"about": "change-folder", "rename": "Done", "subscribed": None}, "Done"),
    ],
)
def test_folder_that_is_there_already(request_: dict[str, Any], folder: str) -> None:
    refuse = tagged(status=b"NO [ALREADYEXISTS] there")
    with Server(imap({"(CREATE|RENAME) .*": refuse})) as server, pytest.raises(Problem) as caught:
        act(server, folder="Work", **request_)
    assert caught.value.type == "Conflict"
    assert caught.value.message == f"There is a folder {folder} already."


def test_what_is_done_with_a_renamed_folder_goes_by_its_new_name() -> None:
    rules: Rules = {'RENAME "Work" "Done"': tagged(), '(UN)?SUBSCRIBE "Done"': tagged()}
    with Server(imap(rules)) as server:
        for subscribed in (True, False):
            act(server, "change-folder", "Work", rename="Done", subscribed=subscribed)
        assert len(server.commands(r"\S+ (UN)?SUBSCRIBE .*")) == 2


def test_answer_of_another_shape_is_none() -> None:
    with pytest.raises(ValueError, match=r"^$"):
        remote.check({"about": "create-folder"}, {"more": 1})
