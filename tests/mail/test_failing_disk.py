# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disk that is full or fails at any moment: a stated cause, nothing half delivered, nothing lost."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mail.conftest import Drivers, NewRound
from tests.support import disks
from tests.support.rounds import RETRIEVERS, THREE_BATCHES, Round
from tests.support.stop_after import Driver, Outcome

PAGE = os.sysconf("SC_PAGE_SIZE")


def check_failed_run(made: Round, outcome: Outcome, causes: set[str]) -> None:
    assert outcome.cause in causes, outcome
    made.check_nothing_lost(THREE_BATCHES)
    _, extra = made.compare(THREE_BATCHES)
    assert extra == 0


def check_next_run(made: Round, outcome: Outcome) -> None:
    assert outcome.ok, outcome
    made.check_delivered_once(THREE_BATCHES)
    assert made.on_server == []


# Full


def leave_free(folder: Path, pages: int) -> Path:
    """Fill a file system but for so many pages; return the file that fills it."""
    fill = folder / "fill"
    with fill.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(PAGE))
        except OSError:
            file.truncate(max(0, file.tell() - pages * PAGE))
    return fill


@pytest.mark.slow
@pytest.mark.parametrize("full", ["mail", "state", "both"])
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_disk_full_at_any_moment(
    new_round: NewRound, driver: Driver, memory: Path, retriever: str, full: str
) -> None:
    """With every number of free pages from none to enough."""
    disks.need_mounts()
    pages = 0
    while True:
        point = memory / f"small{pages}"
        with disks.small(point, 1 << 20):
            made = new_round(retriever).fill(THREE_BATCHES)
            if full != "state":
                made = replace(made, mail=point / "mail")
            if full != "mail":
                made = replace(made, state=point / "state")
                made.state.mkdir()
            fill = leave_free(point, pages)
            plan = made.small(Delete="0")
            outcome = driver.fetch(plan)
            if not outcome.ok:
                check_failed_run(made, outcome, {"quota"})
                assert made.unfinished == []
                assert "no space" in outcome.message.lower()
            fill.unlink()
            check_next_run(made, driver.fetch(plan))
        if outcome.ok:
            break
        pages += 1
    assert pages > 5


# Failing


@pytest.mark.slow
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("late", [False, True], ids=["not made", "made, but told as failed"])
@pytest.mark.parametrize(
    ("retriever", "sync_together"), [*((name, False) for name in RETRIEVERS), (RETRIEVERS[0], True)]
)
def test_any_step_fails(
    new_round: NewRound, drivers: Drivers, retriever: str, late: bool, error: str, sync_together: bool
) -> None:
    """Each step of a run in turn cannot be made, or is made and nobody knows."""
    causes = {"EIO": {"delivery", "internal", "network"}, "ENOSPC": {"quota", "network"}}[error]

    def attempt(step: int) -> None:
        made = new_round(retriever).fill(THREE_BATCHES)
        plan = replace(made.small(Delete="0"), sync_together=sync_together)
        outcome = drivers.fetch(replace(plan, fail=step, fail_late=late, error=error))
        if not outcome.ok:
            check_failed_run(made, outcome, causes)
            # Files stay in tmp/ if their intents are recorded, or if nobody knows that they were made.
            assert made.unfinished == [] or outcome.steps[step - 1] in ("rename", "create")
        assert len({*outcome.synced_mail}) == len(outcome.synced_mail)
        check_next_run(made, drivers.fetch(plan))

    made = new_round(retriever).fill(THREE_BATCHES)
    whole = drivers.fetch(replace(made.small(Delete="0"), sync_together=sync_together))
    drivers.each(len(whole.steps), attempt)
