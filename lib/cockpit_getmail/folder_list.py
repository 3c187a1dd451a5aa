# SPDX-License-Identifier: LGPL-2.1-or-later
"""The prop Folders: which folders of an account are fetched.

It is a list of items with commas between them. An item is a name as people read it, a pattern with IMAP's
wildcards `*` and `%` (RFC 3501 section 6.3.8), or a special use such as `\\Sent` (RFC 6154); with `!` in
front it is left out. What is between quotes is a name as it is, with `\\"` and `\\\\` for a quote and a
backslash.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Literal

    Kind = Literal["name", "pattern", "use"]

SPECIAL_USES = ("\\sent", "\\drafts", "\\junk", "\\trash", "\\archive", "\\all", "\\flagged", "\\important")
"""Those of RFC 6154 section 2 and RFC 8457, in lower case."""
_WRITTEN = re.compile(r'((?:[^",]|"(?:[^"\\]|\\.)*")*)(,|$)')
_QUOTED = re.compile(r'"(?:[^"\\]|\\["\\])*"')
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class Item(NamedTuple):
    """One item: a special use is in lower case, and a name INBOX in capitals."""

    kind: Kind
    text: str
    is_left_out: bool = False


def parse(text: str) -> list[Item]:
    """Return the items of a list, at least one that is not left out. Raises ValueError for what is none."""
    if _CONTROL.search(text):
        raise ValueError("A name of a folder has no control characters.")
    items = [_parse_item(written) for written in _split(text)]
    if all(item.is_left_out for item in items):
        raise ValueError("All of it is left out: * is all folders.")
    return items


def is_only_inbox(items: Iterable[Item]) -> bool:
    """Whether no folder but INBOX is meant, so that nobody has to look which ones there are."""
    return all(item == Item("name", "INBOX") for item in items)


def matches(item: Item, name: str, separator: str, attributes: frozenset[str]) -> bool:
    """Whether an item means a folder; see retriever.base.Listed for its name, separator and attributes."""
    if item.kind == "use":
        return item.text in attributes
    name, text = _fold(name, separator), _fold(item.text, separator)
    if item.kind == "name":
        return text == name
    return _is_like(name, text, separator)


def begins_with_inbox(text: str) -> bool:
    """Whether what a name or pattern begins with is INBOX, in other letters than these."""
    return text[:5] != "INBOX" == text[:5].upper()


def _split(text: str) -> Iterator[str]:
    """Yield the items as they are written."""
    at, end = 0, ","
    while end:
        found = _WRITTEN.match(text, at)
        if not found:
            raise ValueError(f"This is no list of folders from {text[at : at + 20]!r} on.")
        at, end = found.end(), found[2]
        yield found[1].strip(" ")


def _parse_item(written: str) -> Item:
    is_left_out = written.startswith("!")
    written = written.removeprefix("!").strip(" ")
    if written.startswith('"'):
        if not _QUOTED.fullmatch(written):
            raise ValueError(f"This is no quoted name: {written}.")
        return _make_name(re.sub(r"\\(.)", r"\1", written[1:-1]), is_left_out=is_left_out)
    if '"' in written:
        raise ValueError(f"A quote has no place in {written}: quote the whole name.")
    if written.startswith("\\"):
        if written.lower() not in SPECIAL_USES:
            raise ValueError(f"There is no special use {written}: one is {', '.join(SPECIAL_USES)}.")
        return Item("use", written.lower(), is_left_out)
    if re.search("[*%]", written):
        return Item("pattern", written, is_left_out)
    return _make_name(written, is_left_out=is_left_out)


def _make_name(name: str, *, is_left_out: bool) -> Item:
    if not name:
        raise ValueError("A name is missing.")
    return Item("name", "INBOX" if name.upper() == "INBOX" else name, is_left_out)


@lru_cache(64)
def _fold(text: str, separator: str) -> str:
    """Return a name or pattern in one form: Unicode's NFC, and in it INBOX in capitals.

    What looks the same to people may be typed otherwise; and to servers INBOX is the same in whatever letters
    (RFC 3501 section 5.1), also where folders are below it.
    """
    if not text.isascii():
        from unicodedata import normalize

        text = normalize("NFC", text)
    is_level = begins_with_inbox(text) and text[5:6] in ("", separator, "*", "%")
    return f"INBOX{text[5:]}" if is_level else text


def _is_like(name: str, pattern: str, separator: str) -> bool:
    """Whether a pattern means a name. Most need no walk through both."""
    head, wild, rest = re.split("([*%]+)", pattern, maxsplit=1)
    if not name.startswith(head):
        return False
    name = name[len(head) :]
    if not rest:
        return "*" in wild or not separator or separator not in name
    # Several wildcards on end mean no more than the strongest of them.
    return _walk(name, re.sub("[*%]+", lambda found: "*" if "*" in found[0] else "%", wild + rest), separator)


def _walk(name: str, pattern: str, separator: str) -> bool:
    """Match letter by letter; a bit of `reached` stands for so much of the pattern.

    A regular expression with several wildcards could be made to take for ever.
    """
    letters: dict[str, int] = {}
    wild = any_letter = 0
    for at, letter in enumerate(pattern):
        bit = 1 << at
        if letter in "*%":
            wild |= bit
            any_letter |= bit if letter == "*" else 0
        else:
            letters[letter] = letters.get(letter, 0) | bit
    level = wild & ~any_letter
    reached = 1 | (1 & wild) << 1
    for letter in name:
        stays = reached & (any_letter if letter == separator else any_letter | level)
        reached = stays | (reached & letters.get(letter, 0)) << 1
        reached |= (reached & wild) << 1
        if not reached:
            return False
    return bool(reached >> len(pattern) & 1)
