# SPDX-License-Identifier: LGPL-2.1-or-later
"""The object `milter` of rspamd's answers: what is to be changed in a header."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cockpit_getmail.filter.base import Removal
from cockpit_getmail.problem import Problem, failure

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELDS = 200
"""So many headers may be added, and removed."""
OCTETS = 256 << 10
_NAME = re.compile(r"[!-9;-~]{1,200}")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
# No end of a line is left where none is meant.
_CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")


class Changes:
    """What is to be removed, and added. `spam` is by what a message is marked as spam, by name.

    `quarantine`: what would be rejected is set aside. `no_action`: only the header is changed.
    """

    def __init__(self) -> None:
        self.removed: list[Removal] = []
        self.spam: dict[str, str] = {}
        self.quarantine = False
        self.no_action = False
        self._lines: list[tuple[int, str, bytes]] = []

    @property
    def added(self) -> bytes:
        """The lines to add, first those of the lowest order."""
        return b"".join(line for _, _, line in sorted(self._lines, key=lambda line: line[0]))

    def add(self, name: str, value: str, order: int = 1) -> None:
        """Add a header. Raises Problem (filter) for what cannot be one."""
        line = _check_name(name) + ": " + _fold(value) + "\r\n"
        self._lines.append((order, name.lower(), line.encode("utf-8", "replace")))
        if len(self._lines) > FIELDS or sum(len(octets) for *_, octets in self._lines) > OCTETS:
            raise _refuse("adds too many headers")

    def has(self, name: str) -> bool:
        """Whether a header of this name is added."""
        return any(added == name.lower() for _, added, _ in self._lines)


def read_changes(milter: Any) -> Changes:
    """Return what the object says; nothing of None. Raises Problem (filter).

    add_headers: {name: value, or {value, order}, or a list of these}. remove_headers: {name: which, or a list
    of these}, or a list of names; see Removal. spam_header: the value of X-Spam, or {name: value}.
    """
    changes = Changes()
    if milter is None:
        return changes
    for name, each in _pairs(milter, "add_headers"):
        value, order = (each.get("value"), each.get("order", 1)) if isinstance(each, dict) else (each, 1)
        if not isinstance(value, str) or not isinstance(order, int):
            raise _refuse("adds a header without a value")
        changes.add(name, value, order)
    for name, which in _pairs(milter, "remove_headers"):
        if not isinstance(which, int) or len(changes.removed) >= FIELDS:
            raise _refuse("removes headers without a number, or too many")
        changes.removed.append(Removal(_check_name(name).encode(), int(which)))
    for name, value in _pairs(milter, "spam_header", "X-Spam"):
        if not isinstance(value, str):
            raise _refuse("has a spam header without a value")
        changes.spam[name] = value
    changes.quarantine = milter.get("reject") == "quarantine"
    changes.no_action = milter.get("no_action") is True
    return changes


def _pairs(milter: Any, key: str, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield names and values; a text alone is the value of a header `name`, a list is one of names."""
    found = milter.get(key, {}) if isinstance(milter, dict) else None
    if isinstance(found, str) and name:
        found = {name: found}
    if isinstance(found, list) and key == "remove_headers":
        found = {str(each): 0 for each in found}
    if not isinstance(found, dict):
        raise _refuse(f"has no object {key}")
    for field, value in found.items():
        for each in value if isinstance(value, list) else [value]:
            yield field, each


def _check_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise _refuse("has a header whose name is none")
    return name


def _fold(value: str) -> str:
    """Return a value whose lines are folded (RFC 5322 section 2.2.3), and none of them is blank."""
    lines = [_CONTROL.sub(" ", line) for line in _FOLD.split(value)]
    return "\r\n".join(line for number, line in enumerate(lines) if line.strip() or not number).rstrip()


def _refuse(what: str) -> Problem:
    return failure("filter", f"rspamd's answer {what}.")
