# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages of a remote folder as they are read, whatever the protocol."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from cockpit_getmail.problem import failure, printable
from cockpit_getmail.remote import mime
from cockpit_getmail.remote.mime import content, parts
from cockpit_getmail.remote.mime.header import find_end

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cockpit_getmail.problem import Problem
    from cockpit_getmail.remote import Request
    from cockpit_getmail.remote.mime.parts import Part
    from cockpit_getmail.remote.visit import Visit

PAGE_LIMIT = 200
WHOLE_LIMIT = 4 << 20
"""A message of at most so many octets is read as a whole, for its text as well as for one of its files."""


class Entry(NamedTuple):
    """A message as the server tells of it. `received` is in seconds since 1970, None if it is not known."""

    uid: str
    size: int
    head: bytes
    flags: tuple[str, ...] = ()
    received: int | None = None

    def tell(self) -> dict[str, Any]:
        """Return it as the answers tell it, headers included."""
        about = {"uid": self.uid, "flags": list(self.flags), "size": self.size, "received": self.received}
        return {**about, **mime.tell_header(self.head)}


class Page(NamedTuple):
    """Some messages of a folder, newest first, of `total` there are or were searched for.

    `before` is where to go on after the last one, None if there are no more.
    """

    total: int
    entries: Iterator[Entry]
    before: str | None


class Source(Protocol):
    """A message that is read. Its methods raise Problem."""

    entry: Entry
    parts: list[Part]
    whole: bool
    """Whether these are all of its parts."""

    def read(self, part: Part, offset: int, limit: int) -> bytes:
        """Return the octets of a part from `offset` on, encoded; fewer than `limit` only at its end."""

    def size(self, part: Part) -> int:
        """Return how many octets a part has once decoded, or about so many."""


class Mail(Protocol):
    """A folder that is open for reading. Its methods raise Problem."""

    validity: int

    def page(self, search: str | None, limit: int, before: str | None) -> Page:
        """Return messages: the newest, or those that are older than `before`."""

    def load(self, uid: str, *, for_files: bool) -> Source:
        """Return a message. `for_files` tells that its files are what is wanted, and not just its text."""


class Octets:
    """A message, or its beginning, that was read as a whole."""

    def __init__(self, entry: Entry, octets: bytes, *, cut: bool) -> None:
        end, _ = find_end(octets, 0, len(octets))
        self.entry = entry._replace(head=octets[:end])
        self.parts, self.whole = parts.split(octets, cut=cut)
        self._octets = octets

    def read(self, part: Part, offset: int, limit: int) -> bytes:
        start = part.start + offset
        return self._octets[start : min(part.end, start + limit)]

    def size(self, part: Part) -> int:
        return len(content.decode(self._octets[part.start : part.end], part.encoding))


def open_mail(visit: Visit, request: Request) -> Mail:
    """Return the folder that a request is about. Raises Problem."""
    if visit.protocol == "pop3":
        from cockpit_getmail.remote.mail_pop3 import Pop3Mail

        return Pop3Mail(visit)
    from cockpit_getmail.remote.mail_imap import ImapMail

    return ImapMail(visit, request["folder"])


def not_there(uid: str, folder: str) -> Problem:
    """Return the Problem of a message that there is not."""
    message = f"There is no message {printable(uid)} in {printable(folder)}."
    return failure("mailbox", message, kind="NotFound")
