# SPDX-License-Identifier: LGPL-2.1-or-later
"""A signal that asks for an end after each step of a run: nothing is half done, and the next run goes on."""

from dataclasses import replace

import pytest

from cockpit_getmail import status_file
from tests.mail.conftest import Drivers, NewRound
from tests.support.rounds import RETRIEVERS, THREE_BATCHES


@pytest.mark.slow
@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_end_is_asked_for_after_each_step(
    new_round: NewRound, drivers: Drivers, retriever: str, again: bool
) -> None:
    ended: list[str] = []

    def attempt(step: int) -> None:
        made = new_round(retriever).fill(THREE_BATCHES)
        plan = made.small(Delete="0")
        outcome = drivers.fetch(replace(plan, ask=[step, step + 1] if again else [step]))
        assert outcome.cancelled or outcome.ok, outcome
        made.check_nothing_lost(THREE_BATCHES)
        report = status_file.read(made.state)
        if report:
            ended.append(report["state"])
            assert report["state"] in ("cancelled", "succeeded")
            assert outcome.cancelled or report["state"] == "succeeded"
            assert report["failures"] == 0
            if not again:
                assert report["messages"] == len(made.delivered)
        outcome = drivers.fetch(plan)
        assert outcome.ok, outcome
        made.check_delivered_once(THREE_BATCHES)
        assert made.on_server == []

    steps = len(drivers.fetch(new_round(retriever).fill(THREE_BATCHES).small(Delete="0")).steps)
    drivers.each(steps, attempt)
    assert ended.count("cancelled") > steps / 2
