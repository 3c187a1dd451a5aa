# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an LMTP server says (RFC 2033, 5321 section 4.2): replies, and what they come to for a message."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal, NamedTuple

from cockpit_getmail.problem import failure, printable

if TYPE_CHECKING:
    from collections.abc import Callable

LINE_LIMIT = 8 << 10
REPLY_LINES = 100
_REPLY = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\r\n]*))?\r?\n")
_ENHANCED = re.compile(rb"([245])\.[0-9]{1,3}\.[0-9]{1,3}(?![^ ])")

Stage = Literal["MAIL", "RCPT", "DATA"]


class Reply(NamedTuple):
    """The code, and the text of each line."""

    code: int
    lines: tuple[bytes, ...] = (b"",)

    @property
    def is_positive(self) -> bool:
        return self.code // 100 == 2

    @property
    def is_for_good(self) -> bool:
        return self.code // 100 == 5

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463) such as 5.2.2; empty if there is none that fits the code."""
        found = _ENHANCED.match(self.lines[0])
        return found[0].decode() if found and int(found[1]) == self.code // 100 else ""

    @property
    def is_full(self) -> bool:
        """Whether it says that there is no room, in the mailbox or at all."""
        return self.enhanced[1:] in (".2.2", ".3.1") if self.enhanced else self.code == 452

    @property
    def words(self) -> str:
        return printable(b" ".join((b"%d" % self.code, *self.lines)))


class Answer(NamedTuple):
    """What became of a message: the command that was refused, or DATA, and the reply to that."""

    stage: Stage
    reply: Reply


def read_reply(read_line: Callable[[], bytes], server: str) -> Reply:
    """Return the next reply of a server. Raises Problem (delivery) for what is none."""
    lines: list[bytes] = []
    code = b""
    while len(lines) < REPLY_LINES:
        line = read_line()
        found = _REPLY.fullmatch(line)
        if not found or (lines and found[1] != code):
            break
        code = found[1]
        lines.append(found[3] or b"")
        if found[2] != b"-":
            return Reply(int(code), tuple(lines))
    raise failure("delivery", f"{server} sent what is no reply of LMTP: {printable(line.strip())[:200]}")
