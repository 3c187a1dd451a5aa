# SPDX-License-Identifier: LGPL-2.1-or-later
"""Days of the system's time zone, as text: how many messages came on each of the last ones."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Set

LIMIT = 14
"""So many days are told, today among them."""


def day_of(at: float) -> str:
    """Return the day of a time in seconds since 1970: `2026-11-21`."""
    return time.strftime("%Y-%m-%d", time.localtime(at))


def last_days(now: float) -> frozenset[str]:
    """Return the days that are told, whether they have 23, 24 or 25 hours."""
    year, month, day, *_ = time.localtime(now)
    noons = (time.mktime((year, month, day - back, 12, 0, 0, 0, 0, -1)) for back in range(LIMIT))
    return frozenset(map(day_of, noons))


def keep(counts: dict[str, int], days: Set[str]) -> dict[str, int]:
    """Return the counts of these days, but for those without any."""
    if counts.keys() <= days and all(counts.values()):
        # Nearly always.
        return counts
    return {day: count for day, count in counts.items() if count and day in days}
