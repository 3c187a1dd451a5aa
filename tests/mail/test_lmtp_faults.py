# SPDX-License-Identifier: LGPL-2.1-or-later
"""LMTP through whatever may go wrong: nothing is lost, and what comes twice is what nobody knew of.

That is one batch for each time that a run or the connection ends in the middle of it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from cockpit_getmail.spool import MEMORY_OCTETS
from tests.mail.conftest import FAST, Accounts, Drivers, NewRound
from tests.support import disks
from tests.support.dovecot import make_message
from tests.support.dovecot_lmtp import DovecotLmtp
from tests.support.proxy import Proxy
from tests.support.rounds import RETRIEVERS, THREE_BATCHES, Round, stored
from tests.support.stop_after import Driver, Outcome, Plan, check_stopped

BATCH = 3


@dataclass(frozen=True)
class Target:
    """A server that takes mail by LMTP, and its accounts."""

    dovecot: DovecotLmtp
    accounts: Accounts


@pytest.fixture(scope="module")
def target() -> Iterator[Target]:
    with DovecotLmtp({}, extra=FAST) as dovecot:
        yield Target(dovecot, Accounts(dovecot, "someone"))


class Way:
    """From an account by IMAP or POP3 to one by LMTP, in batches of at most BATCH messages."""

    def __init__(self, made: Round, target: Target, destination: str = "") -> None:
        self.made = made
        self.dovecot = target.dovecot
        self.account = target.accounts.take()
        self.destination = destination or f"lmtp:unix:{self.dovecot.socket}"

    def plan(self, **props: str) -> Plan:
        plan = self.made.small(Destination=self.destination, Account=self.account, Delete="0", **props)
        return replace(plan, batch=(BATCH, plan.batch[1] if plan.batch else 0))

    @property
    def delivered(self) -> list[bytes]:
        return self.dovecot.delivered(self.account)

    def check_nothing_lost(self, messages: Sequence[bytes]) -> None:
        """Each message is whole where it is to be, or still on the server it comes from."""
        left = stored(self.made.on_server)
        lost = Counter(stored(messages)) - Counter(left) - Counter(self.delivered)
        assert not lost, f"{lost.total()} messages are lost"
        assert not Counter(self.delivered).keys() - Counter(stored(messages)).keys()

    def check_all(self, messages: Sequence[bytes], most_twice: int) -> None:
        """Each message is there, and no more than so many came twice."""
        found, wanted = Counter(self.delivered), Counter(stored(messages))
        assert found.keys() == wanted.keys()
        assert (found - wanted).total() <= most_twice
        assert self.made.on_server == []


NewWay = Callable[..., Way]


@pytest.fixture
def new_way(new_round: NewRound, target: Target) -> NewWay:
    def make(retriever: str, messages: Sequence[bytes] = THREE_BATCHES, destination: str = "") -> Way:
        return Way(new_round(retriever).fill(messages), target, destination)

    return make


def count_steps(drivers: Drivers, way: Way) -> int:
    outcome = drivers.fetch(way.plan())
    assert outcome.ok, outcome
    way.check_all(THREE_BATCHES, 0)
    assert way.delivered == stored(THREE_BATCHES)
    assert outcome.steps.count("commit") > 8
    return len(outcome.steps)


@pytest.mark.slow
@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_kill_after_each_step(new_way: NewWay, drivers: Drivers, retriever: str, again: bool) -> None:
    def attempt(step: int) -> None:
        way = new_way(retriever)
        check_stopped(drivers.fetch(replace(way.plan(), stop=step)), step, steps)
        way.check_nothing_lost(THREE_BATCHES)
        if again:
            drivers.fetch(replace(way.plan(), stop=1 + step * 7 % 40))
            way.check_nothing_lost(THREE_BATCHES)
        outcome = drivers.fetch(way.plan())
        assert outcome.ok, outcome
        way.check_all(THREE_BATCHES, BATCH * (1 + again))

    steps = count_steps(drivers, new_way(retriever))
    drivers.each(steps, attempt)


@pytest.mark.slow
@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize("late", [False, True], ids=["not made", "made, but told as failed"])
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_any_step_fails(new_way: NewWay, drivers: Drivers, retriever: str, late: bool, error: str) -> None:
    """Each step of a run in turn cannot be made, or is made and nobody knows."""

    def attempt(step: int) -> None:
        way = new_way(retriever)
        outcome = drivers.fetch(replace(way.plan(), fail=step, fail_late=late, error=error))
        if not outcome.ok:
            assert outcome.cause in ("delivery", "internal", "network", "quota"), outcome
        way.check_nothing_lost(THREE_BATCHES)
        outcome = drivers.fetch(way.plan())
        assert outcome.ok, outcome
        way.check_all(THREE_BATCHES, BATCH)

    steps = count_steps(drivers, new_way(retriever))
    drivers.each(steps, attempt)


@pytest.mark.slow
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_asked_to_end_after_each_step(new_way: NewWay, drivers: Drivers, retriever: str) -> None:
    """It ends in good order: nothing comes twice."""

    def attempt(step: int) -> None:
        way = new_way(retriever)
        outcome = drivers.fetch(replace(way.plan(), ask=[step]))
        assert outcome.ok or outcome.cancelled, outcome
        way.check_nothing_lost(THREE_BATCHES)
        outcome = drivers.fetch(way.plan())
        assert outcome.ok, outcome
        way.check_all(THREE_BATCHES, 0)

    steps = count_steps(drivers, new_way(retriever))
    drivers.each(steps, attempt)


# The way to the server


class Scissors:
    """Cuts a connection at the nth piece from the server."""

    def __init__(self, number: int) -> None:
        self._left = number
        self.has_cut = False

    def __call__(self, sender: str, data: bytes) -> bool:
        if sender == "server" and data:
            self._left -= 1
        cuts = self._left == 0 and not self.has_cut
        self.has_cut |= cuts
        return cuts


@pytest.mark.slow
@pytest.mark.parametrize("reset", [False, True], ids=["end", "reset"])
@pytest.mark.parametrize(
    "hidden", [(), (b"CHUNKING",), (b"CHUNKING", b"PIPELINING")], ids=["BDAT", "DATA", "step"]
)
def test_connection_lost_at_each_reply(
    new_way: NewWay, target: Target, driver: Driver, hidden: tuple[bytes, ...], reset: bool
) -> None:
    """The reply does not come, and what it was about counts as not delivered."""
    number = 0
    while True:
        number += 1
        cut = Scissors(number)
        with Proxy("127.0.0.1", target.dovecot.lmtp, hide=hidden, reset=reset, cut_when=cut) as proxy:
            way = new_way("SimpleIMAPRetriever", destination=f"lmtp:127.0.0.1:{proxy.port}")
            outcome = driver.fetch(way.plan())
            way.check_nothing_lost(THREE_BATCHES)
            if not cut.has_cut:
                break
            # One that is lost between two batches, or while leaving, is no loss.
            assert outcome.ok or outcome.cause == "delivery", outcome
            outcome = driver.fetch(way.plan())
            assert outcome.ok, outcome
        way.check_all(THREE_BATCHES, BATCH)
    assert outcome.ok
    assert number > 6


def test_slow_way_keeps_the_order(new_way: NewWay, target: Target, driver: Driver) -> None:
    with Proxy("127.0.0.1", target.dovecot.lmtp, delay=0.05) as proxy:
        way = new_way("SimpleIMAPRetriever", destination=f"lmtp:127.0.0.1:{proxy.port}")
        assert driver.fetch(way.plan()).ok
    assert way.delivered == stored(THREE_BATCHES)
    way.check_all(THREE_BATCHES, 0)


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_server_that_is_not_there(new_way: NewWay, driver: Driver, retriever: str) -> None:
    """Nothing is fetched for it, and all of it comes in order once it is back."""
    way = new_way(retriever)
    real, way.destination = way.destination, f"lmtp:unix:{way.dovecot.folder}/nothing"
    outcome = driver.fetch(way.plan())
    assert outcome.cause == "delivery"
    assert "nothing cannot be reached" in outcome.message
    assert len(way.made.on_server) == len(THREE_BATCHES)
    way.destination = real
    assert driver.fetch(way.plan()).ok
    assert way.delivered == stored(THREE_BATCHES)
    way.check_all(THREE_BATCHES, 0)


# The disk


@pytest.mark.slow
def test_no_room_for_a_large_message(new_way: NewWay, driver: Driver, memory: Path) -> None:
    """What is larger than memory should be waits in the state folder, and there may be no room."""
    disks.need_mounts()
    messages = [make_message(1, 500), make_message(2, 3 * MEMORY_OCTETS), make_message(3, 500)]
    way = new_way("SimpleIMAPRetriever", messages)
    point = memory / "small"
    with disks.small(point, 2 * MEMORY_OCTETS):
        way.made = replace(way.made, state=point / "state")
        way.made.state.mkdir(mode=0o700)
        for _ in range(2):
            outcome = driver.fetch(way.plan())
            assert outcome.cause == "quota", outcome
            assert "large message" in outcome.message
            way.check_nothing_lost(messages)
        disks.run("mount", "-o", f"remount,size={8 * MEMORY_OCTETS}", str(point))
        outcome = driver.fetch(way.plan())
        assert outcome.ok, outcome
        way.check_all(messages, 0)
        # What waited there is gone.
        assert sum(path.stat().st_size for path in way.made.state.iterdir()) < MEMORY_OCTETS


def test_memory_does_not_grow_with_a_message(new_way: NewWay, driver: Driver) -> None:
    messages = [make_message(1, 60 << 20)]
    way = new_way("SimpleIMAPRetriever", messages)
    plan = replace(way.plan(), batch=None)
    outcome: Outcome = driver.fetch(plan)
    assert outcome.ok, outcome
    assert way.delivered == stored(messages)
    assert outcome.peak < 60 << 20
