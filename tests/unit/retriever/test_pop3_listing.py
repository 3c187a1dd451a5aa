# SPDX-License-Identifier: LGPL-2.1-or-later
"""Telling old messages from new by UIDLs that may be missing, shared or of any content."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.retriever.base import Remote
from cockpit_getmail.retriever.pop3_listing import Listing, match_records

UIDS = st.sampled_from(["a", "b", "../x y", ""])
MESSAGES = st.lists(st.tuples(UIDS, st.integers(1, 3)), max_size=8)


def listing(*messages: tuple[str, int | None]) -> Listing:
    found = Listing()
    for number, (uid, size) in enumerate(messages, 1):
        found.add(number, uid, size)
    return found


def test_first_listing_is_all_new() -> None:
    new, present = listing(("b", 10), ("a", 20)).compare({})
    assert new == [Remote("b", 10, 0, 1), Remote("a", 20, 0, 2)]
    assert not present


def test_known_whatever_its_size_if_it_is_the_only_one() -> None:
    assert listing(("a", 10)).compare({("a", 3): 99}) == ([], {("a", 3)})


def test_uidl_of_a_message_deleted_by_us_may_go_to_another() -> None:
    assert listing(("a", 10)).compare({("a", 0): ~10}) == ([], {("a", 0)})
    assert listing(("a", 15)).compare({("a", 0): ~10}) == ([Remote("a", 15, 1, 1)], set())


def test_messages_of_one_uidl_are_not_collapsed() -> None:
    new, present = listing(("a", 10), ("a", 10), ("a", 30)).compare({})
    assert [message.ordinal for message in new] == [0, 1, 2]
    assert not present


def test_messages_of_one_uidl_are_told_apart_by_size() -> None:
    new, present = listing(("a", 10), ("a", 20), ("a", 30)).compare({("a", 0): 30, ("a", 2): 10})
    assert present == {("a", 0), ("a", 2)}
    assert new == [Remote("a", 20, 1, 2)]


def test_one_of_two_is_left_and_has_changed_its_size() -> None:
    new, present = listing(("a", 15)).compare({("a", 0): 10, ("a", 1): 20})
    assert new == [Remote("a", 15, 2, 1)]
    assert not present


def test_case_and_blanks_of_a_uidl_matter() -> None:
    new, _ = listing(("A", 1), ("a", 1), ("a ", 1)).compare({("a", 0): 1})
    assert [message.uid for message in new] == ["A", "a "]


@pytest.mark.long
@given(MESSAGES, st.lists(MESSAGES, max_size=3))
def test_no_message_is_lost_or_fetched_twice(
    first: list[tuple[str, int]], later: list[list[tuple[str, int]]]
) -> None:
    """Messages that arrive are new once, whatever arrives with them; no two records share a key."""
    known: dict[tuple[str, int], int] = {}
    mailbox: list[tuple[str, int]] = []
    for arrived in (first, *later):
        before = len(known)
        mailbox += arrived
        new, _ = listing(*mailbox).compare(known)
        keys = {(message.uid, message.ordinal): message.size for message in new}
        assert len(keys) == len(new)
        assert not keys.keys() & known.keys()
        known |= keys
        assert len(known) == len(mailbox)
        assert len(known) - before == len(arrived)
        new, present = listing(*mailbox).compare(known)
        assert not new
        assert present == set(known)


@pytest.mark.long
@given(MESSAGES, st.dictionaries(st.tuples(UIDS, st.integers(0, 4)), st.integers(1, 3), max_size=8))
def test_every_message_is_new_or_present_exactly_once(
    messages: list[tuple[str, int]], known: dict[tuple[str, int], int]
) -> None:
    new, present = listing(*messages).compare(known)
    assert len(new) + len(present) == len(messages)
    assert present <= set(known)
    keys = {(message.uid, message.ordinal) for message in new}
    assert len(keys) == len(new)
    assert not keys & set(known)


@pytest.mark.long
@given(
    MESSAGES, st.dictionaries(st.tuples(UIDS, st.integers(0, 4)), st.integers(1, 3), max_size=8), st.data()
)
def test_only_what_is_beyond_doubt_may_be_deleted(
    messages: list[tuple[str, int]], known: dict[tuple[str, int], int], data: st.DataObject
) -> None:
    records = [Remote(uid, size, ordinal) for (uid, ordinal), size in known.items()]
    doomed = data.draw(st.lists(st.sampled_from(records), unique=True)) if records else []
    for message, number in listing(*messages).find_certain(doomed, known).items():
        assert messages[number - 1] == (message.uid, message.size)
        assert [uid for uid, _ in messages].count(message.uid) == 1
        assert [uid for uid, _ in known].count(message.uid) == 1
        assert message.uid


def test_what_is_certain() -> None:
    found = listing(("a", 10), ("b", 20), ("c", 30), ("c", 31), ("d", 40))
    doomed = [Remote(uid, size) for uid, size in (("a", 10), ("b", 21), ("c", 30), ("d", 40), ("gone", 1))]
    known = {(message.uid, 0): message.size for message in doomed} | {("d", 1): 77}
    assert found.find_certain(doomed, known) == {doomed[0]: 1}


def test_of_two_messages_with_one_uidl_none_is_certain_whatever_is_known_of_them() -> None:
    assert not listing(("a", 10), ("a", None)).find_certain([Remote("a", 10)], {})
    assert not listing(("a", None)).find_certain([Remote("a", 0)], {})


def test_messages_may_be_listed_in_any_order() -> None:
    found = Listing()
    for number, uid in ((3, "c"), (2, "a"), (1, "a")):
        found.add(number, uid, 10)
    new, _ = found.compare({})
    assert [(message.number, message.ordinal) for message in new] == [(1, 0), (2, 1), (3, 0)]


def test_what_cannot_be_fetched() -> None:
    found = listing(("a", 10), ("", 20), ("c", None), ("", 40))
    assert [bool(found.why_unusable(number)) for number in (1, 2, 3, 4)] == [False, True, True, True]
    new, _ = found.compare({})
    assert [(message.number, message.uid, message.size) for message in new] == [
        (1, "a", 10),
        (2, "", 20),
        (3, "c", 0),
        (4, "", 40),
    ]


@pytest.mark.long
def test_many_messages_of_one_uidl_take_little_time() -> None:
    many = 100_000
    start = time.process_time()
    matched, new = match_records({n: n for n in range(many)}, {n: n + 1 for n in range(many)})
    assert (len(matched), len(new)) == (many - 1, 1)
    assert time.process_time() - start < 2
