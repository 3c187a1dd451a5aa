# SPDX-License-Identifier: LGPL-2.1-or-later
"""The server's words, fit for a person: without the password, which some servers repeat in a refusal."""

from binascii import b2a_base64
from collections.abc import Iterator

from cockpit_getmail.problem import printable


def shown(text: bytes, username: str, password: str) -> str:
    """Return the server's words; not if they repeat the password in a form in which it may be sent."""
    if any(form in text for form in _forms(username, password)):
        return "(its words repeat the password)"
    return printable(text)


def octets(text: str) -> bytes:
    """Return a prop as it was typed: what is no UTF-8 is kept in surrogates."""
    return text.encode("utf-8", "surrogateescape")


def quoted(text: str) -> bytes:
    """Return a quoted string (RFC 3501 section 4.3)."""
    return b'"' + octets(text).replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def plain(username: str, password: str) -> bytes:
    """Return what SASL PLAIN sends (RFC 4616), in base64."""
    return b2a_base64(octets(f"\0{username}\0{password}"), newline=False)


def _forms(username: str, password: str) -> Iterator[bytes]:
    if password:
        secret = octets(password)
        yield from (
            secret,
            quoted(password)[1:-1],
            b2a_base64(secret, newline=False),
            plain(username, password),
        )
