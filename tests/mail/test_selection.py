# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a connector wants of a mailbox comes exactly once, in as many runs as it takes, and nothing else."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.mail.conftest import FAST, Drivers, NewRound
from tests.support.dovecot import OWNER, Dovecot, make_message
from tests.support.proxy import Proxy
from tests.support.rounds import PASSWORD, RETRIEVERS, THREE_BATCHES, Round
from tests.support.stop_after import Driver, Outcome, check_stopped

IMAP, POP3 = RETRIEVERS
LARGE = make_message(99, 5 << 20)
THREE = [make_message(number, 700) for number in (1, 2, 3)]


def make_letter(number: int, subject: str, sender: str = "ann@example.com", more: str = "") -> bytes:
    return (
        f"From: {sender}\r\nTo: u@example.com\r\nSubject: {subject}\r\n{more}"
        f"Message-ID: <letter{number}@example.com>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"
        f"Letter number {number}.\r\n"
    ).encode()


LETTERS = [
    make_letter(1, "Grüße aus Köln"),
    make_letter(2, "=?utf-8?q?Gr=C3=BC=C3=9Fe?=", "bob@example.com"),
    make_letter(3, 'He said "no" \\ twice', "bob@example.com"),
    make_letter(4, "日本語の件名", more="X-Spam: yes\r\n"),
    make_letter(5, "Invoice 5", more="X-Label: a (b) {5}\r\n"),
    make_letter(6, "plain"),
]


def take(*numbers: int) -> list[bytes]:
    return [LETTERS[number - 1] for number in numbers]


def fetch(driver: Driver, made: Round, **props: str) -> Outcome:
    outcome = driver.fetch(made.small(**props))
    assert outcome.ok, outcome
    return outcome


def count(outcome: Outcome) -> tuple[int, int, int]:
    """Return how many messages were delivered, passed over and left."""
    return tuple(outcome.result[name] for name in ("messages", "passed", "left"))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("search", "wanted"),
    [
        ('SUBJECT "grüße"', (1, 2)),
        ("SUBJECT Grüße FROM bob", (2,)),
        ("SUBJECT 日本語", (4,)),
        ("OR (SUBJECT 日本語 HEADER X-Spam yes) NOT (OR FROM ann SUBJECT Grüße)", (3, 4)),
        (r'SUBJECT "said \"no\" \\ twice"', (3,)),
        ('HEADER X-Spam ""', (4,)),
        ('HEADER X-Label "a (b) {5}"', (5,)),
        ('TEXT "Letter number 6"', (6,)),
        ("NOT FROM bob NOT SUBJECT Grüße UID 1:5", (4, 5)),
        ("OR OR OR SUBJECT invoice SUBJECT plain SUBJECT Köln SUBJECT 日本", (1, 4, 5, 6)),
        ("SUBJECT nothing-of-that-kind", ()),
        ('SUBJECT "ünd nichts davon"', ()),
        ("LARGER 1000000", ()),
        ("YOUNGER 1000000000 UNSEEN UNDELETED", (1, 2, 3, 4, 5, 6)),
    ],
)
def test_search(new_round: NewRound, driver: Driver, search: str, wanted: tuple[int, ...]) -> None:
    made = new_round(IMAP).fill(LETTERS)
    passed = len(LETTERS) - len(wanted)
    assert count(fetch(driver, made, Search=search)) == (len(wanted), passed, 0)
    made.check_delivered_once(take(*wanted))
    assert count(fetch(driver, made, Search=search)) == (0, passed, 0)
    assert count(fetch(driver, made)) == (passed, 0, 0)
    made.check_delivered_once(LETTERS)


@pytest.fixture(scope="module")
def plain_server() -> Iterator[Dovecot]:
    """A server with neither literals at once nor ESEARCH."""
    extra = f"{FAST}protocol imap {{\n  imap_capability = IMAP4rev1 UIDPLUS UNSELECT\n}}\n"
    with Dovecot({"u": PASSWORD}, extra=extra) as dovecot:
        yield dovecot


def test_literals_one_by_one(plain_server: Dovecot, memory: Path, driver: Driver) -> None:
    made = Round(plain_server, "u", IMAP, memory / "mail", memory / "state").fill(LETTERS)
    made.state.mkdir(mode=0o700)
    search = 'OR SUBJECT 日本語 (SUBJECT "grüße" NOT FROM "bøb")'
    assert count(fetch(driver, made, Search=search)) == (3, 3, 0)
    made.check_delivered_once(take(1, 2, 4))


def test_search_that_the_server_does_not_know(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill(THREE)
    outcome = driver.fetch(made.plan(Search="X-GM-RAW has:attachment"))
    assert outcome.cause == "connector", outcome
    assert "does not do what Search asks for" in outcome.message
    assert made.delivered == []
    fetch(driver, made)
    made.check_delivered_once(THREE)


def test_what_comes_to_match_is_fetched_then(new_round: NewRound, driver: Driver) -> None:
    """No UID is new then, and no message: only a flag is another one."""
    made = new_round(IMAP).fill(THREE)
    assert count(fetch(driver, made, Search="FLAGGED")) == (0, 3, 0)
    set_flag(made, 2)
    assert count(fetch(driver, made, Search="FLAGGED")) == (1, 2, 0)
    made.check_delivered_once([THREE[1]])
    set_flag(made, 1)
    made.fill([LETTERS[0]])
    assert count(fetch(driver, made, Search="FLAGGED")) == (1, 2, 0)
    made.check_delivered_once(THREE[:2])
    assert count(fetch(driver, made, Search="UNFLAGGED")) == (2, 0, 0)
    made.check_delivered_once([*THREE, LETTERS[0]])


def set_flag(made: Round, uid: int, folder: str = "INBOX") -> None:
    made.dovecot.doveadm("flags", "add", "-u", made.user, r"\Flagged", "mailbox", folder, "uid", str(uid))


def test_what_is_gone_meanwhile_is_no_trouble(new_round: NewRound, driver: Driver) -> None:
    """Messages before and after the first one passed over are expunged, and others come."""
    made = new_round(IMAP).fill(LETTERS)
    assert count(fetch(driver, made, Search="FROM bob")) == (2, 4, 0)
    for uid in (1, 3, 5):
        made.dovecot.expunge(made.user, uid)
    made.fill(THREE)
    assert count(fetch(driver, made, Search="OR FROM bob SUBJECT Message")) == (3, 2, 0)
    made.check_delivered_once([*take(2, 3), *THREE])
    assert count(fetch(driver, made)) == (2, 0, 0)
    made.check_delivered_once([*take(2, 3, 4, 6), *THREE])


def test_since(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill(THREE)
    old = make_message(50, 700)
    file = made.dovecot.maildir(made.user) / "new" / "1000000000.1.test"
    file.write_bytes(old)
    shutil.chown(file, OWNER)
    # Dovecot takes it for INTERNALDATE.
    os.utime(file, (1_000_000_000, 1_000_000_000))
    assert count(fetch(driver, made, Since="2001-09-10")) == (3, 1, 0)
    made.check_delivered_once(THREE)
    assert count(fetch(driver, made, Since="2001-09-08", Search="SUBJECT Message")) == (1, 0, 0)
    made.check_delivered_once([*THREE, old])


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_large_message_is_passed_over(new_round: NewRound, driver: Driver, retriever: str) -> None:
    made = new_round(retriever).fill([THREE[0], LARGE, THREE[1]])
    for _ in range(2):
        outcome = driver.fetch(made.plan(MaxSize=str(1 << 20), Delete="0"))
        assert outcome.ok, outcome
        assert outcome.result["passed"] == 1
        made.check_delivered_once(THREE[:2])
        assert made.on_server == [LARGE]
    assert count(driver.fetch(made.plan(MaxSize=str(len(LARGE) - 1)))) == (0, 1, 0)
    assert count(driver.fetch(made.plan(MaxSize=str(len(LARGE))))) == (1, 0, 0)
    made.check_delivered_once([*THREE[:2], LARGE])


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_so_many_in_a_run(new_round: NewRound, driver: Driver, retriever: str) -> None:
    """The oldest come first, and the last run has what is left."""
    hundred = [make_message(number, 400) for number in range(1, 101)]
    made = new_round(retriever).fill(hundred)
    for done in (30, 60, 90):
        plan = made.plan(MaxMessages="30", Delete="-1")
        assert count(driver.fetch(plan)) == (30, 0, 100 - done)
        made.check_delivered_once(hundred[:done])
    more = [make_message(number, 400) for number in range(101, 106)]
    made.fill(more)
    assert count(driver.fetch(made.plan(MaxMessages="30"))) == (15, 0, 0)
    made.check_delivered_once([*hundred, *more])
    assert count(driver.fetch(made.plan(MaxMessages="30"))) == (0, 0, 0)
    assert made.on_server == [*hundred, *more]


def test_all_of_it_together(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill([*LETTERS, LARGE, *THREE])
    props = {"Search": "NOT FROM bob", "MaxSize": "1000000", "MaxMessages": "3", "Delete": "0"}
    assert count(fetch(driver, made, **props)) == (3, 3, 4)
    assert count(fetch(driver, made, **props)) == (3, 3, 1)
    assert count(fetch(driver, made, **props)) == (1, 3, 0)
    wanted = [*take(1, 4, 5, 6), *THREE]
    made.check_delivered_once(wanted)
    assert made.on_server == [*take(2, 3), LARGE]


def test_mark_seen(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill(LETTERS)
    assert count(fetch(driver, made, MarkSeen="seen", Search="FROM bob UNSEEN")) == (2, 4, 0)
    assert made.dovecot.flags(made.user) == ["", "S", "S", "", "", ""]
    # Whoever reads it there has the last word.
    made.dovecot.doveadm("flags", "remove", "-u", made.user, r"\Seen", "mailbox", "INBOX", "uid", "2")
    assert count(fetch(driver, made, MarkSeen="seen", Search="FROM bob UNSEEN")) == (0, 4, 0)
    assert count(fetch(driver, made)) == (4, 0, 0)
    assert made.dovecot.flags(made.user) == ["", "", "S", "", "", ""]
    made.fill(THREE)
    assert count(fetch(driver, made, MarkSeen="seen")) == (3, 0, 0)
    assert made.dovecot.flags(made.user) == ["", "", "S", "", "", "", "S", "S", "S"]
    made.check_delivered_once([*LETTERS, *THREE])


def test_mark_that_nobody_may_make(memory: Path, driver: Driver) -> None:
    """It is told, and costs neither the run nor a message."""
    with Dovecot({"u": PASSWORD}, acl=True) as dovecot:
        made = Round(dovecot, "u", IMAP, memory / "mail", memory / "state").fill(THREE)
        made.state.mkdir(mode=0o700)
        dovecot.doveadm("acl", "set", "-u", "u", "INBOX", "owner", "lookup", "read")
        outcome = fetch(driver, made, MarkSeen="seen")
        assert count(outcome) == (3, 0, 0)
        assert [line for line in outcome.log if "marked" in line] == [
            "Nothing is marked as seen: 127.0.0.1 gives no right to do so in INBOX."
        ]
        made.check_delivered_once(THREE)
        assert dovecot.flags("u") == ["", "", ""]
        outcome = fetch(driver, made, MarkSeen="seen")
        assert not [line for line in outcome.log if "marked" in line]


def test_connection_cut_at_any_octet(new_round: NewRound, driver: Driver) -> None:
    """Each connection is cut a little later than the one before: at last all wanted is here, and marked."""
    made = new_round(IMAP).fill([*LETTERS, *THREE_BATCHES])
    wanted = [*take(1, 4, 5, 6), *THREE_BATCHES]
    with Proxy(made.dovecot.host, made.port) as proxy:
        there = {"Server": "127.0.0.1", "Port": str(proxy.port)}
        plan = made.small(Search="NOT FROM bøb NOT FROM bob", MarkSeen="seen", MaxMessages="9", **there)
        for cut in range(0, 60000, 331):
            proxy.cut_after = cut
            outcome = driver.fetch(plan)
            made.check_nothing_lost([*LETTERS, *THREE_BATCHES])
            if outcome.ok and not outcome.result["messages"] and not outcome.result["left"]:
                break
            assert outcome.ok or outcome.cause in ("network", "tls"), outcome
        assert outcome.ok
    made.check_delivered_once(wanted)
    assert made.dovecot.flags(made.user) == ["S", "", "", *["S"] * (3 + len(THREE_BATCHES))]


def fill_folder(made: Round, folder: str, *messages: bytes) -> None:
    made.dovecot.make_folder(made.user, folder)
    for message in messages:
        made.dovecot.add_message(made.user, message, folder)


def test_folders(new_round: NewRound, driver: Driver) -> None:
    """A folder in which something is passed over is looked into, though it is as it was."""
    made = new_round(IMAP).fill(THREE)
    fill_folder(made, "Work", *take(1, 2))
    wanted = {"Folders": "*", "Search": "FLAGGED", "MarkSeen": "seen"}
    assert count(fetch(driver, made, **wanted)) == (0, 5, 0)
    set_flag(made, 2, "Work")
    assert count(fetch(driver, made, **wanted)) == (1, 4, 0)
    made.check_delivered_once(take(2))
    assert made.dovecot.flags(made.user, "Work") == ["", "FS"]
    assert made.dovecot.flags(made.user) == ["", "", ""]
    assert count(fetch(driver, made, Folders="*")) == (4, 0, 0)
    made.check_delivered_once([*THREE, *take(1, 2)])


def test_so_many_in_a_run_over_all_folders(new_round: NewRound, driver: Driver) -> None:
    made = new_round(IMAP).fill(THREE)
    fill_folder(made, "Work", *take(1, 2, 3))
    fill_folder(made, "Zoo", *take(4, 5))
    for messages, left in ((4, 4), (4, 0), (0, 0)):
        assert count(fetch(driver, made, Folders="*", MaxMessages="4")) == (messages, 0, left)
    made.check_delivered_once([*THREE, *take(1, 2, 3, 4, 5)])


def test_uids_that_mean_something_else(new_round: NewRound, driver: Driver) -> None:
    """What was fetched is known again, what was passed over still is."""
    made = new_round(IMAP).fill(LETTERS)
    assert count(fetch(driver, made, Search="FROM bob")) == (2, 4, 0)
    made.dovecot.set_uidvalidity(made.user, 4711)
    made.fill(THREE)
    assert count(fetch(driver, made, Search="FROM bob")) == (0, 7, 0)
    assert count(fetch(driver, made, MaxMessages="5")) == (5, 0, 2)
    assert count(fetch(driver, made, MaxMessages="5")) == (2, 0, 0)
    made.check_delivered_once([*LETTERS, *THREE])


@pytest.mark.slow
def test_kill_after_each_step_of_a_maildrop(new_round: NewRound, drivers: Drivers) -> None:
    props = {"MaxSize": "8999", "MaxMessages": "4", "Delete": "0"}
    wanted = [message for message in THREE_BATCHES if len(message) < 9000]

    def finish(made: Round) -> None:
        for _ in range(2):
            outcome = drivers.fetch(made.small(**props))
            assert outcome.ok, outcome
        made.check_delivered_once(wanted)
        assert [len(message) for message in made.on_server] == [9000]

    def attempt(step: int) -> None:
        made = new_round(POP3).fill(THREE_BATCHES)
        check_stopped(drivers.fetch(replace(made.small(**props), stop=step)), step, steps)
        made.check_nothing_lost(THREE_BATCHES)
        finish(made)

    made = new_round(POP3).fill(THREE_BATCHES)
    steps = len(drivers.fetch(made.small(**props)).steps)
    finish(made)
    drivers.each(steps, attempt)


@pytest.mark.slow
def test_kill_after_each_step(new_round: NewRound, drivers: Drivers) -> None:
    """Whatever is wanted comes once, the rest stays, and all that is delivered is marked in the end."""
    unwanted = take(1, 6)
    props = {"Search": "NOT SUBJECT Köln", "MaxSize": "8999", "MaxMessages": "6", "MarkSeen": "seen"}
    wanted = [message for message in THREE_BATCHES if len(message) < 9000]

    def start() -> Round:
        return new_round(IMAP).fill([unwanted[0], *THREE_BATCHES])

    def finish(made: Round) -> None:
        for _ in range(2):
            outcome = drivers.fetch(made.small(**props))
            assert outcome.ok, outcome
        made.check_delivered_once(wanted)
        flags = ["" if len(message) == 9000 else "S" for message in THREE_BATCHES]
        assert made.dovecot.flags(made.user) == ["", *flags]

    def attempt(step: int) -> None:
        made = start()
        check_stopped(drivers.fetch(replace(made.small(**props), stop=step)), step, steps)
        made.check_nothing_lost([unwanted[0], *THREE_BATCHES])
        finish(made)

    made = start()
    steps = len(drivers.fetch(made.small(**props)).steps)
    finish(made)
    drivers.each(steps, attempt)
