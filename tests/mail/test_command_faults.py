# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail given to a program, whatever happens to the run, the program or the disk: never lost, seldom twice."""

import os
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from cockpit_getmail.destination.base import POSTPONED
from cockpit_getmail.spool import MEMORY_OCTETS
from tests.mail.conftest import Drivers, NewRound
from tests.mail.test_failing_disk import leave_free
from tests.support import disks
from tests.support.dovecot import make_message
from tests.support.processes import wait_until_gone
from tests.support.rounds import RETRIEVERS, THREE_BATCHES, Round
from tests.support.stop_after import Driver, Plan, check_stopped

MDA = """#!/bin/sh
# A message is whole in new/, or not there at all.
mail={mail}
mkdir -p "$mail/new" "$mail/tmp"
n=$(cat "$mail/count" 2>/dev/null || echo 0)
n=$((n + 1))
echo $n >"$mail/count"
{before}
cat >"$mail/tmp/$$" || exit 75
mv "$mail/tmp/$$" "$mail/new/$n.$$"
{after}
"""


def make_plan(made: Round, before: str = "", after: str = "", seconds: float = 60.0) -> Plan:
    """Return a plan by which messages go to a program that does more `before` it takes one and `after`."""
    made.mail.mkdir(exist_ok=True)
    # A program that is written to cannot be started.
    draft = made.mail / "mda.new"
    draft.write_text(MDA.format(mail=made.mail, before=before, after=after))
    draft.chmod(0o755)
    draft.rename(made.mail / "mda")
    plan = made.small(Delete="0", Destination=f"command:{made.mail}/mda {{account}}")
    return replace(plan, settings={"command_timeout": seconds})


def count_runs(made: Round) -> int:
    return int((made.mail / "count").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_kill_after_each_step(new_round: NewRound, drivers: Drivers, retriever: str) -> None:
    """At most the one message that the program had comes twice."""

    def attempt(step: int) -> None:
        made = new_round(retriever).fill(THREE_BATCHES)
        plan = make_plan(made)
        check_stopped(drivers.fetch(replace(plan, stop=step)), step, steps)
        made.check_nothing_lost(THREE_BATCHES)
        outcome = drivers.fetch(plan)
        assert outcome.ok, outcome
        missing, extra = made.compare(THREE_BATCHES)
        assert (missing, extra <= 1) == (0, True), (missing, extra)
        assert made.on_server == []

    made = new_round(retriever).fill(THREE_BATCHES)
    outcome = drivers.fetch(make_plan(made))
    assert outcome.ok, outcome
    made.check_delivered_once(THREE_BATCHES)
    assert count_runs(made) == len(THREE_BATCHES)
    steps = len(outcome.steps)
    drivers.each(steps, attempt)


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True], ids=["not made", "made, but told as failed"])
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
def test_any_step_fails(new_round: NewRound, drivers: Drivers, error: str, late: bool) -> None:
    causes = {"EIO": {"delivery", "internal", "network"}, "ENOSPC": {"delivery", "quota", "network"}}[error]

    def attempt(step: int) -> None:
        made = new_round(RETRIEVERS[0]).fill(THREE_BATCHES)
        plan = make_plan(made)
        outcome = drivers.fetch(replace(plan, fail=step, fail_late=late, error=error))
        assert outcome.ok or outcome.cause in causes, outcome
        made.check_nothing_lost(THREE_BATCHES)
        outcome = drivers.fetch(plan)
        assert outcome.ok, outcome
        missing, extra = made.compare(THREE_BATCHES)
        assert (missing, extra <= 1) == (0, True), (missing, extra)

    whole = drivers.fetch(make_plan(new_round(RETRIEVERS[0]).fill(THREE_BATCHES)))
    drivers.each(len(whole.steps), attempt)


def test_program_does_not_outlive_a_run_that_is_killed(new_round: NewRound, driver: Driver) -> None:
    made = new_round(RETRIEVERS[0]).fill(THREE_BATCHES)
    plan = make_plan(
        made, before='echo $$ >"$mail/pid.new"; mv "$mail/pid.new" "$mail/pid"; exec sleep 100000'
    )
    outcomes = []
    thread = threading.Thread(target=lambda: outcomes.append(driver.fetch(plan)))
    thread.start()
    while not (made.mail / "pid").exists():
        time.sleep(0.02)
    child = int((made.mail / "pid").read_text())
    parent = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(parent, 9)
    thread.join()
    assert outcomes[0].killed
    wait_until_gone(child)
    assert made.compare(THREE_BATCHES) == (len(THREE_BATCHES), 0)
    made.check_nothing_lost(THREE_BATCHES)


def test_message_that_is_refused_is_set_aside_with_the_words(new_round: NewRound, driver: Driver) -> None:
    made = new_round(RETRIEVERS[0]).fill(THREE_BATCHES)
    refuse = 'if [ $n = 3 ]; then echo "no such mailbox"; exit 67; fi'
    outcome = driver.fetch(make_plan(made, before=refuse))
    assert outcome.ok
    assert (outcome.result["messages"], outcome.result["set_aside"]) == (len(THREE_BATCHES) - 1, 1)
    assert any("mda ended with status 67: no such mailbox" in line for line in outcome.log), outcome.log
    assert len(made.on_server) == 1
    made.check_nothing_lost(THREE_BATCHES)
    again = driver.fetch(make_plan(made))
    assert (again.ok, again.result["messages"]) == (True, 0)
    assert len(made.on_server) == 1


@pytest.mark.parametrize("how", ["exit 75", "kill -KILL $$", "kill -SEGV $$", "exit 127"])
def test_message_for_later_comes_with_the_next_run(new_round: NewRound, driver: Driver, how: str) -> None:
    made = new_round(RETRIEVERS[0]).fill(THREE_BATCHES)
    outcome = driver.fetch(make_plan(made, before=f"[ $n -gt 2 ] || {how}"))
    assert (outcome.result["messages"], outcome.result["failed"]) == (len(THREE_BATCHES) - 2, 2), outcome
    assert outcome.result["set_aside"] == 0
    assert len(made.on_server) == 2
    assert driver.fetch(make_plan(made)).result["messages"] == 2
    made.check_delivered_once(THREE_BATCHES)


def test_program_that_takes_nothing_ends_the_run(new_round: NewRound, driver: Driver) -> None:
    made = new_round(RETRIEVERS[0]).fill(THREE_BATCHES)
    for _ in range(3):
        outcome = driver.fetch(make_plan(made, before='echo "disk on fire" >&2; exit 75'))
        assert outcome.cause == "delivery"
        assert outcome.message == "No message is delivered: mda ended with status 75: disk on fire"
    assert count_runs(made) == 3 * POSTPONED
    assert driver.fetch(make_plan(made)).ok
    made.check_delivered_once(THREE_BATCHES)


def test_program_that_hangs_is_killed_and_its_message_comes_later(
    new_round: NewRound, driver: Driver
) -> None:
    made = new_round(RETRIEVERS[0]).fill(THREE_BATCHES)
    hang = '[ $n != 2 ] || { sleep 100000 & echo $! >"$mail/pid"; wait; }'
    outcome = driver.fetch(make_plan(made, before=hang, seconds=3.0))
    assert (outcome.result["messages"], outcome.result["failed"]) == (len(THREE_BATCHES) - 1, 1), outcome
    assert any("mda did not end within 3 seconds." in line for line in outcome.log), outcome.log
    child = int((made.mail / "pid").read_text())
    wait_until_gone(child)
    assert driver.fetch(make_plan(made)).ok
    made.check_delivered_once(THREE_BATCHES)


def test_slow_program_gets_all(new_round: NewRound, driver: Driver) -> None:
    messages = [*THREE_BATCHES, make_message(99, MEMORY_OCTETS * 3)]
    made = new_round(RETRIEVERS[0]).fill(messages)
    slow = make_plan(made, before="sleep 0.3; dd bs=100 count=1 of=$mail/tmp/$$ 2>/dev/null; sleep 0.2")
    script = made.mail / "mda"
    script.write_text(script.read_text().replace('cat >"$mail/tmp/$$"', 'cat >>"$mail/tmp/$$"'))
    assert driver.fetch(slow).ok
    made.check_delivered_once(messages)


def test_program_that_says_much_is_not_waited_for(new_round: NewRound, driver: Driver) -> None:
    made = new_round(RETRIEVERS[0]).fill(THREE_BATCHES)
    assert driver.fetch(make_plan(made, before="head -c 3000000 /dev/zero", after="yes | head -c 3000000")).ok
    made.check_delivered_once(THREE_BATCHES)


@pytest.mark.slow
def test_disk_full_at_any_moment(new_round: NewRound, driver: Driver, memory: Path) -> None:
    """Of the state, where large messages wait."""
    disks.need_mounts()
    messages = [*THREE_BATCHES, make_message(99, MEMORY_OCTETS + 100_000)]
    pages, ok = 0, False
    while not ok:
        point = memory / f"small{pages}"
        with disks.small(point, 4 << 20):
            made = replace(new_round(RETRIEVERS[0]).fill(messages), state=point / "state")
            made.state.mkdir()
            fill = leave_free(point, pages)
            outcome = driver.fetch(make_plan(made))
            ok = outcome.ok
            if not ok:
                assert outcome.cause == "quota", outcome
            made.check_nothing_lost(messages)
            fill.unlink()
            assert driver.fetch(make_plan(made)).ok
            missing, extra = made.compare(messages)
            assert (missing, extra <= 1) == (0, True)
        pages += 1 if pages < 20 else 60
    assert pages > 5
