# SPDX-License-Identifier: LGPL-2.1-or-later
"""Destinations: where messages are delivered. Each kind is a module here, with make()."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cockpit_getmail.destination.home import find_user
from cockpit_getmail.problem import failure, printable
from cockpit_getmail.target import find_fault

if TYPE_CHECKING:
    from cockpit_getmail.connector import Connector
    from cockpit_getmail.destination.base import Destination
    from cockpit_getmail.durable import StrPath
    from cockpit_getmail.settings import Settings


class Target(NamedTuple):
    """Where the mail of a connector goes: `place` is what its kind takes, `folder` is in the account.

    `user` is the name of the user in whose home that is, if the destination says so (`~`).
    """

    kind: str
    place: str
    account: str
    folder: str
    user: str = ""

    @property
    def location(self) -> str:
        return f"{self.kind}:{self.place}"

    @property
    def maildir(self) -> str | None:
        """The path of the account's Maildir, if that is what it is."""
        return self.place if self.kind == "maildir" else None


def find_target(connector: Connector, settings: Settings) -> Target:
    """Return where a connector's mail goes: by its prop Destination, else by the setting.

    Raises Problem (settings, connector, delivery).
    """
    spec = connector.destination or settings.destination
    if fault := find_fault(spec):
        if connector.destination:
            raise failure("connector", f"The prop Destination {fault}.")
        raise failure("settings", f"The setting DESTINATION {fault}.", setting="DESTINATION")
    kind, _, place = spec.partition(":")
    user = ""
    if kind == "maildir":
        home, place = place.startswith("~"), expand(place.removeprefix("~"), connector.account)
        if home:
            found = find_user(connector.account)
            user, place = found.pw_name, found.pw_dir.rstrip("/") + place
    return Target(kind, place, connector.account, connector.folder, user)


def expand(template: str, account: str) -> str:
    """Return the path of a Maildir such as `/srv/mail/{domain}/{user}` for one account.

    {account} {user} {domain} are replaced by value. Raises Problem (cause delivery) if a value would leave
    its folder.
    """
    user, _, domain = account.partition("@")
    values = {"account": account, "user": user, "domain": domain}

    def replace(match: re.Match[str]) -> str:
        value = values[match[1]]
        if value in ("", ".", "..") or "/" in value or "\0" in value:
            message = f"The account {printable(account)} has no folder of its own in maildir:{template}."
            raise failure("delivery", message)
        return value

    path = re.sub(r"\{(account|user|domain)\}", replace, template)
    return "/" + "/".join(part for part in path.split("/") if part not in ("", "."))


def make(connector: Connector, settings: Settings, token: str, state_folder: StrPath) -> Destination:
    """Return the destination of a connector; `token` marks its files, its state has room for what waits."""
    from importlib import import_module

    target = find_target(connector, settings)
    module = import_module(f"{__name__}.{target.kind}")
    destination: Destination = module.make(target, settings, token, state_folder)
    return destination
