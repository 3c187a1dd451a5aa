# SPDX-License-Identifier: LGPL-2.1-or-later
"""What root believes of an answer out of the sandbox: shapes, and texts that harm nobody who reads them.

Each function returns the value as it may be handed on. Raises ValueError or TypeError for another shape.
"""

from __future__ import annotations

import re

from cockpit_getmail.problem import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    Value = TypeVar("Value")

NUMBER_LIMIT = 1 << 63
NAME_LIMIT = 1024
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


def text(value: Any) -> str:
    """A text, printable()."""
    if not isinstance(value, str):
        raise TypeError
    return printable(value)


def folder_name(value: Any) -> str:
    """The name of a folder as it is: printable() only where there are control characters in it."""
    if isinstance(value, str) and len(value) <= NAME_LIMIT and not _CONTROL.search(value):
        return value
    return text(value)


def word(value: Any, *words: str) -> str:
    """One of these words."""
    if not isinstance(value, str) or value not in words:
        raise ValueError
    return value


def truth(value: Any) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise TypeError
    return value


def number(value: Any, limit: int = NUMBER_LIMIT) -> int:
    """A whole number from 0 and below a limit."""
    if type(value) is not int or not 0 <= value < limit:
        raise ValueError
    return value


def optional(check: Callable[[Any], Value], value: Any) -> Value | None:
    """None, or what check() returns."""
    return None if value is None else check(value)


def items(check: Callable[[Any], Value], values: Any, limit: int) -> list[Value]:
    """A list of at most so many, of what check() returns for each."""
    if not isinstance(values, list) or len(values) > limit:
        raise ValueError
    return [check(value) for value in values]


def texts(values: Any, limit: int) -> list[str]:
    """A list of at most so many texts."""
    return items(text, values, limit)
