# SPDX-License-Identifier: LGPL-2.1-or-later
"""The folders of an account: LIST and what extends it (RFC 3501 section 6.3.8, 5258, 5819, 6154), NAMESPACE.

A listing is bounded in octets and in folders. A name may be an atom, quoted or a literal.
"""

import re
from collections.abc import Mapping, Sequence

from cockpit_getmail import imap_utf7
from cockpit_getmail.problem import failure
from cockpit_getmail.retriever.base import ALL, INBOX, Listed, Status
from cockpit_getmail.retriever.imap_session import Session, quote

FOLDERS_LIMIT = 100_000
LISTING_LIMIT = 64 << 20
"""Octets of a listing: enough for so many folders, each with its status."""
NAME_LIMIT = 4096
ATTRIBUTES_LIMIT, KINDS_LIMIT = 20, 1000
"""Attributes of a folder that are told, and how many folders of an account may differ in them."""
STATUS_BATCH = 100
_WANTED = b"(MESSAGES UIDNEXT UIDVALIDITY)"
_LIST = re.compile(rb'X?LIST \(([^()]*)\) +(?:NIL|"\\?([\x01-\x7f])") +', re.IGNORECASE)
_STATUS = re.compile(rb"STATUS +", re.IGNORECASE)
_NAME = re.compile(rb'"((?:[^"\\\r\n]|\\.)*)"|~?\{(\d{1,10})\}\r?\n|([^ \r\n"]+)')
_COUNTS = re.compile(rb" *\(([^()]*)\)")
_NAMESPACE = re.compile(rb'NAMESPACE +\(\("((?:[^"\\\r\n]|\\.)*)"', re.IGNORECASE)
_XLIST_USES = {"\\allmail": "\\all", "\\spam": "\\junk", "\\starred": "\\flagged"}
"""What Google called the uses of folders before there was RFC 6154."""


def list_folders(session: Session, patterns: Sequence[bytes] = ALL) -> list[Listed]:
    """Return the folders that patterns mean, with special uses and status where the server tells them.

    A server that takes one pattern only lists all. Raises Problem.
    """
    command = _find_command(session.capabilities(), patterns)
    plain = b'LIST "" "*"'
    answer = session.ask(command, limit=LISTING_LIMIT)
    if answer.status != "OK" and command != plain:
        # It offers more than it can do.
        answer = session.ask(plain, limit=LISTING_LIMIT)
    if answer.status != "OK":
        raise session.refused("LIST", answer, "mailbox")
    return _parse(session, answer.untagged)


def add_statuses(session: Session, listed: Sequence[Listed]) -> list[Listed]:
    """Return folders with the status of those that the server tells it of (RFC 3501 section 6.3.10).

    A server without LIST-STATUS is asked for many at once: to open each folder would take far longer.
    """
    # What nobody asked for is not kept: a server may tell of any number of folders.
    wires = {folder.wire for folder in listed}
    found: dict[bytes, Status] = {}
    waiting = [quote(folder.wire) for folder in listed if folder.status is None]
    for start in range(0, len(waiting), STATUS_BATCH):
        names = filter(None, waiting[start : start + STATUS_BATCH])
        lines = session.ask_together(b"STATUS %s %s" % (name, _WANTED) for name in names)
        for wire, counts in filter(None, (take_counts(session, line) for line in lines)):
            if wire in wires and (status := _make_status(counts)):
                found[wire] = status
    return [folder._replace(status=folder.status or found.get(folder.wire)) for folder in listed]


def find_prefix(session: Session) -> str:
    """Return what the names of the account's own folders begin with, such as `INBOX.` (RFC 2342)."""
    if "NAMESPACE" not in session.capabilities():
        return ""
    answer = session.ask("NAMESPACE")
    found = [match for line in answer.untagged if (match := _NAMESPACE.match(line))]
    return imap_utf7.decode(_unquote(found[0][1])) if found else ""


def _find_command(capabilities: frozenset[str], patterns: Sequence[bytes]) -> bytes:
    if "LIST-EXTENDED" not in capabilities:
        is_old = "XLIST" in capabilities and "SPECIAL-USE" not in capabilities
        return b'XLIST "" "*"' if is_old else b'LIST "" "*"'
    names = [quote(pattern) for pattern in patterns]
    what = b" ".join(name for name in names if name) if all(names) else b'"*"'
    returned = [b"SPECIAL-USE"] if "SPECIAL-USE" in capabilities else []
    returned += [b"STATUS " + _WANTED] if "LIST-STATUS" in capabilities else []
    listed = b"(" + what + b")" if len(patterns) > 1 and all(names) else what
    return b'LIST "" ' + listed + (b" RETURN (" + b" ".join(returned) + b")" if returned else b"")


def _parse(session: Session, lines: Sequence[bytes]) -> list[Listed]:
    listed: dict[bytes, Listed] = {}
    statuses: dict[bytes, Status] = {}
    attributes: dict[bytes, frozenset[str]] = {}
    for line in lines:
        if found := _LIST.match(line):
            wire, _ = take_name(session, line, found.end())
            uses = attributes.setdefault(found[1], _parse_attributes(found[1]))
            wire = INBOX.wire if "\\inbox" in uses else wire
            separator = (found[2] or b"").decode()
            listed.setdefault(wire, Listed(imap_utf7.decode(wire), wire, separator, uses))
            if len(attributes) > KINDS_LIMIT:
                session.refuse(b"* " + line)
            if len(listed) > FOLDERS_LIMIT:
                most = f"more than {FOLDERS_LIMIT} folders"
                raise failure("protocol", f"{session.server} lists {most}: too many for one account.")
        elif len(statuses) <= FOLDERS_LIMIT and (told := take_counts(session, line)):
            wire, counts = told
            if status := _make_status(counts):
                statuses[wire] = status
        elif re.match(rb"X?LIST\b", line, re.IGNORECASE):
            session.refuse(b"* " + line)
    return [folder._replace(status=statuses.get(wire)) for wire, folder in listed.items()]


def take_name(session: Session, line: bytes, at: int) -> tuple[bytes, int]:
    """Return the name that begins at a place of a line, and where it ends."""
    found = _NAME.match(line, at)
    if not found:
        session.refuse(b"* " + line)
    quoted, literal, atom = found.groups()
    end = found.end() + int(literal or 0)
    wire = atom if quoted is None else _unquote(quoted)
    wire = line[found.end() : end] if literal else wire
    if not 0 < len(wire) <= NAME_LIMIT:
        session.refuse(b"* " + line[:at] + b"...")
    return (INBOX.wire if wire.upper() == INBOX.wire else wire), end


def take_counts(session: Session, line: bytes) -> tuple[bytes, dict[bytes, bytes]] | None:
    """Return the name and the counts, in digits, of a STATUS response (RFC 3501 section 7.2.4), else None."""
    begin = _STATUS.match(line)
    if not begin:
        return None
    wire, at = take_name(session, line, begin.end())
    found = _COUNTS.match(line, at)
    words = found[1].upper().split() if found else []
    return wire, dict(zip(words[::2], words[1::2], strict=False))


def _unquote(quoted: bytes) -> bytes:
    return re.sub(rb"\\(.)", rb"\1", quoted)


def _parse_attributes(octets: bytes) -> frozenset[str]:
    words = octets.decode("ascii", "replace").lower().split(None, ATTRIBUTES_LIMIT)
    return frozenset(_XLIST_USES.get(word, word) for word in words[:ATTRIBUTES_LIMIT])


def _make_status(counts: Mapping[bytes, bytes]) -> Status | None:
    """Return what a STATUS response tells, None if it cannot be relied on."""
    numbers = [counts.get(name, b"") for name in (b"UIDVALIDITY", b"UIDNEXT", b"MESSAGES")]
    if not all(number.isdigit() and len(number) <= 10 for number in numbers):
        return None
    validity, uid_next, messages = map(int, numbers)
    return Status(validity, uid_next, messages) if validity and uid_next else None
