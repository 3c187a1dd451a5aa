# SPDX-License-Identifier: LGPL-2.1-or-later
"""The folders of an account: which of them are fetched, in which order, and what they are called here.

A name from a server never becomes a path by itself: each level of it becomes one level here, with `=XX` (an
octet of UTF-8 in hexadecimal digits) for what has a meaning in a path, a Maildir or a command.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from cockpit_getmail import folder_list, imap_utf7
from cockpit_getmail.retriever.base import ALL, INBOX, Listed

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from cockpit_getmail.folder_list import Item

SHOWS_OTHERS = frozenset({"\\all", "\\flagged", "\\important"})
"""Uses of folders that show messages which are in other folders, too (RFC 6154 section 2, RFC 8457)."""
_LOCAL_LIMIT = 240
"""Octets of a local name in a Maildir, which takes 255."""
_ESCAPED = re.compile(
    "[./\x00-\x1f\x7f-\xa0\xad\u061c\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff]|=(?=[0-9A-F]{2})"
)


class Choice(NamedTuple):
    """What is fetched, in its order. For the special uses of `unused` there is no folder.

    Those of `doubles` were left out: a pattern means them, but their messages are in other folders, too.
    """

    folders: list[Listed]
    unused: list[str]
    doubles: list[Listed]


def choose(items: Sequence[Item], listed: Sequence[Listed], *, knows_copies: bool = False) -> Choice:
    """Return which of the listed folders are meant. INBOX comes first, what shows others' messages last.

    A folder that is named is among them even if it is not listed. `knows_copies`: the server tells which
    messages are the same in several folders, so that none is delivered twice.
    """
    wanted = [item for item in items if not item.is_left_out]
    left_out = [item for item in items if item.is_left_out]
    by_name = {folder.name: folder for folder in reversed(listed)}
    folders: list[Listed] = []
    doubles: list[Listed] = []
    for folder in _add_named(wanted, by_name, listed):
        if _is_meant(folder, left_out):
            continue
        if any(item.kind != "pattern" and _is_meant(folder, [item]) for item in wanted):
            folders.append(folder)
        elif _is_meant(folder, wanted) and folder.is_selectable:
            is_double = bool(folder.attributes & SHOWS_OTHERS) and not knows_copies
            (doubles if is_double else folders).append(folder)
    uses = {attribute for folder in listed for attribute in folder.attributes}
    unused = [item.text for item in wanted if item.kind == "use" and item.text not in uses]
    return Choice(sorted(folders, key=_rank), unused, doubles)


def name_locally(folders: Iterable[Listed], prefix: str = "", root: str = "") -> dict[str, str]:
    """Return by name what folders are called here below the folder `root`; levels are parted by `/`.

    `prefix` is what the names of the account's own folders begin with, such as `INBOX.` (RFC 2342). No two
    folders have one local name; who would gets some digits at the end.
    """
    root = "" if root.upper() == INBOX.name else root
    found: dict[str, str] = {}
    taken: set[str] = set()
    for folder in sorted(folders, key=lambda folder: (folder.name != INBOX.name, folder.wire)):
        name = _join(root, _find_local_name(folder, prefix))
        if name in taken or _is_long(name):
            name = _shorten(name, "=" + sha256(folder.wire).hexdigest()[:16])
        taken.add(name)
        found[folder.name] = name
    return found


def find_patterns(items: Sequence[Item]) -> Sequence[bytes]:
    """Return patterns for LIST that no folder which is meant is missing from; more may be listed.

    What a pattern means in modified UTF-7 may be something else than it means to people.
    """
    wanted = [item for item in items if not item.is_left_out]
    if all(_is_plain(item) for item in wanted):
        return [imap_utf7.encode(item.text) for item in wanted]
    return ALL


def find_missing(items: Iterable[Item], listed: Sequence[Listed]) -> list[str]:
    """Return the names that are wanted and not among the folders that were listed."""
    there = {folder.name for folder in listed}
    return [
        item.text
        for item in items
        if item.kind == "name" and not item.is_left_out and item.text not in there
        if not any(_is_meant(folder, [item]) for folder in listed)
    ]


def _is_plain(item: Item) -> bool:
    if item.kind == "use" or folder_list.begins_with_inbox(item.text):
        return False
    return item.kind == "name" or (item.text.isascii() and not set(item.text) & {"&", "\\"})


def _add_named(wanted: Iterable[Item], by_name: dict[str, Listed], listed: Sequence[Listed]) -> list[Listed]:
    """Return each folder once, also those that are named and not listed: a server may hide some."""
    separator = next((folder.separator for folder in listed if folder.separator), "")
    for name in find_missing(wanted, listed):
        by_name[name] = Listed(name, imap_utf7.encode(name), separator)
    order = dict.fromkeys((*(folder.name for folder in listed), *by_name))
    return [by_name[name] for name in order]


def _is_meant(folder: Listed, items: Iterable[Item]) -> bool:
    return any(folder_list.matches(item, folder.name, folder.separator, folder.attributes) for item in items)


def _rank(folder: Listed) -> int:
    if folder.name == INBOX.name:
        return 0
    if "\\all" in folder.attributes:
        return 3
    return 2 if folder.attributes & SHOWS_OTHERS else 1


def _find_local_name(folder: Listed, prefix: str) -> str:
    """Return a folder's name here, empty for INBOX."""
    if folder.name == INBOX.name:
        return ""
    name = folder.name
    own = name[len(prefix) :]
    if prefix and name[: len(prefix)].upper() == prefix.upper() and not _begins_with_inbox(own, folder):
        name = own
    levels = name.split(folder.separator) if folder.separator else [name]
    # What is below INBOX, Dovecot has below just this name.
    levels[0] = INBOX.name if levels[0].upper() == INBOX.name else levels[0]
    local = "/".join(map(_escape, levels))
    # To a command it would be an option, to Dovecot somebody's home.
    return f"={ord(local[0]):02X}{local[1:]}" if local.startswith(("-", "~")) else local


def _begins_with_inbox(name: str, folder: Listed) -> bool:
    first = name.split(folder.separator)[0] if folder.separator else name
    return first.upper() in ("", INBOX.name)


def _escape(level: str) -> str:
    if level in ("", "="):
        return "=3D" if level else "="
    return _ESCAPED.sub(lambda match: "".join(f"={octet:02X}" for octet in match[0].encode()), level)


def _join(root: str, name: str) -> str:
    return "/".join(part for part in (root, name) if part) or INBOX.name


def _is_long(name: str) -> bool:
    return len(imap_utf7.to_utf7(name)) > _LOCAL_LIMIT


def _shorten(name: str, end: str) -> str:
    """Return a name with another end, of which as much is left as there is room for."""
    # No letter makes it shorter: a server may list very many long names.
    letters = bisect_left(range(1, _LOCAL_LIMIT), True, key=lambda count: _is_long(name[:count] + end))
    return name[:letters] + end
