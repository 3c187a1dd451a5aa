# SPDX-License-Identifier: LGPL-2.1-or-later
"""kill -9 after each step of a run: the next one has every message exactly once, and deletes no other."""

from dataclasses import replace

import pytest

from tests.mail.conftest import Drivers, NewRound
from tests.support.rounds import RETRIEVERS, THREE_BATCHES, Round
from tests.support.stop_after import check_stopped


def count_steps(drivers: Drivers, made: Round) -> int:
    outcome = drivers.fetch(made.small(Delete="0"))
    assert outcome.ok, outcome
    made.check_delivered_once(THREE_BATCHES)
    assert made.on_server == []
    assert len(outcome.synced_mail) == len(THREE_BATCHES)
    # Those of its status file come on top.
    assert outcome.steps.count("rename") > len(THREE_BATCHES)
    assert outcome.steps.count("commit") > 8
    return len(outcome.steps)


@pytest.mark.slow
@pytest.mark.parametrize("between", ["nothing", "readers", "another kill"])
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_kill_after_each_step(new_round: NewRound, drivers: Drivers, retriever: str, between: str) -> None:
    """Between the run that is killed and the last one readers move mail, or another run is killed as well."""

    def attempt(step: int) -> None:
        made = new_round(retriever).fill(THREE_BATCHES)
        plan = made.small(Delete="0")
        check_stopped(drivers.fetch(replace(plan, stop=step)), step, steps)
        made.check_nothing_lost(THREE_BATCHES)
        if between == "readers":
            made.read_mail()
        if between == "another kill":
            drivers.fetch(replace(plan, stop=1 + step * 7 % 40))
            made.check_nothing_lost(THREE_BATCHES)
        outcome = drivers.fetch(plan)
        assert outcome.ok, outcome
        made.check_delivered_once(THREE_BATCHES)
        assert made.on_server == []

    steps = count_steps(drivers, new_round(retriever).fill(THREE_BATCHES))
    drivers.each(steps, attempt)
