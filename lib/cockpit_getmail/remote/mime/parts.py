# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parts of a message (RFC 2046), each with its place in the octets.

email.parser would do most of this, but it calls itself for each level, looks at each line for each level, and
forgets the octets from which a file is read piece by piece.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from cockpit_getmail.remote.mime import header

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from cockpit_getmail.remote.mime.header import Fields

PARTS_LIMIT = 1000
"""So many parts are told; so many are looked at that hold others."""
DEPTH_LIMIT = 50
"""What is deeper is one file."""
NAME_LIMIT = 255
_TYPE = re.compile(r"[!#$&^_.+a-z0-9-]{1,127}/[!#$&^_.+a-z0-9-]{1,127}")
_LINE_END = re.compile(rb"(--)?[ \t]*\r?(?=\n|\Z)")


class Part(NamedTuple):
    """A part without parts of its own; a message within a message is one.

    `id` is its IMAP section (RFC 3501 section 6.4.5). `start` and `end` are its content's place in the
    octets; where only the structure is known, they are 0 and how many octets it has. `related` tells whether
    other parts may refer to it (RFC 2387), `whole` whether its end was found.
    """

    id: str
    type: str
    charset: str
    encoding: str
    disposition: str
    file_name: str
    content_id: str
    start: int
    end: int
    related: bool = False
    whole: bool = True

    @property
    def octets(self) -> int:
        """How many it has, encoded."""
        return self.end - self.start


class _Entity(NamedTuple):
    """What a part begins with and where it is. `depth` counts the multiparts around it."""

    id: str
    start: int
    end: int
    depth: int = 0
    default: str = "text/plain"
    related: bool = False
    whole: bool = True


class _Line(NamedTuple):
    """A line with a boundary: from the LF before it to its own. The last one ends the multipart."""

    start: int
    end: int
    is_last: bool


def split(octets: bytes, *, cut: bool = False) -> tuple[list[Part], bool]:
    """Return the parts of a message in their order, and whether these are all.

    `cut` tells that only the beginning of the message is there. There is at least one part, whatever the
    octets are.
    """
    parts: list[Part] = []
    waiting: list[_Entity] = [_Entity("", 0, len(octets), whole=not cut)]
    looked_at = 0
    while waiting and len(parts) < PARTS_LIMIT and looked_at < 2 * PARTS_LIMIT:
        looked_at += 1
        entity = waiting.pop()
        head_end, start = header.find_end(octets, entity.start, entity.end)
        fields = header.by_name(header.split(octets[entity.start : head_end]))
        kind, parameters = read_type(fields, entity.default)
        if kind.startswith("multipart/") and entity.depth < DEPTH_LIMIT:
            inner = list(_split_multipart(octets, entity, start, kind, parameters.get("boundary", "")))
            if inner:
                waiting += reversed(inner)
                continue
            # What is not in parts is text, whatever it is called.
            kind = "text/plain"
        part = make(entity.id or "1", kind, parameters, fields, (start, entity.end), related=entity.related)
        parts.append(part._replace(whole=entity.whole))
    return parts, not (waiting or cut)


def make(
    number: str,
    kind: str,
    parameters: dict[str, str],
    fields: Fields,
    place: tuple[int, int],
    *,
    related: bool,
) -> Part:
    """Return the part that has this number, type and parameters of it, further fields and place."""
    disposition, told = header.parameters(fields.get("content-disposition", ""))
    return Part(
        number,
        kind,
        parameters.get("charset", ""),
        fields.get("content-transfer-encoding", "").partition(";")[0].strip().lower(),
        disposition,
        _clean_name(told.get("filename") or parameters.get("name", "")),
        header.one_line(fields.get("content-id", "").strip().removeprefix("<").removesuffix(">")),
        *place,
        related=related,
    )


def read_type(fields: Fields, default: str) -> tuple[str, dict[str, str]]:
    """Return type and parameters; what cannot be told is text (RFC 2045 section 5.2)."""
    if "content-type" not in fields:
        return default, {}
    word, parameters = header.parameters(fields["content-type"])
    word, *_ = word.split() or [""]
    return (word if _TYPE.fullmatch(word) else "text/plain"), parameters


def _split_multipart(
    octets: bytes, entity: _Entity, start: int, kind: str, boundary: str
) -> Iterator[_Entity]:
    """Yield what a multipart holds, at most one more than PARTS_LIMIT; nothing without its boundary."""
    if not boundary.strip() or not start:
        return
    default = "message/rfc822" if kind == "multipart/digest" else "text/plain"
    # The body's first line may be the boundary already.
    found = _find_lines(octets, start - 1, entity.end, boundary.rstrip().encode("utf-8", "replace"))
    begin = 0
    for number in range(PARTS_LIMIT + 2):
        match = next(found, None)
        if number:
            end = _before(octets, begin, match.start) if match else entity.end
            whole = match is not None or entity.whole
            name = f"{entity.id}.{number}".lstrip(".")
            yield _Entity(name, begin, end, entity.depth + 1, default, kind == "multipart/related", whole)
        if match is None or match.is_last:
            return
        begin = min(match.end + 1, entity.end)


def _find_lines(octets: bytes, start: int, end: int, boundary: bytes) -> Iterator[_Line]:
    """Yield the lines with a boundary. To compile a regular expression of a long one takes far longer."""
    line = b"\n--" + boundary
    while (at := octets.find(line, start, end)) >= 0:
        start = at + len(line)
        if found := _LINE_END.match(octets, start, end):
            start = found.end()
            yield _Line(at, start, bool(found[1]))


def _before(octets: bytes, begin: int, end: int) -> int:
    """Return where a part ends whose boundary's LF is at `end`: the CR before that belongs to it as well."""
    end = max(begin, end)
    return end - octets.endswith(b"\r", begin, end)


def _clean_name(name: str) -> str:
    """Return a file name without folders and without what cannot be seen."""
    _, _, last = name.replace("\\", "/").rpartition("/")
    plain = "".join(letter for letter in last if letter.isprintable())
    return "" if plain in (".", "..") else plain.strip()[:NAME_LIMIT]
