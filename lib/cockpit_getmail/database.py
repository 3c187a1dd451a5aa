# SPDX-License-Identifier: LGPL-2.1-or-later
"""The connector database: one flat file in the e-smith format, `key=type|Prop|value|Prop|value` a line.

Whatever is not changed keeps its very bytes: records of other types, props nobody knows, comments, lines that
cannot be parsed, their order and their line ends.
"""

from __future__ import annotations

import binascii
import io
import re
from contextlib import closing, contextmanager, suppress

from cockpit_getmail import database_file
from cockpit_getmail.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_BLANKS = " \t\n\v\f\r"
"""What the Perl library trims: `\\s` of octets. Python's own strip() would take U+00A0 and more."""
_BLANK_BYTES = _BLANKS.encode()
_BASE64 = "base64:"
_BAR = r"(?<!\\)\|"


class Record(Value):
    """One record. `props` has the values as they were put; `type` is not among them."""

    __slots__ = ("key", "props", "type")

    def __init__(self, key: str, kind: str, props: dict[str, str]) -> None:
        self.key = key
        self.type = kind
        self.props = props


class Broken(Value):
    """A line that is no record, by its number in the file. Its content may hold a secret and is not told."""

    __slots__ = ("line", "reason")

    def __init__(self, line: int, reason: str) -> None:
        self.line = line
        self.reason = reason


class _Line:
    """One line as it is in the file, its LF included. `key` is empty if it is not a record."""

    __slots__ = ("key", "raw")

    def __init__(self, raw: bytes, key: bytes) -> None:
        self.raw = raw
        self.key = key


class Database:
    """The content of a database file.

    Parsing and formatting are inverses: `Database(data).format() == data`. Of records with one key the last
    one counts, as in the Perl library.
    """

    def __init__(self, data: bytes = b"") -> None:
        self.broken: list[Broken] = []
        self._lines: list[_Line] = []
        self._by_key: dict[bytes, _Line] = {}
        self._greatest: list[bytes] | None = None
        for number, raw in enumerate(io.BytesIO(data), 1):
            key, reason = _find_key(raw)
            line = _Line(raw, key)
            self._lines.append(line)
            if key:
                self._by_key[key] = line
            elif reason:
                self.broken.append(Broken(number, reason))

    def format(self) -> bytes:
        """Return the content of the file."""
        return b"".join(line.raw for line in self._lines)

    @property
    def records(self) -> list[Record]:
        """All records of any type, in the order of the file. They are copies: to change one, put it."""
        return [_parse(line.raw) for line in self._lines if self._by_key.get(line.key) is line]

    def get(self, key: str) -> Record | None:
        """Return a copy of the record, None if there is none with this key."""
        line = self._by_key.get(key.encode("utf-8", "surrogatepass"))
        return _parse(line.raw) if line else None

    def put(self, key: str, kind: str, props: Mapping[str, str]) -> None:
        """Add a record, or give the one with this key just this type (`kind`) and these props.

        A value may be any text that UTF-8 can carry. Raises ValueError for a key, type or name of a prop that
        the format cannot carry: for these it knows no escape.
        """
        line = self._by_key.get(key.encode())
        if line is None:
            self._insert(_Line(_format(key, kind, props, {}) + b"\n", key.encode()))
        elif _parse(line.raw) != Record(key, kind, dict(props)):
            end = b"\n" if line.raw.endswith(b"\n") else b""
            line.raw = _format(key, kind, props, _split(line.raw)[2]) + end

    def remove(self, key: str) -> None:
        """Remove every record with this key, if there is one."""
        name = key.encode("utf-8", "surrogatepass")
        if self._by_key.pop(name, None):
            self._lines = [line for line in self._lines if line.key != name]
            self._greatest = None

    def _insert(self, new: _Line) -> None:
        """Insert before the first record with a greater key, where the Perl library would have it."""
        from bisect import bisect_right
        from itertools import accumulate

        if self._greatest is None:
            self._greatest = list(accumulate((line.key for line in self._lines), max))
        place = bisect_right(self._greatest, new.key)
        if place and place == len(self._lines) and not self._lines[-1].raw.endswith(b"\n"):
            self._lines[-1].raw += b"\n"
        self._lines.insert(place, new)
        self._greatest.insert(place, new.key)
        self._by_key[new.key] = new


def _find_key(raw: bytes) -> tuple[bytes, str]:
    """Return a record's key; or no key and what is wrong with the line, which is nothing for a comment."""
    text = raw.strip(_BLANK_BYTES)
    if not text or text.startswith(b"#"):
        return b"", ""
    key, equals, value = text.partition(b"=")
    key = key.rstrip(_BLANK_BYTES)
    if not equals:
        return b"", "it has no `=`"
    if not key:
        return b"", "it has no key"
    if (value.count(b"|") - value.count(b"\\|")) % 2:
        return b"", "its last prop has no value"
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError:
            return b"", "it is not UTF-8"
    return key, ""


def _split(raw: bytes) -> tuple[str, str, dict[str, str]]:
    """Return key, type and props of a record, all still as in the file. Of one prop the last counts."""
    key, _, value = raw.decode().partition("=")
    value = value.strip(_BLANKS)
    fields = re.split(_BAR, value) if "\\" in value else value.split("|")
    return key.strip(_BLANKS), fields[0], dict(zip(fields[1::2], fields[2::2], strict=True))


def _parse(raw: bytes) -> Record:
    key, kind, props = _split(raw)
    if b"\\n" in raw or b"base64:" in raw:
        props = {_unescape(name): _decode(value) for name, value in props.items()}
    return Record(key, _unescape(kind), props)


def _format(key: str, kind: str, props: Mapping[str, str], kept: Mapping[str, str]) -> bytes:
    """Return the line of a record without its LF. `kept` has the values that are in the file now."""
    names = sorted(props)  # of str: the same as bytewise of UTF-8
    parts = [_escape(kind)]
    for name in names:
        parts += _escape(name), _encode(props[name], kept.get(_escape(name)), last=name == names[-1])
    raw = f"{key}={'|'.join(parts)}".encode()
    if b"\n" in raw or not _find_key(raw)[0] or _parse(raw) != Record(key, kind, dict(props)):
        raise ValueError("the key, type or name of a prop is not one that the e-smith format can carry")
    return raw


def _encode(value: str, kept: str | None, *, last: bool) -> str:
    """Return a value for the file: as it stands there now, as the Perl library writes it, or in base64."""
    if kept is not None and _decode(kept) == value and _can_stand(kept, last):
        return kept
    plain = _escape(value)
    has_syntax = "|" in value or value.startswith(_BASE64) or _unescape(plain) != value
    if not has_syntax and _can_stand(plain, last):
        return plain
    return _BASE64 + binascii.b2a_base64(value.encode(), newline=False).decode()


def _can_stand(text: str, last: bool) -> bool:
    """Whether text keeps its meaning before the end of the line, or else before a `|`."""
    return text == text.rstrip(_BLANKS) if last else not text.endswith("\\")


def _decode(text: str) -> str:
    if text.startswith(_BASE64):
        code = text.removeprefix(_BASE64)
        with suppress(ValueError):
            octets = binascii.a2b_base64(code)
            if binascii.b2a_base64(octets, newline=False) == code.encode():
                return octets.decode()
    return _unescape(text)


def _escape(text: str) -> str:
    return text.replace("\n", "\\n")


def _unescape(text: str) -> str:
    return text.replace("\\n", "\n")


def read(path: str | Path) -> Database:
    """Return what is in the file now; a missing file is an empty database. Takes no lock.

    Raises Problem (cause internal, with `path`) if the file cannot be read.
    """
    return Database(database_file.read(path))


@contextmanager
def transaction(path: str | Path) -> Iterator[Database]:
    """Give the database under an exclusive lock; write it when the block ends, if it was changed.

    Nothing is written if the block raises. Raises Problem (cause internal, with `path`) if the file cannot be
    written, or its lock not be had.
    """
    with closing(database_file.Writer(path)) as writer:
        database = Database(writer.data)
        yield database
        data = database.format()
        if data != writer.data:
            writer.replace(data)
