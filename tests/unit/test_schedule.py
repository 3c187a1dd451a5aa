# SPDX-License-Identifier: LGPL-2.1-or-later
"""When a connector's next run is."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.schedule import DAY, REFUSED_LIMIT, next_run, offset

NOW = 1_800_000_000.0
names = st.text(max_size=40)
# As the schema has them; hand-made databases may have 0.
minutes = st.one_of(st.integers(0, 1500), st.integers(0, 999_999_999))
times = st.floats(0, 4e9)
counts = st.one_of(st.integers(0, 12), st.integers(0, 1 << 63))


def interval(minutes: int) -> int:
    return max(minutes, 1) * 60


# The place in the interval


@given(names, minutes)
def test_offset_is_within_the_interval(name: str, minutes: int) -> None:
    assert 0 <= offset(name, minutes) < interval(minutes)


def test_offset_is_the_same_tomorrow() -> None:
    # On any machine, too: else an update of Python moves all runs.
    assert [offset("giacomo@my.remote.com", minutes) for minutes in (5, 30, 1440)] == [23, 139, 6675]


@given(names, minutes)
def test_place_stays_when_the_interval_changes(name: str, minutes: int) -> None:
    assert offset(name, 2 * max(minutes, 1)) // 2 == offset(name, minutes)


@pytest.mark.parametrize("form", ["user{}@imap.example.com", "u@host{}.example", "{:05}", "info@{}"])
def test_names_are_spread_evenly(form: str) -> None:
    starts = Counter(int(offset(form.format(number), 30) // 60) for number in range(9_000))
    assert len(starts) == 30
    assert all(240 < count < 360 for count in starts.values())


# The next run


@given(names, minutes, times, st.integers(0, 1), st.floats(0, 4e9))
def test_it_is_never_later_than_the_interval_after_a_start(
    name: str, minutes: int, start: float, failures: int, later: float
) -> None:
    due = next_run(name, minutes, start, failures, 0, start + later)
    assert start < due <= start + interval(minutes)
    # Told in whole seconds, it is the same time: by a shorter one it would be due twice.
    assert due == int(due)


@given(names, minutes, times)
def test_on_time_it_stays_in_its_place(name: str, minutes: int, start: float) -> None:
    first = next_run(name, minutes, start, 0, 0, start)
    # The tick comes a little later each time.
    second = next_run(name, minutes, first + interval(minutes) / 3, 0, 0, first + interval(minutes))
    assert second - first == interval(minutes)


@given(names, minutes, times, st.floats(0, 4e9))
def test_missed_runs_run_once(name: str, minutes: int, start: float, off: float) -> None:
    now = start + off
    due = next_run(name, minutes, start, 0, 0, now)
    if due <= now:
        assert next_run(name, minutes, now, 0, 0, now) > now


@given(names, minutes, st.floats(1e-3, 4e9), counts, counts)
def test_start_in_the_future_is_due(
    name: str, minutes: int, ahead: float, failures: int, refused: int
) -> None:
    start = NOW + ahead
    assert next_run(name, minutes, start, failures, refused, NOW) <= NOW


@given(names, minutes, counts, counts)
def test_never_started_is_due(name: str, minutes: int, failures: int, refused: int) -> None:
    assert next_run(name, minutes, None, failures, refused, NOW) <= NOW


@given(names, minutes, st.integers(2, 1 << 63))
def test_backoff_doubles_up_to_a_day(name: str, minutes: int, failures: int) -> None:
    wait = next_run(name, minutes, NOW, failures, 0, NOW) - NOW
    longer = next_run(name, minutes, NOW, failures + 1, 0, NOW) - NOW
    longest = max(DAY, interval(minutes))
    assert wait >= min(2 * interval(minutes), longest)
    assert longer == min(2 * wait, longest)


def test_backoff_of_half_an_hour() -> None:
    hours = [(next_run("a", 30, NOW, failures, 0, NOW) - NOW) / 3600 for failures in range(2, 10)]
    assert hours == [1, 2, 4, 8, 16, 24, 24, 24]


@given(names, minutes, counts, st.integers(0, REFUSED_LIMIT))
def test_refused_too_often_it_is_tried_once_a_day(name: str, minutes: int, failures: int, below: int) -> None:
    wait = next_run(name, minutes, NOW, failures, REFUSED_LIMIT + below, NOW) - NOW
    assert wait == max(DAY, interval(minutes))


@given(names, minutes, times, counts, st.integers(0, REFUSED_LIMIT + 1), st.floats(0, 1e8))
def test_no_failure_makes_it_sooner(
    name: str, minutes: int, start: float, failures: int, refused: int, later: float
) -> None:
    without = next_run(name, minutes, start, 0, 0, start + later)
    assert next_run(name, minutes, start, failures, refused, start + later) >= without


@given(names, minutes, minutes, times)
def test_update_of_time_counts_at_once(name: str, before: int, after: int, start: float) -> None:
    now = next_run(name, before, start, 0, 0, start)
    due = next_run(name, after, start, 0, 0, now)
    assert due <= start + interval(after)
