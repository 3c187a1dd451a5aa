# SPDX-License-Identifier: LGPL-2.1-or-later
"""The prop Folders: what it says, and which folders that means."""

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.folder_list import Item, is_only_inbox, matches, parse

NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=12)
LISTS = {
    "INBOX": [Item("name", "INBOX")],
    " inbox , Inbox/x": [Item("name", "INBOX"), Item("name", "Inbox/x")],
    "*": [Item("pattern", "*")],
    "*, !\\Trash, !Spam/%": [
        Item("pattern", "*"),
        Item("use", "\\trash", True),
        Item("pattern", "Spam/%", True),
    ],
    "\\SENT,\\all": [Item("use", "\\sent"), Item("use", "\\all")],
    "R&D, Entwürfe, a b": [Item("name", "R&D"), Item("name", "Entwürfe"), Item("name", "a b")],
    '"a, b", ! " c "': [Item("name", "a, b"), Item("name", " c ", True)],
    r'"\\Sent", "100%", "!", "say \"a\""': [
        Item("name", "\\Sent"),
        Item("name", "100%"),
        Item("name", "!"),
        Item("name", 'say "a"'),
    ],
    r"odd\x26name": [Item("name", r"odd\x26name")],
    "[Gmail]/*": [Item("pattern", "[Gmail]/*")],
}


@pytest.mark.parametrize("text", LISTS)
def test_list(text: str) -> None:
    assert parse(text) == LISTS[text]


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", ",", "a,", ",a", "a,,b", "!", "a, !", '""', '"', '"a', 'a"', 'a"b"', '"a"b', '"a" "b"'),
        *(r'"a\b"', '"a\\', "\\Nosuch", "\\", "!a", "!*, !b", "a\nb", "a\0", "\x85", "\ud800"),
    ],
)
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(ValueError, match=r"\.$"):
        parse(text)


@pytest.mark.long
@given(st.lists(st.tuples(NAMES, st.booleans()), max_size=5))
def test_any_name_can_be_quoted(names: list[tuple[str, bool]]) -> None:
    written = ["*", *("!" * is_out + '"' + re.sub(r'(["\\])', r"\\\1", name) + '"' for name, is_out in names)]
    first, *items = parse(", ".join(written))
    assert first == Item("pattern", "*")
    assert [(item.text, item.is_left_out) for item in items] == [
        ("INBOX" if name.upper() == "INBOX" else name, is_out) for name, is_out in names
    ]
    assert {item.kind for item in items} <= {"name"}


@given(st.text())
def test_any_text_is_a_list_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert parse(text)


@pytest.mark.parametrize(
    ("text", "only"),
    [("INBOX", True), ("inbox, INBOX", True), ("*", False), ("INBOX, !x", False), ("INBOX, Sent", False)],
)
def test_only_inbox(text: str, only: bool) -> None:
    assert is_only_inbox(parse(text)) == only


def means(pattern: str, name: str, separator: str = "/") -> bool:
    return matches(Item("pattern", pattern), name, separator, frozenset())


@pytest.mark.parametrize(
    ("pattern", "name", "meant"),
    [
        ("*", "INBOX", True),
        ("%", "a", True),
        ("%", "a/b", False),
        ("a/%", "a/b", True),
        ("a/%", "a/b/c", False),
        ("a/*", "a/b/c", True),
        ("a/*", "a", False),
        ("*b", "a/b", True),
        ("%b", "a/b", False),
        ("*/%", "a/b/c", True),
        ("%/c", "a/b/c", False),
        ("%/%/c", "a/b/c", True),
        ("%*c", "a/b/c", True),
        ("*x%y", "x/x.y", True),
        ("*x%y", "x/y", False),
        ("a*a", "a", False),
        ("[Gmail]/*", "[Gmail]/Sent", True),
        ("a.c*", "abc", False),
    ],
)
def test_pattern(pattern: str, name: str, meant: bool) -> None:
    assert means(pattern, name) == meant


def test_without_levels_both_wildcards_are_one() -> None:
    assert means("a%", "a/b", separator="")


@given(st.text("ab/*%", max_size=8), st.text("ab/", max_size=10))
def test_pattern_means_what_the_standard_says(pattern: str, name: str) -> None:
    pieces = {"*": ".*", "%": "[^/]*"}
    regex = "".join(pieces.get(letter) or re.escape(letter) for letter in pattern)
    if re.search("[*%]", pattern):
        assert means(pattern, name) == bool(re.fullmatch(regex, name))


def test_hostile_name_takes_no_time_that_explodes() -> None:
    assert not means("*a%a*a%a*a%a*a%a*b", "a" * 20_000)


def test_name_and_use() -> None:
    attributes = frozenset({"\\sent", "\\hasnochildren"})
    assert matches(Item("use", "\\sent"), "Gesendet", "/", attributes)
    assert not matches(Item("use", "\\all"), "Gesendet", "/", attributes)
    assert matches(Item("name", "Gesendet"), "Gesendet", "/", attributes)
    assert not matches(Item("name", "gesendet"), "Gesendet", "/", attributes)
