# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the IMAP session decides without a server. With one: tests/mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.retriever.base import BATCH_BYTES, BATCH_MESSAGES, Remote, split_batches
from cockpit_getmail.retriever.imap import Imap
from cockpit_getmail.retriever.imap_session import Answer


def imap(password: str = "geheim") -> Imap:
    props = {
        "Retriever": "SimpleIMAPRetriever",
        "Server": "mail.example",
        "Username": "u",
        "Password": password,
    }
    connector = Connector.from_record("u@mail.example", {**props, "Account": "a"})
    return Imap(connector, Endpoint("mail.example", 143), tls_seen=False, timeout=1, deadline=None)


@given(st.lists(st.integers(0, 2 * BATCH_BYTES), max_size=600))
def test_batches_hold_all_in_order_within_bounds(sizes: list[int]) -> None:
    messages = [Remote(str(number), size) for number, size in enumerate(sizes)]
    batches = list(split_batches(messages))
    assert [message for batch in batches for message in batch] == messages
    for batch in batches:
        assert len(batch) <= BATCH_MESSAGES
        assert len(batch) == 1 or sum(message.size for message in batch) <= BATCH_BYTES


@pytest.mark.parametrize(
    ("kind", "answer", "cause"),
    [
        ("NO", b"[AUTHENTICATIONFAILED] Authentication failed.", "credentials"),
        ("NO", b"[EXPIRED] Choose another password.", "credentials"),
        ("NO", b"Login failed", "credentials"),
        ("NO", b"[authorizationfailed] no", "mailbox"),
        ("NO", b"[UNAVAILABLE] Temporary authentication failure.", "mailbox"),
        ("NO", b"[LIMIT] too many connections", "mailbox"),
        ("NO", b"[OVERQUOTA] full", "mailbox"),
        ("NO", b"[PRIVACYREQUIRED] not in clear", "tls"),
        ("BAD", b"[PRIVACYREQUIRED] not in clear", "tls"),
        ("BAD", b"internal", "protocol"),
    ],
)
def test_refused_login_has_its_cause(kind: str, answer: bytes, cause: str) -> None:
    assert imap()._refused(Answer(kind, answer, [])).cause == cause
