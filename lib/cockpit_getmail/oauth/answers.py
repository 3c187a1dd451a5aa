# SPDX-License-Identifier: LGPL-2.1-or-later
"""What providers answer, held against what belongs there (RFC 6749 section 5, RFC 8628 section 3.2).

This is all that touches the octets of an answer, and needs no other package: it runs in the sandbox.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from cockpit_getmail.problem import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

ANSWER_LIMIT = 64 << 10
TOKEN_LIMIT = 16 << 10
"""Microsoft's access tokens have some 2000 characters, and more with many groups."""
SECONDS_LIMIT = 10 * 366 * 86400
_TOKEN = re.compile(rf"[\x21-\x7e]{{1,{TOKEN_LIMIT}}}")
"""RFC 6749 appendix A allows a blank too, but no mail server takes one in a bearer token (RFC 6750)."""
_ERROR = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]{1,200}")
_URL = re.compile(r"https?://[\x21-\x7e]{1,2000}")
_DIGITS = re.compile("[0-9]{1,9}")


class Answer(NamedTuple):
    """A provider's answer: its status, and of its body the fields that are known, text or numbers."""

    status: int
    fields: Mapping[str, str | int]

    def text(self, name: str) -> str:
        """Return a field of text, empty without one."""
        value = self.fields.get(name, "")
        return value if isinstance(value, str) else ""

    def number(self, name: str, default: int) -> int:
        value = self.fields.get(name, default)
        return value if isinstance(value, int) else default


def parse(status: int, body: bytes) -> Answer:
    """Return what a body says. What is not known, or not as it belongs, is left out."""
    try:
        found = json.loads(body.decode())
    except (ValueError, RecursionError):
        found = None
    return Answer(status, check_fields(found))


def check_fields(found: object) -> dict[str, str | int]:
    """Return the known fields of an object, and nothing for anything else."""
    if not isinstance(found, dict):
        return {}
    checked = {name: check(found.get(name)) for name, check in _FIELDS.items()}
    return {name: value for name, value in checked.items() if value is not None}


def check_answer(found: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what came out of the sandbox as {"status", "fields"}, None if it is nothing of the kind."""
    status = found.get("status")
    if type(status) is not int or not 100 <= status <= 999:
        return None
    return {"status": status, "fields": check_fields(found.get("fields"))}


def _matching(pattern: re.Pattern[str]) -> Callable[[object], str | None]:
    def check(value: object) -> str | None:
        return value if isinstance(value, str) and pattern.fullmatch(value) else None

    return check


def _seconds(value: object) -> int | None:
    """Return a number of seconds, which some providers write as text, or with a fraction."""
    if isinstance(value, str) and _DIGITS.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= SECONDS_LIMIT:
        return None
    return int(value)


def _words(value: object) -> str | None:
    """Return text for a person: on one line, and cut."""
    return printable(" ".join(value[:4096].split())) if isinstance(value, str) and value.strip() else None


_FIELDS: Mapping[str, Callable[[object], str | int | None]] = {
    "access_token": _matching(_TOKEN),
    "refresh_token": _matching(_TOKEN),
    "token_type": _matching(_ERROR),
    "expires_in": _seconds,
    "scope": _words,
    "error": _matching(_ERROR),
    "error_description": _words,
    "suberror": _matching(_ERROR),
    "device_code": _matching(_TOKEN),
    "user_code": _words,
    "verification_uri": _matching(_URL),
    # What Google called it before there was a standard.
    "verification_url": _matching(_URL),
    "verification_uri_complete": _matching(_URL),
    "interval": _seconds,
}
