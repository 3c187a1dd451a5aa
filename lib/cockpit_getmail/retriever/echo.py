# SPDX-License-Identifier: LGPL-2.1-or-later
"""The server's words, fit for a person: without the password, which some servers repeat in a refusal."""

from binascii import b2a_base64
from collections.abc import Iterator

from cockpit_getmail.problem import printable

_PIECE = 24
_ALIGNMENTS = 3


def shown(text: bytes, username: str, password: str, token: str = "") -> str:
    """Return the server's words; not if they repeat a secret in a form in which it may be sent.

    `token` is an access token: no long piece of it is shown either, for servers cut off what they repeat.
    """
    if any(form in text for form in _forms(username, password)):
        return "(its words repeat the password)"
    if any(piece in text for form in _token_forms(token) for piece in _pieces(form)):
        return "(its words repeat the access token)"
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
            # Some repeat it without what fills it up.
            b2a_base64(secret, newline=False).rstrip(b"="),
            plain(username, password).rstrip(b"="),
        )


def _token_forms(token: str) -> Iterator[bytes]:
    if token:
        secret = octets(token)
        yield secret
        for before in range(_ALIGNMENTS):
            # Without the ends, where what stands before and after it has a say.
            yield b2a_base64(b"\0" * before + secret, newline=False)[4 if before else 0 : -4]


def _pieces(form: bytes) -> Iterator[bytes]:
    """Yield what a text has of which it repeats one and a half pieces on end."""
    if len(form) <= _PIECE:
        yield from (form,) if form else ()
    for start in range(0, len(form) - _PIECE + 1, _PIECE // 2):
        yield form[start : start + _PIECE]
