# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages that are in several folders: what is settled in one is no news in another."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit_getmail import copies
from cockpit_getmail.destination.base import Refusal, Staged
from cockpit_getmail.folder_state import DAY, FolderState, Intent
from cockpit_getmail.retriever.base import Folder, Remote
from cockpit_getmail.state import MailboxState, State


@pytest.fixture
def mailbox(tmp_path: Path) -> Iterator[MailboxState]:
    with State(tmp_path) as state:
        yield state.begin("imap\nmail.example\n993\nme", DAY)


def enter(mailbox: MailboxState, name: str) -> FolderState:
    return mailbox.folder(Folder(name, 7, 9))


def deliver(folder: FolderState, message: Remote, refusal: Refusal | None = None) -> None:
    name = f"{folder.number}.{message.uid}"
    folder.intend("maildir:/mail", [Intent(message, True, Staged(name, 10))])
    folder.delivered({name: refusal} if refusal else {})


def test_what_was_delivered_from_another_folder_is_settled(mailbox: MailboxState) -> None:
    inbox, every = enter(mailbox, "INBOX"), enter(mailbox, "All Mail")
    deliver(inbox, Remote("1", 10, same="111"))
    listed = [Remote("1", 10, same="222"), Remote("5", 10, date=3, same="111"), Remote("6", 10)]
    every.failed(listed[1], "It broke.", None)
    assert copies.set_apart(every, listed) == [listed[0], listed[2]]
    assert every.known() == {("5", 0): 10}
    assert every.attempts() == {}
    assert every.due(0) == []
    # A label that is given later is no news either, also once INBOX has none of it.
    inbox.removed([("1", 0)])
    assert copies.set_apart(enter(mailbox, "Work"), [Remote("1", 10, same="111")]) == []
    assert copies.set_apart(inbox, [Remote("2", 10, same="111")]) == []


@pytest.mark.parametrize(
    ("size", "date", "is_settled"), [(10, 3, True), (10, None, True), (11, 3, False), (10, 4, False)]
)
def test_server_that_says_the_same_of_all_messages_loses_none(
    mailbox: MailboxState, size: int, date: int | None, is_settled: bool
) -> None:
    inbox = enter(mailbox, "INBOX")
    deliver(inbox, Remote("1", 10, date=3, same="1"))
    for folder in (inbox, enter(mailbox, "Work")):
        message = Remote("2", size, date=date, same="1")
        assert copies.set_apart(folder, [message]) == ([] if is_settled else [message])


def test_what_was_set_aside_may_yet_come_from_another_folder(mailbox: MailboxState) -> None:
    message = Remote("1", 10, same="111")
    deliver(enter(mailbox, "INBOX"), message, Refusal("No.", for_good=True))
    assert copies.set_apart(enter(mailbox, "Work"), [message]) == [message]


def test_what_filters_dropped_stays_dropped(mailbox: MailboxState) -> None:
    message = Remote("1", 10, same="111")
    enter(mailbox, "INBOX").hold([message], [])
    assert copies.set_apart(enter(mailbox, "Work"), [message]) == []


def test_another_mailbox_has_other_messages(tmp_path: Path, mailbox: MailboxState) -> None:
    deliver(enter(mailbox, "INBOX"), Remote("1", 10, same="111"))
    other = mailbox._state.begin("imap\nmail.example\n993\nyou", DAY)
    assert len(copies.set_apart(enter(other, "INBOX"), [Remote("1", 10, same="111")])) == 1


@pytest.mark.long
def test_many_at_once(mailbox: MailboxState) -> None:
    inbox, every = enter(mailbox, "INBOX"), enter(mailbox, "All Mail")
    messages = [Remote(str(uid), 10, same=str(1000 + uid)) for uid in range(1, 2001)]
    intents = [Intent(message, True, Staged(message.uid, 10)) for message in messages[::2]]
    inbox.intend("maildir:/mail", intents)
    inbox.delivered()
    assert copies.set_apart(every, messages) == messages[1::2]
    assert len(every.known()) == 1000


def test_where_nothing_is_the_same_nothing_is_written(mailbox: MailboxState) -> None:
    listed = [Remote("1", 10), Remote("2", 10, same="3")]
    assert copies.set_apart(enter(mailbox, "INBOX"), listed) is listed
