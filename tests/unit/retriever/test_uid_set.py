# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sequence sets name what is wanted, and no other message."""

from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.retriever.uid_set import (
    UID_SET_LIMIT,
    contains,
    count_uids,
    format_uid_set,
    split_uid_set,
)

UIDS = st.lists(st.integers(1, 2**32 - 1), unique=True, max_size=50).map(sorted)


def expand(uid_set: str, existing: list[int]) -> list[int]:
    """What a server makes of a sequence set."""
    found: list[int] = []
    for span in uid_set.split(",") if uid_set else []:
        low, _, high = span.partition(":")
        found += [uid for uid in existing if int(low) <= uid <= int(high or low)]
    return found


@given(UIDS, st.data())
def test_uid_set_names_the_wanted_and_no_other(existing: list[int], data: st.DataObject) -> None:
    wanted = sorted(data.draw(st.sets(st.sampled_from(existing)))) if existing else []
    assert expand(format_uid_set(wanted, existing), existing) == wanted


def test_uid_set_of_neighbours_is_one_range() -> None:
    assert format_uid_set([3, 5, 9, 12], [1, 3, 5, 9, 10, 12]) == "3:9,12"


@given(st.lists(st.integers(1, 2**32 - 1), max_size=2000))
def test_long_uid_set_is_split_between_commands(uids: list[int]) -> None:
    whole = ",".join(map(str, uids))
    parts = list(split_uid_set(whole))
    assert ",".join(parts) == whole
    assert all(0 < len(part) <= UID_SET_LIMIT for part in parts)


@given(UIDS, st.integers(1, 2**32 - 1))
def test_contains(uids: list[int], other: int) -> None:
    assert all(contains(uids, uid) for uid in uids)
    assert contains(uids, other) == (other in uids)


@given(UIDS, st.data())
def test_count(existing: list[int], data: st.DataObject) -> None:
    wanted = sorted(data.draw(st.sets(st.sampled_from(existing)))) if existing else []
    assert count_uids(",".join(map(str, wanted))) == len(wanted)
    assert count_uids("7:9,12") == 4
