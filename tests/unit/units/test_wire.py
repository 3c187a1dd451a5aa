# SPDX-License-Identifier: LGPL-2.1-or-later
"""What passes in and out of the sandbox of a check: anything may come out of it."""

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import TEXT_LIMIT, Problem, failure, printable, with_status
from cockpit_getmail.units.wire import (
    CAPABILITIES_LIMIT,
    Request,
    format_answer,
    format_request,
    parse_answer,
    parse_request,
)
from cockpit_getmail.words import Cause

FOUND = {"tls": "TLSv1.3", "capabilities": ["IMAP4REV1", "UIDPLUS"], "folder": "INBOX", "messages": 42}
CONNECTOR = Connector(
    "a@b", {"Server": "mail.example", "Username": "é"}, {"Password": " p|\\=%\"'é😀\ud800 "}
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
NAMES = ("tls", "capabilities", "folder", "messages", "type", "message", "attributes", "cause", "status")


def refused(answer: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        parse_answer(json.dumps(answer).encode())
    return caught.value


@pytest.mark.parametrize("ca_pem", [None, "-----BEGIN"])
def test_request_comes_as_it_was_sent(ca_pem: str | None) -> None:
    for visit in (None, {"about": "folders"}):
        request = Request(CONNECTOR, ca_pem, 1.5, visit)
        assert parse_request(format_request(request)) == request


@pytest.mark.parametrize("found", [FOUND, {**FOUND, "tls": None, "capabilities": [], "messages": 0}])
def test_what_is_found_comes_as_it_was_sent(found: dict[str, Any]) -> None:
    assert parse_answer(format_answer(found)) == found


def test_problem_comes_as_it_was_raised() -> None:
    raised = with_status(
        failure("tls", "Not trusted.", untrusted=True, fingerprint="ab" * 32, subject="CN=x")
    )
    with pytest.raises(Problem) as caught:
        parse_answer(format_answer(raised))
    assert (caught.value.type, caught.value.message) == (raised.type, raised.message)
    assert caught.value.attributes == raised.attributes


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"{",
        b"[]",
        b"{}",
        b"null",
        b"[" * 60000,
        b'{"found": ' * 9000,
        b'{"found": {"messages": %s}}' % (b"9" * 5000),
        b'{"found": {}, "problem": []}',
    ],
)
def test_what_is_no_answer_is_none(data: bytes) -> None:
    assert parse_answer(data) is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"messages": "42"},
        {"messages": True},
        {"messages": -1},
        {"messages": 1 << 70},
        {"messages": float("nan")},
        {"tls": 1},
        {"folder": None},
        {"capabilities": "IMAP"},
        {"capabilities": [1]},
        {"capabilities": None},
    ],
)
def test_value_of_another_shape_is_no_answer(wrong: dict[str, Any]) -> None:
    assert parse_answer(json.dumps({"found": {**FOUND, **wrong}}).encode()) is None


def test_what_does_not_belong_there_is_left_out() -> None:
    assert parse_answer(json.dumps({"found": {**FOUND, "state": "success"}}).encode()) == FOUND


def test_control_characters_and_length_are_bounded() -> None:
    found = {**FOUND, "folder": "\x1b[2J\u202e", "capabilities": ["x" * 5000] * 500}
    answer = parse_answer(json.dumps({"found": found}).encode())
    assert answer
    assert answer["folder"] == "\\x1b[2J\\u202e"
    assert len(answer["capabilities"]) == CAPABILITIES_LIMIT
    assert len(answer["capabilities"][0].encode()) <= TEXT_LIMIT


@pytest.mark.parametrize("kind", ["NotValid", "InvalidInput", "made up", None, []])
def test_type_that_no_check_has_is_internal(kind: Any) -> None:
    problem = refused({"problem": {"type": kind, "message": "m", "attributes": {}}})
    assert (problem.type, problem.cause) == ("GenericError", "internal")


def test_words_that_are_not_ours_are_left_out() -> None:
    attributes = {"cause": "fun", "status": ["OK"], "hint": "h", "deep": {"a": 1}, "untrusted": True}
    problem = refused({"problem": {"type": "GenericError", "message": "\x07", "attributes": attributes}})
    assert problem.message == "\\x07"
    assert problem.attributes == {"cause": "internal", "hint": "h", "untrusted": True}


def inputs(names: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    fields = st.dictionaries(
        names, ANYTHING | st.sampled_from([*get_args(Cause), "GenericError"]), max_size=9
    )
    return st.fixed_dictionaries({}, optional={"found": fields, "problem": fields})


@pytest.mark.long
@given(inputs(st.sampled_from(NAMES)))
def test_nothing_but_the_known_shapes_comes_out(answer: Any) -> None:
    found: dict[str, Any] | Problem | None
    try:
        found = parse_answer(json.dumps(answer).encode())
    except Problem as problem:
        found = problem
    if isinstance(found, Problem):
        assert found.cause in get_args(Cause)
        assert found.message == printable(found.message)
        assert isinstance(found.attributes, dict)
        assert all(isinstance(value, str | bool | None) for value in found.attributes.values())
    else:
        assert found is None or found.keys() == FOUND.keys()


def test_sealed_secret_comes_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connector = Connector("a@b", {"Server": "s"}, {"ClientSecret": "c"}, {"Password": "blob"})
    request = format_request(Request(connector, None, 1.5))
    assert b"blob" not in request
    (tmp_path / "Password").write_text("opened")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    opened = Connector("a@b", {"Server": "s"}, {"ClientSecret": "c", "Password": "opened"})
    assert parse_request(request) == Request(opened, None, 1.5)
