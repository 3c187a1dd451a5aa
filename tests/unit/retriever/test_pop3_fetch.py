# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages as a POP3 server sends them. A whole run: tests/mail/test_pop3*."""

import pytest

from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever.base import Part, Remote
from cockpit_getmail.retriever.pop3_fetch import OVERSIZE_OCTETS, read_beginnings, retrieve
from cockpit_getmail.retriever.pop3_listing import Listing
from tests.support.hostile import Rules, pop3, repeat, stuff
from tests.unit.retriever.test_pop3_session import enter

MAILS = {"a": b"Subject: a\r\n\r\n.\r\n", "b": b"Subject: b\r\n\r\nb\r\n", "c": b"Subject: c\r\n\r\nc\r\n"}
WANTED = [Remote(uid, len(octets), 0, number) for number, (uid, octets) in enumerate(MAILS.items(), 1)]


def fetch(
    overrides: Rules | None = None, *, capabilities: tuple[str, ...] = (), unusable: int = 0
) -> tuple[list[Part], bool]:
    """Return what comes of the messages, and whether one was asked for by RETR."""
    listing = Listing()
    for message in WANTED:
        listing.add(message.number, message.uid, None if message.number == unusable else message.size)
    with enter(pop3(MAILS, overrides, capabilities)) as session:
        session.ask_capabilities()
        return list(retrieve(session, listing, WANTED)), session.has_retrieved


@pytest.mark.parametrize("capabilities", [(), ("PIPELINING",)])
def test_messages_come_in_their_order(capabilities: tuple[str, ...]) -> None:
    assert fetch(capabilities=capabilities) == (
        [Part(message, MAILS[message.uid]) for message in WANTED],
        True,
    )


def test_message_that_cannot_be_fetched_is_not_asked_for() -> None:
    parts, _ = fetch({"RETR 2": b"nonsense\r\n"}, unusable=2)
    assert [part.failure for part in parts] == [
        None,
        "The server does not list the size of this message.",
        None,
    ]


def test_message_that_is_refused_stops_no_other() -> None:
    parts, _ = fetch({"RETR 1": b"-ERR gone\r\n"})
    assert [part.failure for part in parts] == ["The server refuses it: gone", None, None]


def test_server_that_shows_no_more_now_is_tried_later() -> None:
    with pytest.raises(Problem, match="shows no more mail now") as caught:
        fetch({"RETR 2": b"-ERR [SYS/TEMP] busy\r\n"})
    assert caught.value.cause == "mailbox"


def test_message_without_end_is_told() -> None:
    endless = [b"+OK\r\n", repeat(b"x" * 1022 + b"\r\n", times=OVERSIZE_OCTETS // 1024 + 2)]
    with pytest.raises(Problem, match="a message without end that it lists as 17 octets"):
        fetch({"RETR 1": endless})


def test_beginnings_do_not_count_as_fetched() -> None:
    heads = {r"TOP 1 0": b"+OK\r\n" + stuff(MAILS["a"]), r"TOP 2 0": b"-ERR\r\n", r"TOP 3 0": b"+OK\r\n.\r\n"}
    with enter(pop3(MAILS, heads)) as session:
        assert list(read_beginnings(session, WANTED, 0, 10)) == [b"Subject: a", None, b""]
        assert not session.has_retrieved
