# SPDX-License-Identifier: LGPL-2.1-or-later
import pytest

from bench import table
from bench.matches import make_row
from bench.pairs import Pairs, Spread, Usage
from bench.peers import MPOP

ONE, TWO = Usage(1.0, 0.5, 0), Usage(2.0, 0.5, 0)


def test_a_table_is_aligned_and_says_what_is_met() -> None:
    rows = [
        table.Row("poll", ["0.4"], "<= 0.5", True),
        table.Row("first fetch", ["0.6"], "<= 0.5", False),
        table.Row("other", ["-"]),
    ]
    assert table.show(table.Section("Work", ["work", "ratio"], rows, ["A remark."])).splitlines() == [
        "### Work",
        "",
        "| work        | ratio | target | met    |",
        "| ----------- | ----- | ------ | ------ |",
        "| poll        | 0.4   | <= 0.5 | yes    |",
        "| first fetch | 0.6   | <= 0.5 | **no** |",
        "| other       | -     |        |        |",
        "",
        "- A remark.",
    ]


def test_a_peer_that_failed_stays_in_the_table() -> None:
    row = make_row("poll", MPOP, Pairs([ONE], [], "exit status 70"), 0.8)
    assert row == table.Row("poll", ["1.00 s", "mpop", "failed: exit status 70", "-"], "<= 0.8")


@pytest.mark.parametrize(("limit", "met"), [(0.8, True), (0.4, False), (None, None)])
def test_the_median_of_the_ratios_is_held_against_the_target(limit: float | None, met: bool | None) -> None:
    row = make_row("poll", MPOP, Pairs([ONE, ONE, TWO], [TWO, TWO, TWO]), limit)
    assert row.cells == ["1.00 s", "mpop", "2.00 s", "0.50 (0.50-1.00)"]
    assert row.met is met


def test_figures_have_the_digits_that_count() -> None:
    assert table.show_spread(Spread(0.42, 0.4, 0.47)) == "0.42 (0.40-0.47)"
    assert [table.show_seconds(seconds) for seconds in (0.0421, 1.234, 61.04)] == [
        "42 ms",
        "1.23 s",
        "61.0 s",
    ]
    assert [table.show_octets(octets) for octets in (978, 700_000, 22_020_096)] == [
        "978 B",
        "684 KiB",
        "21.0 MiB",
    ]
