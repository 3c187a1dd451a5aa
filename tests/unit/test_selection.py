# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is wanted of the messages that are new. With servers: tests/mail."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever.base import Remote
from cockpit_getmail.selection import Chosen, Selection, find_criteria, make

Pieces = tuple[str, ...]
SIZES = (10, 500, 20, 900, 30, 40)
LISTED = [Remote(str(uid), 0) for uid in range(1, 7)]
KEYS = [(message.uid, 0) for message in LISTED]


class Box:
    """A folder with six messages, of which a search finds those of `matching`."""

    def __init__(self, *matching: int) -> None:
        self.matching = matching
        self.described: list[str] = []
        self.searches: list[Pieces] = []

    def search(self, criteria: Pieces, messages: Sequence[Remote]) -> list[Remote]:
        self.searches.append(criteria)
        return [message for message in messages if int(message.uid) in self.matching]

    def describe(self, messages: Sequence[Remote]) -> list[Remote]:
        self.described += [message.uid for message in messages if not message.size]
        return [message._replace(size=SIZES[int(message.uid) - 1]) for message in messages]


def choose(selection: Selection, box: Box, *tried: int) -> tuple[list[int], int, int, int]:
    """Return the UIDs of what is wanted, how many are passed over and left, and the UID of the first."""
    chosen = selection.choose(box, LISTED, lambda: [(str(uid), 0) for uid in tried])  # type: ignore[arg-type]
    assert not selection.is_narrow or all(
        message.size == SIZES[int(message.uid) - 1] for message in chosen.wanted
    )
    uids = [int(message.uid) for message in chosen.wanted]
    return uids, chosen.passed, chosen.left, int(chosen.first.uid) if chosen.first else 0


def connector(**props: str) -> Connector:
    return Connector("me", {"Retriever": "SimpleIMAPRetriever", "Server": "mail.example", **props}, {})


def test_all_is_wanted_without_a_word_to_the_server() -> None:
    selection = make(connector())
    assert not selection.is_narrow
    assert selection.choose(None, LISTED) == Chosen(LISTED)  # type: ignore[arg-type]


def test_nothing_new_is_nothing_to_ask_for() -> None:
    assert make(connector(Search="SEEN")).choose(None, []) == Chosen([])  # type: ignore[arg-type]


def test_search() -> None:
    box = Box(2, 3, 6)
    assert choose(make(connector(Search="from x")), box) == ([2, 3, 6], 3, 0, 1)
    assert box.searches == [('FROM "x"',)]
    assert box.described == ["2", "3", "6"]


def test_size() -> None:
    assert choose(make(connector(MaxSize="40")), Box()) == ([1, 3, 5, 6], 2, 0, 2)
    assert choose(make(connector(MaxSize="900")), Box()) == ([1, 2, 3, 4, 5, 6], 0, 0, 0)


def test_so_many_over_all_folders() -> None:
    selection = make(connector(MaxMessages="8"))
    box = Box()
    assert choose(selection, box) == ([1, 2, 3, 4, 5, 6], 0, 0, 0)
    assert choose(selection, box) == ([1, 2], 0, 4, 3)
    assert choose(selection, box) == ([], 0, 6, 1)
    # Nobody wants to know the sizes of the others.
    assert len(box.described) == 8


def test_what_was_tried_in_vain_comes_when_there_is_room() -> None:
    assert choose(make(connector(MaxMessages="3")), Box(), 1, 2) == ([3, 4, 5], 0, 3, 1)
    assert choose(make(connector(MaxMessages="5")), Box(), 2, 1) == ([2, 3, 4, 5, 6], 0, 1, 1)
    assert choose(make(connector(MaxMessages="6")), Box(), 2, 1) == ([1, 2, 3, 4, 5, 6], 0, 0, 0)


@pytest.mark.long
@given(
    st.sets(st.integers(1, 6)), st.none() | st.integers(1, 1000), st.none() | st.integers(1, 8), st.booleans()
)
def test_each_message_is_wanted_passed_over_or_left(
    matching: set[int], size: int | None, most: int | None, is_searched: bool
) -> None:
    selection = Selection(("SEEN",) if is_searched else None, size, most)
    wanted, passed, left, first = choose(selection, Box(*matching))
    fits = [
        uid
        for uid in range(1, 7)
        if (uid in matching or not is_searched) and (size is None or SIZES[uid - 1] <= size)
    ]
    assert wanted == fits[:most]
    assert (passed, left) == (6 - len(fits), len(fits) - len(wanted))
    assert first == next((uid for uid in range(1, 7) if uid not in wanted), 0)


@pytest.mark.parametrize(
    ("props", "pieces"),
    [
        ({}, None),
        ({"Search": "ALL"}, None),
        ({"Search": " all "}, None),
        ({"Since": "2026-01-31"}, ("ALL SINCE 31-Jan-2026",)),
        ({"Search": "OR SEEN FLAGGED", "Since": "2026-11-01"}, ("OR SEEN FLAGGED SINCE 1-Nov-2026",)),
        ({"Search": "SUBJECT ü", "Since": "2026-11-01"}, ("SUBJECT ", "ü", " SINCE 1-Nov-2026")),
    ],
)
def test_what_the_server_is_asked_for(props: dict[str, str], pieces: Pieces | None) -> None:
    assert find_criteria(connector(**props)) == pieces


@pytest.mark.parametrize("props", [{"Search": "ALL) ("}, {"Since": "yesterday"}, {"Since": "2026-02-30"}])
def test_database_written_by_hand(props: dict[str, str]) -> None:
    """It is told, and not taken for all."""
    with pytest.raises(Problem, match="cannot be understood") as caught:
        make(connector(**props))
    assert caught.value.cause == "connector"
