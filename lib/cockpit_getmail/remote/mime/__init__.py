# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages as imbox tells them, from octets that may be anything: always an answer, in bounded time."""

from __future__ import annotations

from cockpit_getmail.remote.mime import charset, content, header, parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from cockpit_getmail.remote.mime.header import Field
    from cockpit_getmail.remote.mime.parts import Part

TEXT_LIMIT = 2 << 20
"""Octets of text that an answer tells of one message."""
PICTURE_LIMIT = 64 << 10
"""A smaller inline picture may be one of a signature."""
_TNEF = ("application/ms-tnef", "application/vnd.ms-tnef")
_TEXTS = {"text/plain": "plain", "text/html": "html"}


def describe(octets: bytes) -> dict[str, Any]:
    """Return a message as Zato tells it: body, headers, date, subject, sent_from, message_id, sent_to.

    body has the lists of texts `plain` and `html`. headers are {"Name", "Value"} in their order, sent_from
    and sent_to {"name", "email"}.
    """
    found, _ = parts.split(octets)
    body, _ = tell_body(found, lambda part, _: octets[part.start : part.end], len(octets))
    end, _ = header.find_end(octets, 0, len(octets))
    return {"body": body, **tell_header(octets[:end])}


def tell_header(head: bytes) -> dict[str, Any]:
    """Return headers, date, subject, sent_from, message_id and sent_to of the header of a message."""
    fields = header.split(head)
    first = header.by_name(fields)
    return {
        "headers": [_tell_field(field) for field in fields],
        "date": header.one_line(first.get("date", "")),
        "subject": header.one_line(header.decode_words(first.get("subject", ""))),
        "sent_from": header.addresses(first.get("from", "")),
        "message_id": header.one_line(first.get("message-id", "")),
        "sent_to": header.addresses(first.get("to", "")),
    }


def tell_body(
    found: Iterable[Part], read: Callable[[Part, int], bytes], limit: int = TEXT_LIMIT
) -> tuple[dict[str, list[str]], bool]:
    """Return the texts among parts, {"plain", "html"}, and whether they are whole: so many octets are told.

    `read` returns the octets of a part, of which it needs no more than so many.
    """
    body: dict[str, list[str]] = {"plain": [], "html": []}
    room, whole = limit, True
    for part in found:
        if is_text(part):
            octets = read(part, room) if room else b""
            whole = whole and part.whole and part.octets <= room
            room -= min(room, len(octets))
            text = charset.decode(content.decode(octets, part.encoding), part.charset)
            body[_TEXTS[part.type]].append(text)
    return body, whole


def is_text(part: Part) -> bool:
    """Whether a part is text of the message, and no file."""
    return part.type in _TEXTS and part.disposition != "attachment" and not part.file_name


def tell_file(part: Part, size: int) -> dict[str, Any]:
    """Return a part that is a file as the answers tell it; `size` is that of its content."""
    return {
        "id": part.id,
        "file_name": part.file_name,
        "type": part.type,
        "size": size,
        "content_id": part.content_id,
        "inline": is_inline(part),
    }


def is_inline(part: Part) -> bool:
    """Whether a file is shown within the text: it says so, or the text refers to it."""
    if part.disposition in ("inline", "attachment"):
        return part.disposition == "inline"
    return part.related and bool(part.content_id)


def is_left_out(part: Part, size: int) -> bool:
    """Whether a list of files leaves this one out.

    These are: what Outlook adds (winmail.dat, or one of its types), and inline pictures of at most
    PICTURE_LIMIT octets, as signatures have them.
    """
    if part.type in _TNEF or part.file_name.lower() == "winmail.dat":
        return True
    return part.type.startswith("image/") and is_inline(part) and size <= PICTURE_LIMIT


def _tell_field(field: Field) -> dict[str, str]:
    return {"Name": field.name, "Value": field.value}
