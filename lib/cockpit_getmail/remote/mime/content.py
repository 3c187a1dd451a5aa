# SPDX-License-Identifier: LGPL-2.1-or-later
"""What parts contain, decoded (RFC 2045 section 6), whole or piece by piece."""

from __future__ import annotations

import binascii
import re
from operator import methodcaller
from typing import NamedTuple

from cockpit_getmail.remote.mime.header import decode_base64

_BASE64 = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_NO_BASE64 = bytes(set(range(256)) - _BASE64 - {ord("=")})
_LINE = re.compile(rb"[^\r\n]+")
_BEGIN = re.compile(rb"begin(-base64)? [0-7]{3,4} ")
_UUENCODED = ("x-uuencode", "uuencode", "x-uue", "uue")


class Piece(NamedTuple):
    """What octets are once decoded, how many of them were needed for that, and whether nothing can follow."""

    data: bytes
    used: int
    ended: bool = False


def decode(octets: bytes, encoding: str) -> bytes:
    """Return the content that octets stand for, as far as it can be told. Never raises."""
    return decode_piece(octets, encoding, last=True).data


def decode_piece(octets: bytes, encoding: str, *, last: bool) -> Piece:
    """Return the beginning of what octets stand for, as far as it does not depend on what follows.

    If they are the `last`, all of them are used. At least one of several is.
    """
    if encoding == "base64":
        return _decode_base64(octets, last)
    if encoding == "quoted-printable":
        used = len(octets) if last else _find_quoted_end(octets)
        return Piece(binascii.a2b_qp(octets[:used]), used)
    if encoding in _UUENCODED:
        used = len(octets) if last else octets.rfind(b"\n") + 1 or len(octets)
        return _decode_uu(octets[:used])
    return Piece(octets, len(octets))


def estimate(octets: int, encoding: str) -> int:
    """Return about how many octets there are once so many encoded ones are decoded."""
    # 76 letters and a line end stand for 57 octets.
    return octets * 57 // 78 if encoding == "base64" else octets


def _decode_base64(octets: bytes, last: bool) -> Piece:
    letters = octets.translate(None, _NO_BASE64)
    padding = letters.find(b"=")
    if padding >= 0 or last:
        return Piece(decode_base64(letters), len(octets), ended=padding >= 0)
    used = len(octets)
    odd = len(letters) % 4
    # What is left of a group of four begins the next piece.
    while odd and used:
        used -= 1
        odd -= octets[used] in _BASE64
    return Piece(decode_base64(letters[: len(letters) // 4 * 4]), used or len(octets))


def _find_quoted_end(octets: bytes) -> int:
    """Return how many octets can be decoded whatever follows: whole lines, if there are any."""
    if end := octets.rfind(b"\n") + 1:
        return end
    tail = re.search(rb"(?:=[0-9A-Fa-f]?|[ \t\r]+)\Z", octets[-1000:])
    return len(octets) - (len(tail[0]) if tail else 0) or len(octets)


def _decode_uu(octets: bytes) -> Piece:
    data: list[bytes] = []
    # Line by line: to have all of them at once takes many times their room.
    for line in map(methodcaller("group"), _LINE.finditer(octets)):
        if line.strip() == b"end":
            return Piece(b"".join(data), len(octets), ended=True)
        if not _BEGIN.match(line) and (decoded := _decode_uu_line(line)):
            data.append(decoded)
    return Piece(b"".join(data), len(octets))


def _decode_uu_line(line: bytes) -> bytes:
    # Some encoders add a letter to a line.
    length = line[0] - 32 & 63
    letters = line[: 1 + (length + 2) // 3 * 4]
    try:
        data = binascii.a2b_uu(letters)
    except binascii.Error:
        return b""
    # What is missing would count as zeros.
    return data if len(data) < len(letters) else b""
