# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is told of folders by servers of all ages; tests/mail has a real one."""

from typing import Any

import pytest

from cockpit_getmail import remote
from tests.support.fetching import make_connector
from tests.support.hostile import Rules, Server, imap, tagged
from tests.support.limits import bounded

REQUEST = {"about": "folders"}
OLD = "IMAP4rev1"
LISTED = (
    b'* LIST () "/" INBOX\r\n* LIST (\\Noselect) "/" a\r\n* LIST (\\HasNoChildren \\SENT) "/" "a/&AOk-"\r\n'
)


def ask(overrides: Rules, capabilities: str = OLD, timeout: float = 5, **props: str) -> dict[str, Any]:
    """Return facts of the folders by name, and the commands that led there."""
    with Server(imap(overrides, capabilities=capabilities)) as server:
        connector = make_connector("SimpleIMAPRetriever", server.port, **props)
        found = remote.check(REQUEST, remote.answer(connector, None, timeout, REQUEST))
    commands = [line.partition(b" ")[2] for line in server.received]
    return {"folders": {folder["name"]: folder for folder in found["folders"]}, "commands": commands}


def test_an_old_server_is_asked_folder_by_folder() -> None:
    inbox = b"* STATUS INBOX (MESSAGES 3 UNSEEN 2 UIDVALIDITY 7)\r\n"
    told = ask(
        {
            "LIST .*": tagged(LISTED),
            "LSUB .*": tagged(b'* LSUB () "/" {4}\r\na/&A\r\n* LSUB () NIL inbox\r\n'),
            'STATUS "INBOX" .*': tagged(inbox),
            "STATUS .*": tagged(status=b"NO not for you"),
        }
    )
    folders = told["folders"]
    assert list(folders) == ["INBOX", "a", "a/é"]
    facts = [folders["INBOX"][name] for name in ("messages", "unseen", "uidvalidity", "size", "subscribed")]
    assert facts == [3, 2, 7, None, True]
    assert (folders["a"]["selectable"], folders["a"]["messages"]) == (False, None)
    assert (folders["a/é"]["special_use"], folders["a/é"]["messages"]) == ("\\Sent", None)
    assert folders["a/é"]["separator"] == "/"
    asked = [command for command in told["commands"] if command.startswith(b"STATUS")]
    # Nobody asks what cannot be opened, nor for what the server does not know.
    what = b" (MESSAGES UNSEEN UIDVALIDITY)"
    assert asked == [b'STATUS "INBOX"' + what, b'STATUS "a/&AOk-"' + what]


def test_a_newer_one_tells_all_at_once() -> None:
    counts = b"* STATUS INBOX (MESSAGES 3 UNSEEN 2 UIDVALIDITY 7 SIZE 5000000000)\r\n"
    counts += b"* STATUS a/&AOk- (MESSAGES 1)\r\n"
    told = ask(
        {"LIST .*": tagged(LISTED + counts), "LSUB .*": tagged()},
        "IMAP4rev1 LIST-EXTENDED LIST-STATUS STATUS=SIZE",
    )
    assert told["folders"]["INBOX"]["size"] == 5_000_000_000
    assert (told["folders"]["a/é"]["messages"], told["folders"]["a/é"]["unseen"]) == (1, None)
    assert not any(command.startswith(b"STATUS") for command in told["commands"])


@pytest.mark.parametrize("counts", [b"(MESSAGES x)", b"(MESSAGES)", b"MESSAGES 3", b"(MESSAGES -1)", b""])
def test_counts_that_are_none(counts: bytes) -> None:
    answers = {"LIST .*": tagged(b'* LIST () "/" INBOX\r\n'), "LSUB .*": tagged()}
    told = ask({**answers, "STATUS .*": tagged(b"* STATUS INBOX " + counts + b"\r\n")})
    assert told["folders"]["INBOX"]["messages"] is None


@pytest.mark.long
def test_what_is_told_beside_it_is_not_kept() -> None:
    words = b" ".join(b"X%d %d" % (number, number) for number in range(70_000))
    line = b'* LIST () "/" f%d\r\n* STATUS f%d (%b MESSAGES 3)\r\n'
    lines = b"".join(line % (number, number, words) for number in range(30))
    answers = {"LIST .*": tagged(lines), "LSUB .*": tagged(), "STATUS .*": tagged(status=b"NO")}
    with bounded(seconds=60, mebibytes=200):
        told = ask(answers, "IMAP4rev1 LIST-EXTENDED LIST-STATUS", timeout=60)
    assert {folder["messages"] for folder in told["folders"].values()} == {3}


def test_a_folder_that_is_named_and_not_listed() -> None:
    answers = {"LIST .*": tagged(b'* LIST () "/" INBOX\r\n'), "LSUB .*": tagged()}
    hidden = {'STATUS "hidden" .*': tagged(b"* STATUS hidden (MESSAGES 1)\r\n")}
    told = ask({**answers, **hidden, "STATUS .*": tagged(status=b"NO")}, Folders="hidden, nowhere, INBOX")
    chosen = {name: folder["chosen"] for name, folder in told["folders"].items()}
    assert chosen == {"INBOX": True, "hidden": True}


@pytest.mark.long
def test_what_takes_too_long_to_count_is_not_counted() -> None:
    lines = b"".join(b'* LIST () "/" f%d\r\n' % number for number in range(50))
    slow = {"STATUS .*": [lambda session: session.wait(0.4), tagged()]}
    told = ask({"LIST .*": tagged(lines), "LSUB .*": tagged(), **slow}, timeout=4.0)
    assert len(told["folders"]) == 50
    assert 0 < sum(command.startswith(b"STATUS") for command in told["commands"]) < 10


def test_one_that_lists_no_subscriptions() -> None:
    told = ask({"LIST .*": tagged(LISTED), "LSUB .*": tagged(status=b"BAD"), "STATUS .*": tagged()})
    assert not any(folder["subscribed"] for folder in told["folders"].values())
