# SPDX-License-Identifier: LGPL-2.1-or-later

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.retriever.internal_date import parse_internal_date

ZONES = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


@given(st.integers(40_000_000, 250_000_000_000), ZONES)
def test_it_means_the_same_in_any_zone(seconds: int, zone: timezone) -> None:
    told = [datetime.fromtimestamp(seconds, each).strftime("%d-%b-%Y %H:%M:%S %z") for each in (zone, UTC)]
    assert [parse_internal_date(text.encode()) for text in told] == [seconds, seconds]


def test_a_day_may_have_one_digit() -> None:
    assert parse_internal_date(b" 7-feb-1994 21:52:25 -0800") == 760_686_745
    assert parse_internal_date(b"7-Feb-1994 21:52:25 -0800") == 760_686_745


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"1994-02-07",
        b"07-Foo-1994 21:52:25 -0800",
        b"07-Feb-1994 21:52:25",
        # As servers tell it of what they lost the date of.
        b"01-Jan-0000 00:00:00 +0000",
    ],
)
def test_anything_else_is_no_date(text: bytes) -> None:
    assert parse_internal_date(text) is None
