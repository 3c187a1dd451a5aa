# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a POP3 server says, cut into answers (RFC 1939 section 3) from octets in pieces of any size."""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from cockpit_getmail.problem import Problem, failure, printable

LINE_LIMIT = 64 << 10
"""Octets of a status line, or of a line of a listing; those of messages have no limit."""
LISTING_LIMIT = 96 << 20
LISTING_LINES = 1 << 20

_END = b"\r\n.\r\n"
_CODE = re.compile(rb"\[([A-Za-z0-9/_.-]+)\]")


class Answer(NamedTuple):
    """A status line: `word` is +OK, -ERR, or + where the server waits for more of a log-in.

    `code` is the extended response code (RFC 2449 section 8) in capitals, empty where there is none.
    """

    word: str
    text: bytes
    code: str

    @property
    def ok(self) -> bool:
        return self.word == "+OK"


class Replies:
    """Reads answers. `receive` returns the next octets, at least one, or raises Problem at the end of them.
    `shown` makes the server's words fit for a person.

    `due` counts the answers that were asked for and are not read to their end; the greeting is the first.
    """

    def __init__(
        self, receive: Callable[[], bytes], server: str, shown: Callable[[bytes], str] = printable
    ) -> None:
        self.due = 1
        self._receive = receive
        self._server = server
        self._shown = shown
        self._buffer = b""
        self._at = 0

    @property
    def unasked(self) -> bool:
        """Whether the server has said more than it was asked for."""
        return self.due == 0 and self._at < len(self._buffer)

    def status(self, *, multiline: bool = False) -> Answer:
        """Return the next status line. With `multiline` a +OK is followed by body() or lines()."""
        line = self._line()
        word, _, text = line.partition(b" ")
        if word not in (b"+OK", b"-ERR", b"+"):
            raise self._fault(f'"{self._shown(line)}" is not an answer of POP3')
        if not (multiline and word == b"+OK"):
            self.due -= 1
        code = _CODE.match(text)
        return Answer(word.decode(), text, code[1].decode().upper() if code else "")

    def body(self) -> Iterator[bytes]:
        """Yield the octets of a multi-line answer as they come, without the dots put before dots.

        Only CR LF . CR LF ends it: a dot on a line that a bare LF or CR makes is content.
        """
        # The CR LF of the status line stands before the first line, and is no content.
        start, skip = self._at - 2, 2
        while (end := self._buffer.find(_END, start)) < 0:
            keep = len(self._buffer) - _undecided(self._buffer)
            if keep > start:
                yield from _unstuff(self._buffer[start:keep], skip)
                skip = 0
            self._buffer = self._buffer[keep:] + self._receive()
            start = self._at = 0
        self._at = end + len(_END)
        self.due -= 1
        yield from _unstuff(self._buffer[start : end + 2], skip)

    def lines(self, limit: int = LISTING_LINES) -> Iterator[bytes]:
        """Yield the lines of a multi-line answer without their ends, at most `limit` of them."""
        rest = b""
        octets = count = 0
        for piece in self.body():
            octets += len(piece)
            *whole, rest = (rest + piece).split(b"\r\n")
            count += len(whole)
            if count > limit or octets > LISTING_LIMIT:
                raise self._fault("a listing is out of all bounds")
            if max(map(len, (*whole, rest))) > LINE_LIMIT:
                raise self._fault("a line of a listing is out of all bounds")
            yield from whole

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\n", self._at)) < 0 and len(self._buffer) - self._at < LINE_LIMIT:
            self._buffer = self._buffer[self._at :] + self._receive()
            self._at = 0
        line = self._buffer[self._at : end + 1]
        if end < 0 or len(line) > LINE_LIMIT:
            raise self._fault(f"a line has more than {LINE_LIMIT} octets")
        if not line.endswith(b"\r\n"):
            raise self._fault("a line ends in LF, not CR LF")
        self._at = end + 1
        return line[:-2]

    def _fault(self, what: str) -> Problem:
        return failure("protocol", f"{self._server} breaks the rules of POP3: {what}.")


def _undecided(buffer: bytes) -> int:
    """Return how many octets at the end may be the beginning of the end."""
    return next((length for length in (4, 3, 2, 1) if buffer.endswith(_END[:length])), 0)


def _unstuff(octets: bytes, skip: int) -> Iterator[bytes]:
    if octets := octets.replace(b"\r\n.", b"\r\n")[skip:]:
        yield octets
