# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a destination is written, in the setting DESTINATION and the prop Destination."""

from __future__ import annotations

import os
import re

from cockpit_getmail.problem import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

PLACEHOLDERS = ("account", "user", "domain")


def find_fault(destination: str) -> str | None:
    """Return what is wrong with the text of a destination, to be read after its name; None if nothing is."""
    kind, _, place = destination.partition(":")
    check = _DESTINATIONS.get(kind)
    if check is None:
        return f"must begin with maildir:, lmtp: or command:, not {quoted(kind)}"
    return check(place)


def _find_maildir_fault(template: str) -> str | None:
    path = template.removeprefix("~")
    if not path.startswith("/") or not os.path.normpath(path).strip("/"):
        return (
            "must have the absolute path of a folder after maildir:, or ~/ and one in the home of the "
            f"account's user, not {quoted(template)}"
        )
    if ".." in path.split("/"):
        return f"must not lead out of its folder, as {quoted(template)} does"
    return _find_unknown_placeholder(template, PLACEHOLDERS)


def _find_lmtp_fault(place: str) -> str | None:
    if re.fullmatch(r"unix:/[^\0]*[^/]", place) or parse_host_and_port(place):
        return None
    return f"must have unix: and an absolute path, or a host and a port, after lmtp:, not {quoted(place)}"


def _find_command_fault(command: str) -> str | None:
    from shlex import split

    try:
        words = split(command)
    except ValueError:
        return "has a quote in its command that is not closed"
    if not words or not words[0].startswith("/"):
        return "must have the absolute path of a program after command:"
    if re.search("[{}]", words[0]):
        return "must name one program for all accounts"
    return _find_unknown_placeholder(command, (*PLACEHOLDERS, "folder"))


def _find_unknown_placeholder(template: str, known: tuple[str, ...]) -> str | None:
    for part in re.findall(r"\{[^{}]*\}|[{}]", template):
        if part[1:-1] not in known:
            words = "{" + "}, {".join(known) + "}"
            return f"has {quoted(part)} in it; what is replaced there is {words}"
    return None


_DESTINATIONS: Mapping[str, Callable[[str], str | None]] = {
    "maildir": _find_maildir_fault,
    "lmtp": _find_lmtp_fault,
    "command": _find_command_fault,
}


def parse_host_and_port(text: str) -> tuple[str, int] | None:
    """Return the parts of `host:port`, where an IPv6 address is in brackets (RFC 3986 section 3.2.2)."""
    found = re.fullmatch(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\s:/\[\]]+)):([0-9]{1,5})", text)
    if not found or not 0 < int(found[3]) < 1 << 16:
        return None
    return found[1] or found[2], int(found[3])
