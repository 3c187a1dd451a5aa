# SPDX-License-Identifier: LGPL-2.1-or-later
"""Destinations: where messages are delivered."""

import re

from cockpit_getmail.destination.base import Destination
from cockpit_getmail.problem import failure, printable


def expand(spec: str, account: str) -> tuple[str, str]:
    """Return kind and path of a destination such as `maildir:/srv/mail/{domain}/{user}` for one account.

    {account} {user} {domain} are replaced by value. Raises Problem (cause delivery) if a value would leave
    its folder.
    """
    kind, _, template = spec.partition(":")
    user, _, domain = account.partition("@")
    values = {"account": account, "user": user, "domain": domain}

    def replace(match: re.Match[str]) -> str:
        value = values[match[1]]
        if value in ("", ".", "..") or "/" in value or "\0" in value:
            raise failure("delivery", f"The account {printable(account)} has no folder of its own in {spec}.")
        return value

    path = re.sub(r"\{(account|user|domain)\}", replace, template)
    return kind, "/" + "/".join(part for part in path.split("/") if part not in ("", "."))


def make(location: str, token: str) -> Destination:
    """Return the destination at `location` (`maildir:PATH`); `token` marks a connector's own files."""
    kind, _, path = location.partition(":")
    if kind == "maildir":
        from cockpit_getmail.destination.maildir import Maildir

        return Maildir(path, token)
    raise failure("settings", f"DESTINATION names the unknown kind {printable(kind)}.", setting="DESTINATION")
