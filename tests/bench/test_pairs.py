# SPDX-License-Identifier: LGPL-2.1-or-later
import sys
from dataclasses import dataclass, field

import pytest

from bench.pairs import Contender, Failed, Pairs, Spread, Usage, compare, measure


@dataclass
class Fake:
    """Takes the given seconds, run by run, and notes in `said` what it is asked to do."""

    name: str
    seconds: list[float]
    said: list[str] = field(default_factory=list)
    fault: str = ""
    version: str = "1.0"

    def prepare(self) -> None:
        self.said.append(f"prepare {self.name}")

    def run(self) -> Usage:
        self.said.append(f"run {self.name}")
        return Usage(self.seconds.pop(0), 0.0, 0)

    def check(self) -> None:
        if self.fault:
            raise Failed(self.fault)


def test_two_run_in_turn_and_the_warm_up_does_not_count() -> None:
    said: list[str] = []
    pairs = compare(Fake("a", [9, 1, 2], said), Fake("b", [1, 2, 2], said), pairs=2)
    assert said == ["prepare a", "run a", "prepare b", "run b"] * 3
    assert pairs.ratio == Spread(0.75, 0.5, 1.0)


def test_a_peer_that_fails_is_told_and_not_run_again() -> None:
    peer = Fake("b", [1.0], fault="3 of 5 messages delivered")
    pairs = compare(Fake("a", [1.0] * 3), peer, pairs=2)
    assert pairs == Pairs([Usage(1.0, 0.0, 0)] * 2, [], "3 of 5 messages delivered")
    assert pairs.ratio is None
    assert peer.said.count("run b") == 1


def test_ours_may_not_fail() -> None:
    ours: Contender = Fake("a", [1.0], fault="a message is missing")
    with pytest.raises(Failed, match="a message is missing"):
        compare(ours, Fake("b", [1.0]))


def test_a_failed_run_says_why() -> None:
    with pytest.raises(Failed, match="exit status 3: no such mailbox"):
        measure([sys.executable, "-c", "import sys; print('no such mailbox'); sys.exit(3)"])


def test_a_run_without_end_is_ended() -> None:
    with pytest.raises(Failed, match="no end in 0 s"):
        measure(["sleep", "60"], timeout=0.1)
