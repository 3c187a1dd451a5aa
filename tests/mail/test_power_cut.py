# SPDX-License-Identifier: LGPL-2.1-or-later
"""Power cut after each step of a run, on real ext4: the next run has every message exactly once."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.mail.conftest import Drivers, NewRound
from tests.mail.test_folders import make_plan
from tests.support import disks
from tests.support.rounds import RETRIEVERS, THREE_BATCHES, Round
from tests.support.stop_after import Outcome, Plan, check_stopped, copy_sparse

TOGETHER, APART = ("both",), ("mail", "state")


class Machine:
    """A round whose mail and state are on disks of their own: one for both, or one each."""

    def __init__(self, made: Round, names: tuple[str, ...], empty: Path) -> None:
        self._folder = made.mail.parent
        self._names = names
        for name in names:
            copy_sparse(str(empty), str(self._image(name)))
        mail, state = (self._folder / f"disk-{names[n]}" for n in (0, -1))
        self.round = replace(made, mail=mail / "mail", state=state / "state")

    def run_and_cut(self, drivers: Drivers, plan: Plan, step: int | None) -> Outcome:
        """Run until a step, or to the end, and leave the disks as a cut of the power would."""
        copies = [(str(self._image(name)), str(self._image(f"{name}-cut"))) for name in self._names]
        with self.on():
            self.round.state.mkdir(mode=0o700)
            # The folder is there before a run begins, and safely so.
            disks.run("sync", "-f", str(self.round.state))
            outcome = drivers.fetch(replace(plan, stop=step, copies=copies))
        if outcome.killed or step is None:
            for name in self._names:
                self._image(f"{name}-cut").rename(self._image(name))
        return outcome

    def discard(self) -> None:
        for image in self._folder.glob("*.img"):
            image.unlink()

    @contextmanager
    def on(self) -> Iterator[None]:
        with ExitStack() as stack:
            for name in self._names:
                stack.enter_context(disks.mounted(self._image(name), self._folder / f"disk-{name}"))
            yield

    def _image(self, name: str) -> Path:
        return self._folder / f"{name}.img"


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    disks.need_mounts()
    return disks.make_image(tmp_path_factory.mktemp("empty") / "empty.img")


@pytest.mark.slow
@pytest.mark.parametrize("sync_together", [False, True], ids=["fsync", "syncfs"])
@pytest.mark.parametrize("names", [TOGETHER, APART], ids=["one disk", "two disks"])
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_power_cut_after_each_step(
    new_round: NewRound,
    drivers: Drivers,
    empty: Path,
    retriever: str,
    names: tuple[str, ...],
    sync_together: bool,
) -> None:
    def attempt(step: int) -> None:
        machine = Machine(new_round(retriever).fill(THREE_BATCHES), names, empty)
        made = machine.round
        plan = replace(made.small(Delete="0"), sync_together=sync_together)
        check_stopped(machine.run_and_cut(drivers, plan, step), step, steps)
        with machine.on():
            made.check_nothing_lost(THREE_BATCHES)
            outcome = drivers.fetch(plan)
            assert outcome.ok, outcome
            made.check_delivered_once(THREE_BATCHES)
            assert made.on_server == []
        machine.discard()

    made = new_round(retriever).fill(THREE_BATCHES)
    outcome = drivers.fetch(replace(made.small(Delete="0"), sync_together=sync_together))
    assert outcome.ok, outcome
    assert ("syncfs" in outcome.steps) == sync_together
    steps = len(outcome.steps)
    drivers.each(steps, attempt)


@pytest.mark.slow
@pytest.mark.parametrize("sync_together", [False, True], ids=["fsync", "syncfs"])
def test_power_cut_after_each_step_into_folders(
    new_round: NewRound, drivers: Drivers, empty: Path, sync_together: bool
) -> None:
    """The next run delivers into another folder than the one that was cut off."""

    def attempt(step: int) -> None:
        machine = Machine(new_round(RETRIEVERS[0]).fill(THREE_BATCHES), APART, empty)
        made = machine.round
        plan = replace(make_plan(made), sync_together=sync_together)
        check_stopped(machine.run_and_cut(drivers, plan, step), step, steps)
        with machine.on():
            made.check_nothing_lost(THREE_BATCHES)
            outcome = drivers.fetch(replace(plan, props={**plan.props, "Folder": "Other"}))
            assert outcome.ok, outcome
            made.check_delivered_once(THREE_BATCHES)
            assert made.on_server == []
        machine.discard()

    made = new_round(RETRIEVERS[0]).fill(THREE_BATCHES)
    outcome = drivers.fetch(replace(make_plan(made), sync_together=sync_together))
    assert outcome.ok, outcome
    steps = len(outcome.steps)
    drivers.each(steps, attempt)


def missing_and_extra(
    new_round: NewRound, drivers: Drivers, empty: Path, names: tuple[str, ...], **fault: Any
) -> tuple[int, int]:
    """Cut the power at the end of a run with a fault; return what Round.compare() says after the next run."""
    machine = Machine(new_round("SimplePOP3Retriever").fill(THREE_BATCHES), names, empty)
    plan = machine.round.small()
    outcome = machine.run_and_cut(drivers, replace(plan, **fault), None)
    assert outcome.ok, outcome
    with machine.on():
        outcome = drivers.fetch(plan)
        assert outcome.ok, outcome
        return machine.round.compare(THREE_BATCHES)


# The test above can fail: what is not synced is lost indeed.


def test_nothing_is_lost_without_a_fault(new_round: NewRound, drivers: Drivers, empty: Path) -> None:
    assert missing_and_extra(new_round, drivers, empty, APART) == (0, 0)


@pytest.mark.parametrize("names", [TOGETHER, APART], ids=["one disk", "two disks"])
def test_without_fsync_mail_would_be_lost(
    new_round: NewRound, drivers: Drivers, empty: Path, names: tuple[str, ...]
) -> None:
    missing, _ = missing_and_extra(new_round, drivers, empty, names, skip="fsync")
    assert missing == len(THREE_BATCHES)


@pytest.mark.parametrize("names", [TOGETHER, APART], ids=["one disk", "two disks"])
def test_without_syncfs_mail_would_be_lost(
    new_round: NewRound, drivers: Drivers, empty: Path, names: tuple[str, ...]
) -> None:
    missing, _ = missing_and_extra(new_round, drivers, empty, names, skip="syncfs", sync_together=True)
    assert missing == len(THREE_BATCHES)


def test_without_fsync_of_folders_mail_would_be_lost(
    new_round: NewRound, drivers: Drivers, empty: Path
) -> None:
    missing, _ = missing_and_extra(new_round, drivers, empty, APART, skip="fsync folder")
    assert missing > 0


def test_without_sync_of_the_database_mail_would_come_twice(
    new_round: NewRound, drivers: Drivers, empty: Path
) -> None:
    found = missing_and_extra(new_round, drivers, empty, APART, lazy_database=True)
    assert found == (0, len(THREE_BATCHES))
