# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages that a server shows in several folders: each is delivered from the first in which a run meets it.

Gmail has one message under all its labels, and tells by X-GM-MSGID which it is.
https://developers.google.com/workspace/gmail/imap/imap-extensions
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cockpit_getmail.retriever.base import Remote
    from cockpit_getmail.state import FolderState

KNOWS_COPIES = "X-GM-EXT-1"
"""The capability of a server that tells which messages are the same."""
_ASKED = 500
# What was set aside in another folder may yet be delivered from this one.
_SETTLED = """
SELECT DISTINCT same FROM message JOIN folder ON folder.id = message.folder
WHERE same <> '' AND same IN ({}) AND state <> 'quarantined'
AND mailbox = (SELECT mailbox FROM folder WHERE id = ?)
"""
_KEEP = (
    "INSERT OR REPLACE INTO message (folder, uid, ordinal, size, exact, state, clock, date, same) "
    "VALUES (?, ?, ?, ?, 0, 'duplicate', ?, ?, ?)"
)
_FORGET_FAILURE = "DELETE FROM failure WHERE folder = ? AND uid = ? AND ordinal = ?"


def set_apart(folder: FolderState, new: list[Remote]) -> list[Remote]:
    """Return those of the new messages that no other record is of; record the others as duplicates.

    Raises Problem (internal, quota).
    """
    settled = set(_find_settled(folder, sorted({message.same for message in new} - {""})))
    if not settled:
        return new
    with folder.transaction() as db:
        for uid, size, ordinal, _, date, same in new:
            if same in settled:
                db.execute(_KEEP, (folder.number, uid, ordinal, size, folder.clock, date, same))
                db.execute(_FORGET_FAILURE, (folder.number, uid, ordinal))
    return [message for message in new if message.same not in settled]


def _find_settled(folder: FolderState, asked: Sequence[str]) -> Iterator[str]:
    numbers = iter(asked)
    while some := list(islice(numbers, _ASKED)):
        query = _SETTLED.format(", ".join("?" * len(some)))
        yield from (same for (same,) in folder.rows(query, (*some, folder.number)))
