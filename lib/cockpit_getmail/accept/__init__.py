# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether an input is valid, told by code that setup.py makes of the schemas with fastjsonschema.

In this folder there is a module for each action, made when the project is built. It says yes or nothing: if
there is none, or it was made of another schema than there is now, or does not accept, ask jsonschema.
"""

from __future__ import annotations

import importlib
import os
import re
import zlib

from cockpit_getmail.formats import FORMATS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

SCHEMAS = os.path.join(os.path.dirname(os.path.dirname(__file__)), "schemas")


class NotAccepted(ValueError):
    """What a made module raises."""


class Patterns(dict[str, re.Pattern[str]]):
    """Regular expressions by their text, compiled when they are first met."""

    def __missing__(self, pattern: str) -> re.Pattern[str]:
        self[pattern] = re.compile(pattern)
        return self[pattern]


def is_accepted(verb: str, action: str, data: Mapping[str, Any]) -> bool:
    """Whether an input is certainly valid."""
    name = f"{__name__}.{module_name(verb, action)}"
    try:
        made = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        return False
    if any(checksum(source) != expected for source, expected in made.SOURCES.items()):
        return False
    try:
        made.validate(data, FORMATS)
    except NotAccepted:
        return False
    return True


def module_name(verb: str, action: str, separator: str = "_") -> str:
    return f"{verb}{separator}{action}".replace("-", "_")


def checksum(source: str) -> int:
    """Return the CRC-32 of a file below SCHEMAS."""
    with open(os.path.join(SCHEMAS, source), "rb", buffering=0) as file:
        return zlib.crc32(file.read())
