# SPDX-License-Identifier: LGPL-2.1-or-later
"""A message that a real server cannot read, from its first failure to what people decide about it."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from cockpit_getmail import quarantine, state_file
from cockpit_getmail.undelivered import BREAKS
from tests.mail.conftest import NewRound
from tests.support.dovecot import make_message
from tests.support.fetching import make_connector
from tests.support.rounds import RETRIEVERS, Round
from tests.support.stop_after import Driver, Plan

HOUR, DAY = 3600.0, 86400.0
BAD, *GOOD = (make_message(number, 700) for number in (1, 2, 3))
LATER = make_message(4, 700)

pytestmark = pytest.mark.parametrize("retriever", RETRIEVERS)


class Trouble:
    """An account with a message that the server cannot read until it is mended, and a run each `interval`."""

    def __init__(self, made: Round, driver: Driver) -> None:
        self.made = made.fill([BAD, *GOOD])
        self.driver = driver
        self.clock = 0.0
        self.interval = HOUR
        plan = made.plan()
        self.mailbox = make_connector(made.retriever, made.port, **plan.props).mailbox
        path = self._find()
        path.chmod(0)
        # Where the size in the name is right, Dovecot does not find out before it is asked for the message.
        path.rename(f"{path},W={len(BAD)}")

    def run(self, **props: str) -> dict[str, int]:
        outcome = self.driver.fetch(self.plan(**props))
        return dict(outcome.result)

    def plan(self, **props: str) -> Plan:
        """Return the plan of the next run."""
        self.clock += self.interval
        return replace(self.made.plan(**props), clock=self.clock)

    def run_until_aside(self) -> None:
        """Run each day until it is, and once more: that finds nothing new."""
        self.interval = DAY
        runs = 0
        while not self.listed():
            self.run()
            runs += 1
            assert runs <= BREAKS
        self.interval = HOUR
        assert self.run()["messages"] == 0

    def mend(self) -> None:
        self._find().chmod(0o644)

    @contextmanager
    def state(self) -> Iterator[sqlite3.Connection]:
        with state_file.opened(self.made.state) as db:
            assert db
            yield db

    def listed(self) -> list["quarantine.Entry"]:
        with state_file.opened(self.made.state) as db:
            return quarantine.listing(db, self.mailbox, 10) if db else []

    def retry(self) -> int:
        with self.state() as db:
            return quarantine.retry(db, self.mailbox)

    def skip(self) -> int:
        with self.state() as db:
            return quarantine.skip(db, self.mailbox)

    def _find(self) -> Path:
        files = [*self.made.dovecot.maildir(self.made.user).glob("[nc][eu][wr]/*")]
        [path] = [path for path in files if path.read_bytes() == BAD]
        return path


@pytest.fixture
def trouble(new_round: NewRound, driver: Driver, retriever: str) -> Trouble:
    return Trouble(new_round(retriever), driver)


def test_retried_message_comes_with_the_next_run_once_the_server_is_mended(trouble: Trouble) -> None:
    trouble.run_until_aside()
    [entry] = trouble.listed()
    assert entry["size"] >= len(BAD)
    assert entry["reason"]
    assert entry["folder"] == "INBOX"
    trouble.mend()
    assert trouble.retry() == 1
    result = trouble.run()
    assert (result["messages"], result["failed"], result["aside"]) == (1, 0, 0)
    trouble.made.check_delivered_once([BAD, *GOOD])
    assert trouble.listed() == []


def test_retried_message_that_still_cannot_be_read_is_set_aside_again(trouble: Trouble) -> None:
    trouble.run_until_aside()
    first = trouble.listed()
    trouble.retry()
    trouble.made.fill([LATER])
    trouble.run()
    # Others come first, as it may end the session.
    trouble.made.check_delivered_once([*GOOD, LATER])
    assert trouble.listed() == []
    trouble.run_until_aside()
    assert [entry["uid"] for entry in trouble.listed()] == [entry["uid"] for entry in first]
    trouble.made.check_delivered_once([*GOOD, LATER])


def test_skipped_message_is_never_fetched_deleted_or_counted(trouble: Trouble) -> None:
    trouble.run_until_aside()
    assert trouble.run()["aside"] == 1
    assert trouble.skip() == 1
    trouble.mend()
    trouble.interval = 40 * DAY
    for _ in range(3):
        result = trouble.run(Delete="0")
        assert (result["messages"], result["failed"], result["aside"]) == (0, 0, 0)
    assert trouble.made.on_server == [BAD]
    trouble.made.check_delivered_once(GOOD)


def test_retry_counts_whatever_a_run_is_at(trouble: Trouble, tmp_path: Path) -> None:
    """A run pauses after one of its steps, and meanwhile the message is retried: the next one fetches it."""
    trouble.run_until_aside()
    trouble.mend()
    trouble.made.fill([LATER])
    folders = trouble.made.mail, trouble.made.state
    for folder in folders:
        shutil.copytree(folder, tmp_path / folder.name)
    seen = set()
    for step in count(1):
        for folder in folders:
            shutil.rmtree(folder)
            shutil.copytree(tmp_path / folder.name, folder)
        outcome = trouble.driver.fetch(replace(trouble.plan(), stop=step, pause=True))
        if step > len(outcome.steps):
            break
        if not outcome.paused:
            # What is only tried, such as to make a file that is there, is no step to stop after.
            continue
        assert trouble.retry() == 1
        during = trouble.driver.go_on()
        assert during.ok
        came = during.result["messages"], trouble.run()["messages"], trouble.run()["messages"]
        # Before it has listed what is there, it is the next run itself.
        assert came in ((2, 0, 0), (1, 1, 0))
        trouble.made.check_delivered_once([BAD, *GOOD, LATER])
        seen.add(came)
    assert len(seen) == 2
