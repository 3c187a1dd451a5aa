# SPDX-License-Identifier: LGPL-2.1-or-later
"""A message as LMTP carries it: who sent it, whom it is for, and its octets so that none is a command."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cockpit_getmail.envelope import DOMAIN, DOT_ATOM, cut_header
from cockpit_getmail.problem import failure, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cockpit_getmail.spool import Spool


class Message(NamedTuple):
    """A whole message with what stands on its envelope."""

    name: str
    spool: Spool
    sender: str
    recipient: str
    is_international: bool = False

    @property
    def size(self) -> int:
        return self.spool.size

    def chunks(self) -> Iterator[bytes]:
        return self.spool.chunks()


def make_recipient(account: str, detail: str = "") -> str:
    """Return an account as a recipient, with what is added to its local part (RFC 5233), quoted if need be.

    Raises Problem (delivery) for an account that no envelope can name.
    """
    local, at, domain = account.rpartition("@") if "@" in account else (account, "", "")
    local += detail
    if not local or not (local + domain).isprintable() or (at and not re.fullmatch(DOMAIN, domain)):
        raise failure("delivery", f"The account {printable(account)} is no address that LMTP can carry.")
    if not re.fullmatch(DOT_ATOM, local):
        local = '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'
    return f"{local}{at}{domain}"


def is_international(head: bytes) -> bool:
    """Whether there is UTF-8 in the header (RFC 6532)."""
    header = cut_header(head)
    try:
        return not header.isascii() and bool(header.decode())
    except UnicodeDecodeError:
        return False


def stuff(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a message as DATA carries it (RFC 5321 section 4.5.2), with the dot that ends it.

    Some servers take a bare LF or CR for the end of a line, so that such a line with a dot would end the
    message and begin a command: LF becomes CRLF, and CR a space.
    """
    held = b""
    begins_line = True
    for chunk in chunks:
        data = held + chunk
        # A CR at the end may be the first half of a CRLF.
        held = b"\r" if data.endswith(b"\r") else b""
        data = _end_lines(data[: len(data) - len(held)])
        if not data:
            continue
        stuffed = data.replace(b"\r\n.", b"\r\n..")
        yield b"." + stuffed if begins_line and data.startswith(b".") else stuffed
        begins_line = data.endswith(b"\r\n")
    if held:
        begins_line = False
    yield (b" " if held else b"") + (b"" if begins_line else b"\r\n") + b".\r\n"


def _end_lines(data: bytes) -> bytes:
    pairs = data.count(b"\r\n")
    if data.count(b"\n") > pairs:
        data = re.sub(rb"(?<!\r)\n", b"\r\n", data)
    if data.count(b"\r") > data.count(b"\r\n"):
        data = re.sub(rb"\r(?!\n)", b" ", data)
    return data
