# SPDX-License-Identifier: LGPL-2.1-or-later
"""What rspamd says of a header, in any of its shapes, and what nobody may say."""

import json
import re
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cockpit_getmail.filter.base import Removal
from cockpit_getmail.filter.milter import FIELDS, OCTETS, read_changes
from cockpit_getmail.problem import Problem


@pytest.mark.parametrize(
    ("added", "lines"),
    [
        ({}, b""),
        ({"A": "1"}, b"A: 1\r\n"),
        ({"A": {"value": "1"}}, b"A: 1\r\n"),
        ({"A": {"value": "1", "order": 0}}, b"A: 1\r\n"),
        ({"A": ["1", {"value": "2"}, "3"]}, b"A: 1\r\nA: 2\r\nA: 3\r\n"),
        ({"A": "1", "B": {"value": "2", "order": 0}}, b"B: 2\r\nA: 1\r\n"),
        ({"A": "1", "B": {"value": "2", "order": -1}}, b"B: 2\r\nA: 1\r\n"),
        ({"A": ""}, b"A: \r\n"),
        ({"A": "é"}, "A: é\r\n".encode()),
        ({"A": "\ud800"}, b"A: ?\r\n"),
        ({"A": "1\r\n\t2\r\n 3"}, b"A: 1\r\n\t2\r\n 3\r\n"),
        ({"A": "1\n\t2"}, b"A: 1\r\n\t2\r\n"),
        ({"A": "1\r\n\r\n"}, b"A: 1\r\n"),
        ({"A": "1\r\n \r\n 2"}, b"A: 1\r\n 2\r\n"),
        ({"A": "1\r\nB: 2"}, b"A: 1  B: 2\r\n"),
        ({"A": "1\rB: 2\0"}, b"A: 1 B: 2\r\n"),
        ({"A": "1\r\n\r\n<body>"}, b"A: 1    <body>\r\n"),
    ],
)
def test_added(added: Any, lines: bytes) -> None:
    assert read_changes({"add_headers": added}).added == lines


@pytest.mark.parametrize(
    ("removed", "found"),
    [
        ({}, []),
        ({"A": 0}, [Removal(b"A", 0)]),
        ({"A": -1, "B": 2}, [Removal(b"A", -1), Removal(b"B", 2)]),
        ({"A": [1, 3]}, [Removal(b"A", 1), Removal(b"A", 3)]),
        (["A", "B"], [Removal(b"A"), Removal(b"B")]),
    ],
)
def test_removed(removed: Any, found: list[Removal]) -> None:
    assert read_changes({"remove_headers": removed}).removed == found


def test_spam_header() -> None:
    assert read_changes({"spam_header": "very"}).spam == {"X-Spam": "very"}
    assert read_changes({"spam_header": {"X-Bad": "yes"}}).spam == {"X-Bad": "yes"}


@pytest.mark.parametrize("milter", [None, {}])
def test_nothing(milter: Any) -> None:
    changes = read_changes(milter)
    assert (changes.added, changes.removed, changes.spam) == (b"", [], {})
    assert not changes.quarantine
    assert not changes.no_action


@pytest.mark.parametrize(
    "milter",
    [
        [],
        "x",
        {"add_headers": "x"},
        {"add_headers": None},
        {"add_headers": [["A", "1"]]},
        {"add_headers": {"A": 1}},
        {"add_headers": {"A": None}},
        {"add_headers": {"A": {"order": 1}}},
        {"add_headers": {"A": {"value": "1", "order": "x"}}},
        {"add_headers": {"": "1"}},
        {"add_headers": {"A B": "1"}},
        {"add_headers": {"A:": "1"}},
        {"add_headers": {"A\r\nB": "1"}},
        {"add_headers": {"Ä": "1"}},
        {"add_headers": {"A" * 201: "1"}},
        {"add_headers": {"A": ["1"] * (FIELDS + 1)}},
        {"add_headers": {"A": "1" * OCTETS}},
        {"remove_headers": {"A": "1"}},
        {"remove_headers": {"A B": 1}},
        {"remove_headers": ["A B"]},
        {"remove_headers": {"A": [1] * (FIELDS + 1)}},
        {"remove_headers": 1},
        {"spam_header": 1},
        {"spam_header": {"A": 1}},
    ],
    ids=lambda milter: json.dumps(milter)[:40],
)
def test_garbage(milter: Any) -> None:
    with pytest.raises(Problem) as caught:
        read_changes(milter)
    assert caught.value.cause == "filter"


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda each: (
        st.lists(each, max_size=4) | st.dictionaries(st.text("AB:\r\n é", max_size=3), each, max_size=4)
    ),
    max_leaves=8,
)


@pytest.mark.long
@given(
    st.dictionaries(
        st.sampled_from(["add_headers", "remove_headers", "spam_header", "reject", "no_action"]), ANY
    )
)
@example({"add_headers": {"A": {"value": "x", "order": True}}})
def test_whatever_is_added_is_whole_fields(milter: Any) -> None:
    try:
        added = read_changes(milter).added
    except Problem as problem:
        assert problem.cause == "filter"  # noqa: PT017
        return
    assert re.fullmatch(rb"(?:[!-9;-~]+:[^\r\n\0]*\r\n(?:[ \t][^\r\n\0]*[^\s][^\r\n\0]*\r\n)*)*", added)
