# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a person searches a folder for, as IMAP has it (RFC 3501 section 6.4.4).

It is read word by word and written anew: a server gets one well-formed search, or nothing at all.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias

    Token: TypeAlias = tuple[int, str, bool]
    """Where a word begins, counted from 1, the word, and whether it stood in quotes."""

    Pieces: TypeAlias = tuple[str, ...]
    """By turns what goes into a line, and a text that goes as a literal (RFC 3501 section 4.3)."""

ALL: Pieces = ("ALL",)
DEPTH_LIMIT = 100
"""So deep may keys be in others; of a row of OR each one is in the one before."""
NUMBER_LIMIT = 1 << 32
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_FLAGS = "ANSWERED DELETED DRAFT FLAGGED SEEN UNANSWERED UNDELETED UNDRAFT UNFLAGGED UNSEEN"
_ALONE = frozenset(f"ALL NEW OLD RECENT {_FLAGS}".split())
# https://developers.google.com/workspace/gmail/imap/imap-extensions
_WITH_TEXT = frozenset(["BCC", "BODY", "CC", "FROM", "SUBJECT", "TEXT", "TO", "X-GM-LABELS", "X-GM-RAW"])
_WITH_DATE = frozenset(["BEFORE", "ON", "SENTBEFORE", "SENTON", "SENTSINCE", "SINCE"])
_WITH_FLAG = frozenset(["KEYWORD", "UNKEYWORD"])
_WITH_NUMBER = frozenset(["LARGER", "SMALLER"])
# RFC 5032: seconds, not 0.
_WITH_SECONDS = frozenset(["OLDER", "YOUNGER"])

_TOKEN = re.compile(r'([()])|"((?:[^"\\]|\\["\\])*)"|([^ ()"]+)')
_REFUSED = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_ATOM = re.compile(r"[!#$&'+-\[\]-z|}~]+")
_DATE = re.compile("([0-9]{1,2})-([A-Za-z]{3})-([0-9]{4})")
_NUMBER = re.compile("[0-9]{1,10}")
_PLACE = r"([1-9][0-9]{0,9}|\*)"
_SET = re.compile(f"{_PLACE}(:{_PLACE})?(,{_PLACE}(:{_PLACE})?)*")


def parse(text: str) -> Pieces:
    """Return criteria as they go to a server. Raises ValueError with what is wrong, and where.

    Beside the keys of RFC 3501 there are OLDER and YOUNGER (RFC 5032), X-GM-RAW and X-GM-LABELS. A text
    has no control characters, and needs quotes only where it has blanks or what IMAP reserves.
    """
    if found := _REFUSED.search(text):
        raise _fault(found.start() + 1, "a control character")
    parser = _Parser(list(_split(text)), len(text) + 1)
    parser.read_keys(0)
    if parser.next:
        raise _fault(parser.next[0], "a parenthesis that closes nothing")
    return parser.pieces()


def format_date(text: str) -> str:
    """Return a date (2026-11-01) as IMAP has it (1-Nov-2026). Raises ValueError."""
    from datetime import date

    found = date.fromisoformat(text)
    return f"{found.day}-{MONTHS[found.month - 1]}-{found.year:04}"


def _fault(place: int, what: str) -> ValueError:
    return ValueError(f"{what}, at character {place}")


def _split(text: str) -> Iterator[Token]:
    position = 0
    apart = True
    while (position := _skip_blanks(text, position)) < len(text):
        found = _TOKEN.match(text, position)
        if not found:
            raise _fault(position + 1, "a quote that is not closed, or a \\ before neither \\ nor a quote")
        parenthesis, quoted, _ = found.groups()
        if not (apart or text[position - 1] == " " or parenthesis == ")"):
            raise _fault(position + 1, "a blank is missing")
        apart = parenthesis == "("
        word = found[0] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        yield position + 1, word, quoted is not None
        position = found.end()


def _skip_blanks(text: str, position: int) -> int:
    while text.startswith(" ", position):
        position += 1
    return position


class _Parser:
    """Reads tokens key by key, and writes what they mean."""

    def __init__(self, tokens: list[Token], end: int) -> None:
        self._waiting = tokens[::-1]
        self._end = end
        self._written: list[str] = [""]

    @property
    def next(self) -> Token | None:
        return self._waiting[-1] if self._waiting else None

    def pieces(self) -> Pieces:
        return tuple(self._written)

    def read_keys(self, depth: int) -> None:
        """Read keys up to the end, or to the parenthesis that closes them; one at least."""
        self._read_key(depth)
        while self.next and not self._is_mark(self.next, ")"):
            self._write(" ")
            self._read_key(depth)

    def _read_key(self, depth: int) -> None:
        place, word, quoted = self._take("a search key")
        if depth > DEPTH_LIMIT:
            raise _fault(place, "too many keys, each in another")
        key = "" if quoted else word.upper()
        if key == "(":
            self._write("(")
            self.read_keys(depth + 1)
            self._take("a closing parenthesis")
            self._write(")")
        elif key in ("NOT", "OR"):
            self._write(key)
            for _ in range(2 if key == "OR" else 1):
                self._write(" ")
                self._read_key(depth + 1)
        elif _SET.fullmatch(key):
            self._write_set(place, key)
        else:
            self._write(key)
            self._read_arguments(place, key)

    def _read_arguments(self, place: int, key: str) -> None:
        if key in _WITH_TEXT:
            self._read_text()
        elif key == "HEADER":
            self._read_text()
            self._read_text()
        elif key in _WITH_DATE:
            self._read_date()
        elif key in _WITH_FLAG:
            self._read_flag()
        elif key in _WITH_NUMBER:
            self._read_number(0)
        elif key in _WITH_SECONDS:
            self._read_number(1)
        elif key == "UID":
            self._write(" ")
            self._write_set(*self._take("UIDs")[:2])
        elif key not in _ALONE:
            raise _fault(place, "not a search key")

    def _read_text(self) -> None:
        place, text, quoted = self._take("a text")
        self._write(" ")
        if not text.isascii():
            self._written += [text, ""]
            return
        if not (quoted or _ATOM.fullmatch(text)):
            raise _fault(place, "a text that needs quotes")
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        self._write(f'"{escaped}"')

    def _read_date(self) -> None:
        place, text, _ = self._take("a date")
        found = _DATE.fullmatch(text)
        if not found or found[2].capitalize() not in MONTHS or not _is_day(*found.groups()):
            raise _fault(place, "not a date such as 1-Nov-2026")
        self._write(f" {int(found[1])}-{found[2].capitalize()}-{found[3]}")

    def _read_flag(self) -> None:
        place, flag, quoted = self._take("a keyword")
        if quoted or not _ATOM.fullmatch(flag) or "]" in flag:
            raise _fault(place, "not a keyword")
        self._write(f" {flag}")

    def _read_number(self, least: int) -> None:
        place, number, quoted = self._take("a number")
        if quoted or not _NUMBER.fullmatch(number) or not least <= int(number) < NUMBER_LIMIT:
            raise _fault(place, "not a number that fits")
        self._write(f" {int(number)}")

    def _write_set(self, place: int, text: str) -> None:
        if not _SET.fullmatch(text) or any(int(n) >= NUMBER_LIMIT for n in re.findall("[0-9]+", text)):
            raise _fault(place, "not a set of numbers such as 1:5,9")
        self._write(text)

    def _take(self, wanted: str) -> Token:
        """Return the next word that is no closing parenthesis, unless that is what is wanted."""
        if not self.next:
            raise _fault(self._end, f"{wanted} is missing")
        if self._is_mark(self.next, ")") != (wanted == "a closing parenthesis"):
            raise _fault(self.next[0], f"{wanted} is missing")
        return self._waiting.pop()

    def _is_mark(self, token: Token, mark: str) -> bool:
        return token[1] == mark and not token[2]

    def _write(self, text: str) -> None:
        self._written[-1] += text


def _is_day(day: str, month: str, year: str) -> bool:
    from datetime import date

    try:
        date(int(year), MONTHS.index(month.capitalize()) + 1, int(day))
    except ValueError:
        return False
    return True
