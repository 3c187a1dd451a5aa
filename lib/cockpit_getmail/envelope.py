# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the header of a message tells of its envelope."""

from __future__ import annotations

import re

HEADER_LIMIT = 64 << 10
LOCAL_LIMIT, MAILBOX_LIMIT = 64, 254
"""Octets (RFC 5321 section 4.5.3.1)."""
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\U0010ffff-]+"
DOT_ATOM = rf"{_ATOM}(?:\.{_ATOM})*"
_QUOTED = r'"(?:[ !#-\[\]-~\x80-\U0010ffff]|\\[ -~])*"'
_LABEL = r"[A-Za-z0-9\x80-\U0010ffff](?:[A-Za-z0-9\x80-\U0010ffff-]*[A-Za-z0-9\x80-\U0010ffff])?"
DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[(?:IPv6:)?[0-9A-Fa-f:.]+\])"


def find_sender(head: bytes) -> str:
    """Return the envelope sender that the first Return-Path tells, empty if it is no mailbox (RFC 5321)."""
    try:
        text = (find_field(head, "Return-Path") or b"").decode()
    except UnicodeDecodeError:
        return ""
    if text.startswith("<") and text.endswith(">"):
        text = text[1:-1].strip(" \t")
    return text if _is_mailbox(text) else ""


def find_field(head: bytes, name: str) -> bytes | None:
    """Return the first header field of this name (RFC 5322 section 2.2), unfolded; None if there is none."""
    found = re.search(
        rb"\n%b[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)" % name.encode(), cut_header(head), re.IGNORECASE
    )
    return re.sub(rb"\r?\n", b"", found[1]).strip() if found else None


def cut_header(head: bytes) -> bytes:
    """Return the header of a message, as far as HEADER_LIMIT, with an LF before it."""
    text = b"\n" + head[:HEADER_LIMIT]
    end = re.search(rb"\n\r?\n", text)
    return text[: end.start()] if end else text


def _is_mailbox(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    return (
        text.isprintable()
        and len(text.encode()) <= MAILBOX_LIMIT
        and len(local.encode()) <= LOCAL_LIMIT
        and bool(re.fullmatch(DOMAIN, domain))
        and bool(re.fullmatch(f"{DOT_ATOM}|{_QUOTED}", local))
    )
