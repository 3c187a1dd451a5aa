# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages of a maildrop as they come: RETR, and TOP (RFC 1939 sections 5 and 7)."""

from collections import deque
from collections.abc import Iterator, Sequence

from cockpit_getmail.problem import failure
from cockpit_getmail.retriever.base import Part, Remote
from cockpit_getmail.retriever.pop3_listing import Listing
from cockpit_getmail.retriever.pop3_session import TEMPORARY, Session, find_code

ASKED_BYTES = 16 << 20
"""So much may be on its way at once."""
PART_BYTES = 1 << 20
"""A larger message is handed on in parts of about so many octets."""
OVERSIZE_FACTOR, OVERSIZE_OCTETS = 4, 1 << 20
"""A message may be so many times and so many octets larger than listed: servers estimate, but not by more."""


def retrieve(session: Session, listing: Listing, wanted: Sequence[Remote]) -> Iterator[Part]:
    """Yield the parts of messages in their order. See retriever.base. Raises Problem."""
    waiting = deque(wanted)
    asked: deque[Remote] = deque()
    octets = 0
    while asked or waiting:
        # The line stays busy: more is asked for as soon as half of it is here.
        if octets <= ASKED_BYTES // 2 and len(asked) <= session.ahead // 2:
            octets += _ask_messages(session, listing, waiting, asked, ASKED_BYTES - octets)
        message = asked.popleft()
        octets -= message.size
        if reason := listing.why_unusable(message.number):
            yield Part(message, b"", failure=reason)
        else:
            yield from _read_message(session, message)


def read_beginnings(
    session: Session, wanted: Sequence[Remote], lines: int, limit: int
) -> Iterator[bytes | None]:
    """Yield of each message its header and so many lines, at most `limit` octets (TOP, RFC 1939 section 7).

    None of one that the server does not show so. Nobody takes this for fetching. Raises Problem.
    """
    for start in range(0, len(wanted), session.ahead):
        batch = wanted[start : start + session.ahead]
        session.send([f"TOP {message.number} {lines}" for message in batch])
        yield from (_read_beginning(session, message, limit) for message in batch)


def _ask_messages(
    session: Session, listing: Listing, waiting: deque[Remote], asked: deque[Remote], room: int
) -> int:
    """Ask for the next messages: for one, or where the server allows it as many as there is room for."""
    commands: list[str] = []
    octets = 0
    while waiting and (not asked or (len(asked) < session.ahead and octets + waiting[0].size <= room)):
        message = waiting.popleft()
        asked.append(message)
        octets += message.size
        if not listing.why_unusable(message.number):
            commands.append(f"RETR {message.number}")
    session.has_retrieved = session.has_retrieved or bool(commands)
    session.send(commands)
    return octets


def _read_message(session: Session, message: Remote) -> Iterator[Part]:
    answer = session.replies.status(multiline=True)
    if not answer.ok:
        said = session.shown(answer.text)
        if find_code(answer, TEMPORARY):
            # The mailbox, not the network: the connection holds.
            raise failure("mailbox", f"{session.server} shows no more mail now: {said}")
        yield Part(message, b"", failure=f"The server refuses it: {said}")
        return
    part = bytearray()
    octets = 0
    for piece in _checked_body(session, message):
        part += piece
        octets += len(piece)
        if len(part) >= PART_BYTES:
            yield Part(message, bytes(part), last=False)
            part.clear()
    if octets:
        yield Part(message, bytes(part), exact=octets == message.size)
    else:
        yield Part(message, b"", failure="The server sent it without any content.")


def _read_beginning(session: Session, message: Remote, limit: int) -> bytes | None:
    if not session.replies.status(multiline=True).ok:
        return None
    found = bytearray()
    for piece in _checked_body(session, message):
        # What is too much is read all the same: the next answer comes after it.
        found += piece[: limit - len(found)]
    return bytes(found)


def _checked_body(session: Session, message: Remote) -> Iterator[bytes]:
    """Yield what comes of a message. Raises Problem for one without end."""
    octets = 0
    for piece in session.replies.body():
        octets += len(piece)
        if octets > OVERSIZE_FACTOR * message.size + OVERSIZE_OCTETS:
            what = f"a message without end that it lists as {message.size} octets"
            raise failure("protocol", f"{session.server} sends {what}.")
        yield piece
