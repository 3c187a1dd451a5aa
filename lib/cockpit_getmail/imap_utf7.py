# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names of folders as IMAP sends them: modified UTF-7 (RFC 3501 section 5.1.3), and as people read them.

Whatever octets a server gives for a name, decode() makes a text of them that encode() turns into just these:
so no two folders have one name. What is no modified UTF-7 is shown as it came, with `\\xNN` for an octet that
stands for no letter.
"""

from __future__ import annotations

import base64
import re

_SHIFTED = re.compile("&([^&-]*)-")
_TO_SHIFT = re.compile("&|[^ -~]+")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")
_LIKE_ESCAPE = re.compile(r"\\(?=x[0-9a-f]{2})")
_NO_LETTER = re.compile(rb"[^ -%'-~]|\\(?=x[0-9a-f]{2})")
"""An octet that is no letter of ASCII, or begins a shift or what looks like our own `\\xNN`."""


def encode(name: str) -> bytes:
    """Return the octets of a folder's name. Raises ValueError for half a surrogate pair."""
    pieces = _ESCAPE.split(name)
    texts, octets = pieces[::2], [bytes.fromhex(digits) for digits in pieces[1::2]]
    return b"".join(to_utf7(text).encode() + octet for text, octet in zip(texts, [*octets, b""], strict=True))


def decode(octets: bytes) -> str:
    """Return the name that a person reads for a folder that the server calls so."""
    name = from_utf7(octets)
    if name is not None and not _CONTROL.search(name):
        return _LIKE_ESCAPE.sub(r"\\x5c", name)
    return _NO_LETTER.sub(lambda match: b"\\x%02x" % match[0][0], octets).decode("ascii")


def to_utf7(text: str) -> str:
    """Return text in modified UTF-7. Raises ValueError for half a surrogate pair."""
    return _TO_SHIFT.sub(_shift, text)


def from_utf7(octets: bytes) -> str | None:
    """Return the text whose only form in modified UTF-7 this is; None if it is none."""
    try:
        text = _SHIFTED.sub(_unshift, octets.decode("ascii"))
        return text if to_utf7(text).encode() == octets else None
    except ValueError:
        return None


def _shift(match: re.Match[str]) -> str:
    if match[0] == "&":
        return "&-"
    octets = base64.b64encode(match[0].encode("utf-16-be"), b"+,")
    return f"&{octets.decode().rstrip('=')}-"


def _unshift(match: re.Match[str]) -> str:
    if not match[1]:
        return "&"
    padding = "=" * (-len(match[1]) % 4)
    return base64.b64decode(match[1] + padding, b"+,").decode("utf-16-be")
