# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filters: what looks at messages before they are delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.filter.base import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.filter.base import Envelope, Filter
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.spool import Spool

FILTERS = {"clamd": ("VirusCheck",), "rspamd": ("FilterCheck", "SpamCheck")}
"""Modules here, with make(), in the order in which messages pass them, and the props that ask for each."""


class Chain:
    """Several filters as one: each sees what those before it would have delivered."""

    def __init__(self, filters: Sequence[Filter]) -> None:
        self._filters = filters

    def scan(self, message: Spool, envelope: Envelope) -> Verdict:
        passed = Verdict("deliver")
        for each in self._filters:
            verdict = each.scan(message, envelope)
            if verdict.action not in ("deliver", "junk"):
                return verdict
            passed = Verdict(
                "junk" if "junk" in (passed.action, verdict.action) else "deliver",
                verdict.reason or passed.reason,
                verdict.added + passed.added,
                passed.removed + verdict.removed,
            )
        return passed


def make(connector: Connector, settings: Settings) -> Filter | None:
    """Return the filters of a connector as one, None if it has none."""
    from importlib import import_module

    wanted = set(connector.filters)
    names = [name for name, props in FILTERS.items() if wanted.intersection(props)]
    made: list[Filter] = [import_module(f"{__name__}.{name}").make(settings) for name in names]
    return Chain(made) if made else None
