# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reading a maildrop over POP3: with TOP, as a server may count what was asked for by RETR as read."""

from __future__ import annotations

from collections import Counter

from cockpit_getmail.envelope import HEADER_LIMIT
from cockpit_getmail.problem import failure, printable
from cockpit_getmail.remote.mail import PAGE_LIMIT, WHOLE_LIMIT, Entry, Octets, Page, not_there

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cockpit_getmail.remote.mail import Source
    from cockpit_getmail.remote.visit import Visit
    from cockpit_getmail.retriever.base import Remote
    from cockpit_getmail.retriever.pop3 import Pop3

FILES_LIMIT = 64 << 20
"""To read one of its files, POP3 needs all of a message."""
LINE_OCTETS = 60
"""A line of a large message has about so many: the beginning is asked for in lines."""


class Pop3Mail:
    """INBOX. See Mail. The last one listed is the newest; what a page of messages is after, is its UIDL."""

    validity = 0

    def __init__(self, visit: Visit) -> None:
        self._retriever: Pop3 = visit.retriever  # type: ignore[assignment]
        self._retriever.select()
        self.listed, _ = self._retriever.list_new({})

    def page(self, _search: str | None, limit: int, before: str | None) -> Page:
        end = len(self.listed) if before is None else self._find(before)[0]
        start = max(0, end - limit)
        counts = Counter(message.uid for message in self.listed)
        # Where there is more, a page ends at one that can be told from all others, and may be longer for it.
        places = (*range(start, end), *range(start - 1, max(-1, end - PAGE_LIMIT - 1), -1))
        certain = (place for place in places if self._is_certain(self.listed[place], counts))
        last = next(certain, 0) if start else 0
        wanted = self.listed[last:end][-PAGE_LIMIT:][::-1]
        return Page(len(self.listed), self.entries(wanted), _uid(wanted[-1]) if last else None)

    def load(self, uid: str, *, for_files: bool) -> Source:
        places = self._find(uid)
        if len(places) > 1:
            message = f"{len(places)} messages have the UIDL {printable(uid)}: they cannot be told apart."
            raise failure("mailbox", message, kind="Conflict")
        wanted = self.listed[places[0]]
        limit = FILES_LIMIT if for_files else WHOLE_LIMIT
        octets = self._read(wanted, limit)
        cut = wanted.size > limit or len(octets) > limit
        return Octets(Entry(uid, wanted.size, b""), octets[:limit], cut=cut)

    def entries(self, wanted: Sequence[Remote]) -> Iterator[Entry]:
        """Yield messages that are listed, in this order."""
        heads = self._retriever.read_beginnings(wanted, 0, HEADER_LIMIT)
        for message, head in zip(wanted, heads, strict=True):
            yield Entry(_uid(message), message.size, head or b"")

    def _read(self, wanted: Remote, limit: int) -> bytes:
        """Return a message, or of a large one more or less its beginning."""
        lines = wanted.size + 1 if wanted.size <= limit else limit // LINE_OCTETS
        for octets in self._retriever.read_beginnings([wanted], lines, limit + 1):
            if octets is not None:
                return octets
        return self._retrieve(wanted, limit)

    def _retrieve(self, wanted: Remote, limit: int) -> bytes:
        octets = bytearray()
        for part in self._retriever.retrieve([wanted]):
            if part.failure:
                raise failure("mailbox", part.failure)
            octets += part.data
            if len(octets) > limit:
                break
        # To the server QUIT would mean that the message is fetched.
        self._retriever.close(orderly=False)
        return bytes(octets)

    def _find(self, uid: str) -> list[int]:
        """Return where the messages with a UIDL are in the listing."""
        places = [place for place, message in enumerate(self.listed) if _uid(message) == uid]
        if not places:
            raise not_there(uid, "INBOX")
        return places

    def _is_certain(self, message: Remote, counts: Counter[str]) -> bool:
        return bool(message.uid) and counts[message.uid] == 1


def _uid(message: Remote) -> str:
    return printable(message.uid)
