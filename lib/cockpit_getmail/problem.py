# SPDX-License-Identifier: LGPL-2.1-or-later
"""The one exception of this package."""

from __future__ import annotations

import re
from collections.abc import Mapping

# typing takes 2 ms to import.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.words import Cause, Fault, Status, Type

STATUS: Mapping[str, tuple[Status, str]] = {
    "credentials": (
        "INVALID_CREDENTIALS",
        "Check user name and password; some providers want an app password.",
    ),
    "network": ("CONNECTION_IMPOSSIBLE", "Check server name, port and network, then try again."),
    "tls": (
        "CONNECTION_IMPOSSIBLE",
        "Check the certificate; trust a private one by Fingerprint or CAFile.",
    ),
    "protocol": ("CONNECTION_IMPOSSIBLE", "Check that server, port and retriever fit together."),
    "mailbox": (
        "NO_ACCESS_TO_ALL_MAIL",
        "Ask the provider whether this account may be read from here.",
    ),
    "policy": ("CONNECTION_IMPOSSIBLE", "Change Server, Username or Account."),
    "quota": ("NO_ACCESS_TO_ALL_MAIL", "Free space on this server; the next run goes on from there."),
    "delivery": (
        "NO_ACCESS_TO_ALL_MAIL",
        "Check where mail goes: the account there, its folder, and the server or program that takes it.",
    ),
    "filter": ("NO_ACCESS_TO_ALL_MAIL", "Check that the filter runs; what was not filtered waits."),
    "internal": ("NO_ACCESS_TO_ALL_MAIL", "Read the log of the last run; the next one goes on from there."),
    "settings": ("CONNECTION_IMPOSSIBLE", "Correct the settings of this server."),
    "connector": ("CONNECTION_IMPOSSIBLE", "Correct the connector."),
    "running": ("CONNECTION_IMPOSSIBLE", "Wait until the other run has ended, or cancel it."),
}
"""Context.IO's status and a next step for a person, by cause. A Problem may have a step of its own (hint)."""
_REMOTE = ("credentials", "network", "tls", "protocol", "mailbox", "policy")
TEXT_LIMIT = 1024
CONTROL = "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]"
"""What may not be written as it is: a terminal obeys it, or shows other text than there is."""


class Problem(Exception):
    """What went wrong, in the shape in which a helper answers it.

    `message` is a sentence for a person, or one of NethServer's two code words (validation_failed,
    no_json_data_available). `attributes` is a list of faults for NotValid ({"parameter", "value", "error"}),
    and otherwise an object; its `cause` is one of Cause. Nothing in it may hold a secret.
    """

    def __init__(
        self, kind: Type, message: str, attributes: Mapping[str, Any] | list[Fault] | None = None
    ) -> None:
        super().__init__(message)
        self.type = kind
        self.message = message
        self.attributes = attributes

    @property
    def cause(self) -> Cause:
        """The cause in the attributes; `connector` for a refused input, `internal` where none is given."""
        if isinstance(self.attributes, Mapping) and "cause" in self.attributes:
            cause: Cause = self.attributes["cause"]
            return cause
        return "connector" if self.type in ("InvalidInput", "NotValid", "NotFound") else "internal"

    @property
    def hint(self) -> str:
        """What a person can do about just this one; empty if it is what its cause has in STATUS."""
        hint = self.attributes.get("hint") if isinstance(self.attributes, Mapping) else None
        return hint if isinstance(hint, str) else ""


def failure(cause: Cause, message: str, *, kind: Type = "GenericError", **attributes: Any) -> Problem:
    """Return a Problem with a cause: raise it."""
    return Problem(kind, message, {"cause": cause, **attributes})


def with_status(problem: Problem) -> Problem:
    """Return the problem of a mailbox that cannot be opened with `status` and `hint` in its attributes."""
    if not isinstance(problem.attributes, Mapping) or problem.cause not in _REMOTE:
        return problem
    status, hint = STATUS[problem.cause]
    return Problem(problem.type, problem.message, {"status": status, "hint": hint, **problem.attributes})


def not_valid(faults: list[Fault]) -> Problem:
    """Return the Problem of an input with these faults, NethServer's NotValid shape."""
    return Problem("NotValid", "validation_failed", faults)


def sentence(problem: Problem) -> str:
    """Return what a problem is, for a person: a refused input without the code word, with its faults."""
    if not isinstance(problem.attributes, list):
        return problem.message
    faults = ", ".join(f"{fault['parameter']} ({fault['error']})" for fault in problem.attributes)
    return f"The connector is not valid: {faults}."


def printable(text: str | bytes) -> str:
    """Return text from a server, a file or a person fit for a log, an answer or a terminal.

    Control and direction characters become `\\xNN` or `\\uNNNN`; the whole is cut at 1 KiB.
    """
    if isinstance(text, bytes):
        text = text[: TEXT_LIMIT + 1].decode("utf-8", "backslashreplace")
    text = text[: TEXT_LIMIT + 1]
    if text.isascii() and text.isprintable():
        if len(text) <= TEXT_LIMIT:
            return text
    else:
        text = re.sub(CONTROL, _escape, text)
    encoded = text.encode()
    if len(encoded) <= TEXT_LIMIT:
        return text
    return encoded[: TEXT_LIMIT - 3].decode("utf-8", "ignore") + "…"


def quoted(text: str) -> str:
    """Return text as a sentence shows it: printable() and in quotes."""
    return f'"{printable(text)}"'


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
