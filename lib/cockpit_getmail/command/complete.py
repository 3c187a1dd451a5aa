# SPDX-License-Identifier: LGPL-2.1-or-later
"""What shells complete; see `make install` for what they are told, and argcomplete for how it works."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def complete_names(*, parsed_args: argparse.Namespace, **_: object) -> list[str]:
    """Return the names and labels of this machine's connectors, where they may be read.

    Of another machine none: to press a key is no reason to log in somewhere.
    """
    from cockpit_getmail.client import Client
    from cockpit_getmail.problem import Problem

    if getattr(parsed_args, "host", None):
        return []
    try:
        found = Client().call("read", "status")["connectors"]
    except Problem:
        return []
    return [name for connector in found for name in (connector["name"], connector.get("label")) if name]
