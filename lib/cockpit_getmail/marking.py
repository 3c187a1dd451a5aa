# SPDX-License-Identifier: LGPL-2.1-or-later
"""What was delivered, marked as seen on the server (MarkSeen), by this run or a later one.

What is about to be fetched is noted first: so a run that is cut off leaves nothing unmarked for ever, and
nothing is marked that was delivered while nobody wanted marks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.retriever.base import Remote
from cockpit_getmail.state_file import ONE_MESSAGE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cockpit_getmail.folder_state import FolderState
    from cockpit_getmail.retriever.base import Retriever

_DELIVERED = (
    "SELECT uid, size, ordinal FROM unmarked JOIN message USING (folder, uid, ordinal) "
    "WHERE folder = ? AND state = 'delivered' AND missing IS NULL ORDER BY CAST(uid AS INTEGER)"
)
_FORGET = f"DELETE FROM unmarked {ONE_MESSAGE}"  # noqa: S608 (constants only)


def intend(folder: FolderState, wanted: Iterable[Remote]) -> None:
    """Note what is to be marked once it is delivered. Raises Problem (internal, quota)."""
    with folder.transaction() as db:
        db.executemany(
            "INSERT OR IGNORE INTO unmarked VALUES (?, ?, ?)",
            ((folder.number, message.uid, message.ordinal) for message in wanted),
        )


def is_waiting(folder: FolderState) -> bool:
    """Whether something is to be marked. Raises Problem (internal, quota)."""
    return bool(folder.rows(_DELIVERED, (folder.number,)))


def mark(folder: FolderState, retriever: Retriever) -> None:
    """Mark what is recorded as delivered and was to be marked; it is not tried twice. Raises Problem."""
    delivered = [Remote(*row) for row in folder.rows(_DELIVERED, (folder.number,))]
    if not delivered:
        return
    retriever.mark_seen(delivered)
    with folder.transaction() as db:
        db.executemany(
            _FORGET,
            ((folder.number, message.uid, message.ordinal) for message in delivered),
        )
