# SPDX-License-Identifier: LGPL-2.1-or-later
"""The parts of a message as an IMAP server tells them (BODYSTRUCTURE, RFC 3501 section 7.4.2)."""

from __future__ import annotations

from cockpit_getmail.remote.mime import charset, parts
from cockpit_getmail.remote.mime.parts import DEPTH_LIMIT, PARTS_LIMIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.remote.mime.header import Fields
    from cockpit_getmail.remote.mime.parts import Part

_TEXT, _MESSAGE, _OTHER = 8, 10, 7
"""Where that begins which is not the same in all kinds of parts: MD5, disposition, language, location."""


def read(told: Any) -> list[Part]:
    """Return the parts, at most one more than PARTS_LIMIT, of a structure as IMAPClient has it.

    Raises LookupError, TypeError or ValueError if it is none.
    """
    found: list[Part] = []
    waiting: list[tuple[str, int, bool, Any]] = [("", 0, False, told)]
    while waiting and len(found) <= PARTS_LIMIT:
        number, depth, related, body = waiting.pop()
        if not isinstance(body[0], list):
            found.append(_read_part(number or "1", body, related=related))
        elif depth < DEPTH_LIMIT:
            related = _text(body[1]).lower() == "related"
            inner = [
                (f"{number}.{at}".lstrip("."), depth + 1, related, part) for at, part in enumerate(body[0], 1)
            ]
            waiting += reversed(inner)
        else:
            found.append(parts.make(number, "multipart/mixed", {}, {}, (0, 0), related=related))
    return found


def _read_part(number: str, body: Any, *, related: bool) -> Part:
    kind = f"{_text(body[0])}/{_text(body[1])}".lower()
    after = _TEXT if kind.startswith("text/") else _MESSAGE if kind == "message/rfc822" else _OTHER
    disposition = body[after + 1] if len(body) > after + 1 else None
    fields = {
        "content-type": _format(kind, body[2]),
        "content-id": _text(body[3]),
        "content-transfer-encoding": _text(body[5]),
        "content-disposition": _format(_text(disposition[0]), disposition[1]) if disposition else "",
    }
    return _make(number, fields, int(body[6]), related=related)


def _make(number: str, fields: Fields, octets: int, *, related: bool) -> Part:
    kind, parameters = parts.read_type(fields, "text/plain")
    return parts.make(number, kind, parameters, fields, (0, max(0, octets)), related=related)


def _format(word: str, parameters: Any) -> str:
    """Return a field as it may have been in the header: there is one way to read it."""
    words = [_text(part) for part in parameters or ()]
    pairs = zip(words[::2], words[1::2], strict=False)
    return "".join((word, *(f"; {name}={_quote(value)}" for name, value in pairs)))


def _quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return charset.decode(value)
    return "" if value is None else str(value)
