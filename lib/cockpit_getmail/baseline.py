# SPDX-License-Identifier: LGPL-2.1-or-later
"""A folder whose messages count as seen from now on: none of those there is ever fetched, or deleted there.

It is recorded what they are known by under another UIDVALIDITY, too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail import rematch
from cockpit_getmail.fetch_folder import Result, check_uids, expect_newest
from cockpit_getmail.matching import There
from cockpit_getmail.problem import quoted
from cockpit_getmail.report import count
from cockpit_getmail.retriever.base import Renumbered, Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from cockpit_getmail.folder_state import FolderState
    from cockpit_getmail.report import Reporter
    from cockpit_getmail.retriever.base import Folder, Remote, Retriever

BATCH_MESSAGES = 1000


def mark(
    retriever: Retriever,
    opened: Folder,
    folder: FolderState,
    report: Reporter,
    advance: Callable[[int, int], None],
) -> Result:
    """Mark all that is in a folder and not on record, batch by batch; return how many messages.

    `advance` is called with how many more are marked, and how many more are to be. Raises Problem.
    """
    new = _list(retriever, opened, folder, report)
    if new:
        report.note(f"Folder {quoted(opened.name)}: {count(len(new), 'message')} to be marked as seen.")
        advance(0, len(new))
    for start in range(0, len(new), BATCH_MESSAGES):
        batch = new[start : start + BATCH_MESSAGES]
        names = rematch.identify(retriever, folder, [message for message in batch if not message.same])
        folder.pass_by((There(message, names.get(message.uid)) for message in batch), "baselined")
        advance(len(batch), 0)
    if opened.uid_next:
        folder.account(Seen(opened.uid_next, opened.messages), whole=True)
    while retriever.notes:
        report.warn(retriever.notes.pop(0))
    return Result(baselined=len(new), aside=folder.set_aside())


def _list(retriever: Retriever, opened: Folder, folder: FolderState, report: Reporter) -> Sequence[Remote]:
    """Return the messages that are not on record."""
    if not folder.stale:
        try:
            check_uids(retriever, opened, folder)
            expect_newest(retriever, folder)
            known = folder.known()
            new, present = retriever.list_new(known)
        except Renumbered as anew:
            report.warn(f"{anew}.")
            folder.number_anew()
        else:
            folder.saw(known, present)
            return new
    return rematch.list_again(retriever, opened, folder, report)
