# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages that a server shows in several folders: each is delivered from the first in which a run meets it.

Gmail has one message under all its labels, and tells by X-GM-MSGID which it is.
https://developers.google.com/workspace/gmail/imap/imap-extensions
It is not believed alone: what has another size, or came at another time, is fetched.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING

from cockpit_getmail.matching import There

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from typing import TypeAlias

    from cockpit_getmail.folder_state import FolderState
    from cockpit_getmail.retriever.base import Remote

    _Key: TypeAlias = tuple[str, int]

KNOWS_COPIES = "X-GM-EXT-1"
"""The capability of a server that tells which messages are the same."""
_ASKED = 500
# What was set aside in another folder may yet be delivered from this one.
_SETTLED = """
SELECT DISTINCT same, size, date FROM message JOIN folder ON folder.id = message.folder
WHERE same <> '' AND same IN ({}) AND state <> 'quarantined'
AND mailbox = (SELECT mailbox FROM folder WHERE id = ?)
"""


def set_apart(folder: FolderState, new: list[Remote]) -> list[Remote]:
    """Return those of the new messages that no other record is of; record the others as duplicates.

    Raises Problem (internal, quota).
    """
    settled = _find_settled(folder, sorted({message.same for message in new} - {""}))
    apart = [message for message in new if _is_settled(message, settled)]
    if not apart:
        return new
    folder.pass_by(map(There, apart), "duplicate")
    return [message for message in new if not _is_settled(message, settled)]


def _is_settled(message: Remote, settled: Mapping[_Key, Collection[int | None]]) -> bool:
    dates = settled.get((message.same, message.size), ())
    # What was recorded before dates were has none.
    return bool(dates) and (message.date is None or message.date in dates or None in dates)


def _find_settled(folder: FolderState, asked: Sequence[str]) -> Mapping[_Key, Collection[int | None]]:
    """Return the dates of what no run fetches, by what it bears and size."""
    found: defaultdict[_Key, set[int | None]] = defaultdict(set)
    numbers = iter(asked)
    while some := list(islice(numbers, _ASKED)):
        query = _SETTLED.format(", ".join("?" * len(some)))
        for same, size, date in folder.rows(query, (*some, folder.number)):
            found[same, size].add(date)
    return found
