# SPDX-License-Identifier: LGPL-2.1-or-later
"""A folder whose UIDs mean something else than they did: what is there is matched with what is on record.

Batch by batch, in a transaction each: a run that is cut off goes on where it was. Nothing is deleted on the
server before all is matched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.delivery import find_message_id
from cockpit_getmail.former import Former
from cockpit_getmail.matching import There, match
from cockpit_getmail.problem import Problem, printable
from cockpit_getmail.report import count
from cockpit_getmail.retriever.base import Renumbered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cockpit_getmail.folder_state import FolderState
    from cockpit_getmail.report import Reporter
    from cockpit_getmail.retriever.base import Folder, Remote, Retriever

BATCH_MESSAGES = 1000
ATTEMPTS = 3
"""So often a session may end at one message that is asked for alone."""
TOLD = 20_000
"""After so many messages each it is told how many are compared."""


def list_again(retriever: Retriever, opened: Folder, folder: FolderState, report: Reporter) -> list[Remote]:
    """Return the messages that no record is of, oldest first; the state knows the others. Raises Problem.

    A folder that is empty stays stale: what was in it may come back.
    """
    if not opened.messages:
        return []
    known = folder.known()
    try:
        if 0 < opened.uid_next < (highest := folder.highest):
            retriever.check_uids(highest - 1)
        new, present = retriever.list_new(known)
    except Renumbered as anew:
        # As where a backup of an earlier UIDVALIDITY was restored, under which there are records.
        report.warn(f"{anew}.")
        folder.number_anew()
        known = {}
        new, present = retriever.list_new(known)
    folder.saw(known, present)
    name = printable(opened.name)
    if new:
        report.note(f"The UIDs of {name} are others now: {count(len(new), 'message')} to be compared.")
    former = Former(folder)
    left: list[Remote] = []
    for start in range(0, len(new), BATCH_MESSAGES):
        left += _match(retriever, folder, former, new[start : start + BATCH_MESSAGES])
        if (done := start + BATCH_MESSAGES) % TOLD == 0 and done < len(new):
            report.note(f"{done} of {len(new)} messages of {name} compared.")
    former.end()
    if new:
        report.note(f"{count(len(new) - len(left), 'message')} of {name} known from before, {len(left)} new.")
    return left


def _match(
    retriever: Retriever, folder: FolderState, former: Former, batch: Sequence[Remote]
) -> list[Remote]:
    names = identify(retriever, folder, former.resembling(batch))
    there = [There(message, names.get(message.uid)) for message in batch]
    return former.move(match(there, former.find(there), folder.number))


def identify(retriever: Retriever, folder: FolderState, messages: Sequence[Remote]) -> dict[str, str | None]:
    """Return the Message-IDs by UID, as they are recorded of what is delivered. Raises Problem."""
    return {
        uid: find_message_id(header)
        for asked in _split(folder, messages)
        for uid, header in _identify(retriever, folder, asked).items()
    }


def _split(folder: FolderState, messages: Sequence[Remote]) -> Iterator[Sequence[Remote]]:
    """Yield the messages to be asked for at once, and then one by one those at which that failed before.

    Those at which the session ended even so, run after run, are fetched again, or set aside.
    """
    attempts = folder.attempts()
    untried = [message for message in messages if (message.uid, 0) not in attempts]
    if untried:
        yield untried
    yield from ([message] for message in messages if attempts.get((message.uid, 0), ATTEMPTS) < ATTEMPTS)


def _identify(retriever: Retriever, folder: FolderState, asked: Sequence[Remote]) -> dict[str, bytes]:
    """Return what these have as Message-ID. Where the session ends at one, it comes last in the next run."""
    try:
        return retriever.identify(asked)
    except Problem as problem:
        for message in asked if problem.cause in ("network", "protocol") else ():
            if len(asked) > 1:
                folder.postpone(message, problem.message)
            else:
                folder.failed(message, problem.message, None)
        raise
