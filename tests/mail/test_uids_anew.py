# SPDX-License-Identifier: LGPL-2.1-or-later
"""UIDs that are handed out anew under the old UIDVALIDITY: no message is taken for one that had its UID."""

import os
import time
from dataclasses import replace

import pytest

from tests.mail.conftest import NewRound
from tests.mail.test_runs import after
from tests.mail.test_uidvalidity import IMAP, MONTH, NAMELESS, NEW, THREE, check_sound, number_anew, query
from tests.support.dovecot import make_message
from tests.support.rounds import Round
from tests.support.stop_after import Driver

LARGE = make_message(9, 5000)


def restore(made: Round, kept: list[bytes], new: list[bytes]) -> None:
    """Let the server be as after a restored backup of some messages, and others that came since."""
    for path in made.dovecot.maildir(made.user).glob("[nc][eu][wr]/*"):
        if path.read_bytes() not in kept:
            path.unlink()
    made.fill(new)
    later = time.time() + 3600
    for path in made.dovecot.maildir(made.user).glob("new/*"):
        if path.read_bytes() in new:
            os.utime(path, (later, later))
    number_anew(made, 77, order=range(len(kept) + len(new)))
    assert made.dovecot.uids(made.user) == [*range(1, len(kept) + len(new) + 1)]


def test_new_mail_has_uids_beyond_what_is_passed_over(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill([LARGE, *THREE])
    number_anew(made, 77, order=range(4))
    plan = made.plan(MaxSize="1000")
    assert driver.fetch(plan).result["messages"] == 3
    restore(made, [LARGE, THREE[0]], NEW[:1])
    outcome = driver.fetch(plan)
    assert outcome.result["messages"] == 1
    made.check_delivered_once([*THREE, NEW[0]])
    check_sound(made)


@pytest.mark.parametrize("days", [0.1, 2])
def test_new_mail_has_uids_of_what_came_last_and_is_passed_over(
    new_round: NewRound, driver: Driver, days: float
) -> None:
    """More comes than was fetched, but less than there was."""
    large = [make_message(number, 5000) for number in (9, 10, 11)]
    made = new_round(IMAP).fill([*THREE, large[0]])
    number_anew(made, 77, order=range(4))
    plan = made.plan(MaxSize="1000")
    assert driver.fetch(plan).result["messages"] == 3
    made.fill(large[1:])
    assert driver.fetch(after(0.05, plan)).result["passed"] == 3
    restore(made, THREE[:1], [*NEW, large[0]])
    outcome = driver.fetch(after(days, plan))
    assert outcome.result["messages"] == 2
    made.check_delivered_once([*THREE, *NEW])
    check_sound(made)


def test_new_mail_in_what_was_empty(new_round: NewRound, driver: Driver) -> None:
    """More comes than there ever was, between two runs."""
    made = new_round(IMAP).fill(THREE)
    number_anew(made, 77, order=range(3))
    assert driver.fetch(made.plan()).ok
    restore(made, [], [])
    made.dovecot.set_uidvalidity(made.user, 77)
    assert driver.fetch(made.plan()).result["messages"] == 0
    more = [make_message(number, 700) for number in range(30, 36)]
    restore(made, [], more)
    assert driver.fetch(made.plan()).result["messages"] == len(more)
    made.check_delivered_once([*THREE, *more])


@pytest.mark.parametrize("validity", [77, 78])
def test_what_was_empty_comes_back_as_it_was(new_round: NewRound, driver: Driver, validity: int) -> None:
    made = new_round(IMAP).fill([*THREE, NAMELESS])
    number_anew(made, 77, order=range(4))
    plan = made.plan(Delete="3", Time=MONTH)
    assert driver.fetch(plan).ok
    bring_back = made.exchange([], validity=validity)
    for days in (1, 1.5):
        assert driver.fetch(after(days, plan)).result["messages"] == 0
    bring_back()
    number_anew(made, validity, order=range(4))
    # What has no Message-ID cannot be told from others.
    outcome = driver.fetch(after(2, plan))
    assert (outcome.result["messages"], outcome.result["deleted"]) == (1, 0)
    assert driver.fetch(after(3, plan)).result["deleted"] == 3
    made.check_delivered_once([*THREE, NAMELESS, NAMELESS])


def test_what_was_deleted_is_there_again_as_something_else(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill(THREE)
    number_anew(made, 77, order=range(3))
    plan = made.plan(Delete="0")
    assert driver.fetch(plan).result["deleted"] == 3
    more = [make_message(number, 500 + number) for number in range(30, 36)]
    restore(made, [], more)
    outcome = driver.fetch(made.plan())
    assert outcome.result["messages"] == len(more)
    made.check_delivered_once([*THREE, *more])
    assert driver.fetch(after(2, made.plan())).result["messages"] == 0
    assert query(made, "SELECT count(*) FROM message WHERE state = 'removed'") == [(3,)]
    assert driver.fetch(plan).result["deleted"] == len(more)


def test_earlier_uidvalidity_comes_back_with_uids_anew(new_round: NewRound, driver: Driver) -> None:
    """Some of what there was under it is gone under the next one, so that records of both are left."""
    made = new_round(IMAP).fill(THREE)
    number_anew(made, 77, order=range(3))
    assert driver.fetch(made.plan()).ok
    bring_back = made.exchange(NEW[:1], validity=78)
    assert driver.fetch(made.plan()).result["messages"] == 1
    bring_back()
    restore(made, [THREE[0]], NEW[1:])
    outcome = driver.fetch(made.plan())
    assert outcome.ok, outcome
    assert outcome.result["messages"] == 1
    made.check_delivered_once([*THREE, *NEW])
    check_sound(made)


@pytest.mark.parametrize("days", [0.1, 2])
@pytest.mark.parametrize("wanted", [{}, {"Search": "ALL NOT DELETED"}])
def test_more_new_mail_than_was_lost(
    new_round: NewRound, driver: Driver, days: float, wanted: dict[str, str]
) -> None:
    """UIDNEXT has grown, and what was fetched last is another message under its UID."""
    made = new_round(IMAP).fill([*THREE, LARGE])
    number_anew(made, 77, order=range(4))
    plan = made.plan(**wanted)
    assert driver.fetch(plan).result["messages"] == 4
    more = [make_message(number, 500 + number) for number in range(30, 35)]
    restore(made, THREE[:1], more)
    outcome = driver.fetch(after(days, plan))
    assert outcome.result["messages"] == len(more), outcome
    assert any("as after a restored backup" in line for line in outcome.log)
    made.check_delivered_once([*THREE, LARGE, *more])
    check_sound(made)
    assert driver.fetch(after(days + 0.1, plan)).result["messages"] == 0


@pytest.mark.parametrize("days", [0.1, 2])
def test_more_new_mail_than_was_lost_before_a_baseline(
    new_round: NewRound, driver: Driver, days: float
) -> None:
    made = new_round(IMAP).fill([*THREE, LARGE])
    number_anew(made, 77, order=range(4))
    plan = made.plan()
    assert driver.fetch(plan).ok
    more = [make_message(number, 500 + number) for number in range(30, 35)]
    restore(made, THREE[:1], more)
    assert driver.fetch(replace(after(days, plan), baseline=True)).result["baselined"] == len(more)
    assert query(made, "SELECT count(*) FROM message WHERE state = 'delivered' AND missing IS NULL") == [(1,)]
