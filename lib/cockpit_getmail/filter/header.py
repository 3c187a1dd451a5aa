# SPDX-License-Identifier: LGPL-2.1-or-later
"""The header of a message, changed as a filter says."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cockpit_getmail.filter.base import Removal
    from cockpit_getmail.spool import Spool

LIMIT = 1 << 20
"""A header from which something is removed may have so many octets."""
_FIELD = re.compile(rb"([^\s:]+)[ \t]*:[^\n]*(?:\n|\Z)(?:[ \t][^\n]*(?:\n|\Z))*|[^\n]*(?:\n|\Z)")
_END = re.compile(rb"\r?\n")
# Else a message that begins with a blank would go on with the last line above it.
_SEPARATOR = b"X-Filtered-By: cockpit-getmail\r\n"


class Change(NamedTuple):
    """`head` comes in the place of the first octets of a message, as many as `skipped`."""

    head: bytes
    skipped: int


def plan_change(message: Spool, removed: Iterable[Removal], added: bytes) -> Change | None:
    """Return how to change a header; None if something is to be removed and it is longer than LIMIT.

    Lines may end with LF alone: so they do where the message is read.
    """
    kept, skipped = b"", 0
    if wanted := list(removed):
        head = message.head(LIMIT)
        fields, skipped = _split(head)
        if skipped == len(head) < message.size:
            return None
        gone = _choose(fields, wanted)
        kept = b"".join(octets for number, (_, octets) in enumerate(fields) if number not in gone)
    begins = kept[:1] or message.head(skipped + 1)[skipped:]
    if added and begins in (b" ", b"\t"):
        added += _SEPARATOR
    return Change(added + kept, skipped)


def apply_change(message: Spool, change: Change) -> Iterator[bytes]:
    """Yield the message as it is now."""
    if change.head:
        yield change.head
    left = change.skipped
    for chunk in message.chunks():
        if left < len(chunk):
            yield chunk[left:]
        left = max(0, left - len(chunk))


def _split(head: bytes) -> tuple[list[tuple[bytes, bytes]], int]:
    """Return the fields, each with its name in lower case and its octets, and where they end.

    What is no field, such as an mbox "From " line, has an empty name.
    """
    fields: list[tuple[bytes, bytes]] = []
    for field in _FIELD.finditer(head):
        if not field[0] or _END.match(field[0]):
            return fields, field.start()
        fields.append(((field[1] or b"").lower(), field[0]))
    return fields, len(head)


def _choose(fields: list[tuple[bytes, bytes]], wanted: Iterable[Removal]) -> set[int]:
    """Return the numbers of the fields to remove."""
    gone: set[int] = set()
    for removal in wanted:
        there = [number for number, (name, _) in enumerate(fields) if name == removal.name.lower()]
        at = removal.which
        if at == 0:
            gone.update(there)
        elif abs(at) <= len(there):
            gone.add(there[at - 1 if at > 0 else at])
    return gone
