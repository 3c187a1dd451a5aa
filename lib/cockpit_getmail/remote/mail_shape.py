# SPDX-License-Identifier: LGPL-2.1-or-later
"""What root believes of messages out of the sandbox: see shape."""

from __future__ import annotations

import re

from cockpit_getmail.remote.mime.parts import PARTS_LIMIT
from cockpit_getmail.shape import items, number, optional, text, texts, truth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.remote import Found

FLAGS_LIMIT, FIELDS_LIMIT, ADDRESSES_LIMIT = 1000, 1 << 16, 100
SECTION_LIMIT = 1000
_SECTION = re.compile(r"[1-9][0-9]{0,5}(\.[1-9][0-9]{0,5})*")
_WORDS = ("uid", "subject", "date", "message_id")


def check_entry(found: Any) -> Found:
    """Return a message as Entry.tell() has it."""
    return {
        **{name: text(found[name]) for name in _WORDS},
        "flags": texts(found["flags"], FLAGS_LIMIT),
        "size": number(found["size"]),
        "received": optional(number, found["received"]),
        **{name: items(_check_address, found[name], ADDRESSES_LIMIT) for name in ("sent_from", "sent_to")},
        "headers": items(_check_field, found["headers"], FIELDS_LIMIT),
    }


def check_body(found: Any) -> Found:
    """Return texts as mime.tell_body() has them."""
    return {kind: items(_any_text, found[kind], PARTS_LIMIT) for kind in ("plain", "html")}


def check_file(found: Any) -> Found:
    """Return a file as mime.tell_file() has it."""
    return {
        "id": _check_section(found["id"]),
        **{name: text(found[name]) for name in ("file_name", "type", "content_id")},
        "size": number(found["size"]),
        "inline": truth(found["inline"]),
    }


def _check_section(value: Any) -> str:
    if not _SECTION.fullmatch(value) or len(value) > SECTION_LIMIT:
        raise ValueError
    return str(value)


def _check_address(found: Any) -> Found:
    return {name: text(found[name]) for name in ("name", "email")}


def _check_field(found: Any) -> Found:
    return {name: _any_text(found[name]) for name in ("Name", "Value")}


def _any_text(value: Any) -> str:
    """What a message says goes on as it is: no terminal sees it, and no log."""
    if not isinstance(value, str):
        raise TypeError
    return value
