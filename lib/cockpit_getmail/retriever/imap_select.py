# SPDX-License-Identifier: LGPL-2.1-or-later
"""EXAMINE and SELECT (RFC 3501 sections 6.3.1 and 6.3.2): a folder is opened, and says what is in it."""

import re
from collections.abc import Callable
from typing import NamedTuple

from cockpit_getmail.problem import Problem, quoted
from cockpit_getmail.retriever.base import INBOX, Folder, FolderProblem, Listed
from cockpit_getmail.retriever.imap_session import Answer, Session, quote, response_code
from cockpit_getmail.retriever.uid_set import UID_LIMIT

_EXISTS = re.compile(rb"(\d{1,10}) EXISTS\b", re.IGNORECASE)
_NUMBER = re.compile(rb"OK \[(UIDVALIDITY|UIDNEXT) (\d{1,10})\]", re.IGNORECASE)
_PERMANENT = re.compile(rb"OK \[PERMANENTFLAGS \(([^)]*)\)\]", re.IGNORECASE)


class Opened(NamedTuple):
    """A folder that is open, and the flags that can be set in it for good, in lower case."""

    folder: Folder
    settable: frozenset[bytes]


def select(
    session: Session, listed: Listed, command: str, explain: Callable[[Answer], Problem | None]
) -> Opened:
    """Open a folder by one of the two commands.

    Raises FolderProblem, and Problem: what `explain` has of a refusal, or the end of the session.
    """
    answer = _ask(session, listed, command)
    if answer.status != "OK":
        raise explain(answer) or _refused(session, listed, command, answer)
    messages: int | None = None
    numbers: dict[bytes, int] = {}
    # What is not said is allowed (section 7.1).
    permanent = rb"\Deleted \Seen"
    for line in answer.untagged:
        if found := _EXISTS.match(line):
            messages = int(found[1])
        elif found := _NUMBER.match(line):
            numbers[found[1].upper()] = int(found[2])
        elif found := _PERMANENT.match(line):
            permanent = found[1]
    validity = numbers.get(b"UIDVALIDITY", 0)
    if not 0 < validity < UID_LIMIT:
        of = "" if listed.name == INBOX.name else f" of {quoted(listed.name)}"
        raise FolderProblem(
            "protocol", f"{session.server} gives no UIDVALIDITY{of}: messages cannot be told apart."
        )
    if messages is None:
        what = f"how many messages {_tell(listed)} has"
        raise FolderProblem("protocol", f"{session.server} does not say {what}.")
    is_read_only = response_code(answer.text) == "READ-ONLY"
    settable = frozenset(() if is_read_only else permanent.lower().split())
    return Opened(Folder(listed.name, validity, messages, numbers.get(b"UIDNEXT", 0)), settable)


def _ask(session: Session, listed: Listed, command: str) -> Answer:
    if listed.name == INBOX.name:
        return session.ask(f"{command} {INBOX.name}")
    if name := quote(listed.wire):
        return session.ask(command.encode() + b" " + name)
    if b"\0" in listed.wire:
        raise FolderProblem("mailbox", f"No command can carry the name of the folder {_tell(listed)}.")
    # What cannot be quoted goes once the server is ready for it (section 4.3).
    return session.ask(b"%s {%d}" % (command.encode(), len(listed.wire)), lambda _: listed.wire)


def _refused(session: Session, listed: Listed, command: str, answer: Answer) -> Problem:
    if listed.name == INBOX.name:
        return session.refused(command, answer, "mailbox")
    said = session.shown(answer.text)
    return FolderProblem("mailbox", f"{session.server} does not open the folder {_tell(listed)}: {said}")


def _tell(listed: Listed) -> str:
    return listed.name if listed.name == INBOX.name else quoted(listed.name)
