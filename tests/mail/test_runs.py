# SPDX-License-Identifier: LGPL-2.1-or-later
"""What happens between one run and the next: cut connections, other mailboxes, two runs at once."""

from dataclasses import replace

import pytest

from cockpit_getmail.undelivered import BREAKS
from tests.mail.conftest import NewRound
from tests.support.dovecot import make_message
from tests.support.proxy import Proxy, Sender
from tests.support.rounds import RETRIEVERS, THREE_BATCHES, stored
from tests.support.stop_after import Driver, Plan

DAY = 86400.0
HUNDRED = [make_message(number, 2000) for number in range(1, 101)]
THREE = [make_message(number, 700) for number in (1, 2, 3)]
OTHER_THREE = [make_message(number, 700) for number in (4, 5, 6)]

pytestmark = pytest.mark.parametrize("retriever", RETRIEVERS)


def through(proxy: Proxy, plan: Plan) -> Plan:
    return replace(plan, props={**plan.props, "Server": "127.0.0.1", "Port": str(proxy.port)})


# A connection that breaks


class Recorder:
    """Hears what a server says through a proxy, and cuts nothing."""

    def __init__(self) -> None:
        self.heard = bytearray()

    def __call__(self, sender: Sender, data: bytes) -> bool:
        if sender == "server":
            self.heard += data
        return False


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
def test_connection_cut_after_50_of_100(
    new_round: NewRound, driver: Driver, retriever: str, reset: bool
) -> None:
    made = new_round(retriever).fill(HUNDRED)
    recorder = Recorder()
    with Proxy(made.dovecot.host, made.port, cut_when=recorder) as proxy:
        assert driver.fetch(through(proxy, new_round(retriever).fill(HUNDRED).plan())).ok
    middle_of_51 = recorder.heard.index(b"Subject: Message 51\r\n") + 500
    with Proxy(made.dovecot.host, made.port, cut_after=middle_of_51, reset=reset) as proxy:
        plan = through(proxy, made.plan(Delete="0"))
        outcome = driver.fetch(plan)
        assert outcome.cause == "network", outcome
        # With a reset the kernel may drop what came just before it.
        assert sorted(made.delivered) == sorted(stored(HUNDRED[: len(made.delivered)]))
        assert len(made.delivered) == 50 or (reset and len(made.delivered) < 50)
        assert made.unfinished == []
        assert made.on_server == HUNDRED
        proxy.cut_after = None
        assert driver.fetch(plan).ok
    made.check_delivered_once(HUNDRED)
    assert made.on_server == []


def test_connection_cut_at_any_octet(new_round: NewRound, driver: Driver, retriever: str) -> None:
    """One connection after the other is cut, each a little later: at last all is there, once, and deleted."""
    made = new_round(retriever).fill(THREE_BATCHES)
    with Proxy(made.dovecot.host, made.port) as proxy:
        plan = through(proxy, made.small(Delete="0"))
        for cut in range(0, 30000, 331):
            proxy.cut_after = cut
            outcome = driver.fetch(plan)
            made.check_nothing_lost(THREE_BATCHES)
            assert made.unfinished == []
            if outcome.ok and not made.on_server:
                break
            assert outcome.ok or outcome.cause in ("network", "tls"), outcome
        assert outcome.ok
    made.check_delivered_once(THREE_BATCHES)


# A message that the server cannot read


@pytest.mark.slow
def test_message_at_which_the_session_ends_does_not_stop_the_others(
    new_round: NewRound, driver: Driver, retriever: str
) -> None:
    """Dovecot ends an IMAP session at a message that it cannot read; in POP3 it refuses this one only."""
    made = new_round(retriever).fill(THREE_BATCHES)
    broken, others = THREE_BATCHES[3], THREE_BATCHES[:3] + THREE_BATCHES[4:]
    [path] = [path for path in made.dovecot.maildir(made.user).glob("new/*") if path.read_bytes() == broken]
    path.chmod(0)
    path.rename(f"{path},W={len(broken)}")
    plan = made.plan(Delete="0")
    runs = [driver.fetch(plan) for _ in range(2)]
    made.check_delivered_once(others)
    while (not runs[-1].ok or runs[-1].result["failed"]) and len(runs) <= BREAKS + 1:
        runs.append(driver.fetch(after(len(runs), plan)))
    made.check_delivered_once(others)
    assert made.on_server == [broken]
    assert sum("is set aside" in line for run in runs for line in run.log) == 1
    assert len(runs) <= BREAKS + 1


# Another mailbox in the place of the one before


def after(days: float, plan: Plan) -> Plan:
    return replace(plan, clock=days * DAY)


def test_uidvalidity_that_changes_deletes_nothing_by_an_old_uid(
    new_round: NewRound, driver: Driver, retriever: str
) -> None:
    made = new_round(retriever).fill(THREE)
    made.dovecot.set_uidvalidity(made.user, 1000)
    plan = made.plan(Delete="1")
    assert driver.fetch(plan).result["messages"] == 3
    made.exchange(OTHER_THREE, validity=1001)
    assert made.dovecot.uids(made.user) == [1, 2, 3]
    outcome = driver.fetch(after(1, plan))
    assert (outcome.result["messages"], outcome.result["deleted"]) == (3, 0)
    assert made.on_server == OTHER_THREE
    made.check_delivered_once(THREE + OTHER_THREE)
    assert driver.fetch(after(2, plan)).result["deleted"] == 3
    assert made.on_server == []


def test_uidvalidity_that_changes_under_the_same_messages_loses_nothing(
    new_round: NewRound, driver: Driver, retriever: str
) -> None:
    """Over IMAP nothing is fetched twice either, see test_uidvalidity. POP3 has nothing but UIDLs."""
    made = new_round(retriever).fill(THREE)
    plan = made.plan(Delete="1")
    assert driver.fetch(plan).ok
    made.dovecot.set_uidvalidity(made.user, 77)
    is_pop3 = retriever == RETRIEVERS[1]
    assert driver.fetch(after(1, plan)).result["deleted"] == (0 if is_pop3 else 3)
    assert made.on_server == (THREE if is_pop3 else [])
    made.check_delivered_once(THREE + THREE if is_pop3 else THREE)


def test_another_server_with_the_same_uidvalidity_is_another_mailbox(
    new_round: NewRound, driver: Driver, retriever: str
) -> None:
    """An update names another server, where the same UIDs under the same UIDVALIDITY are other messages."""
    made = new_round(retriever).fill(THREE)
    other = replace(new_round(retriever).fill(OTHER_THREE), mail=made.mail, state=made.state)
    for each in (made, other):
        made.dovecot.set_uidvalidity(each.user, 1000)
        assert made.dovecot.uids(each.user) == [1, 2, 3]
    with Proxy(made.dovecot.host, made.port) as elsewhere:
        plan, other_plan = made.plan(Delete="1"), through(elsewhere, other.plan(Delete="1"))
        assert driver.fetch(plan).result["messages"] == 3
        outcome = driver.fetch(after(1, other_plan))
        assert (outcome.result["messages"], outcome.result["deleted"]) == (3, 0)
        assert (made.on_server, other.on_server) == (THREE, OTHER_THREE)
        made.check_delivered_once(THREE + OTHER_THREE)
        outcome = driver.fetch(after(2, plan))
        assert (outcome.result["messages"], outcome.result["deleted"]) == (0, 3)
        assert (made.on_server, other.on_server) == ([], OTHER_THREE)


def test_mailbox_that_looks_empty_for_a_while_is_not_fetched_twice(
    new_round: NewRound, driver: Driver, retriever: str
) -> None:
    made = new_round(retriever).fill(THREE)
    made.dovecot.set_uidvalidity(made.user, 1000)
    assert driver.fetch(made.plan()).result["messages"] == 3
    bring_back = made.exchange([], validity=1000)
    for days in (0.5, 0.9):
        empty = driver.fetch(after(days, made.plan(Delete="0")))
        assert (empty.result["messages"], empty.result["deleted"]) == (0, 0)
    bring_back()
    assert driver.fetch(after(29, made.plan())).result["messages"] == 0
    assert made.on_server == THREE
    assert driver.fetch(after(30, made.plan(Delete="0"))).result["deleted"] == 3
    made.check_delivered_once(THREE)


# Two runs at once


def test_second_run_says_that_one_is_running(new_round: NewRound, retriever: str) -> None:
    with Driver() as first, Driver() as second:
        made = new_round(retriever).fill(THREE_BATCHES)
        plan = made.small(Delete="0")
        steps = len(first.fetch(new_round(retriever).fill(THREE_BATCHES).small(Delete="0")).steps)
        for step in (2, steps // 4, steps // 2, steps - 1):
            made = new_round(retriever).fill(THREE_BATCHES)
            plan = made.small(Delete="0")
            assert first.fetch(replace(plan, stop=step, pause=True)).paused
            before = sorted(path for path in made.mail.rglob("*"))
            refused = second.fetch(plan)
            assert refused.cause == "running"
            assert refused.steps in ([], ["create"])
            assert sorted(path for path in made.mail.rglob("*")) == before
            assert first.go_on().ok
            made.check_delivered_once(THREE_BATCHES)
            assert made.on_server == []
            assert second.fetch(plan).result["messages"] == 0
