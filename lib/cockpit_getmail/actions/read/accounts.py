# SPDX-License-Identifier: LGPL-2.1-or-later
"""The local accounts that mail can be delivered to."""

from __future__ import annotations

import re

from cockpit_getmail import database
from cockpit_getmail.actions import select
from cockpit_getmail.actions.delivering import refuse_target
from cockpit_getmail.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings

LOGIN_DEFS = "/etc/login.defs"
UIDS = {"UID_MIN": 1000, "UID_MAX": 60000}
"""Whom useradd(8) makes for a person, where login.defs does not say otherwise."""


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return this machine's people, and the accounts of connectors. Raises Problem (GenericError)."""
    connectors: dict[str, int] = {}
    for record in select(database.read(settings.connectors_db)):
        if account := record.props.get("Account"):
            connectors[account] = connectors.get(account, 0) + 1
    people = set(_find_people())
    return {
        "accounts": [
            {
                "name": name,
                "user": name in people,
                "connectors": connectors.get(name, 0),
                "fits": _fits(name, settings),
            }
            for name in sorted(people | connectors.keys())
        ]
    }


def _fits(account: str, settings: Settings) -> bool:
    """Whether a new connector may have this Account, without a Destination of its own."""
    try:
        refuse_target({"Account": account}, settings)
    except Problem:
        return False
    return True


def _find_people() -> Iterator[str]:
    import pwd

    first, last = _read_limits()
    for user in pwd.getpwall():
        if first <= user.pw_uid <= last:
            yield user.pw_name


def _read_limits() -> tuple[int, int]:
    found = dict(UIDS)
    try:
        with open(LOGIN_DEFS, encoding="utf-8", errors="replace") as file:
            text = file.read()
    except OSError:
        text = ""
    for name, value in re.findall(r"^\s*(UID_M(?:IN|AX))\s+([0-9]{1,9})\s*$", text, re.MULTILINE):
        found[name] = int(value)
    return found["UID_MIN"], found["UID_MAX"]
