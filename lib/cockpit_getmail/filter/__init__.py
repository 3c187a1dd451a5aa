# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filters: what looks at messages before they are delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.filter.base import Verdict
from cockpit_getmail.problem import Problem
from cockpit_getmail.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.filter.base import Envelope, Filter
    from cockpit_getmail.settings import Settings

FILTERS = {"clamd": ("VirusCheck",), "rspamd": ("FilterCheck", "SpamCheck")}
"""Modules here, with make(), in the order in which messages pass them, and the props that ask for each."""
HARMLESS = b"Subject: test\r\n\r\n"


class Chain:
    """Several filters as one: each sees what those before it would have delivered.

    A message that a filter has no answer for fails, if it has one for another message at that time.
    """

    def __init__(self, filters: Sequence[Filter]) -> None:
        self._filters = filters

    def scan(self, message: Spool, envelope: Envelope) -> Verdict:
        passed = Verdict("deliver")
        for each in self._filters:
            verdict = _scan(each, message, envelope)
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


def _scan(each: Filter, message: Spool, envelope: Envelope) -> Verdict:
    try:
        return each.scan(message, envelope)
    except Problem as problem:
        # Who sends what takes a scanner too long, or ends it, must not keep the mail of others waiting.
        if problem.cause == "filter" and _is_up(each, envelope):
            return Verdict("fail", problem.message)
        raise


def _is_up(each: Filter, envelope: Envelope) -> bool:
    harmless = Spool("")
    harmless.write(HARMLESS)
    try:
        each.scan(harmless, envelope)
    except Problem:
        return False
    return True
