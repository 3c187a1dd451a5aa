# SPDX-License-Identifier: LGPL-2.1-or-later
"""Delivered mail in the hands of a real Dovecot: moved, flagged and deleted over IMAP."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import pytest
from imapclient import IMAPClient

from cockpit_getmail import verification
from cockpit_getmail.connector import make_token
from cockpit_getmail.settings import Settings
from tests.support.dovecot import Dovecot, make_message
from tests.support.fetching import Log, make_connector
from tests.support.rounds import OWN_FILE, PASSWORD, Round

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cockpit_getmail.verification import Result
    from tests.mail.conftest import NewRound
    from tests.support.stop_after import Driver

COUNT = 120
MESSAGES = [make_message(number, 300) for number in range(COUNT)]
LOCAL = "local"


@pytest.fixture
def local() -> Iterator[Dovecot]:
    """The server whose user reads what is fetched."""
    with Dovecot({LOCAL: PASSWORD}) as dovecot:
        yield dovecot


@dataclass(frozen=True)
class Reader:
    """An account whose mail is fetched into the local user's Maildir."""

    made: Round
    local: Dovecot
    driver: Driver

    def fetch(self, **props: str) -> int:
        outcome = self.driver.fetch(self.made.plan(**props))
        assert outcome.ok, outcome
        # Runs are root's here, and Dovecot is not.
        owner = self.made.mail.parent.stat()
        for path in (self.made.mail / "new").iterdir():
            with suppress(FileNotFoundError):
                os.chown(path, owner.st_uid, owner.st_gid)
        return int(outcome.result["messages"])

    def verify(self) -> Result:
        connector = make_connector(self.made.retriever, self.made.port, **self.made.plan().props)
        settings = Settings(
            self.made.state / "db", self.made.state, f"maildir:{self.made.mail}", "nobody", 5.0
        )
        token = make_token(connector.name)
        return verification.run(connector, settings, self.made.state, Log(), token=token)

    def read(self) -> IMAPClient:
        client = IMAPClient(self.local.host, self.local.imap, ssl=False, use_uid=True)
        client.login(LOCAL, PASSWORD)
        return client


@pytest.fixture
def reader(new_round: NewRound, local: Dovecot, driver: Driver) -> Reader:
    made = new_round("SimpleIMAPRetriever").fill(MESSAGES)
    here = Round(made.dovecot, made.user, made.retriever, local.maildir(LOCAL), made.state)
    reader = Reader(here, local, driver)
    assert reader.fetch() == COUNT
    return reader


def counts(result: Result) -> tuple[int, int, int]:
    return result["present"], result["moved"], result["missing_count"]


def test_what_readers_do_is_told_apart(reader: Reader) -> None:
    assert counts(reader.verify()) == (COUNT, 0, 0)
    with reader.read() as client:
        client.select_folder("INBOX")
        uids = client.search()
        client.add_flags(uids[:50], [b"\\Seen", b"\\Flagged", b"$Label1"])
        client.create_folder("Archive")
        client.create_folder("Archive.2026")
        client.move(uids[:20], "Archive")
        client.move(uids[20:30], "Archive.2026")
        client.delete_messages(uids[-3:])
        client.expunge()
        # A copy is a message of Dovecot's own.
        client.copy(uids[40:45], "Archive")
    result = reader.verify()
    assert counts(result) == (COUNT - 33, 30, 3)
    assert result["sound"]
    [lost, *_] = result["missing"]
    assert lost["folder"] == "INBOX"
    assert lost["message_id"]
    assert {entry["uid"] for entry in result["missing"]} <= {str(uid) for uid in range(1, COUNT + 1)}


def test_message_that_is_deleted_here_and_there_is_reported(reader: Reader) -> None:
    reader.fetch(Delete="0")
    assert reader.made.on_server == []
    with reader.read() as client:
        client.select_folder("INBOX")
        uid = client.search()[0]
        envelope = client.fetch(uid, ["ENVELOPE"])[uid][b"ENVELOPE"]
        client.delete_messages(uid)
        client.expunge()
    result = reader.verify()
    assert counts(result) == (COUNT - 1, 0, 1)
    [lost] = result["missing"]
    assert lost["message_id"] == envelope.message_id.decode()


def test_message_that_comes_back_under_another_name_is_known(reader: Reader) -> None:
    """Dovecot names a message anew where it remembers one of that name that was moved away."""
    with reader.read() as client:
        client.create_folder("Trash")
        for _ in range(100):
            for source, target in (("INBOX", "Trash"), ("Trash", "INBOX")):
                client.select_folder(source)
                client.move(client.search()[::2], target)
            names = [path.name for path in reader.made.mail.rglob("*:2,*")]
            if not all(map(OWN_FILE.search, names)):
                break
        else:
            raise AssertionError("it keeps all names")
    result = reader.verify()
    assert (result["missing_count"], result["present"] + result["moved"]) == (0, COUNT)


def test_nothing_is_missing_while_mail_is_moved(reader: Reader) -> None:
    """Somebody moves all mail from folder to folder, renames these and sets flags."""
    ended = threading.Event()

    def sort() -> None:
        with reader.read() as client:
            source = "INBOX"
            for turn in count():
                # Back in a folder, a message is given another name: it goes ever on.
                target = f"Turn {turn}"
                client.create_folder(target)
                client.select_folder(source)
                client.set_flags(client.search(), [b"\\Seen"] if turn % 2 else [b"\\Flagged"])
                client.move(client.search(), target)
                client.unselect_folder()
                source = f"Renamed {turn}"
                client.rename_folder(target, source)
                # Who does one thing right after the other is no reader.
                if ended.wait(0.1):
                    return

    sorter = threading.Thread(target=sort)
    sorter.start()
    try:
        for _ in range(20):
            result = reader.verify()
            assert result["missing_count"] == 0, counts(result)
            assert result["checked"] == COUNT
    finally:
        ended.set()
        sorter.join()
