# SPDX-License-Identifier: LGPL-2.1-or-later
"""Prop Delete: what is deleted on the server, when, and what never is."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from imapclient import IMAPClient

from tests.mail.conftest import NewRound
from tests.mail.test_runs import after
from tests.support.dovecot import Dovecot, make_message
from tests.support.rounds import PASSWORD, RETRIEVERS, Round
from tests.support.stop_after import Driver, Plan

DAY = 86400.0
THREE = [make_message(number, 700) for number in (1, 2, 3)]
LATER = make_message(4, 900)

each_retriever = pytest.mark.parametrize("retriever", RETRIEVERS)


def deleted(driver: Driver, plan: Plan) -> int:
    outcome = driver.fetch(plan)
    assert outcome.ok, outcome
    return outcome.result["deleted"]


@contextmanager
def another_client(made: Round) -> Iterator[IMAPClient]:
    with IMAPClient(made.dovecot.host, made.dovecot.imap, ssl=False) as client:
        client.login(made.user, PASSWORD)
        client.select_folder("INBOX")
        yield client


# When


@each_retriever
@pytest.mark.parametrize("value", ["-1", "", "enabled", "disabled", "1.5", "²"])
def test_never(new_round: NewRound, driver: Driver, retriever: str, value: str) -> None:
    """Anything but a whole number is never: old databases hold such values."""
    made = new_round(retriever).fill(THREE)
    for days in range(3):
        assert deleted(driver, after(days, made.plan(Delete=value))) == 0
    assert made.on_server == THREE
    made.check_delivered_once(THREE)


@each_retriever
def test_right_after_delivery(new_round: NewRound, driver: Driver, retriever: str) -> None:
    made = new_round(retriever).fill(THREE)
    assert deleted(driver, made.plan(Delete="0")) == 3
    assert made.on_server == []
    made.check_delivered_once(THREE)


@each_retriever
def test_some_days_later(new_round: NewRound, driver: Driver, retriever: str) -> None:
    made = new_round(retriever).fill(THREE)
    plan = made.plan(Delete="2")
    assert deleted(driver, plan) == 0
    made.fill([LATER])
    assert deleted(driver, after(1, plan)) == 0
    assert deleted(driver, after(1.99, plan)) == 0
    assert deleted(driver, after(2, plan)) == 3
    assert made.on_server == [LATER]
    assert deleted(driver, after(3, plan)) == 1
    assert made.on_server == []
    made.check_delivered_once([*THREE, LATER])


@each_retriever
def test_what_came_before_the_prop_was_set(new_round: NewRound, driver: Driver, retriever: str) -> None:
    made = new_round(retriever).fill(THREE)
    assert deleted(driver, made.plan()) == 0
    assert deleted(driver, after(1, made.plan())) == 0
    assert deleted(driver, after(1, made.plan(Delete="2"))) == 0
    assert deleted(driver, after(2, made.plan(Delete="2"))) == 3
    assert made.on_server == []


@each_retriever
@pytest.mark.parametrize(("minutes", "costs"), [("30", 1), ("2880", 4)], ids=["a day", "twice Time"])
def test_clock_that_jumps_a_year_ahead_and_back(
    new_round: NewRound, driver: Driver, retriever: str, minutes: str, costs: int
) -> None:
    """It costs a day, or twice Time if that is more: so much less than Delete says passes until deletion."""
    made = new_round(retriever).fill(THREE)
    plan = made.plan(Delete="7", Time=minutes)
    for days in (0, 365, 0, 365 - 365):
        assert deleted(driver, after(days, plan)) == 0
    for day in range(1, 7 - costs):
        assert deleted(driver, after(day, plan)) == 0
    assert made.on_server == THREE
    assert deleted(driver, after(7 - costs, plan)) == 3


@each_retriever
def test_state_that_is_lost_starts_again(new_round: NewRound, driver: Driver, retriever: str) -> None:
    made = new_round(retriever).fill(THREE)
    assert deleted(driver, made.plan(Delete="2")) == 0
    for path in made.state.iterdir():
        path.unlink()
    assert deleted(driver, after(3, made.plan(Delete="2"))) == 0
    assert made.on_server == THREE


# What never is deleted


@each_retriever
def test_message_that_other_clients_removed_is_no_trouble(
    new_round: NewRound, driver: Driver, retriever: str
) -> None:
    made = new_round(retriever).fill(THREE)
    assert deleted(driver, made.plan(Delete="1")) == 0
    made.dovecot.expunge(made.user, 2)
    assert deleted(driver, after(1, made.plan(Delete="1"))) == 2
    assert made.on_server == []


def date_all(made: Round, seconds: int = 1_000_000_000) -> None:
    """Let all messages have come then."""
    for path in made.dovecot.maildir(made.user).glob("new/*"):
        os.utime(path, (seconds, seconds))


def test_message_of_another_date_than_recorded_is_left(new_round: NewRound, driver: Driver) -> None:
    made = new_round(RETRIEVERS[0]).fill(THREE)
    date_all(made)
    made.dovecot.set_uidvalidity(made.user, 1000)
    assert deleted(driver, made.plan(Delete="1")) == 0
    made.exchange(THREE, validity=1000)
    date_all(made, 1_000_000_001)
    assert deleted(driver, after(1, made.plan(Delete="1"))) == 0
    assert sorted(made.on_server) == sorted(THREE)


@each_retriever
def test_message_of_another_size_than_recorded_is_left(
    new_round: NewRound, driver: Driver, retriever: str
) -> None:
    """Whatever a server does to its UIDs: what is deleted is what was delivered."""
    made = new_round(retriever).fill(THREE)
    date_all(made)
    made.dovecot.set_uidvalidity(made.user, 1000)
    assert deleted(driver, made.plan(Delete="1")) == 0
    made.exchange([LATER, THREE[1], LATER], validity=1000)
    date_all(made)
    outcome = driver.fetch(after(1, made.plan(Delete="1")))
    assert outcome.result["deleted"] == 1
    assert made.on_server == [LATER, LATER]
    assert any("left alone" in line for line in outcome.log)


def test_what_another_client_marked_as_deleted_stays(new_round: NewRound, driver: Driver) -> None:
    made = new_round("SimpleIMAPRetriever").fill(THREE)
    plan = made.plan(Delete="1")
    assert deleted(driver, plan) == 0
    made.fill([LATER])
    with another_client(made) as client:
        client.add_flags(4, [rb"\Deleted"])
    assert deleted(driver, after(1, plan)) == 3
    assert made.on_server == [LATER]
    assert [flags for flags in made.dovecot.flags(made.user) if "T" in flags]
    made.check_delivered_once([*THREE, LATER])


def test_without_uidplus_nothing_is_expunged(
    dovecot_without_uidplus: Dovecot, new_round: NewRound, driver: Driver
) -> None:
    """A plain EXPUNGE would remove what another client marked: messages are marked, and the log says so."""
    made = replace(new_round("SimpleIMAPRetriever"), dovecot=dovecot_without_uidplus, user="remote")
    made.fill([*THREE, LATER])
    with another_client(made) as client:
        client.add_flags(4, [rb"\Deleted"])
    outcome = driver.fetch(made.plan(Delete="0"))
    assert outcome.result["deleted"] == 0
    assert any("UIDPLUS" in line for line in outcome.log)
    assert made.on_server == [*THREE, LATER]
    made.check_delivered_once([*THREE, LATER])
    with another_client(made) as client:
        client.expunge()
    outcome = driver.fetch(made.plan(Delete="0"))
    assert outcome.result["messages"] == 0


def test_flags_are_as_they_were(new_round: NewRound, driver: Driver) -> None:
    made = new_round("SimpleIMAPRetriever").fill(THREE)
    with another_client(made) as client:
        client.add_flags(2, [rb"\Seen", rb"\Flagged"])
    for days in (0, 1):
        assert deleted(driver, after(days, made.plan(Delete="2"))) == 0
        assert made.dovecot.flags(made.user) == ["", "FS", ""]


def test_new_messages_are_still_new_to_other_clients(new_round: NewRound, driver: Driver) -> None:
    made = new_round("SimpleIMAPRetriever").fill(THREE)
    assert driver.fetch(made.plan()).ok
    with another_client(made) as client:
        assert client.folder_status("INBOX", ["RECENT"]) == {b"RECENT": 3}


@pytest.fixture(scope="module")
def dovecot_without_uidplus() -> Iterator[Dovecot]:
    with Dovecot({"remote": PASSWORD}, extra="imap_capability = IMAP4rev1 SASL-IR UNSELECT") as dovecot:
        yield dovecot
