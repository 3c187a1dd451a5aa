# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a connector remembers, of each folder too (folder_state.py), in real SQLite files."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail import state_file
from cockpit_getmail.destination.base import Staged
from cockpit_getmail.folder_state import DAY, KEEP_MISSING, FolderState, Intent
from cockpit_getmail.matching import There
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever.base import Folder, Remote, Seen
from cockpit_getmail.state import State

INBOX = Folder("INBOX", 7, 3)
HERE = "maildir:/srv/mail/me"
IMAP = "imap\nmail.example\n143\nme"
MESSAGES = [Remote("1", 100), Remote("2", 200), Remote("3", 300)]
KNOWN = {("1", 0): 100, ("2", 0): 200, ("3", 0): 300}
START = 1_700_000_000.0
START_DATE = 1_690_000_000
NO_LIMIT = 1e9


class Clock:
    """The wall clock of a test."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    def go(self, *, days: float) -> None:
        self.now += days * DAY


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(time, "time", clock)
    return clock


def intents(*messages: Remote, exact: bool = True) -> list[Intent]:
    return [Intent(m, exact, Staged(f"name{m.uid}.{m.ordinal}", m.size - 9)) for m in messages]


def begin(opened: State, mailbox: str = IMAP, limit: float = NO_LIMIT) -> FolderState:
    return opened.begin(mailbox, limit).folder(INBOX)


def deliver(folder: FolderState, *messages: Remote, exact: bool = True) -> None:
    folder.intend(HERE, intents(*messages, exact=exact))
    folder.delivered()


def due_after(path: Path, days: int, limit: float = NO_LIMIT) -> list[Remote]:
    with State(path) as opened:
        return begin(opened, limit=limit).due(days)


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[State]:
    with State(tmp_path) as opened:
        yield opened


# Opening


def test_token_is_made_once(tmp_path: Path) -> None:
    tokens = set()
    for _ in range(3):
        with State(tmp_path) as opened:
            tokens.add(opened.token)
    [token] = tokens
    assert len(bytes.fromhex(token)) == 8


def test_tokens_of_two_connectors_differ(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    with State(tmp_path / "a") as one, State(tmp_path / "b") as other:
        assert one.token != other.token


def test_commits_survive_a_power_cut_by_configuration(opened: State) -> None:
    with opened.transaction() as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert db.execute("PRAGMA synchronous").fetchone() == (2,)


def test_second_run_is_told_that_one_is_running(tmp_path: Path) -> None:
    with State(tmp_path), pytest.raises(Problem) as caught:
        State(tmp_path)
    assert caught.value.type == "Conflict"
    assert caught.value.cause == "running"
    with State(tmp_path):
        pass


@pytest.mark.long
def test_lock_dies_with_its_process(tmp_path: Path) -> None:
    program = (
        "import os, sys; from pathlib import Path; from cockpit_getmail.state import State\n"
        "State(Path(sys.argv[1])); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=False,
    )
    assert killed.returncode == -9
    with State(tmp_path):
        pass


def test_lock_does_not_follow_a_symbolic_link(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Problem) as caught:
        State(tmp_path / "state")
    assert caught.value.cause == "internal"
    assert not (tmp_path / "elsewhere").exists()


def test_files_are_private_whatever_the_umask(tmp_path: Path) -> None:
    with State(tmp_path) as opened:
        begin(opened)
        assert {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {
            "lock": 0,
            "state.sqlite": 0,
            "state.sqlite-shm": 0,
            "state.sqlite-wal": 0,
        }


OLDER = """
CREATE TABLE token (token TEXT NOT NULL);
CREATE TABLE mailbox (
    id INTEGER PRIMARY KEY, identity TEXT NOT NULL UNIQUE,
    tls_seen INTEGER NOT NULL DEFAULT 0, clock REAL NOT NULL DEFAULT 0, last_tick REAL);
CREATE TABLE folder (
    id INTEGER PRIMARY KEY, mailbox INTEGER NOT NULL REFERENCES mailbox, name TEXT NOT NULL,
    validity INTEGER NOT NULL, {folder} UNIQUE (mailbox, name, validity));
CREATE TABLE place (id INTEGER PRIMARY KEY, location TEXT NOT NULL UNIQUE);
CREATE TABLE message (
    folder INTEGER NOT NULL REFERENCES folder, uid TEXT NOT NULL, ordinal INTEGER NOT NULL,
    size INTEGER NOT NULL, exact INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('delivered', 'removed', 'quarantined')),
    place INTEGER REFERENCES place, name TEXT, clock REAL NOT NULL, missing REAL,
    PRIMARY KEY (folder, uid, ordinal)) WITHOUT ROWID;
CREATE TABLE intent (
    folder INTEGER NOT NULL REFERENCES folder, uid TEXT NOT NULL, ordinal INTEGER NOT NULL,
    size INTEGER NOT NULL, exact INTEGER NOT NULL,
    place INTEGER NOT NULL REFERENCES place, name TEXT NOT NULL UNIQUE, stored INTEGER NOT NULL,
    PRIMARY KEY (folder, uid, ordinal)) WITHOUT ROWID;
CREATE TABLE failure (
    folder INTEGER NOT NULL REFERENCES folder, uid TEXT NOT NULL, ordinal INTEGER NOT NULL,
    attempts INTEGER NOT NULL, reason TEXT NOT NULL, since REAL NOT NULL,
    PRIMARY KEY (folder, uid, ordinal)) WITHOUT ROWID;
INSERT INTO token VALUES ('0123456789abcdef');
INSERT INTO mailbox (identity, clock, last_tick) VALUES ('{mailbox}', 5, 1700000000);
INSERT INTO folder (mailbox, name, validity) VALUES (1, 'INBOX', 7);
INSERT INTO place (location) VALUES ('{place}');
INSERT INTO message VALUES (1, '1', 0, 100, 1, 'delivered', 1, 'name1', 0, NULL);
INSERT INTO message VALUES (1, '2', 0, 200, 1, 'removed', 1, 'name2', 0, 4);
INSERT INTO message VALUES (1, '3', 0, 300, 0, 'quarantined', NULL, NULL, 0, NULL);
INSERT INTO intent VALUES (1, '4', 0, 400, 1, 1, 'name4', 391);
PRAGMA user_version = {version};
"""
FOLDERS = {1: "", 2: "uid_next INTEGER, messages INTEGER, listed REAL,"}


@pytest.mark.parametrize("version", FOLDERS)
def test_state_of_an_older_version_is_taken_over(tmp_path: Path, version: int) -> None:
    made = OLDER.format(folder=FOLDERS[version], mailbox=IMAP, place=HERE, version=version)
    with closing(sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)) as db:
        db.executescript(made)
    for _ in range(2):
        with State(tmp_path) as opened:
            assert opened.token == "0123456789abcdef"
            assert opened.open_intents() == {HERE: [Staged("name4", 391)]}
            folder = begin(opened)
            assert folder.known() == {("1", 0): 100, ("2", 0): ~200, ("3", 0): 300}
            assert folder.set_aside() == 1
            assert folder.seen is None or folder.seen == Seen(4, 3)
            folder.account(Seen(4, 3), whole=True)
            assert folder.seen == Seen(4, 3)
    with State(tmp_path) as opened:
        opened.settle(["name4"])
        assert begin(opened).known()["4", 0] == 400


@pytest.mark.parametrize("version", [3, 4])
def test_messages_of_an_older_version_are_taken_over(tmp_path: Path, version: int) -> None:
    kept = "folder, uid, ordinal, size, exact, state, place, name, clock, missing, message_id"
    with State(tmp_path) as opened:
        deliver(begin(opened), *MESSAGES)
        with opened.transaction() as db:
            before = db.execute(f"SELECT {kept} FROM message").fetchall()
    with closing(sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)) as db:
        db.execute("DROP TABLE message")
        db.execute("DROP TABLE unmarked")
        db.execute(f"CREATE TABLE message ({kept}, PRIMARY KEY (folder, uid, ordinal))")
        db.execute("CREATE INDEX aside ON message (folder) WHERE state = 'quarantined'")
        db.executemany(f"INSERT INTO message VALUES ({', '.join('?' * 11)})", before)
        for column in ("date", "same"):
            db.execute(f"ALTER TABLE intent DROP COLUMN {column}")
        for column in ("stale", "highest"):
            db.execute(f"ALTER TABLE folder DROP COLUMN {column}")
        db.execute(f"PRAGMA user_version = {version}")
    with State(tmp_path) as opened:
        folder = begin(opened)
        with opened.transaction() as db:
            assert db.execute(f"SELECT {kept} FROM message").fetchall() == before
        folder.hold([Remote("4", 400)], [])
        assert folder.known() == {**KNOWN, ("4", 0): 400}


def test_postponed_message_goes_last_and_has_not_failed(tmp_path: Path, clock: Clock) -> None:
    one, two, three = MESSAGES
    for number, message in enumerate((one, two, three, one)):
        with State(tmp_path) as opened:
            begin(opened).postpone(message, f"down {number}")
        clock.go(days=1)
    with State(tmp_path) as opened:
        folder = begin(opened)
        assert list(folder.attempts().items()) == [(("2", 0), 0), (("3", 0), 0), (("1", 0), 0)]
        # Patience begins with the first failure.
        assert not folder.failed(one, "failed", 1)
        clock.go(days=1)
    with State(tmp_path) as opened:
        folder = begin(opened)
        folder.postpone(one, "down")
        assert folder.attempts()["1", 0] == 2
        assert not folder.failed(one, "failed", 1)
        clock.go(days=1)
    with State(tmp_path) as opened:
        assert begin(opened).failed(one, "failed", 1)


def test_what_filters_held_back(tmp_path: Path) -> None:
    with State(tmp_path) as opened:
        folder = begin(opened)
        folder.failed(MESSAGES[0], "the filter is down", None)
        folder.hold([MESSAGES[0]], [(MESSAGES[1], "a virus")])
        # None of them is fetched again, or deleted on the server.
        assert folder.known() == {("1", 0): 100, ("2", 0): 200}
        assert folder.due(0) == []
        assert folder.attempts() == {("2", 0): 1}
        assert folder.set_aside() == 1


def test_two_who_open_an_older_state_bring_it_over_once(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state.sqlite", isolation_level=None)) as db:
        db.executescript(OLDER.format(folder=FOLDERS[2], mailbox=IMAP, place=HERE, version=2))

    def count(_: int) -> int:
        with state_file.opened(tmp_path) as db:
            assert db
            return int(db.execute("SELECT count(*) FROM message").fetchone()[0])

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(count, range(8))) == {3}


def test_state_is_looked_at_beside_a_run(tmp_path: Path) -> None:
    with state_file.opened(tmp_path) as db:
        assert db is None
    assert list(tmp_path.iterdir()) == []
    with State(tmp_path) as running:
        deliver(begin(running), *MESSAGES)
        with state_file.opened(tmp_path) as db:
            assert db
            assert db.execute("SELECT count(*) FROM message").fetchone() == (3,)


def test_folder_with_a_message_taken_out_of_the_quarantine_is_not_accounted_for(tmp_path: Path) -> None:
    with State(tmp_path) as running:
        folder = begin(running)
        with state_file.opened(tmp_path) as db:
            assert db
            db.execute("UPDATE folder SET uid_next = NULL, reopened = reopened + 1")
        folder.account(Seen(4, 3), whole=True)
        assert folder.seen is None
        again = begin(running)
        again.account(Seen(4, 3), whole=True)
        assert again.seen == Seen(4, 3)


def test_message_id_is_kept_with_the_message(opened: State) -> None:
    folder = begin(opened)
    [intent] = intents(MESSAGES[0])
    folder.intend(HERE, [intent._replace(message_id="<a@b>")])
    folder.delivered()
    with opened.transaction() as db:
        assert db.execute("SELECT message_id FROM message").fetchall() == [("<a@b>",)]


def test_folder_is_to_be_listed_whole_once_a_day(tmp_path: Path, clock: Clock) -> None:
    with State(tmp_path) as opened:
        assert begin(opened).seen is None
        begin(opened).account(Seen(4, 3), whole=True)
    clock.go(days=0.9)
    with State(tmp_path) as opened:
        assert begin(opened).seen == Seen(4, 3)
        begin(opened).account(Seen(5, 4), whole=False)
        assert begin(opened).seen == Seen(5, 4)
    clock.go(days=0.1)
    with State(tmp_path) as opened:
        assert begin(opened).seen is None


def test_state_of_another_version_is_left_alone(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as db:
        db.execute("CREATE TABLE later (what TEXT)")
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(Problem, match="another version") as caught:
        State(tmp_path)
    assert caught.value.cause == "internal"
    with closing(sqlite3.connect(tmp_path / "state.sqlite")) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("later",)]


@pytest.mark.parametrize("content", [b"not a database" * 500, b"SQLite format 3\0" + b"\xff" * 5000])
def test_damaged_file_is_a_problem_and_frees_the_lock(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "state.sqlite").write_bytes(content)
    with pytest.raises(Problem) as caught:
        State(tmp_path)
    assert caught.value.cause == "internal"
    assert str(tmp_path) in caught.value.message
    (tmp_path / "state.sqlite").unlink()
    with State(tmp_path):
        pass


def test_full_database_is_a_matter_of_space_and_keeps_what_was_there(tmp_path: Path) -> None:
    with State(tmp_path) as opened:
        folder = begin(opened)
        deliver(folder, MESSAGES[0])
        with opened.transaction() as db:
            pages = db.execute("PRAGMA page_count").fetchone()[0]
            db.execute(f"PRAGMA max_page_count = {pages}")
        many = [Remote(f"{number:0500}", 50) for number in range(100)]
        with pytest.raises(Problem) as caught:
            folder.intend(HERE, intents(*many))
        assert caught.value.cause == "quota"
    with State(tmp_path) as opened:
        assert begin(opened).known() == {("1", 0): 100}
        assert opened.open_intents() == {}


def test_transaction_leaves_nothing_at_an_exception(opened: State) -> None:
    folder = begin(opened)
    with suppress(ZeroDivisionError), opened.transaction() as db:
        db.execute("INSERT INTO place (location) VALUES ('x')")
        raise ZeroDivisionError
    deliver(folder, *MESSAGES)
    assert folder.known() == KNOWN
    with opened.transaction() as db:
        assert db.execute("SELECT location FROM place").fetchall() == [(HERE,)]


# Intents and deliveries


def test_intents_are_not_yet_known(opened: State) -> None:
    folder = begin(opened)
    folder.intend(HERE, intents(*MESSAGES[:2]))
    assert folder.known() == {}
    assert opened.open_intents() == {HERE: [Staged("name1.0", 91), Staged("name2.0", 191)]}


def test_next_batch_records_the_one_before(opened: State) -> None:
    folder = begin(opened)
    folder.intend(HERE, intents(*MESSAGES[:2]))
    folder.intend(HERE, intents(MESSAGES[2]))
    assert folder.known() == {("1", 0): 100, ("2", 0): 200}
    assert opened.open_intents() == {HERE: [Staged("name3.0", 291)]}
    folder.delivered()
    assert folder.known() == KNOWN
    assert opened.open_intents() == {}


def test_intents_outlive_the_run(tmp_path: Path) -> None:
    with State(tmp_path) as opened:
        begin(opened).intend(HERE, intents(*MESSAGES))
    with State(tmp_path) as opened:
        assert opened.open_intents() == {HERE: [staged for _, _, staged, _ in intents(*MESSAGES)]}
        opened.settle(["name1.0", "name3.0"])
    with State(tmp_path) as opened:
        assert opened.open_intents() == {}
        assert begin(opened).known() == {("1", 0): 100, ("3", 0): 300}


@pytest.mark.parametrize("name", ["../notes", b"../notes", b"\xff", 7])
def test_intent_of_any_name_is_settled_as_never_begun(tmp_path: Path, name: object) -> None:
    """Somebody else may have written to the file."""
    with State(tmp_path) as opened:
        begin(opened).intend(HERE, intents(*MESSAGES[:2]))
        with opened.transaction() as db:
            db.execute("UPDATE intent SET name = ? WHERE uid = '1'", (name,))
    with State(tmp_path) as opened:
        assert len(opened.open_intents()[HERE]) == 2
        opened.settle(["name2.0"])
        assert opened.open_intents() == {}
        assert begin(opened).known() == {("2", 0): 200}


@pytest.mark.parametrize("token", ["", "M", "../" * 5 + "x", "0" * 17, "0" * 15 + "A", b"0" * 16])
def test_damaged_token_never_becomes_a_file_name(opened: State, token: object) -> None:
    with opened.transaction() as db:
        db.execute("UPDATE token SET token = ?", (token,))
    with pytest.raises(Problem) as caught:
        assert opened.token
    assert caught.value.cause == "internal"


def test_settled_messages_are_due_as_any(tmp_path: Path) -> None:
    with State(tmp_path) as opened:
        begin(opened).intend(HERE, intents(MESSAGES[0]))
    with State(tmp_path) as opened:
        opened.settle(["name1.0"])
        assert begin(opened).due(0) == [MESSAGES[0]]


def test_settled_message_loses_its_failures(tmp_path: Path) -> None:
    with State(tmp_path) as opened:
        folder = begin(opened)
        folder.failed(MESSAGES[0], "no body", 3)
        folder.intend(HERE, intents(MESSAGES[0]))
    with State(tmp_path) as opened:
        opened.settle(["name1.0"])
        assert begin(opened).attempts() == {}


def test_intents_of_two_folders_are_settled_in_their_own(tmp_path: Path) -> None:
    other = Folder("INBOX", 8, 1)
    with State(tmp_path) as opened:
        begin(opened).intend(HERE, intents(MESSAGES[0]))
    with State(tmp_path) as opened:
        mailbox = opened.begin(IMAP, NO_LIMIT)
        opened.settle(["name1.0"])
        assert mailbox.folder(other).known() == {}
        assert mailbox.folder(INBOX).known() == {("1", 0): 100}


def test_same_uid_and_another_ordinal_is_another_message(opened: State) -> None:
    folder = begin(opened)
    deliver(folder, Remote("x", 10, 0), Remote("x", 20, 1))
    assert folder.known() == {("x", 0): 10, ("x", 1): 20}


@pytest.mark.long
@given(st.dictionaries(st.tuples(st.binary(max_size=80), st.integers(0, 3)), st.integers(0, 1 << 40)))
def test_any_uidl_comes_back_as_it_went_in(listing: dict[tuple[bytes, int], int]) -> None:
    wanted = {(octets.decode("latin-1"), ordinal): size for (octets, ordinal), size in listing.items()}
    messages = [Remote(uid, size, ordinal) for (uid, ordinal), size in wanted.items()]
    batch = [Intent(m, True, Staged(f"name{n}", 1)) for n, m in enumerate(messages)]
    with TemporaryDirectory() as path, State(Path(path)) as opened:
        folder = begin(opened)
        folder.intend(HERE, batch)
        folder.delivered()
        assert folder.known() == wanted
        assert sorted(folder.due(0)) == sorted(messages)
        folder.removed(wanted)
        assert folder.due(0) == []


# What records belong to


@pytest.mark.parametrize(
    "other",
    [
        "pop3\nmail.example\n143\nme",
        "imap\nother.example\n143\nme",
        "imap\nmail.example\n993\nme",
        "imap\nmail.example\n143\nyou",
    ],
)
def test_another_mailbox_knows_nothing(tmp_path: Path, other: str) -> None:
    with State(tmp_path) as opened:
        deliver(begin(opened), *MESSAGES)
    with State(tmp_path) as opened:
        folder = begin(opened, other)
        assert folder.known() == {}
        assert folder.due(0) == []
    with State(tmp_path) as opened:
        assert begin(opened).known() == KNOWN


@pytest.mark.parametrize("other", [Folder("INBOX", 8, 3), Folder("Archive", 7, 3)])
def test_another_folder_or_uidvalidity_knows_nothing(opened: State, other: Folder) -> None:
    mailbox = opened.begin(IMAP, NO_LIMIT)
    deliver(mailbox.folder(INBOX), *MESSAGES)
    assert mailbox.folder(other).known() == {}
    assert mailbox.folder(other).due(0) == []
    assert mailbox.folder(INBOX).known() == KNOWN


def test_folder_of_a_new_name_is_one_that_is_gone(opened: State) -> None:
    mailbox = opened.begin(IMAP, NO_LIMIT)
    for name in ("INBOX", "Old", "Kept"):
        deliver(mailbox.folder(Folder(name, 7, 3)), *MESSAGES)
    assert mailbox.rename(Folder("New", 7, 3), {"INBOX", "Kept", "New"}) == "Old"
    assert mailbox.knows("New")
    assert not mailbox.knows("Old")
    folder = mailbox.folder(Folder("New", 7, 3))
    # What its UIDs mean is for those to find out who look at the messages.
    assert folder.stale
    assert folder.known() == {}
    assert mailbox.folder(Folder("Kept", 7, 3)).known() == KNOWN


@pytest.mark.parametrize(
    ("folder", "there"),
    [
        (Folder("New", 8, 3), {"New"}),  # of another UIDVALIDITY
        (Folder("New", 7, 3), {"New", "A", "B"}),  # all are there
        (Folder("New", 7, 3), {"New"}),  # two are gone
        (Folder("A", 7, 3), {"A"}),  # is known
    ],
)
def test_folder_that_is_new_indeed(opened: State, folder: Folder, there: set[str]) -> None:
    mailbox = opened.begin(IMAP, NO_LIMIT)
    for name in ("INBOX", "A", "B"):
        deliver(mailbox.folder(Folder(name, 7, 3)), *MESSAGES)
    assert mailbox.rename(folder, there) is None
    assert mailbox.folder(Folder("A", 7, 3)).known() == KNOWN


def test_tls_is_remembered_by_server(tmp_path: Path) -> None:
    with State(tmp_path) as opened:
        mailbox = opened.begin(IMAP, NO_LIMIT)
        assert not mailbox.tls_seen
        mailbox.saw_tls()
        assert mailbox.tls_seen
    with State(tmp_path) as opened:
        assert opened.begin(IMAP, NO_LIMIT).tls_seen
        assert not opened.begin("imap\nother.example\n143\nme", NO_LIMIT).tls_seen
        # What a server offers it offers before it knows who comes.
        assert opened.begin(f"{IMAP}2", NO_LIMIT).tls_seen
        assert not opened.begin(IMAP.replace("143", "1430"), NO_LIMIT).tls_seen


# Credited time


def test_due_counts_days_from_delivery(tmp_path: Path, clock: Clock) -> None:
    with State(tmp_path) as opened:
        deliver(begin(opened), MESSAGES[0])
    clock.go(days=1)
    with State(tmp_path) as opened:
        deliver(begin(opened), MESSAGES[1])
    clock.go(days=1)
    with State(tmp_path) as opened:
        folder = begin(opened)
        assert [sorted(folder.due(days)) for days in range(4)] == [
            MESSAGES[:2],
            MESSAGES[:2],
            MESSAGES[:1],
            [],
        ]


def test_due_at_once_on_the_first_run(opened: State) -> None:
    folder = begin(opened)
    deliver(folder, MESSAGES[0])
    assert folder.due(0) == [MESSAGES[0]]
    assert folder.due(1) == []


def test_time_between_runs_is_credited_up_to_the_limit(tmp_path: Path, clock: Clock) -> None:
    with State(tmp_path) as opened:
        deliver(begin(opened, limit=DAY), MESSAGES[0])
    clock.go(days=365)
    assert due_after(tmp_path, 1, limit=DAY) == [MESSAGES[0]]
    assert due_after(tmp_path, 2, limit=DAY) == []


@pytest.mark.parametrize("jumps", [(365, -365), (-365, 365), (365, -730, 365)])
def test_clock_that_jumps_there_and_back_costs_no_more_than_the_limit(
    tmp_path: Path, clock: Clock, jumps: tuple[int, ...]
) -> None:
    with State(tmp_path) as opened:
        deliver(begin(opened, limit=DAY), MESSAGES[0])
    for days in jumps:
        clock.go(days=days)
        due_after(tmp_path, 0, limit=DAY)
    forward = sum(days > 0 for days in jumps)
    assert due_after(tmp_path, forward, limit=DAY) == [MESSAGES[0]]
    assert due_after(tmp_path, forward + 1, limit=DAY) == []


def test_clock_of_one_mailbox_does_not_move_another(tmp_path: Path, clock: Clock) -> None:
    with State(tmp_path) as opened:
        deliver(begin(opened), MESSAGES[0])
    for _ in range(9):
        clock.go(days=1)
        with State(tmp_path) as opened:
            begin(opened, "imap\nother.example\n143\nme", DAY)
    assert due_after(tmp_path, 1, limit=DAY) == [MESSAGES[0]]
    assert due_after(tmp_path, 2, limit=DAY) == []


def test_recovered_delivery_starts_at_the_clock_of_the_last_run(tmp_path: Path, clock: Clock) -> None:
    with State(tmp_path) as opened:
        begin(opened).intend(HERE, intents(MESSAGES[0]))
    clock.go(days=1)
    with State(tmp_path) as opened:
        opened.settle(["name1.0"])
        assert begin(opened).due(1) == [MESSAGES[0]]
        assert begin(opened).due(2) == []


# What may be deleted


def test_never_due_what_is_not_committed_exact_and_there(opened: State) -> None:
    folder = begin(opened)
    deliver(folder, Remote("other size", 10), exact=False)
    for _ in range(3):
        folder.failed(Remote("set aside", 20), "no body", 3)
    folder.failed(Remote("failed", 30), "no body", 3)
    deliver(folder, Remote("gone", 40))
    folder.saw(folder.known(), {("other size", 0), ("set aside", 0)})
    folder.intend(HERE, intents(Remote("on its way", 50)))
    assert folder.due(0) == []
    folder.delivered()
    assert folder.due(0) == [Remote("on its way", 50)]


def test_removed_is_known_and_not_due(opened: State) -> None:
    folder = begin(opened)
    deliver(folder, *MESSAGES)
    folder.removed([("1", 0), ("3", 0)])
    assert folder.due(0) == [MESSAGES[1]]
    assert folder.known() == KNOWN | {key: ~KNOWN[key] for key in (("1", 0), ("3", 0))}


def test_removed_message_that_is_still_listed_is_let_alone(opened: State) -> None:
    folder = begin(opened)
    deliver(folder, *MESSAGES)
    folder.removed([("1", 0)])
    for _ in range(2):
        folder.saw(folder.known(), set(KNOWN))
        assert sorted(folder.due(0)) == MESSAGES[1:]
        assert folder.known() == KNOWN | {("1", 0): ~KNOWN["1", 0]}


@pytest.mark.parametrize(("validity", "forgotten"), [(0, True), (7, False)])
def test_removed_message_that_is_gone_is_forgotten_over_pop3(
    opened: State, validity: int, forgotten: bool
) -> None:
    folder = opened.begin(IMAP, NO_LIMIT).folder(Folder("INBOX", validity, 3))
    deliver(folder, *MESSAGES)
    folder.removed([("1", 0)])
    folder.saw(folder.known(), set(KNOWN) - {("1", 0)})
    assert (("1", 0) not in folder.known()) == forgotten


def test_mailbox_that_looks_empty_once_is_still_known(tmp_path: Path, clock: Clock) -> None:
    with State(tmp_path) as opened:
        deliver(begin(opened), *MESSAGES)
    for present in (set[tuple[str, int]](), set(KNOWN)):
        clock.go(days=29)
        with State(tmp_path) as opened:
            folder = begin(opened)
            folder.saw(folder.known(), present)
            assert folder.known() == KNOWN
            assert {(m.uid, m.ordinal) for m in folder.due(0)} == present


def test_newest_is_what_came_last_and_is_there(opened: State) -> None:
    """Nobody asks for what ended sessions; what is not known to be there or bears no date tells nothing."""
    folder = begin(opened)
    assert folder.newest() is None
    nine, ten, eleven, twelve = (Remote(str(uid), uid, date=START_DATE + uid) for uid in (9, 10, 11, 12))
    deliver(folder, nine, ten, eleven, twelve, Remote("13", 13))
    assert folder.newest() == twelve
    folder.removed([("12", 0)])
    assert folder.newest() == eleven
    folder.saw(folder.known(), {("9", 0), ("10", 0)})
    assert folder.newest() == ten
    folder.pass_by([There(Remote("14", 14, date=START_DATE))], "baselined")
    folder.hold([], [(Remote("15", 15, date=START_DATE), "it ends every session")])
    assert folder.newest() == ten


def test_missing_for_thirty_days_is_forgotten(tmp_path: Path, clock: Clock) -> None:
    with State(tmp_path) as opened:
        deliver(begin(opened), *MESSAGES)
    for known in (KNOWN, KNOWN, {("3", 0): 300}):
        with State(tmp_path) as opened:
            folder = begin(opened)
            folder.saw(folder.known(), {("3", 0)})
            assert folder.known() == known
        clock.go(days=KEEP_MISSING / DAY / 2 + 0.01)


def test_days_of_absence_count_anew_after_a_return(tmp_path: Path, clock: Clock) -> None:
    with State(tmp_path) as opened:
        deliver(begin(opened), MESSAGES[0])
    for present in (set[tuple[str, int]](), {("1", 0)}, set[tuple[str, int]](), set[tuple[str, int]]()):
        with State(tmp_path) as opened:
            folder = begin(opened)
            folder.saw(folder.known(), present)
            assert folder.known() == {("1", 0): 100}
        clock.go(days=20)


# Failures


def test_message_is_set_aside_after_so_many_failures_over_days(opened: State, clock: Clock) -> None:
    aside: list[bool] = []
    for _ in range(3):
        folder = begin(opened)
        aside.append(folder.failed(MESSAGES[0], "no body", 3))
        clock.go(days=1)
    assert aside == [False, False, True]
    assert folder.set_aside() == 1
    assert folder.known() == {("1", 0): 100}
    assert folder.due(0) == []


def test_many_failures_in_a_short_time_set_nothing_aside(opened: State, clock: Clock) -> None:
    for _ in range(47):
        assert not begin(opened).failed(MESSAGES[0], "rate limit", 3)
        clock.go(days=1 / 24)


def test_broken_connection_never_sets_aside(opened: State, clock: Clock) -> None:
    for _ in range(20):
        folder = begin(opened)
        assert not folder.failed(MESSAGES[0], "reset", None)
        clock.go(days=1)
    assert folder.known() == {}
    assert folder.attempts() == {("1", 0): 20}


def test_attempts_end_with_delivery(opened: State) -> None:
    folder = begin(opened)
    folder.failed(MESSAGES[0], "no body", 3)
    folder.failed(MESSAGES[1], "no body", 3)
    deliver(folder, MESSAGES[0])
    assert folder.attempts() == {("2", 0): 1}


def test_attempts_survive_the_run(tmp_path: Path, clock: Clock) -> None:
    for attempt in range(3):
        with State(tmp_path) as opened:
            assert begin(opened).failed(MESSAGES[0], "no body", 3) == (attempt == 2)
        clock.go(days=1)
