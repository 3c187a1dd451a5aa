# SPDX-License-Identifier: LGPL-2.1-or-later
"""A mailbox whose UIDs mean something else than they did: only what is really new is fetched."""

import os
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail.soundness import find_problems
from tests.mail.conftest import Drivers, NewRound
from tests.mail.test_runs import after
from tests.support.dovecot import make_message
from tests.support.rounds import RETRIEVERS, THREE_BATCHES, Round, stored
from tests.support.stop_after import Driver

IMAP = RETRIEVERS[0]
THREE = [make_message(number, 700) for number in (1, 2, 3)]
NEW = [make_message(number, 700) for number in (24, 25)]
MONTH = str(30 * 24 * 60)
NAMELESS = b"Subject: no name\r\n\r\nIt has no Message-ID.\r\n"


def number_anew(made: Round, validity: int, *, order: Sequence[int] = ()) -> None:
    """Let Dovecot give each message another UID: in this order of those there, else the other way round.

    They came when they did.
    """
    while True:
        try:
            _shuffle(made.dovecot.maildir(made.user), order)
            break
        except FileNotFoundError:
            # A server process whose client was killed is still at it.
            continue
    made.dovecot.set_uidvalidity(made.user, validity)


def _shuffle(maildir: Path, order: Sequence[int]) -> None:
    for path in maildir.glob("dovecot*"):
        path.unlink()
    files = sorted(maildir.glob("[nc][eu][wr]/*"), key=lambda path: int(path.name.split(".")[1]))
    for place, number in enumerate(order or reversed(range(len(files)))):
        path = files[number]
        path.rename(path.with_name(f"{1_500_000_000 + place}.{path.name.partition('.')[2]}"))


def query(made: Round, statement: str) -> list[Any]:
    with closing(sqlite3.connect(made.state / "state.sqlite")) as db:
        return db.execute(statement).fetchall()


def check_sound(made: Round) -> None:
    with closing(sqlite3.connect(made.state / "state.sqlite")) as db:
        assert find_problems(db) == []


def test_only_what_is_new_is_fetched(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill(THREE)
    plan = made.plan(Delete="3", Time=MONTH)
    assert driver.fetch(plan).result["messages"] == 3
    before = query(made, "SELECT message_id, size, name, state, clock FROM message ORDER BY message_id")
    made.fill(NEW)
    number_anew(made, 77)
    outcome = driver.fetch(after(2, plan))
    assert (outcome.result["messages"], outcome.result["deleted"]) == (2, 0)
    assert "3 messages of INBOX known from before, 2 new." in outcome.log
    kept = query(made, "SELECT message_id, size, name, state, clock FROM message ORDER BY clock, message_id")
    assert kept[:3] == before
    [(folders,)] = query(made, "SELECT count(*) FROM folder")
    assert folders == 1
    check_sound(made)
    made.check_delivered_once(THREE + NEW)
    # Each is deleted so many days after it was delivered, whatever its UID was then.
    assert driver.fetch(after(3, plan)).result["deleted"] == 3
    assert sorted(made.on_server) == NEW
    assert driver.fetch(after(5, plan)).result["deleted"] == 2
    assert made.on_server == []
    made.check_delivered_once(THREE + NEW)


def test_it_is_matched_once(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill(THREE)
    assert driver.fetch(made.plan()).ok
    number_anew(made, 77)
    assert driver.fetch(made.plan()).result["messages"] == 0
    for days in (0.1, 2):
        outcome = driver.fetch(after(days, made.plan()))
        assert outcome.result["messages"] == 0
        assert not any("compared" in line for line in outcome.log)


def test_message_without_message_id_is_fetched_again(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill([*THREE, NAMELESS])
    plan = made.plan(Delete="1")
    assert driver.fetch(plan).ok
    number_anew(made, 77)
    outcome = driver.fetch(after(1, plan))
    assert (outcome.result["messages"], outcome.result["deleted"]) == (1, 3)
    made.check_delivered_once([*THREE, NAMELESS, NAMELESS])
    assert made.on_server == [NAMELESS]


def test_another_date_or_size_is_another_message(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill(THREE)
    assert driver.fetch(made.plan()).ok
    number_anew(made, 77)
    one, two, _ = sorted(made.dovecot.maildir(made.user).glob("[nc]*/*"), key=lambda path: path.name)
    os.utime(one, (1e9, 1e9))
    longer = two.read_bytes() + b"And more.\r\n"
    time = two.stat().st_mtime
    name = two.with_name(two.name.replace(",S=700", f",S={len(longer)}"))
    two.write_bytes(longer)
    two.rename(name)
    os.utime(name, (time, time))
    for path in made.dovecot.maildir(made.user).glob("dovecot.index*"):
        path.unlink()
    assert driver.fetch(made.plan()).result["messages"] == 2
    missing, more = made.compare([*THREE, longer])
    assert (missing, more) == (0, 1)


def test_copies_are_counted(new_round: NewRound, driver: Driver) -> None:
    """One more is there than is on record: one is fetched, and none of them is deleted but that."""
    made = new_round(IMAP).fill([THREE[0]] * 2 + THREE[1:])
    for path in made.dovecot.maildir(made.user).glob("new/*"):
        os.utime(path, (1e9, 1e9))
    plan = made.plan(Delete="0")
    assert driver.fetch(made.plan()).result["messages"] == 4
    made.fill([THREE[0]])
    for path in made.dovecot.maildir(made.user).glob("new/*"):
        os.utime(path, (1e9, 1e9))
    number_anew(made, 77, order=(0, 1, 2, 3, 4))
    outcome = driver.fetch(plan)
    assert (outcome.result["messages"], outcome.result["deleted"]) == (1, 3)
    assert made.on_server == [THREE[0]] * 2
    made.check_delivered_once([THREE[0]] * 3 + THREE[1:])
    assert driver.fetch(plan).result["deleted"] == 0


def test_uidvalidity_that_changes_each_time_and_comes_back(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill([*THREE, NAMELESS])
    plan = made.plan(Delete="1")
    for number, validity in enumerate((5, 6, 7, 6, 5, 5, 8)):
        number_anew(made, validity, order=(1, 0, 3, 2))
        assert driver.fetch(after(number / 10, plan)).result["deleted"] == 0
        assert query(made, "SELECT count(*) FROM message WHERE message_id IS NOT NULL") == [(3,)]
    found = [message for message in made.delivered if message != stored([NAMELESS])[0]]
    assert sorted(found) == sorted(stored(THREE))
    check_sound(made)
    assert driver.fetch(after(2, plan)).result["deleted"] == 4
    assert made.on_server == []


def test_what_is_not_there_is_forgotten_one_day(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill(THREE)
    plan = made.plan(Time=MONTH)
    assert driver.fetch(plan).ok
    bring_back = made.exchange(NEW, validity=77)
    for days in (1, 20):
        assert driver.fetch(after(days, plan)).ok
    assert len(query(made, "SELECT * FROM message")) == 5
    assert driver.fetch(after(40, plan)).ok
    assert len(query(made, "SELECT * FROM message")) == 2
    bring_back()
    assert driver.fetch(after(41, plan)).result["messages"] == 3


def test_uids_that_are_handed_out_anew_under_the_old_uidvalidity(new_round: NewRound, driver: Driver) -> None:
    """As after a backup was restored: two messages are gone, and others have their UIDs."""
    made = new_round(IMAP).fill(THREE_BATCHES)
    number_anew(made, 77, order=range(len(THREE_BATCHES)))
    plan = made.plan(Delete="1")
    assert driver.fetch(plan).ok
    lost = THREE_BATCHES[-3:]
    for path in made.dovecot.maildir(made.user).glob("[nc][eu][wr]/*"):
        if path.read_bytes() in lost:
            path.unlink()
    made.fill(NEW)
    number_anew(made, 77, order=(6, 0, 1, 2, 3, 4, 5))
    assert made.dovecot.uids(made.user) == [1, 2, 3, 4, 5, 6, 7]
    outcome = driver.fetch(after(0.5, plan))
    assert outcome.result["messages"] == 2
    assert any("hands out UIDs anew" in line for line in outcome.log)
    made.check_delivered_once(THREE_BATCHES + NEW)
    check_sound(made)
    assert driver.fetch(after(1, plan)).result["deleted"] == len(THREE_BATCHES) - 3
    assert driver.fetch(after(1.5, plan)).result["deleted"] == 2
    assert made.on_server == []


def test_other_folders_are_not_compared(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill(THREE)
    made.dovecot.make_folder(made.user, "Work")
    for message in THREE:
        made.dovecot.add_message(made.user, message, "Work")
    plan = made.plan(Folders="*")
    assert driver.fetch(plan).result["messages"] == 6
    made.dovecot.doveadm("mailbox", "update", "-u", made.user, "--uid-validity", "99", "Work")
    made.dovecot.add_message(made.user, NEW[0], "Work")
    outcome = driver.fetch(plan)
    assert outcome.result["messages"] == 1
    assert [line for line in outcome.log if "compared" in line] == [
        "The UIDs of Work are others now: 4 messages to be compared."
    ]
    made.check_delivered_once(THREE + THREE + NEW[:1])


def test_what_was_missing_then_is_not_lost(new_round: NewRound, driver: Driver) -> None:
    """It is there again under the same other UIDVALIDITY: a record is matched only as what is there is."""
    made = new_round(IMAP).fill(THREE)
    assert driver.fetch(made.plan()).ok
    bring_back = made.exchange([], validity=77)
    assert driver.fetch(after(1, made.plan())).ok
    bring_back()
    number_anew(made, 78)
    assert driver.fetch(after(2, made.plan())).result["messages"] == 0
    made.check_delivered_once(THREE)


@pytest.mark.slow
@pytest.mark.parametrize("between", ["nothing", "another uidvalidity", "another kill"])
def test_kill_after_each_step(new_round: NewRound, drivers: Drivers, between: str) -> None:
    """Between the run that is killed and the last one the UIDs change again, or another is killed as well."""

    def prepare() -> Round:
        made = new_round(IMAP).fill(THREE_BATCHES)
        assert drivers.fetch(made.small()).ok
        made.fill(NEW)
        number_anew(made, 77)
        return made

    def attempt(step: int) -> None:
        made = prepare()
        plan = made.small(Delete="0")
        stopped = drivers.fetch(replace(plan, stop=step))
        # It does not make the database, which is there.
        assert stopped.killed or step == 2 or step > steps - 3, stopped
        made.check_nothing_lost(THREE_BATCHES + NEW)
        if between == "another uidvalidity":
            number_anew(made, 78)
        if between == "another kill":
            drivers.fetch(replace(plan, stop=1 + step * 7 % 40))
            made.check_nothing_lost(THREE_BATCHES + NEW)
        outcome = drivers.fetch(plan)
        assert outcome.ok, outcome
        made.check_delivered_once(THREE_BATCHES + NEW)
        assert made.on_server == []
        check_sound(made)

    made = prepare()
    outcome = drivers.fetch(made.small(Delete="0"))
    assert outcome.ok, outcome
    assert (outcome.result["messages"], outcome.result["deleted"]) == (2, len(THREE_BATCHES) + 2)
    made.check_delivered_once(THREE_BATCHES + NEW)
    steps = len(outcome.steps)
    drivers.each(steps, attempt)


@pytest.mark.slow
def test_kill_after_each_step_where_uids_are_handed_out_anew(new_round: NewRound, drivers: Drivers) -> None:
    """A backup was restored without the last messages, and others came, with the UIDs of those."""

    def prepare() -> Round:
        made = new_round(IMAP).fill(THREE_BATCHES)
        number_anew(made, 77, order=range(len(THREE_BATCHES)))
        assert drivers.fetch(made.small()).ok
        for path in made.dovecot.maildir(made.user).glob("[nc][eu][wr]/*"):
            if path.read_bytes() in THREE_BATCHES[-3:]:
                path.unlink()
        made.fill(NEW)
        number_anew(made, 77)
        return made

    def attempt(step: int) -> None:
        made = prepare()
        plan = made.small(Delete="0")
        drivers.fetch(replace(plan, stop=step))
        made.check_nothing_lost(THREE_BATCHES + NEW)
        outcome = drivers.fetch(plan)
        assert outcome.ok, outcome
        made.check_delivered_once(THREE_BATCHES + NEW)
        assert made.on_server == []
        check_sound(made)

    made = prepare()
    outcome = drivers.fetch(made.small(Delete="0"))
    assert any("hands out UIDs anew" in line for line in outcome.log)
    assert (outcome.result["messages"], outcome.result["deleted"]) == (2, len(THREE_BATCHES) - 1)
    drivers.each(len(outcome.steps), attempt)


@pytest.mark.slow
@pytest.mark.parametrize("late", [False, True], ids=["not made", "made, but told as failed"])
def test_any_step_fails(new_round: NewRound, drivers: Drivers, late: bool) -> None:
    def attempt(step: int) -> None:
        made = new_round(IMAP).fill(THREE_BATCHES)
        assert drivers.fetch(made.small()).ok
        made.fill(NEW)
        number_anew(made, 77)
        plan = made.small(Delete="0")
        drivers.fetch(replace(plan, fail=step, fail_late=late))
        made.check_nothing_lost(THREE_BATCHES + NEW)
        outcome = drivers.fetch(plan)
        assert outcome.ok, outcome
        made.check_delivered_once(THREE_BATCHES + NEW)
        assert made.on_server == []

    made = new_round(IMAP).fill(THREE_BATCHES)
    assert drivers.fetch(made.small()).ok
    made.fill(NEW)
    number_anew(made, 77)
    drivers.each(len(drivers.fetch(made.small(Delete="0")).steps), attempt)
