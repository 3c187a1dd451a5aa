# SPDX-License-Identifier: LGPL-2.1-or-later
"""What root believes of messages: anything may come out of the sandbox."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail import remote
from tests.support.schemas import check_schema

ENTRY = {
    "uid": "7",
    "flags": ["\\Seen"],
    "size": 12,
    "received": None,
    "subject": "é",
    "sent_from": [{"name": "Ann", "email": "a@b"}],
    "sent_to": [],
    "date": "Tue, 06 Jan 2015 21:52:48 +0100",
    "message_id": "<x@y>",
    "headers": [{"Name": "Subject", "Value": "=?utf-8?q?=C3=A9?=\r\n\tb"}],
}
FILE = {"id": "2.1", "file_name": "a.png", "type": "image/png", "size": 3, "content_id": "", "inline": True}
REQUESTS: dict[str, dict[str, Any]] = {
    "messages": {"search": None, "limit": 50, "before": None},
    "message": {"uid": "7"},
    "files": {"uid": "7", "raw": False},
    "file": {"uid": "7", "file": "2.1", "offset": 0, "limit": 4096},
}
FOUND: dict[str, dict[str, Any]] = {
    "messages": {"folder": "INBOX", "uidvalidity": 1, "total": 1, "messages": [ENTRY], "before": "7"},
    "message": {
        "folder": "INBOX",
        "message": {**ENTRY, "body": {"plain": ["a\x1b\n"], "html": ["<p>"]}},
        "attachments": [FILE],
        "cut": False,
    },
    "files": {"folder": "INBOX", "uid": "7", "files": [FILE]},
    "file": {"file": FILE, "offset": 0, "data": "AAAA", "next": 4096},
}
HOSTILE: list[Any] = [
    *(None, True, False, -1, 1 << 70, 1.5, "", "x" * 5000, "\x1b[2J", "\ud800", [], {}, [[]] * 3000),
    *([["a"]] * 300, [{}] * 2000, [None], {"a": 1}, ["x"] * 2000, "AAA", "AA=A", "\xff" * 4, "A A="),
]


def request(about: str) -> dict[str, Any]:
    return {"about": about, "folder": "INBOX", **REQUESTS[about]}


def find_paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the place of each value within a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*path, key)
        yield from find_paths(one, (*path, key))


@pytest.mark.parametrize("about", FOUND)
def test_an_answer_is_believed(about: str) -> None:
    assert remote.check(request(about), FOUND[about]) == FOUND[about]
    check_schema(f"read/{about}.output.json", FOUND[about])


@pytest.mark.parametrize("about", FOUND)
@given(data=st.data())
def test_whatever_comes_is_refused_or_fits(about: str, data: st.DataObject) -> None:
    found: Any = copy.deepcopy(FOUND[about])
    *path, last = data.draw(st.sampled_from(list(find_paths(found))))
    place = found
    for step in path:
        place = place[step]
    place[last] = data.draw(st.sampled_from(HOSTILE))
    try:
        checked = remote.check(request(about), found)
    except (ValueError, LookupError, TypeError, AttributeError):
        return
    check_schema(f"read/{about}.output.json", json.loads(json.dumps(checked)))


def test_what_a_person_sees_in_a_line_harms_no_terminal() -> None:
    found = {**FOUND["messages"], "messages": [{**ENTRY, "subject": "\x1b[2J\u202e", "flags": ["\x07"]}]}
    [message] = remote.check(request("messages"), found)["messages"]
    assert (message["subject"], message["flags"]) == ("\\x1b[2J\\u202e", ["\\x07"])
    found = {"folder": "", "uid": "7", "files": [{**FILE, "file_name": "a\nb\u202e"}]}
    [file] = remote.check(request("files"), found)["files"]
    assert file["file_name"] == "a\\x0ab\\u202e"
