# SPDX-License-Identifier: LGPL-2.1-or-later
"""Days of a time zone, over midnight, a year's end and changes of the clock."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from cockpit_getmail.days import LIMIT, day_of, keep, last_days

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

NOW = 1_763_683_140.0
"""2025-11-20 23:59 in UTC."""


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def set_zone(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield set_zone
    monkeypatch.undo()
    time.tzset()


def test_day_is_that_of_the_time_zone(zone: Callable[[str], None]) -> None:
    zone("UTC")
    assert [day_of(NOW), day_of(NOW + 60)] == ["2025-11-20", "2025-11-21"]
    zone("CET-1")
    assert day_of(NOW) == "2025-11-21"


def test_last_days_are_today_and_those_before(zone: Callable[[str], None]) -> None:
    zone("UTC")
    assert sorted(last_days(NOW)) == [f"2025-11-{day:02d}" for day in range(7, 21)]
    new_year = 1_767_225_600.0
    found = sorted(last_days(new_year))
    assert (len(found), found[0], found[-2], found[-1]) == (LIMIT, "2025-12-19", "2025-12-31", "2026-01-01")


@pytest.mark.parametrize("hour", range(0, 24, 3))
def test_days_of_23_and_25_hours_are_days(zone: Callable[[str], None], hour: int) -> None:
    zone("CET-1CEST,M3.5.0,M10.5.0/3")
    for month in (4, 11):
        now = time.mktime((2026, month, 4, hour, 30, 0, 0, 0, -1))
        found = sorted(last_days(now))
        assert (len(found), found[-1]) == (LIMIT, f"2026-{month:02d}-04")


def test_only_days_that_are_told_are_kept() -> None:
    days = frozenset(("2025-11-19", "2025-11-20"))
    for counts in ({}, {"2025-11-20": 2}, {"2025-11-19": 1, "2025-11-20": 2}):
        assert keep(counts, days) == counts
    counts = {"2025-11-18": 7, "2025-11-19": 0, "2025-11-20": 2, "2025-11-21": 3}
    assert keep(counts, days) == {"2025-11-20": 2}
