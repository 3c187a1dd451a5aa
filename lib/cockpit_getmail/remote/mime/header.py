# SPDX-License-Identifier: LGPL-2.1-or-later
"""What stands in the header of a message or of a part of it, for people.

Fields are found here and not by email.parser, to which one faulty line is the end of a header: servers go on
after it, and so do all programs in which people read their mail.
"""

from __future__ import annotations

import binascii
import re
from email.message import Message
from email.utils import getaddresses
from typing import NamedTuple

from cockpit_getmail.envelope import HEADER_LIMIT
from cockpit_getmail.problem import printable
from cockpit_getmail.remote.mime import charset

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    Fields = Mapping[str, str]
    """The first field of each name, by its name in lower case."""

ADDRESSES = 100
"""So many addresses of a field are told."""
_ADDRESSES_LIMIT = 16 << 10
_PARAMETERS_LIMIT, _SEMICOLONS_LIMIT = 8 << 10, 200
"""For each semicolon, the standard library looks at all that is before the next one."""
_FIELD = re.compile(rb"^([!-9;-~]{1,200})[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE)
_END = re.compile(rb"\n\r?\n")
_FOLD = re.compile(r"[\t\r\n]+ *")
_DIRECTIONS = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_WORD = re.compile(
    # A question mark within is a fault that is met, and a blank too.
    r"=\?([^?\s*]{1,60})(?:\*[^?\s]{0,60})?\?([BbQq])\?([^?]*(?:\?(?!=)[^?]{0,200}){0,10})\?="
)
_NO_BASE64 = bytes(set(range(256)) - set(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
_FAULTS = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What the parsers of the standard library raise for what is sent on purpose."""


class Field(NamedTuple):
    """A field as it stands there, folded, without the octets that part it from the next."""

    name: str
    value: str


def find_end(octets: bytes, start: int, end: int) -> tuple[int, int]:
    """Return where the header from `start` on ends, and where the body begins.

    What begins with a line that is neither empty nor a field has no header.
    """
    if octets.startswith((b"\n", b"\r\n"), start, end):
        return start, octets.index(b"\n", start, end) + 1
    line = octets[start : min(end, start + 256)]
    if not (_FIELD.match(line) or line.startswith((b"From ", b">From "))):
        return start, start
    found = _END.search(octets, start, end)
    return (found.start() + 1, found.end()) if found else (end, end)


def split(head: bytes) -> list[Field]:
    """Return the fields of a header (RFC 5322 section 2.2), of its first HEADER_LIMIT octets. Other lines are
    passed over.
    """
    found = _FIELD.finditer(head[:HEADER_LIMIT])
    return [Field(match[1].decode(), charset.decode(match[2].strip(b" \t\r\n"))) for match in found]


def by_name(fields: list[Field]) -> Fields:
    """Return the first field of each name."""
    return {field.name.lower(): field.value for field in reversed(fields)}


def one_line(text: str) -> str:
    """Return what a field says in one line, printable() and without blanks at its ends.

    Characters that turn the direction are left out: what is written from right to left has them for a reason.
    """
    return printable(_DIRECTIONS.sub("", _FOLD.sub(" ", text)).strip())


def decode_words(text: str) -> str:
    """Return text with its encoded words decoded (RFC 2047), also where they break its rules: in quotes, with
    text at their sides, with blanks in them, a character cut in two.
    """
    pieces: list[str] = []
    octets, last, position = b"", "", 0
    for match in _WORD.finditer(text):
        between = text[position : match.start()]
        position = match.end()
        if octets and (between.strip() or match[1].lower() != last):
            pieces.append(charset.decode(octets, last))
            octets = b""
        # Blanks between encoded words are no text (section 6.2).
        if between.strip() or not last:
            pieces.append(between)
        last = match[1].lower()
        octets += _decode_word(match[2], match[3])
    return "".join((*pieces, charset.decode(octets, last), text[position:]))


def addresses(value: str) -> list[dict[str, str]]:
    """Return name and email of each address of a field (RFC 5322 section 3.4), of the first ADDRESSES."""
    if len(value) > _ADDRESSES_LIMIT:
        value = value[:_ADDRESSES_LIMIT]
        value = value.rpartition(",")[0] or value
    try:
        found = getaddresses([_FOLD.sub(" ", value).strip(" ,")])
    except _FAULTS:
        found = []
    told = [_address(name, email) for name, email in found[:ADDRESSES] if name or email]
    # What is no address at all is told as the name of one, so that nothing is hidden.
    return told or [_address(text, "") for text in (value.strip(),) if text]


def parameters(value: str) -> tuple[str, dict[str, str]]:
    """Return what a field with parameters says, in lower case, and these by name (RFC 2045 section 5.1).

    They may be in pieces, and have a charset (RFC 2231).
    """
    pieces = value[:_PARAMETERS_LIMIT].split(";", _SEMICOLONS_LIMIT)[:_SEMICOLONS_LIMIT]
    message = Message()
    message["Content-Type"] = _FOLD.sub(" ", ";".join(pieces))
    try:
        (word, _), *rest = message.get_params([("", "")])
        found = {name.lower(): _decode_parameter(told) for name, told in reversed(rest)}
    except _FAULTS:
        return value.partition(";")[0].strip().lower(), {}
    return word.strip().lower(), found


def _address(name: str, email: str) -> dict[str, str]:
    return {"name": one_line(decode_words(name)), "email": one_line(email)}


def _decode_word(encoding: str, text: str) -> bytes:
    octets = text.encode("utf-8", "replace")
    if encoding in "Qq":
        return binascii.a2b_qp(octets, header=True)
    return decode_base64(octets)


def decode_base64(octets: bytes) -> bytes:
    """Return what octets in base64 are, as far as they go: what does not belong there is passed over."""
    plain, _, _ = octets.partition(b"=")
    plain = plain.translate(None, _NO_BASE64)
    # One letter alone is not an octet.
    plain = plain[:-1] if len(plain) % 4 == 1 else plain
    return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4))


def _decode_parameter(told: str | tuple[str | None, str | None, str]) -> str:
    if isinstance(told, str):
        return decode_words(told)
    name, _, text = told
    return charset.decode(text.encode("latin-1", "replace"), name or "")
