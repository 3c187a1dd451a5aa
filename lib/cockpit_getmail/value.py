# SPDX-License-Identifier: LGPL-2.1-or-later
"""Values of the modules that a helper imports: what dataclasses would make of them takes 8 ms to import."""

from __future__ import annotations


class Value:
    """Equal to another one of its class if all in `__slots__` is. Not to be changed."""

    __slots__: tuple[str, ...] = ()

    def __eq__(self, other: object) -> bool:
        if type(self) is not type(other):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]
