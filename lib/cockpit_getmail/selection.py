# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a connector wants of the messages that it has not fetched: Search, Since, MaxSize and MaxMessages.

What it does not want is passed over, and what is beyond MaxMessages is left for the next runs. Neither is
recorded as fetched: each run looks at it anew, as a message may have changed meanwhile, or the connector.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cockpit_getmail.problem import failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.criteria import Pieces
    from cockpit_getmail.retriever.base import Remote, Retriever

    Tried = Callable[[], Iterable[tuple[str, int]]]
    """Gives the (uid, ordinal) of messages that were tried in vain, in the order to try them again in."""


class Chosen(NamedTuple):
    """What is wanted of the new messages of a folder, oldest first; how many are passed over or left.

    `first` is the first message of these.
    """

    wanted: list[Remote]
    passed: int = 0
    left: int = 0
    first: Remote | None = None


class Selection:
    """What one run wants, over all folders."""

    def __init__(self, wanted: Pieces | None, max_size: int | None, max_messages: int | None) -> None:
        self._criteria = wanted
        self._max_size = max_size
        self._room = max_messages

    @property
    def is_narrow(self) -> bool:
        """Whether there may be messages that are not wanted, so that a bare listing is enough at first."""
        return (self._criteria, self._max_size, self._room) != (None, None, None)

    def choose(self, retriever: Retriever, new: list[Remote], tried: Tried = tuple) -> Chosen:
        """Return what is wanted of the new messages of the folder that was listed last."""
        if not (new and self.is_narrow):
            return Chosen(new)
        matching = new
        if self._criteria:
            matching = retriever.search(self._criteria, matching)
        if self._max_size is not None:
            limit = self._max_size
            matching = [message for message in retriever.describe(matching) if message.size <= limit]
        wanted = retriever.describe(self._take(matching, tried))
        taken = {_key(message) for message in wanted}
        first = next((message for message in new if _key(message) not in taken), None)
        return Chosen(wanted, len(new) - len(matching), len(matching) - len(wanted), first)

    def _take(self, matching: Sequence[Remote], tried: Tried) -> Sequence[Remote]:
        """Return those that there is room for in this run: first what was not tried in vain before."""
        if self._room is None:
            return matching
        if len(matching) > self._room:
            turns = {key: turn for turn, key in enumerate(tried())}
            ordered = sorted(matching, key=lambda message: turns.get(_key(message), -1))
            taken = set(map(_key, ordered[: self._room]))
            matching = [message for message in matching if _key(message) in taken]
        self._room -= len(matching)
        return matching


def make(connector: Connector) -> Selection:
    """Return what a connector wants. Raises Problem, as find_criteria() does."""
    return Selection(find_criteria(connector), connector.max_size, connector.max_messages)


def find_criteria(connector: Connector) -> Pieces | None:
    """Return what Search and Since ask a server for, None for all.

    Raises Problem (connector) if they cannot be understood, as in a database that was written by hand.
    """
    if connector.search == "ALL" and not connector.since:
        return None
    from cockpit_getmail import criteria

    try:
        pieces = criteria.parse(connector.search)
        if connector.since:
            pieces = (*pieces[:-1], f"{pieces[-1]} SINCE {criteria.format_date(connector.since)}")
    except ValueError as error:
        raise failure(
            "connector", f"Search or Since of this connector cannot be understood: {error}."
        ) from error
    return None if pieces == criteria.ALL else pieces


def _key(message: Remote) -> tuple[str, int]:
    return message.uid, message.ordinal
