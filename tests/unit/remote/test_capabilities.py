# SPDX-License-Identifier: LGPL-2.1-or-later
from typing import Any

from cockpit_getmail import remote
from cockpit_getmail.remote.capabilities import LIMIT
from tests.support.fetching import make_connector
from tests.support.hostile import Server, imap, pop3, tagged

REQUEST = {"about": "capabilities"}


def ask(retriever: str, script: Any) -> Any:
    with Server(script) as server:
        connector = make_connector(retriever, server.port)
        return remote.check(REQUEST, remote.answer(connector, None, 5, REQUEST))


def test_those_of_who_is_logged_in_count() -> None:
    said = b"OK [CAPABILITY IMAP4rev1 x-\x1b[0m QUOTA] welcome"
    found = ask(
        "SimpleIMAPRetriever", imap({"LOGIN .*": tagged(status=said)}, capabilities="IMAP4rev1 SASL-IR")
    )
    assert found == {"protocol": "imap", "tls": None, "capabilities": ["IMAP4REV1", "QUOTA", "X-\\x1b[0M"]}


def test_a_maildrop_has_some_too() -> None:
    found = ask("SimplePOP3Retriever", pop3(capabilities=("USER", "UIDL", "TOP")))
    assert found == {"protocol": "pop3", "tls": None, "capabilities": ["TOP", "UIDL", "USER"]}


def test_there_is_an_end() -> None:
    many = " ".join(["IMAP4rev1", *(f"X{number}" for number in range(3000))])
    assert len(ask("SimpleIMAPRetriever", imap({}, capabilities=many))["capabilities"]) == LIMIT
