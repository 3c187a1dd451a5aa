# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages set aside, in real SQLite files, beside runs."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cockpit_getmail import quarantine, state_file
from cockpit_getmail.destination.base import Staged
from cockpit_getmail.folder_state import DAY, PATIENCE, FolderState, Intent
from cockpit_getmail.former import Former
from cockpit_getmail.retriever.base import Folder, Remote, Seen
from cockpit_getmail.state import State

INBOX = Folder("INBOX", 7, 3)
IMAP = "imap\nmail.example\n143\nme"
POP3 = "pop3\nmail.example\n110\nme"
NO_LIMIT = 1e9
START = 1_700_000_000.0
ATTEMPTS = 3
BAD, WORSE, GOOD = Remote("17", 4321), Remote("18", 99), Remote("19", 5)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The wall clock: its one item."""
    now = [START]
    monkeypatch.setattr(time, "time", lambda: now[0])
    return now


@contextmanager
def run(folder: Path, mailbox: str = IMAP, opened: Folder = INBOX) -> Iterator[FolderState]:
    with State(folder) as state:
        yield state.begin(mailbox, NO_LIMIT).folder(opened)


@contextmanager
def beside(folder: Path) -> Iterator[sqlite3.Connection]:
    with state_file.opened(folder) as db:
        assert db
        yield db


def set_aside(
    folder: Path, clock: list[float], *messages: Remote, mailbox: str = IMAP, opened: Folder = INBOX
) -> None:
    """Let messages fail in three runs over three days, each in the middle of one."""
    for aside in (False, False, True):
        with run(folder, mailbox, opened) as state:
            for message in messages:
                assert state.failed(message, f"{message.uid} is no good", ATTEMPTS) == aside
        clock[0] += DAY
    assert 2 * DAY == PATIENCE


def listed(folder: Path, mailbox: str = IMAP) -> list["quarantine.Entry"]:
    with beside(folder) as db:
        return quarantine.listing(db, mailbox, 100)


def test_listing_tells_what_where_and_why(tmp_path: Path, clock: list[float]) -> None:
    set_aside(tmp_path, clock, BAD)
    assert listed(tmp_path) == [
        {
            "folder": "INBOX",
            "uid": "17",
            "size": 4321,
            "reason": "17 is no good",
            "attempts": 3,
            "since": int(START + 2 * DAY),
        }
    ]


def test_what_is_tried_again_is_not_listed(tmp_path: Path, clock: list[float]) -> None:
    with run(tmp_path) as state:
        state.failed(BAD, "no", ATTEMPTS)
    assert listed(tmp_path) == []


def test_time_goes_on_by_runs_alone(tmp_path: Path, clock: list[float]) -> None:
    set_aside(tmp_path, clock, BAD)
    since = listed(tmp_path)[0]["since"]
    for _ in range(3):
        clock[0] += DAY
        with run(tmp_path):
            pass
    # A clock set back credits nothing: it seems to have been set aside later, never earlier.
    assert listed(tmp_path)[0]["since"] == since
    clock[0] = 1000.0
    with run(tmp_path):
        pass
    assert listed(tmp_path)[0]["since"] == 0


def test_others_are_let_alone(tmp_path: Path, clock: list[float]) -> None:
    set_aside(tmp_path, clock, BAD)
    set_aside(tmp_path, clock, BAD, mailbox=POP3)
    with beside(tmp_path) as db:
        assert quarantine.retry(db, POP3) == 1
    assert [entry["uid"] for entry in listed(tmp_path)] == ["17"]
    assert listed(tmp_path, POP3) == []


def test_another_uidvalidity_ends_what_was_set_aside(tmp_path: Path, clock: list[float]) -> None:
    """The message has another UID then; also if the server is back at the old ones one day."""
    other = Folder("Archive", 7, 3)
    set_aside(tmp_path, clock, BAD)
    set_aside(tmp_path, clock, WORSE, opened=other)
    with run(tmp_path) as state:
        state.account(Seen(20, 1), whole=True)
    with run(tmp_path, opened=Folder("INBOX", 8, 3)) as state:
        assert state.known() == {}
        assert state.set_aside() == 0
        assert state.stale
        Former(state).end()
    assert [entry["folder"] for entry in listed(tmp_path)] == ["Archive"]
    with beside(tmp_path) as db:
        assert quarantine.retry(db, IMAP, "INBOX") == 0
    with run(tmp_path) as state:
        assert (state.known(), state.seen) == ({}, None)


def test_limit_leaves_the_oldest(tmp_path: Path, clock: list[float]) -> None:
    set_aside(tmp_path, clock, WORSE)
    set_aside(tmp_path, clock, BAD)
    with beside(tmp_path) as db:
        assert [entry["uid"] for entry in quarantine.listing(db, IMAP, 1)] == ["18"]


def test_retried_message_has_the_usual_patience_again(tmp_path: Path, clock: list[float]) -> None:
    set_aside(tmp_path, clock, BAD)
    with beside(tmp_path) as db:
        assert quarantine.retry(db, IMAP) == 1
    with run(tmp_path) as state:
        assert state.known() == {}
        assert state.set_aside() == 0
        assert state.attempts() == {("17", 0): 0}
    set_aside(tmp_path, clock, BAD)


def test_retry_opens_a_folder_that_was_accounted_for(tmp_path: Path, clock: list[float]) -> None:
    set_aside(tmp_path, clock, BAD)
    with run(tmp_path) as state:
        state.account(Seen(20, 1), whole=True)
        assert state.seen
    with beside(tmp_path) as db:
        quarantine.retry(db, IMAP)
    with run(tmp_path) as state:
        assert state.seen is None


def test_run_under_way_does_not_close_it_again(tmp_path: Path, clock: list[float]) -> None:
    set_aside(tmp_path, clock, BAD)
    with run(tmp_path) as state:
        known = state.known()
        with beside(tmp_path) as db:
            assert quarantine.retry(db, IMAP, uid="17") == 1
        state.saw(known, set(known))
        state.account(Seen(20, 1), whole=True)
    with run(tmp_path) as state:
        assert state.seen is None
        state.account(Seen(20, 1), whole=True)
        assert state.seen


def test_delivered_at_last(tmp_path: Path, clock: list[float]) -> None:
    set_aside(tmp_path, clock, BAD)
    with beside(tmp_path) as db:
        quarantine.retry(db, IMAP)
    with run(tmp_path) as state:
        state.intend("maildir:/srv/mail/me", [Intent(BAD, True, Staged("17.17", 4300))])
        state.delivered()
        assert state.known() == {("17", 0): 4321}
        assert state.attempts() == {}


def test_skipped_message_is_known_and_never_due(tmp_path: Path, clock: list[float]) -> None:
    set_aside(tmp_path, clock, BAD, WORSE)
    with beside(tmp_path) as db:
        assert quarantine.skip(db, IMAP, uid="17") == 1
    clock[0] += 100 * DAY
    with run(tmp_path) as state:
        assert state.known() == {("17", 0): 4321, ("18", 0): 99}
        assert state.set_aside() == 1
        assert state.due(0) == []
        assert state.attempts() == {("18", 0): 3}
    assert [entry["uid"] for entry in listed(tmp_path)] == ["18"]
    with beside(tmp_path) as db:
        assert quarantine.retry(db, IMAP, uid="17") == 0


def test_one_uid_stands_for_all_that_have_it(tmp_path: Path, clock: list[float]) -> None:
    twins = [Remote("same", 1, ordinal=0), Remote("same", 1, ordinal=1)]
    opened = Folder("INBOX", 0, 3)
    set_aside(tmp_path, clock, *twins, Remote("other", 2), mailbox=POP3, opened=opened)
    with beside(tmp_path) as db:
        assert quarantine.skip(db, POP3, uid="same") == 2
        assert quarantine.retry(db, POP3) == 1
    with run(tmp_path, POP3, opened) as state:
        assert state.known() == {("same", 0): 1, ("same", 1): 1}


def test_folder_is_meant_by_its_name(tmp_path: Path, clock: list[float]) -> None:
    set_aside(tmp_path, clock, BAD)
    set_aside(tmp_path, clock, BAD, opened=Folder("Other", 1, 18))
    with beside(tmp_path) as db:
        assert quarantine.skip(db, IMAP, folder="nowhere") == 0
        assert quarantine.skip(db, IMAP, folder="Other", uid="17") == 1
    assert [entry["folder"] for entry in listed(tmp_path)] == ["INBOX"]


def test_message_is_meant_as_it_is_listed(tmp_path: Path, clock: list[float]) -> None:
    set_aside(tmp_path, clock, Remote("\x1b[2Jbell\a", 1), mailbox=POP3)
    [entry] = listed(tmp_path, POP3)
    assert entry["uid"] == r"\x1b[2Jbell\x07"
    with beside(tmp_path) as db:
        assert quarantine.retry(db, POP3, uid=entry["uid"]) == 1


def test_waits_for_what_a_run_writes(tmp_path: Path, clock: list[float]) -> None:
    """A run that is in the middle of a transaction ends it, and then both are there."""
    set_aside(tmp_path, clock, BAD)
    with State(tmp_path) as state, beside(tmp_path) as db:
        db.execute("PRAGMA busy_timeout = 0")
        with state.transaction() as writing:
            writing.execute("UPDATE mailbox SET tls_seen = 1")
            with pytest.raises(sqlite3.OperationalError, match="locked"):
                quarantine.retry(db, IMAP)
            assert not db.in_transaction
        assert quarantine.retry(db, IMAP) == 1
    assert listed(tmp_path) == []


def test_failure_on_the_way_changes_nothing(tmp_path: Path, clock: list[float]) -> None:
    set_aside(tmp_path, clock, BAD)
    with beside(tmp_path) as db:
        db.execute("CREATE TEMP TRIGGER no BEFORE UPDATE ON failure BEGIN SELECT RAISE(FAIL, 'no'); END")
        with pytest.raises(sqlite3.Error, match="no"):
            quarantine.retry(db, IMAP)
    assert len(listed(tmp_path)) == 1
