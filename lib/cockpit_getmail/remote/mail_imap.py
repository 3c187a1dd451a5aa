# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reading a folder over IMAP: with EXAMINE and BODY.PEEK, so that nothing is marked as seen."""

from __future__ import annotations

import imaplib
from bisect import bisect_left
from datetime import datetime

from cockpit_getmail import criteria
from cockpit_getmail.envelope import HEADER_LIMIT
from cockpit_getmail.problem import failure
from cockpit_getmail.remote.acting import explain
from cockpit_getmail.remote.mail import WHOLE_LIMIT, Entry, Octets, Page, not_there
from cockpit_getmail.remote.mime import content, structure
from cockpit_getmail.remote.mime.parts import PARTS_LIMIT
from cockpit_getmail.retriever.imap_client import Refused
from cockpit_getmail.retriever.imap_fetch import Fetcher
from cockpit_getmail.retriever.uid_set import UID_LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from cockpit_getmail.remote.mail import Source
    from cockpit_getmail.remote.mime.parts import Part
    from cockpit_getmail.remote.visit import Visit

BATCH = 50
"""Headers in one command."""
_NO_STRUCTURE = (AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What comes of an answer that IMAPClient cannot make sense of."""
_ABOUT = ("FLAGS", "RFC822.SIZE", "INTERNALDATE")
_HEAD = f"BODY.PEEK[HEADER]<0.{HEADER_LIMIT}>"


class ImapMail:
    """A folder, by its name as people read it. See Mail."""

    def __init__(self, visit: Visit, folder: str) -> None:
        self._visit = visit
        self._folder = folder
        self._client = visit.imap
        # Else a date would lose its time zone.
        self._client.normalise_times = False
        try:
            opened = self._client.select_folder(folder, readonly=True)
        except Refused as refused:
            raise explain(visit, refused, folder) from refused
        self.validity = _number(opened.get(b"UIDVALIDITY"))
        self._messages = _number(opened.get(b"EXISTS"))

    def page(self, search: str | None, limit: int, before: str | None) -> Page:
        uids = self._search(search or "ALL") if self._messages else ()
        end = len(uids) if before is None else bisect_left(uids, self._parse(before))
        wanted = [uids[at] for at in range(end - 1, max(-1, end - 1 - limit), -1)]
        return Page(len(uids), self.entries(wanted), str(wanted[-1]) if end > limit else None)

    def load(self, uid: str, *, for_files: bool) -> Source:
        number = self._parse(uid)
        entry = _entry(number, self._fetch(number, *_ABOUT), b"")
        if entry.size <= WHOLE_LIMIT:
            octets = self.read(number, "", 0, WHOLE_LIMIT + 1)
            # Some servers do not tell the size as it is.
            if len(octets) <= WHOLE_LIMIT:
                return Octets(entry, octets, cut=False)
        found = self._find_parts(number)
        # Where a boundary is missing, all is between the parts of some servers.
        if any(part.octets for part in found):
            head = b"" if for_files else self.read(number, "HEADER", 0, HEADER_LIMIT)
            return Sections(self, number, entry._replace(head=head), found)
        return Octets(entry, self.read(number, "", 0, WHOLE_LIMIT), cut=True)

    def read(self, uid: int, section: str, offset: int, limit: int) -> bytes:
        """Return octets of a section of a message (RFC 3501 section 6.4.5)."""
        found = self._fetch(uid, f"BODY.PEEK[{section}]<{offset}.{limit}>")
        octets = _body(found, section)
        # Beyond the end some servers show an empty string, and some NIL.
        if octets is None and offset:
            return b""
        if octets is None:
            raise failure("protocol", f"{self._visit.session.server} does not show what is in this message.")
        return octets[:limit]

    def _search(self, search: str) -> Sequence[int]:
        session = self._visit.session
        try:
            pieces = criteria.parse(search)
        except ValueError as error:
            raise failure("connector", f"This cannot be searched for: {error}.") from error
        extended = "ESEARCH" in session.capabilities()
        return Fetcher(session).search(pieces, "1:*", self._messages, extended=extended)

    def entries(self, uids: Sequence[int]) -> Iterator[Entry]:
        """Yield messages in this order, those that there are."""
        for start in range(0, len(uids), BATCH):
            batch = uids[start : start + BATCH]
            found = self._client.fetch(batch, [*_ABOUT, _HEAD])
            # One that is gone meanwhile is passed over.
            there = [uid for uid in batch if uid in found]
            yield from (_entry(uid, found[uid], _body(found[uid], "HEADER") or b"") for uid in there)

    def _fetch(self, uid: int, *items: str) -> Mapping[bytes, Any]:
        found = self._client.fetch([uid], items)
        if uid not in found:
            raise not_there(str(uid), self._folder)
        told: Mapping[bytes, Any] = found[uid]
        return told

    def _find_parts(self, uid: int) -> list[Part]:
        """Return the parts as the server tells them, none if that cannot be understood."""
        try:
            return structure.read(self._fetch(uid, "BODYSTRUCTURE").get(b"BODYSTRUCTURE"))
        except imaplib.IMAP4.abort:
            raise
        except (imaplib.IMAP4.error, *_NO_STRUCTURE):
            return []

    def _parse(self, uid: str) -> int:
        if uid.isascii() and uid.isdecimal() and len(uid) <= 10 and 0 < int(uid) < UID_LIMIT:
            return int(uid)
        raise not_there(uid, self._folder)


class Sections:
    """A large message, of which just what is wanted is read. See Source."""

    def __init__(self, mail: ImapMail, uid: int, entry: Entry, found: list[Part]) -> None:
        self._mail = mail
        self._uid = uid
        self.entry = entry
        self.parts = found[:PARTS_LIMIT]
        self.whole = len(found) <= PARTS_LIMIT

    def read(self, part: Part, offset: int, limit: int) -> bytes:
        return self._mail.read(self._uid, part.id, offset, limit)

    def size(self, part: Part) -> int:
        return content.estimate(part.octets, part.encoding)


def _entry(uid: int, told: Mapping[bytes, Any], head: bytes) -> Entry:
    flags = told.get(b"FLAGS")
    received = told.get(b"INTERNALDATE")
    return Entry(
        str(uid),
        _number(told.get(b"RFC822.SIZE")),
        head,
        tuple(map(_text, flags)) if isinstance(flags, tuple) else (),
        max(0, int(received.timestamp())) if isinstance(received, datetime) else None,
    )


def _body(told: Mapping[bytes, Any], section: str) -> bytes | None:
    # The place of a piece is told, but some servers leave out that of the first.
    for name, value in told.items():
        if name.upper().startswith(f"BODY[{section}]".encode()) and isinstance(value, bytes):
            return value
    return None


def _number(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _text(value: object) -> str:
    return value.decode("ascii", "backslashreplace") if isinstance(value, bytes) else str(value)
