# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages and their records: what matches is counted, and what is in doubt is fetched and not deleted."""

from collections import Counter
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.matching import Key, Known, There, match
from cockpit_getmail.retriever.base import Remote

HERE, FORMER = 9, 4
STATES = ("delivered", "removed", "quarantined", "skipped", "dropped", "baselined", "duplicate")


def there(
    uid: int, message_id: str | None = "<a>", size: int = 10, date: int | None = 5, same: str = ""
) -> There:
    return There(Remote(str(uid), size, date=date, same=same), message_id)


def known(
    uid: int,
    message_id: str | None = "<a>",
    size: int = 10,
    date: int | None = 5,
    same: str = "",
    *,
    state: str = "delivered",
    folder: int = FORMER,
    is_missing: bool = False,
) -> Known:
    return Known(folder, str(uid), 0, size, date, message_id, same, state, is_missing)


def pairs(messages: list[There], records: list[Known]) -> list[tuple[str, str]]:
    """Return the present UID and the former one of what matches."""
    return [(one.message.uid, record.uid) for one, record in match(messages, records, HERE).pairs]


def test_message_is_known_by_message_id_size_and_date() -> None:
    assert pairs([there(1)], [known(7)]) == [("1", "7")]
    for other in (known(7, "<b>"), known(7, size=11), known(7, date=6)):
        assert pairs([there(1)], [other]) == []


@pytest.mark.parametrize(
    ("message", "record"),
    [
        (there(1, None), known(7, None)),
        (there(1, date=None), known(7, date=None)),
        (there(1, ""), known(7, None)),
    ],
)
def test_what_has_no_message_id_or_date_is_fetched_again(message: There, record: Known) -> None:
    assert match([message], [record], HERE).left == [message]


def test_what_all_copies_bear_is_enough_and_contradicts_the_rest() -> None:
    assert pairs([there(1, None, date=None, same="77")], [known(7, None, date=None, same="77")]) == [
        ("1", "7")
    ]
    assert pairs([there(1, same="78")], [known(7, same="77")]) == []
    assert pairs([there(1, same="77", size=11)], [known(7, same="77")]) == []
    # The server tells it no longer.
    assert pairs([there(1)], [known(7, same="77")]) == [("1", "7")]


def test_several_of_one_key_match_in_order() -> None:
    messages = [there(uid) for uid in (1, 2, 3)]
    assert pairs(messages, [known(10), known(9)]) == [("1", "9"), ("2", "10")]
    assert match(messages, [known(10), known(9)], HERE).left == [there(3)]


def test_none_of_more_messages_than_records_is_deleted() -> None:
    assert match([there(1), there(2)], [known(7)], HERE).doubtful == {"1"}
    assert match([there(1), there(2)], [known(7), known(8)], HERE).doubtful == set()
    assert match([there(1)], [known(7), known(8)], HERE).doubtful == set()
    # One of a batch before.
    assert match([there(2)], [known(1, folder=HERE)], HERE).doubtful == {"1"}


@pytest.mark.parametrize("state", STATES[2:])
def test_where_one_of_a_key_was_not_delivered_none_is_deleted(state: str) -> None:
    records = [known(7), known(8, state=state)]
    found = match([there(1)], records, HERE)
    assert [(record.state, found.doubtful) for _, record in found.pairs] == [(state, set())]
    found = match([there(1), there(2)], records, HERE)
    assert found.doubtful == {"2"}


def test_what_was_there_last_goes_first() -> None:
    records = [
        known(1, is_missing=True),
        known(2, state="removed"),
        known(3, folder=FORMER - 1),
        known(4, state="quarantined", is_missing=True),
        known(5),
    ]
    messages = [there(uid) for uid in range(11, 16)]
    assert [was for _, was in pairs(messages, records)] == ["5", "3", "2", "4", "1"]


MESSAGES = st.lists(
    st.tuples(
        st.sampled_from([None, "<a>", "<b>"]),
        st.sampled_from([10, 11]),
        st.sampled_from([None, 5, 6]),
        st.sampled_from(["", "", "77"]),
    ),
    max_size=12,
)


@pytest.mark.long
@given(
    MESSAGES,
    st.lists(
        st.tuples(MESSAGES.map(lambda some: some[:1]), st.sampled_from(STATES), st.booleans(), st.booleans())
    ),
)
def test_any_messages_and_records(
    messages: list[tuple[str | None, int, int | None, str]],
    records: list[tuple[list[tuple[str | None, int, int | None, str]], str, bool, bool]],
) -> None:
    numbers = count(1)
    there_now = [there(next(numbers), *one) for one in messages]
    recorded = [
        known(next(numbers), *one[0], state=state, is_missing=missing, folder=HERE if here else FORMER)
        for one, state, missing, here in records
        if one
    ]
    found = match(there_now, recorded, HERE)
    # Each message once, in order, and no record twice or of another key, or of another message already.
    assert sorted([*found.left, *(one for one, _ in found.pairs)], key=there_now.index) == there_now
    rows = [record.row for _, record in found.pairs]
    assert len({*rows}) == len(rows)
    assert all(record.folder == FORMER and one.key in record.keys for one, record in found.pairs)
    # As many of a key as there are.
    free = Counter(key for record in recorded if record.folder == FORMER for key in record.keys)
    wanted = Counter(one.key for one in there_now if one.key)
    by_key = Counter(one.key for one, _ in found.pairs)
    simple = [key for key in wanted if not any(key in one.keys and len(one.keys) > 1 for one in recorded)]
    assert all(by_key[key] == min(free[key], wanted[key]) for key in simple)
    # Where all messages of a key are known and all its records delivered, there is no doubt; else there is.
    uids: dict[str, Key | None] = {one.message.uid: one.key for one in there_now}
    short = {one.key for one in found.left}
    for one, record in found.pairs:
        states = {other.state for other in recorded if one.key in other.keys}
        is_doubtful = one.key in short or not states <= {"delivered", "removed"}
        if record.state == "delivered" and one.key in simple:
            assert (one.message.uid in found.doubtful) == is_doubtful
    assert found.doubtful <= uids.keys() | {record.uid for record in recorded if record.folder == HERE}


@pytest.mark.long
def test_a_hundred_thousand_of_one_key_take_no_longer_than_others() -> None:
    many = 100_000
    messages = [there(uid) for uid in range(many)]
    assert len(match(messages, [known(uid) for uid in range(many)], HERE).pairs) == many
