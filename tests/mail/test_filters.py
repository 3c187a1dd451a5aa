# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail from a real server through a real rspamd and a real clamd, whatever they say of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from cockpit_getmail import quarantine, state_file
from tests.mail.conftest import NewRound
from tests.support.clamd import EICAR, FOUND, STREAM_LIMIT, Clamd
from tests.support.dovecot import make_message
from tests.support.fetching import make_connector
from tests.support.rounds import RETRIEVERS, Round, stored
from tests.support.rspamd import BINARY, GTUBE, Rspamd, with_action
from tests.support.stop_after import Driver, Outcome, Plan

DAY = 86400.0
CLEAN = [make_message(1, 400), make_message(2, 3000), BINARY + make_message(3, 1_500_000)]
INFECTED = make_message(11, 500) + EICAR + b"\r\n"
SPAM = make_message(21, 500) + GTUBE + b"\r\n"
ALL = {"FilterCheck": "enabled", "VirusCheck": "enabled"}
# What the rule of the tests' rspamd adds.
ADDED = (b"X-Test-Folded:", b"\tsecond", b"X-Test-From:", b"X-Test-Two:", b"X-Test-Rcpt:")

pytestmark = pytest.mark.parametrize("retriever", RETRIEVERS)


class Filtered:
    """An account whose mail is filtered."""

    def __init__(self, made: Round, driver: Driver, settings: Mapping[str, Any]) -> None:
        self.made = made
        self.driver = driver
        self.settings = dict(settings)
        self.days = 0.0

    @property
    def is_imap(self) -> bool:
        return "IMAP" in self.made.retriever

    def plan(self, **props: str) -> Plan:
        self.days += 0.01
        plan = self.made.small(**{**ALL, **props})
        return replace(plan, settings=self.settings, clock=self.days * DAY)

    def run(self, **props: str) -> Outcome:
        return self.driver.fetch(self.plan(**props))

    def inbox(self) -> list[bytes]:
        return self._read("new")

    def junk(self) -> list[bytes]:
        return self._read(".Junk/new")

    def aside(self) -> list["quarantine.Entry"]:
        plan = self.made.plan()
        mailbox = make_connector(self.made.retriever, self.made.port, **plan.props).mailbox
        with state_file.opened(self.made.state) as db:
            return quarantine.listing(db, mailbox, 10) if db else []

    def retry(self) -> int:
        plan = self.made.plan()
        mailbox = make_connector(self.made.retriever, self.made.port, **plan.props).mailbox
        with state_file.opened(self.made.state) as db:
            assert db
            return quarantine.retry(db, mailbox)

    def _read(self, folder: str) -> list[bytes]:
        path = self.made.mail / folder
        return sorted(file.read_bytes() for file in path.iterdir()) if path.exists() else []


@pytest.fixture
def filtered(new_round: NewRound, driver: Driver, retriever: str, rspamd: Rspamd, clamd: Clamd) -> Filtered:
    settings = {"rspamd_url": rspamd.url, "clamd_socket": clamd.socket, "filter_timeout": 30.0}
    return Filtered(new_round(retriever), driver, settings)


def strip(message: bytes) -> bytes:
    """Return a stored message without what the tests' rspamd adds."""
    return b"".join(line for line in message.splitlines(True) if not line.startswith(ADDED))


def test_clean_mail_is_what_it_was(filtered: Filtered) -> None:
    filtered.made.fill(CLEAN)
    outcome = filtered.run(Delete="0")
    assert (outcome.result["messages"], outcome.result["deleted"]) == (3, 3), outcome
    filtered.made.check_delivered_once(CLEAN)
    assert filtered.made.on_server == []
    assert filtered.run().result["messages"] == 0


@pytest.mark.parametrize(
    ("action", "added"),
    [
        ("no action", b""),
        ("add header", b"X-Spam: Yes\n"),
        ("rewrite subject", b"Subject: ***SPAM*** Message 5\n"),
    ],
)
def test_header_is_changed(filtered: Filtered, action: str, added: bytes) -> None:
    head = b"Return-Path: <sender@b.example>\r\nX-Test-All: 1\r\nX-Spam: No\r\nx-test-all: 2\r\n"
    filtered.made.fill([with_action(action, head + make_message(5, 400))])
    assert filtered.run(Account="someone@here.example").result["messages"] == 1
    [found] = filtered.inbox()
    header = found.partition(b"\n\n")[0] + b"\n"
    assert b"X-Test-From: sender@b.example\n" in header
    assert b"X-Test-Rcpt: someone@here.example\n" in header
    assert b"X-Test-Folded: first;\n\tsecond\n" in header
    assert b"test-all" not in header.lower()
    assert (b"X-Spam: No" in header) == (action != "add header")
    assert header.count(b"Subject:") == 1
    assert added in header
    assert found.endswith(stored([make_message(5, 400)])[0].partition(b"\n\n")[2])


@pytest.mark.parametrize(
    "spam", [SPAM, with_action("discard", make_message(22, 400))], ids=["reject", "discard"]
)
def test_spam_is_filed(filtered: Filtered, spam: bytes) -> None:
    filtered.made.fill([CLEAN[0], spam, CLEAN[1]])
    outcome = filtered.run(Delete="0")
    assert (outcome.result["messages"], outcome.result["deleted"]) == (3, 3), outcome
    assert filtered.inbox() == sorted(stored(CLEAN[:2]))
    [found] = filtered.junk()
    assert b"X-Spam: Yes\n" in found
    assert strip(found).replace(b"X-Spam: Yes\n", b"") == stored([spam])[0]
    assert filtered.made.on_server == []


@pytest.mark.parametrize(
    "spam", [SPAM, with_action("discard", make_message(22, 400))], ids=["reject", "discard"]
)
def test_spam_is_dropped(filtered: Filtered, spam: bytes) -> None:
    filtered.made.fill([CLEAN[0], spam, CLEAN[1]])
    filtered.settings["spam_reject"] = "drop"
    outcome = filtered.run(Delete="0")
    assert (outcome.result["messages"], outcome.result["dropped"], outcome.result["failed"]) == (2, 1, 0)
    assert "Messages dropped as spam: 1. They stay on the server." in outcome.log
    assert any("1 message dropped as spam" in line for line in outcome.log)
    # Over POP3 to delete is to say goodbye, and then a server may delete what it has sent.
    left = [spam] if filtered.is_imap else [CLEAN[0], spam, CLEAN[1]]
    assert filtered.made.on_server == left
    for _ in range(2):
        again = filtered.run(Delete="0")
        assert (again.result["messages"], again.result["dropped"]) == (0, 0)
    assert filtered.made.on_server == [spam]
    filtered.made.check_delivered_once(CLEAN[:2])


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (INFECTED, f"clamd found {FOUND}."),
        (with_action("quarantine", make_message(12, 400)), "rspamd: quarantine (because of quarantine)"),
    ],
    ids=["virus", "quarantine"],
)
def test_what_is_set_aside(filtered: Filtered, message: bytes, reason: str) -> None:
    filtered.made.fill([message, *CLEAN])
    outcome = filtered.run(Delete="0")
    result = outcome.result
    assert (result["messages"], result["set_aside"], result["aside"], result["failed"]) == (3, 1, 1, 1)
    assert any(reason in line and "is set aside" in line for line in outcome.log)
    [entry] = filtered.aside()
    assert (entry["reason"], entry["attempts"]) == (reason, 1)
    assert (filtered.run(Delete="0").result["messages"], len(filtered.aside())) == (0, 1)
    assert filtered.made.on_server == [message]
    filtered.made.check_delivered_once(CLEAN)
    # It is scanned again, with the same result.
    assert filtered.retry() == 1
    assert filtered.aside() == []
    assert filtered.run(Delete="0").result["set_aside"] == 1
    assert [entry["reason"] for entry in filtered.aside()] == [reason]
    filtered.made.check_delivered_once(CLEAN)
    assert filtered.made.on_server == [message]


def test_retried_message_comes_once_it_is_let_through(filtered: Filtered) -> None:
    filtered.made.fill([INFECTED])
    assert filtered.run().result["set_aside"] == 1
    filtered.retry()
    outcome = filtered.run(VirusCheck="disabled", Delete="0")
    assert (outcome.result["messages"], outcome.result["aside"]) == (1, 0)
    filtered.made.check_delivered_once([INFECTED])
    assert filtered.made.on_server == []


@pytest.mark.parametrize("action", ["greylist", "soft reject"])
def test_what_is_wanted_later_stays(filtered: Filtered, action: str) -> None:
    later = with_action(action, make_message(31, 400))
    filtered.made.fill([later, *CLEAN])
    for number in range(5):
        outcome = filtered.run(Delete="0")
        assert outcome.result["messages"] == (0 if number else 3), outcome
        assert (outcome.result["later"], outcome.result["failed"], outcome.result["aside"]) == (1, 0, 0)
        assert any(f"wants them later: 1, {action} (because of {action})" in line for line in outcome.log)
        # Years of it are no failure.
        filtered.days += 400
    filtered.made.check_delivered_once(CLEAN)
    assert filtered.made.on_server == ([later] if filtered.is_imap else [later, *CLEAN])


def test_what_is_wanted_later_comes_with_the_next_run(filtered: Filtered) -> None:
    later = with_action("greylist once", make_message(hash(filtered.made.user) % 10**6, 400))
    filtered.made.fill([CLEAN[0], later])
    outcome = filtered.run(Delete="0")
    assert (outcome.result["messages"], outcome.result["later"]) == (1, 1)
    outcome = filtered.run(Delete="0")
    assert (outcome.result["messages"], outcome.result["later"]) == (1, 0)
    assert filtered.made.on_server == []
    assert sorted(map(strip, filtered.inbox())) == sorted(stored([CLEAN[0], later]))


def test_message_that_is_too_large_to_be_scanned(filtered: Filtered) -> None:
    large = make_message(41, STREAM_LIMIT + 10)
    filtered.made.fill([large, CLEAN[0]])
    outcome = filtered.run(Delete="0")
    assert (outcome.result["messages"], outcome.result["failed"], outcome.result["aside"]) == (1, 1, 0)
    assert any("StreamMaxLength" in line and "will be tried again" in line for line in outcome.log)
    filtered.made.fill([CLEAN[1]])
    filtered.days += 1.5
    assert filtered.run(Delete="0").result["messages"] == 1
    filtered.days += 1.5
    assert filtered.run(Delete="0").result["set_aside"] == 1
    assert filtered.run(Delete="0").result["failed"] == 0
    filtered.made.check_delivered_once(CLEAN[:2])
    assert filtered.made.on_server == [large]
    assert "StreamMaxLength" in filtered.aside()[0]["reason"]


def test_messages_that_are_too_large_and_all_there_is(filtered: Filtered) -> None:
    large = [make_message(number, STREAM_LIMIT + 10) for number in (41, 42)]
    filtered.made.fill(large)
    for days in (0.0, 1.5, 1.5):
        filtered.days += days
        assert filtered.run(Delete="0").result["failed"] == 2
    assert len(filtered.aside()) == 2
    assert filtered.run().result["failed"] == 0
    assert filtered.made.on_server == large


def test_virus_in_spam_is_a_virus(filtered: Filtered) -> None:
    filtered.made.fill([SPAM + EICAR])
    assert filtered.run().result["set_aside"] == 1
    assert filtered.junk() == []


def test_many_messages_keep_their_order(filtered: Filtered) -> None:
    messages = [make_message(number, 300 + number * 7919 % 9000) for number in range(1, 101)]
    filtered.made.fill(messages)
    assert filtered.run().result["messages"] == 100
    # A clock may show one time for several.
    files = [(path.stat().st_mtime_ns, path.read_bytes()) for path in (filtered.made.mail / "new").iterdir()]
    place = {message: number for number, message in enumerate(stored(messages))}
    found = sorted((time, place[message]) for time, message in files)
    assert [number for _, number in found] == list(range(100))
    assert filtered.run().result["messages"] == 0
