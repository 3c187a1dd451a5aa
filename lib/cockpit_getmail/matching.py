# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which records are of which messages, where no UID tells it.

By X-GM-MSGID and size where the server has that, else by Message-ID, size and INTERNALDATE. It is counted: so
many records of one key are of so many messages at most. What no record is of is fetched, at worst again.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from cockpit_getmail.retriever.base import Remote

Key: TypeAlias = tuple[str, str, int, int]
_DELIVERED = ("delivered", "removed")


class There(NamedTuple):
    """A message on the server, with its Message-ID if that was asked for."""

    message: Remote
    message_id: str | None = None

    @property
    def key(self) -> Key | None:
        """What it has in common with its record; None if that cannot be told."""
        message = self.message
        if message.same:
            return "same", message.same, message.size, 0
        if self.message_id is None or message.date is None:
            return None
        return "id", self.message_id, message.size, message.date


class Known(NamedTuple):
    """A message on record, of the folder of this number: see state_file for what it has."""

    folder: int
    uid: str
    ordinal: int
    size: int
    date: int | None
    message_id: str | None
    same: str
    state: str
    is_missing: bool

    @property
    def row(self) -> tuple[int, str, int]:
        """What its row in the state is found by: folder, uid and ordinal."""
        return self.folder, self.uid, self.ordinal

    @property
    def keys(self) -> list[Key]:
        """The keys of messages that it may be of."""
        keys: list[Key] = [("same", self.same, self.size, 0)] if self.same else []
        if self.message_id is not None and self.date is not None:
            keys.append(("id", self.message_id, self.size, self.date))
        return keys


class Matched(NamedTuple):
    """Which record is of which message, and the messages of which none is.

    `doubtful` are UIDs under which a message is now on record as delivered that may be another of that key,
    which was not: it must not be deleted.
    """

    pairs: list[tuple[There, Known]]
    left: list[There]
    doubtful: set[str]


def match(there: Sequence[There], known: Iterable[Known], here: int) -> Matched:
    """Match messages, oldest first, with records; those of folder `here` are of other messages already."""
    groups: defaultdict[Key, list[Known]] = defaultdict(list)
    for record in sorted(known, key=_rank):
        for key in record.keys:
            groups[key].append(record)
    free = {key: deque(group) for key, group in groups.items()}
    uids = {record.row: record.uid for group in groups.values() for record in group if record.folder == here}
    matched = Matched([], [], set())
    for message in there:
        pool = free.get(message.key) if message.key else None
        while pool and pool[0].row in uids:
            pool.popleft()
        if pool:
            uids[pool[0].row] = message.message.uid
            matched.pairs.append((message, pool.popleft()))
        else:
            matched.left.append(message)
    short = {message.key for message in matched.left}
    for key in {message.key for message in there if message.key} & groups.keys():
        if key in short or any(record.state not in _DELIVERED for record in groups[key]):
            matched.doubtful.update(
                uids[record.row]
                for record in groups[key]
                if record.state == "delivered" and record.row in uids
            )
    return matched


def _rank(record: Known) -> tuple[bool, bool, bool, int, int, str]:
    """Return what sorts first which of several records is the one of a message.

    What the server had when it was last listed goes first, and of that what was not delivered: where it
    cannot be told which one is still there, it is never deleted. They come in the order of their UIDs, which
    servers mostly keep.
    """
    is_removed, is_delivered = record.state == "removed", record.state == "delivered"
    return record.is_missing, is_removed, is_delivered, -record.folder, len(record.uid), record.uid
