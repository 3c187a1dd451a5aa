# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whole verifications: what they find, tell and record, and how they end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cockpit_getmail import history, state_file, status_file
from cockpit_getmail.connector import make_token
from cockpit_getmail.problem import Problem
from cockpit_getmail.state import State
from cockpit_getmail.state_file import VERIFY_LOCK
from cockpit_getmail.status_file import VERIFY
from tests.support.verifying import CONNECTOR, Delivered

pytestmark = pytest.mark.long

if TYPE_CHECKING:
    from cockpit_getmail.status_file import Report

ROOT = Path(__file__).parents[2]


@pytest.fixture
def box(tmp_path: Path) -> Delivered:
    return Delivered(tmp_path)


def read(box: Delivered) -> Report:
    report = status_file.read(box.state, VERIFY)
    assert report
    return report


def test_all_that_was_delivered_is_there(box: Delivered) -> None:
    box.provide(".Archive")
    box.deliver("1")
    box.deliver("2", "cur", ":2,S", state="removed")
    box.deliver("3", ".Archive/cur", ":2,S")
    assert box.verify() == {
        "checked": 3,
        "present": 2,
        "moved": 1,
        "elsewhere": 0,
        "missing": [],
        "missing_count": 0,
        "sound": True,
        "problems": [],
    }
    assert box.log.said == [
        "Creating a list of messages to be verified...",
        "3 messages to be verified.",
        "Verifying...",
        "3 messages verified.",
        "Checking the record of what was fetched...",
        "Finished. No errors have been found.",
    ]


@pytest.mark.parametrize(
    ("props", "present", "moved"),
    [
        ({"FolderMap": "inbox"}, 1, 3),
        ({"FolderMap": "keep"}, 4, 0),
        ({"FolderMap": "keep", "Folder": "Old"}, 3, 1),
    ],
)
def test_where_folders_are_kept_mail_is_in_all_of_them(
    box: Delivered, props: dict[str, str], present: int, moved: int
) -> None:
    for uid, folder in enumerate((".Old", ".Old.Sent", ".Older", ".")):
        box.provide(folder)
        box.deliver(str(uid), f"{folder}/cur", ":2,S")
    result = box.verify(props=props)
    assert (result["present"], result["moved"]) == (present, moved)
    assert result["missing"] == []


def test_what_is_missing_is_told_and_recorded(box: Delivered) -> None:
    token = make_token(CONNECTOR.name)
    box.deliver("1")
    box.deliver("2", state="removed", message_id="<two@mail.example>").unlink()
    box.deliver("3").unlink()
    result = box.verify(token=token)
    missing = [
        {"folder": "INBOX", "uid": "2", "message_id": "<two@mail.example>"},
        {"folder": "INBOX", "uid": "3", "message_id": None},
    ]
    assert (result["missing"], result["missing_count"], result["checked"]) == (missing, 2, 3)
    assert result["sound"]
    report = read(box)
    assert (report["token"], report["kind"], report["state"]) == (token, "verify", "succeeded")
    assert (report["messages"], report["total_messages"]) == (3, 3)
    assert report["result"] == dict(result)
    assert report["text"] == "Finished. Missing messages: 2."
    told = [line for _, line in report["log"]]
    assert "Missing: INBOX, UID 2, Message-ID <two@mail.example>." in told
    assert "Missing: INBOX, UID 3." in told
    with closing(state_file.connect(str(box.state / "state.sqlite"))) as db:
        entry = history.find(db, token)
        assert history.listing(db, 10) == []
    assert entry
    assert entry["result"] == dict(result)


def test_record_that_is_not_sound_is_told(box: Delivered) -> None:
    path = box.deliver("1")
    box.record("2", path.name)
    box.record("3", "no name of ours")
    box.execute("UPDATE mailbox SET clock = -1")
    result = box.verify()
    assert not result["sound"]
    assert set(result["problems"]) >= {
        "There are mailboxes with an impossible clock: 1.",
        "There are messages that say of no file where they are: 1.",
        "There are messages with a file that another has, too: 1.",
    }
    assert "not sound" in box.log.said[-1]


def test_nothing_was_ever_fetched(box: Delivered) -> None:
    for file in box.state.iterdir():
        file.unlink()
    assert box.verify()["checked"] == 0
    assert read(box)["state"] == "succeeded"
    assert not (box.state / "state.sqlite").exists()


def test_goes_on_beside_a_run(box: Delivered) -> None:
    box.deliver("1")
    with State(box.state) as run, run.transaction() as db:
        db.execute("UPDATE mailbox SET tls_seen = 1")
        # The run ends its transaction before the end of the verification is recorded.
        ended = threading.Timer(0.3, db.execute, ["COMMIT"])
        ended.start()
        assert box.verify()["present"] == 1
        ended.join()
        db.execute("BEGIN")


def test_second_one_is_refused(box: Delivered) -> None:
    held = state_file.lock(box.state, VERIFY_LOCK)
    with pytest.raises(Problem, match="is being verified now") as caught:
        box.verify()
    os.close(held)
    assert (caught.value.type, caught.value.cause) == ("Conflict", "running")
    assert status_file.read(box.state, VERIFY) is None
    box.verify()


def test_state_that_is_no_database_is_told(box: Delivered) -> None:
    (box.state / "state.sqlite").write_bytes(b"no database" * 1000)
    with pytest.raises(Problem, match="cannot be used") as caught:
        box.verify()
    assert caught.value.cause == "internal"
    report = read(box)
    assert (report["state"], report["cause"]) == ("failed", "internal")


def test_maildir_that_cannot_be_read_is_told(box: Delivered) -> None:
    box.deliver("1")
    box.mail.rename(box.folder / "unmounted")
    with pytest.raises(Problem) as caught:
        box.verify()
    assert caught.value.cause == "delivery"
    report = read(box)
    assert (report["state"], report["cause"], report["result"]) == ("failed", "delivery", None)


def test_writes_nothing_into_maildir_and_records(box: Delivered) -> None:
    box.deliver("1")
    box.deliver("2").unlink()

    def snapshot() -> list[object]:
        with closing(state_file.connect(str(box.state / "state.sqlite"))) as db:
            rows: list[object] = [
                db.execute(f"SELECT * FROM {table}").fetchall()
                for table in ("message", "intent", "failure", "folder", "mailbox", "place", "token")
            ]
        files = [(str(path), path.stat().st_mtime_ns) for path in sorted(box.mail.rglob("*"))]
        return [*rows, *files]

    before = snapshot()
    box.verify()
    assert snapshot() == before


def test_one_that_was_cut_off_is_recorded_by_the_next(box: Delivered) -> None:
    token = make_token(CONNECTOR.name)
    box.verify(token=token)
    with closing(state_file.connect(str(box.state / "state.sqlite"))) as db:
        db.execute("DELETE FROM run")
    status_file.write(box.state, {**read(box), "state": "running", "ended": None}, VERIFY, durably=False)
    box.verify()
    with closing(state_file.connect(str(box.state / "state.sqlite"))) as db:
        entry = history.find(db, token)
    assert entry
    assert (entry["state"], entry["cause"]) == ("failed", "internal")


CHILD = """
import sys
from pathlib import Path
from cockpit_getmail import verification
from cockpit_getmail.settings import Settings
from cockpit_getmail.stop import Stop, Stopped
from tests.support.verifying import CONNECTOR

folder, token, pause = Path(sys.argv[1]), sys.argv[2], sys.argv[3]

class Show:
    def note(self, text):
        print(text, flush=True)
        if text.startswith(pause):
            sys.stdin.readline()
    warn = note

def count_for_ever(db):
    print("in SQLite", flush=True)
    db.execute("WITH RECURSIVE n AS (SELECT 1 UNION ALL SELECT 1 FROM n) SELECT max(1) FROM n").fetchone()

settings = Settings(folder / "db", folder, f"maildir:{folder}/{{account}}", "nobody", 5.0)
stop = Stop()
stop.watch()
if pause == "in SQLite":
    verification.find_problems = count_for_ever
try:
    verification.run(CONNECTOR, settings, folder / "state", Show(), token=token, stop=stop)
except Stopped:
    sys.exit(3)
"""


@pytest.mark.parametrize(
    "line",
    ["Creating", "250 messages to be", "Verifying", "100 messages", "250 messages verified", "in SQLite"],
)
def test_ends_when_it_is_asked_to(box: Delivered, line: str) -> None:
    for uid in range(250):
        box.deliver(str(uid))
    token = make_token(CONNECTOR.name)
    argv = [sys.executable, "-c", CHILD, str(box.folder), token, line]
    paths = {**os.environ, "PYTHONPATH": f"{ROOT}/lib:{ROOT}"}
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=paths) as child:
        try:
            assert child.stdout
            assert any(told.startswith(line) for told in child.stdout)
            child.send_signal(signal.SIGTERM)
            assert child.wait(60) == 3
        finally:
            child.kill()
    report = read(box)
    assert (report["token"], report["state"], report["text"]) == (token, "cancelled", "Cancelled.")
    with closing(state_file.connect(str(box.state / "state.sqlite"))) as db:
        entry = history.find(db, token)
    assert entry
    assert (entry["state"], entry["cause"]) == ("cancelled", None)
