# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filters and runs that break at any step: nothing comes unscanned, nothing is lost, nothing comes twice."""

import struct
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from tests.mail.conftest import Drivers, NewRound
from tests.support.clamd import EICAR, Clamd
from tests.support.dovecot import make_message
from tests.support.hostile import Script, Server, Session, close, drip, hang, read, repeat, reset
from tests.support.rounds import RETRIEVERS, THREE_BATCHES, Round, stored
from tests.support.rspamd import BINARY, GTUBE, Rspamd
from tests.support.stop_after import Driver, Plan, check_stopped

SPAM = make_message(21, 500) + GTUBE + b"\r\n"
INFECTED = make_message(11, 500) + EICAR + b"\r\n"
LARGE = BINARY + make_message(31, 1_100_000)
MARK = b"X-Spam: Yes\n"
ALL = {"FilterCheck": "enabled", "VirusCheck": "enabled", "Delete": "0"}
ONLY = {"clamd": {"VirusCheck": "enabled"}, "rspamd": {"SpamCheck": "enabled"}}


Settings = dict[str, Any]


@pytest.fixture
def settings(rspamd: Rspamd, clamd: Clamd) -> Settings:
    return {"rspamd_url": rspamd.url, "clamd_socket": clamd.socket, "filter_timeout": 30.0}


def plan(made: Round, settings: Settings, **props: str) -> Plan:
    return replace(made.small(**(props or ALL)), settings=settings)


def unmarked(messages: Sequence[bytes]) -> Counter[bytes]:
    return Counter(message.replace(MARK, b"") for message in messages)


def check_nothing_lost(made: Round, messages: Sequence[bytes]) -> None:
    lost = Counter(stored(messages)) - Counter(stored(made.on_server)) - unmarked(made.delivered)
    assert not lost, f"{lost.total()} messages are lost"
    assert not any(EICAR in message for message in made.delivered)


def check_end(made: Round, delivered: Sequence[bytes], left: Sequence[bytes]) -> None:
    assert unmarked(made.delivered) == Counter(stored(delivered))
    assert all((GTUBE in message) == (MARK in message) for message in made.delivered)
    assert made.unfinished == []
    assert Counter(made.on_server) == Counter(left)


def fetch_to_end(drivers: Drivers | Driver, planned: Plan) -> None:
    """Run until nothing new comes: over POP3 a run that holds something back deletes nothing."""
    while True:
        outcome = drivers.fetch(planned)
        assert outcome.ok, outcome
        if not any(outcome.result[count] for count in ("messages", "failed", "deleted")):
            break


# The run breaks


@pytest.mark.slow
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_kill_after_each_step(
    new_round: NewRound, drivers: Drivers, retriever: str, settings: Settings
) -> None:
    clean = THREE_BATCHES[:2]
    messages = [clean[0], INFECTED, SPAM, clean[1]]

    def attempt(step: int) -> None:
        made = new_round(retriever).fill(messages)
        planned = plan(made, settings)
        check_stopped(drivers.fetch(replace(planned, stop=step)), step, steps)
        check_nothing_lost(made, messages)
        fetch_to_end(drivers, planned)
        check_end(made, [*clean, SPAM], [INFECTED])

    outcome = drivers.fetch(plan(new_round(retriever).fill(messages), settings))
    assert outcome.result["messages"] == 3, outcome
    steps = len(outcome.steps)
    # Each message goes to two filters.
    assert outcome.steps.count("send") > 4 * len(messages)
    drivers.each(steps, attempt)


@pytest.mark.slow
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_each_step_fails(new_round: NewRound, drivers: Drivers, retriever: str, settings: Settings) -> None:
    """So does what keeps a large message until it is scanned."""
    messages = [LARGE, SPAM]

    def attempt(step: int) -> None:
        if outcome.steps[step - 1] == "send" and step % 5:
            # Most are pieces of the large message.
            return
        made = new_round(retriever).fill(messages)
        planned = plan(made, settings)
        drivers.fetch(replace(planned, fail=step, error="ENOSPC"))
        check_nothing_lost(made, messages)
        fetch_to_end(drivers, planned)
        check_end(made, messages, [])

    outcome = drivers.fetch(plan(new_round(retriever).fill(messages), settings))
    assert outcome.result["messages"] == 2, outcome
    drivers.each(len(outcome.steps), attempt)


@pytest.mark.slow
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_run_is_cancelled_while_a_filter_hangs(
    new_round: NewRound, driver: Driver, retriever: str, settings: Settings
) -> None:
    made = new_round(retriever).fill(THREE_BATCHES)
    with Server([hang]) as server:
        there = {**settings, "clamd_socket": f"127.0.0.1:{server.port}"}
        unfiltered = plan(new_round(retriever).fill(THREE_BATCHES), settings, Delete="0")
        sent = driver.fetch(unfiltered).steps.count("send")
        steps = driver.fetch(
            plan(new_round(retriever).fill(THREE_BATCHES), {**there, "filter_timeout": 1.0})
        ).steps
        # With what goes to the filter, so much is sent before it fails: nearly all waits for it by then.
        late = [number for number, step in enumerate(steps) if step == "send"][sent]
        outcome = driver.fetch(replace(plan(made, {**there, "filter_timeout": 120.0}), ask=[late]))
    assert outcome.cancelled, outcome
    assert made.delivered == []
    fetch_to_end(driver, plan(made, settings))
    check_end(made, THREE_BATCHES, [])


# The filter breaks


def take_stream(session: Session) -> bytes:
    """Take an INSTREAM and return what was in it."""
    found = session.read(len(b"zINSTREAM\0"))
    while size := struct.unpack("!L", session.read(4))[0]:
        found += session.read(size)
    return found


def take_request(session: Session) -> None:
    """Take a POST."""
    size = 0
    while line := session.read_line():
        if line.lower().startswith(b"content-length:"):
            size = int(line.partition(b":")[2])
    session.read(size)


def ok(session: Session) -> None:
    take_stream(session)
    session.send(b"stream: OK\0")


HTTP = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: "
GOOD = b'{"action": "no action"}'
ENDLESS = b"HTTP/1.1 200 OK\r\n\r\n"
FAULTS: dict[str, dict[str, Script]] = {
    "clamd": {
        "closes": [close],
        "resets": [reset],
        "hangs": [hang],
        "hangs in the message": [read(20), hang],
        "closes in the message": [read(20), close],
        "resets in the message": [read(20), reset],
        "hangs after it": [take_stream, hang],  # type: ignore[list-item]
        "closes after it": [take_stream, close],  # type: ignore[list-item]
        "hangs in the answer": [take_stream, b"stream: OK", hang],  # type: ignore[list-item]
        "closes in the answer": [take_stream, b"stream: OK", close],  # type: ignore[list-item]
        "drips": [take_stream, drip(b"stream: OK ", 0.2)],  # type: ignore[list-item]
        "has no end": [take_stream, repeat(b"stream: OK ")],  # type: ignore[list-item]
        "answers garbage": [take_stream, b"stream: OK\r\n\0"],  # type: ignore[list-item]
        "has an error": [take_stream, b"stream: lstat() failed ERROR\0"],  # type: ignore[list-item]
    },
    "rspamd": {
        "closes": [close],
        "resets": [reset],
        "hangs": [hang],
        "hangs in the message": [read(20), hang],
        "closes in the message": [read(20), close],
        "hangs after it": [take_request, hang],
        "closes after it": [take_request, close],
        "hangs in the answer": [take_request, HTTP + b"23\r\n\r\n" + GOOD[:9], hang],
        "closes in the answer": [take_request, HTTP + b"23\r\n\r\n" + GOOD[:9], close],
        "cuts off the answer": [take_request, HTTP + b"24\r\n\r\n" + GOOD, close],
        "drips": [take_request, drip(b"HTTP/1.1 200 OK\r\nX: ", 0.2)],
        "has no end": [take_request, ENDLESS, repeat(b'{"action": "no action"} ')],
        "answers garbage": [take_request, HTTP + b"4\r\n\r\nnull"],
        "has no action": [take_request, HTTP + b"2\r\n\r\n{}"],
        "has an error": [take_request, HTTP.replace(b"200", b"500") + b"23\r\n\r\n" + GOOD],
        "redirects": [take_request, b"HTTP/1.1 307 There\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"],
        "says hello first": [b"220 mail.example ESMTP\r\n", hang],
    },
}


def at(server: Server, name: str, settings: Settings) -> Settings:
    """Return the settings with a filter that is here instead."""
    here = f"127.0.0.1:{server.port}"
    there = {"clamd_socket": here} if name == "clamd" else {"rspamd_url": f"http://{here}"}
    return {**settings, **there, "filter_timeout": 0.5}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "fault"), [(name, fault) for name, faults in FAULTS.items() for fault in faults]
)
def test_filter_that_breaks(
    new_round: NewRound, driver: Driver, name: str, fault: str, settings: Settings
) -> None:
    """At first it works: what it has let through is delivered."""
    retriever = RETRIEVERS[len(fault) % 2]
    made = new_round(retriever).fill(THREE_BATCHES)
    good: Script = [ok] if name == "clamd" else [take_request, HTTP + b"23\r\n\r\n" + GOOD]
    props = {**ONLY[name], "Delete": "0"}
    with Server([ok] if name == "clamd" else good, good, good, FAULTS[name][fault]) as server:
        for _ in range(2):
            outcome = driver.fetch(plan(made, at(server, name, settings), **props))
            assert outcome.cause == "filter", outcome
            assert name in outcome.message
            check_nothing_lost(made, THREE_BATCHES)
            assert len(made.delivered) == 3
            assert made.unfinished == []
            assert made.on_server == THREE_BATCHES
    fetch_to_end(driver, plan(made, settings, **props))
    check_end(made, THREE_BATCHES, [])


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_filter_that_is_down_for_a_while(
    new_round: NewRound, driver: Driver, retriever: str, settings: Settings
) -> None:
    made = new_round(retriever).fill(THREE_BATCHES)
    with Clamd() as clamd:
        planned = plan(made, {**settings, "clamd_socket": clamd.socket})
        clamd.stop()
        for _ in range(3):
            outcome = driver.fetch(planned)
            assert outcome.cause == "filter", outcome
            assert made.delivered == []
            assert made.on_server == THREE_BATCHES
        clamd.start()
        fetch_to_end(driver, planned)
    check_end(made, THREE_BATCHES, [])


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_filter_that_ends_during_a_run(
    new_round: NewRound, driver: Driver, retriever: str, settings: Settings
) -> None:
    steps = len(driver.fetch(plan(new_round(retriever).fill(THREE_BATCHES), settings)).steps)
    for step in range(10, steps, steps // 6):
        made = new_round(retriever).fill(THREE_BATCHES)
        with Clamd() as clamd:
            planned = plan(made, {**settings, "clamd_socket": clamd.socket})
            assert driver.fetch(replace(planned, stop=step, pause=True)).paused
            clamd.stop()
            outcome = driver.go_on()
            assert outcome.ok or outcome.cause == "filter", outcome
            check_nothing_lost(made, THREE_BATCHES)
            clamd.start()
            fetch_to_end(driver, planned)
        check_end(made, THREE_BATCHES, [])


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_message_that_no_filter_survives_does_not_stop_the_others(
    new_round: NewRound, driver: Driver, retriever: str, settings: Settings
) -> None:
    bad, *others = THREE_BATCHES

    def judge(session: Session) -> None:
        session.send(b"" if bad in take_stream(session) else b"stream: OK\0")

    made = new_round(retriever).fill(THREE_BATCHES)
    later = [make_message(number, 400) for number in (101, 102, 103)]
    with Server([judge]) as server:
        props = {**ONLY["clamd"], "Delete": "0"}
        planned = plan(made, at(server, "clamd", settings), **props)
        for message in later:
            outcome = driver.fetch(planned)
            # It goes on: runs that fail become rare.
            assert outcome.ok, outcome
            assert outcome.result["failed"] == 1
            made.fill([message])
        assert Counter(stored([*others, *later[:2]])) == Counter(made.delivered)
    fetch_to_end(driver, plan(made, settings, **props))
    check_end(made, [*THREE_BATCHES, *later], [])
