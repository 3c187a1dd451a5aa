# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mailbox whose messages are marked as seen without fetching them: none of those is fetched, or deleted."""

import os
from dataclasses import replace

import pytest

from tests.mail.conftest import Drivers, NewRound
from tests.mail.test_runs import after
from tests.mail.test_uidvalidity import check_sound, number_anew, query
from tests.support.dovecot import make_message
from tests.support.proxy import Proxy, Sender
from tests.support.rounds import RETRIEVERS, THREE_BATCHES, Round
from tests.support.stop_after import Driver, Plan

IMAP, POP3 = RETRIEVERS
THREE = [make_message(number, 700) for number in (31, 32, 33)]
HEADERS = "SELECT message_id, state FROM message ORDER BY message_id"


def baseline(plan: Plan) -> Plan:
    return replace(plan, baseline=True)


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_only_what_comes_later_is_fetched(new_round: NewRound, driver: Driver, retriever: str) -> None:
    made = new_round(retriever).fill(THREE_BATCHES)
    plan = made.plan(Delete="0")
    outcome = driver.fetch(baseline(plan))
    assert outcome.result["baselined"] == len(THREE_BATCHES)
    assert outcome.result["messages"] == outcome.result["deleted"] == 0
    assert outcome.log[-1] == "8 messages marked as seen; nothing was fetched."
    assert made.delivered == []
    assert made.on_server == THREE_BATCHES
    assert made.dovecot.flags(made.user) == [""] * len(THREE_BATCHES)
    assert driver.fetch(after(1, plan)).result["messages"] == 0
    made.fill(THREE)
    outcome = driver.fetch(after(2, plan))
    assert (outcome.result["messages"], outcome.result["deleted"]) == (3, 3)
    made.check_delivered_once(THREE)
    assert made.on_server == THREE_BATCHES
    check_sound(made)


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_no_message_is_asked_for(new_round: NewRound, driver: Driver, retriever: str) -> None:
    heard = bytearray()

    def hear(sender: Sender, data: bytes) -> bool:
        heard.extend(data if sender == "server" else b"")
        return False

    made = new_round(retriever).fill(THREE_BATCHES)
    with Proxy(made.dovecot.host, made.port, cut_when=hear) as proxy:
        plan = made.plan(Server="127.0.0.1", Port=str(proxy.port))
        assert driver.fetch(baseline(plan)).ok
    assert b"Subject" not in heard
    assert len(heard) < sum(map(len, THREE_BATCHES)) / 3


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_what_was_fetched_stays_so(new_round: NewRound, driver: Driver, retriever: str) -> None:
    """It is deleted when it is due, unlike what was marked; a second baseline marks only what is new."""
    made = new_round(retriever).fill(THREE)
    plan = made.plan(Delete="1")
    assert driver.fetch(plan).result["messages"] == 3
    made.fill(THREE_BATCHES)
    assert driver.fetch(baseline(plan)).result["baselined"] == len(THREE_BATCHES)
    assert driver.fetch(baseline(plan)).result["baselined"] == 0
    assert driver.fetch(after(1, plan)).result["deleted"] == 3
    assert made.on_server == THREE_BATCHES
    made.check_delivered_once(THREE)


def test_it_outlives_a_changed_uidvalidity(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill(THREE_BATCHES)
    plan = made.plan(Delete="0")
    assert driver.fetch(baseline(plan)).ok
    made.fill(THREE)
    number_anew(made, 77)
    outcome = driver.fetch(after(1, plan))
    assert (outcome.result["messages"], outcome.result["deleted"]) == (3, 3)
    assert sorted(made.on_server) == sorted(THREE_BATCHES)
    assert {state for _, state in query(made, HEADERS)} == {"baselined", "removed"}


def test_after_a_changed_uidvalidity_what_was_fetched_stays_so(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill(THREE)
    plan = made.plan(Delete="1")
    assert driver.fetch(plan).ok
    made.fill(THREE_BATCHES)
    number_anew(made, 77)
    assert driver.fetch(baseline(plan)).result["baselined"] == len(THREE_BATCHES)
    assert driver.fetch(after(1, plan)).result["deleted"] == 3
    assert sorted(made.on_server) == sorted(THREE_BATCHES)


def test_all_chosen_folders_whatever_the_search(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill(THREE)
    for folder in ("Work", "Other"):
        made.dovecot.make_folder(made.user, folder)
        for number in (1, 2):
            made.dovecot.add_message(made.user, make_message(number, 500), folder)
    plan = made.plan(Folders="INBOX, Work", Search='SUBJECT "32"', MaxMessages="1", MaxSize="600")
    outcome = driver.fetch(baseline(plan))
    assert outcome.result["baselined"] == 5
    assert (outcome.result["passed"], outcome.result["left"]) == (0, 0)
    # Nothing of what was there comes, whatever is wanted then.
    wide = made.plan(Folders="*")
    assert driver.fetch(after(1, wide)).result["messages"] == 2
    made.dovecot.add_message(made.user, make_message(3, 500), "Work")
    assert driver.fetch(after(2, wide)).result["messages"] == 1


def test_another_mailbox_is_new(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill(THREE)
    assert driver.fetch(baseline(made.plan())).ok
    other = replace(new_round(IMAP).fill(THREE), mail=made.mail, state=made.state)
    assert driver.fetch(other.plan()).result["messages"] == 3
    assert driver.fetch(made.plan()).result["messages"] == 0


def test_what_failed_before_is_marked_too(new_round: NewRound, driver: Driver) -> None:
    made = new_round(POP3).fill(THREE)
    [path] = [path for path in made.dovecot.maildir(made.user).glob("new/*") if path.read_bytes() == THREE[1]]
    path.chmod(0)
    path.rename(f"{path},W={len(THREE[1])}")
    assert driver.fetch(made.plan()).result["failed"] == 1
    assert driver.fetch(baseline(made.plan())).result["baselined"] == 1
    assert query(made, "SELECT * FROM failure") == []
    outcome = driver.fetch(made.plan())
    assert outcome.ok
    assert outcome.result["failed"] == 0


def test_what_a_run_that_was_cut_off_delivered_is_not_marked(new_round: NewRound, driver: Driver) -> None:
    """It is settled first, and deleted when it is due."""
    made = new_round(IMAP).fill(THREE)
    plan = made.plan(Delete="1")
    steps = driver.fetch(new_round(IMAP).fill(THREE).plan(Delete="1")).steps
    # The first file that goes into new/ comes after those that are synced.
    step = len(steps) - steps[::-1].index("fsync folder")
    assert driver.fetch(replace(plan, stop=step)).killed
    assert len(made.delivered) == 3
    assert driver.fetch(baseline(plan)).result["baselined"] == 0
    assert driver.fetch(after(1, plan)).result["deleted"] == 3
    made.check_delivered_once(THREE)


@pytest.mark.slow
@pytest.mark.parametrize("retriever", RETRIEVERS)
@pytest.mark.parametrize("how", ["kill", "stop"])
def test_it_ends_after_any_step(new_round: NewRound, drivers: Drivers, retriever: str, how: str) -> None:
    """What is marked then stays so, and all is marked by the next one."""

    def attempt(step: int) -> None:
        made = new_round(retriever).fill(THREE_BATCHES)
        plan = made.small(Delete="0")
        ended = drivers.fetch(replace(baseline(plan), stop=step) if how == "kill" else ask(plan, step))
        assert ended.killed or ended.cancelled or step > steps - 6, ended
        before = query(made, "SELECT count(*) FROM message")[0][0] if has_tables(made) else 0
        assert drivers.fetch(baseline(plan)).result["baselined"] == len(THREE_BATCHES) - before
        made.fill(THREE)
        outcome = drivers.fetch(plan)
        assert outcome.result["messages"] == len(THREE), outcome
        made.check_delivered_once(THREE)
        assert made.on_server == THREE_BATCHES
        check_sound(made)

    made = new_round(retriever).fill(THREE_BATCHES)
    outcome = drivers.fetch(baseline(made.small(Delete="0")))
    assert outcome.result["baselined"] == len(THREE_BATCHES)
    steps = len(outcome.steps)
    assert steps > 15
    drivers.each(steps, attempt)


def ask(plan: Plan, step: int) -> Plan:
    """Return a baseline that is asked to end after a step."""
    return replace(baseline(plan), ask=[step])


def has_tables(made: Round) -> bool:
    path = made.state / "state.sqlite"
    return os.path.exists(path) and bool(query(made, "SELECT 1 FROM sqlite_master WHERE name = 'message'"))
