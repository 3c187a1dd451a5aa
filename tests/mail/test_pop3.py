# SPDX-License-Identifier: LGPL-2.1-or-later
"""POP3 with a real Dovecot: in clear, with STLS and with implicit TLS."""

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever.base import Part, Remote
from cockpit_getmail.retriever.pop3 import Pop3
from cockpit_getmail.retriever.pop3_fetch import PART_BYTES
from tests.support.certificates import Authority
from tests.support.dovecot import Dovecot
from tests.support.fetching import enter, make_connector

PASSWORD = "geheim-4711"
USERS = [f"user{number}" for number in range(60)]
CLEAR, IMPLICIT = "SimplePOP3Retriever", "SimplePOP3SSLRetriever"

OpenSession = Callable[..., Pop3]


@pytest.fixture(scope="module")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    with Dovecot(dict.fromkeys(USERS, PASSWORD), certificate=authority.issue()) as dovecot:
        yield dovecot


@pytest.fixture(scope="module")
def users() -> Iterator[str]:
    return itertools.chain(USERS)


@pytest.fixture
def user(users: Iterator[str]) -> str:
    """A user that no other test has used."""
    return next(users)


@pytest.fixture
def open_session(dovecot: Dovecot, authority: Authority) -> Iterator[OpenSession]:
    """Open a session; it is closed when the test ends."""
    with ExitStack() as stack:

        def open_one(user: str, retriever: str = CLEAR, *, server: Dovecot = dovecot, **props: str) -> Pop3:
            port = server.pop3s if retriever == IMPLICIT else server.pop3
            connector = make_connector(retriever, port, **{"Username": user, "Password": PASSWORD, **props})
            endpoint = Endpoint("127.0.0.1", port, authority.ca.read_text())
            session = Pop3(connector, endpoint, tls_seen=False, timeout=10, deadline=None)
            stack.callback(session.close)
            enter(session)
            return session

        yield open_one


def whole(parts: list[Part]) -> dict[str, bytes]:
    """Return the messages by UIDL; each must be whole, and of the size listed."""
    found: dict[str, bytes] = {}
    for message, group in itertools.groupby(parts, key=lambda part: part.message):
        pieces = list(group)
        assert [piece.last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        assert all(piece.failure is None and piece.exact for piece in pieces)
        found[message.uid] = b"".join(piece.data for piece in pieces)
        assert len(found[message.uid]) == message.size
    return found


@pytest.mark.parametrize(
    ("retriever", "policy", "encrypted"),
    [
        (CLEAR, "auto", True),
        (CLEAR, "required", True),
        (CLEAR, "none", False),
        (IMPLICIT, "auto", True),
        (IMPLICIT, "required", True),
    ],
)
def test_every_message_comes_once(
    dovecot: Dovecot, open_session: OpenSession, user: str, retriever: str, policy: str, encrypted: bool
) -> None:
    sent = dovecot.fill(user, 300, 3000)
    session = open_session(user, retriever, TLS=policy)
    assert bool(session.tls) == encrypted
    assert {"UIDL", "PIPELINING"} <= set(session.capabilities)
    new, present = session.list_new({})
    assert (len(new), present) == (300, set())
    found = whole(list(session.retrieve(new)))
    assert list(found.values()) == sent
    known = {(message.uid, message.ordinal): message.size for message in new}
    assert session.list_new(known) == ([], set(known))


def test_what_arrives_later_is_new(dovecot: Dovecot, open_session: OpenSession, user: str) -> None:
    dovecot.fill(user, 3)
    first = open_session(user)
    known = {(message.uid, message.ordinal): message.size for message in first.list_new({})[0]}
    first.close()
    sent = dovecot.fill(user, 2, 500)
    session = open_session(user)
    new, present = session.list_new(known)
    assert present == set(known)
    assert list(whole(list(session.retrieve(new))).values()) == sent


def test_an_empty_mailbox(open_session: OpenSession, user: str) -> None:
    session = open_session(user)
    assert session.list_new({("gone", 0): 5}) == ([], set())
    assert list(session.retrieve([])) == []


@pytest.mark.parametrize(
    "mail",
    [
        b"Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n\r\n.\r\n",
        b"Subject: octets\r\n\r\n" + bytes(octet for octet in range(256) if octet not in (10, 13)) + b"\r\n",
        b"Subject: a long line\r\n\r\n" + b"x" * 300_000 + b"\r\n",
        b"Subject: CR\r\n\r\na\rb\r\r\n\r.\r\r\n",
        b"\r\n",
    ],
)
def test_content_comes_octet_for_octet(
    dovecot: Dovecot, open_session: OpenSession, user: str, mail: bytes
) -> None:
    dovecot.add_message(user, mail)
    session = open_session(user)
    assert list(whole(list(session.retrieve(session.list_new({})[0]))).values()) == [mail]


def test_large_messages_come_in_parts(dovecot: Dovecot, open_session: OpenSession, user: str) -> None:
    sent = dovecot.fill(user, 1, 3 * PART_BYTES) + dovecot.fill(user, 1) + dovecot.fill(user, 1, PART_BYTES)
    session = open_session(user, IMPLICIT)
    parts = list(session.retrieve(session.list_new({})[0]))
    assert sum(part.message.number == 1 for part in parts) > 2
    assert list(whole(parts).values()) == sent


@pytest.mark.parametrize(
    "password", ["a|b\\c=d%e\"f'g", " both ends ", "é 😀", "x" * 200, "%u %{password}", "+OK", "="]
)
def test_passwords(dovecot: Dovecot, open_session: OpenSession, user: str, password: str) -> None:
    dovecot.set_password(user, password)
    for props in ({}, {"TLS": "none"}):
        open_session(user, Password=password, **props).close()
        with pytest.raises(Problem) as caught:
            open_session(user, Password=f"{password}x", **props)
        assert caught.value.cause == "credentials"
        assert password not in caught.value.message or password in ("=", "+OK")


def test_a_server_that_wants_tls() -> None:
    with Dovecot({"u": PASSWORD}, host="127.0.0.2", disable_plaintext_auth=True) as server:
        connector = make_connector(CLEAR, server.pop3)
        session = Pop3(
            connector, Endpoint("127.0.0.2", server.pop3), tls_seen=False, timeout=5, deadline=None
        )
        with pytest.raises(Problem, match="secure") as caught:
            enter(session)
        session.close()
    assert caught.value.cause == "tls"


@pytest.mark.slow
def test_a_mailbox_in_use() -> None:
    with Dovecot({"u": PASSWORD}, extra="protocol pop3 {\n  pop3_lock_session = yes\n}") as server:
        server.fill("u", 1)
        connector = make_connector(CLEAR, server.pop3)
        endpoint = Endpoint("127.0.0.1", server.pop3)
        first, second = (
            Pop3(connector, endpoint, tls_seen=False, timeout=60, deadline=None) for _ in range(2)
        )
        enter(first)
        try:
            with pytest.raises(Problem) as caught:
                enter(second)
        finally:
            second.close()
            first.close()
    assert caught.value.cause == "mailbox"


def test_deletion(dovecot: Dovecot, open_session: OpenSession, user: str) -> None:
    sent = dovecot.fill(user, 5)
    session = open_session(user)
    new, _ = session.list_new({})
    assert session.delete([new[0], new[2], new[3]._replace(size=1)]) == {(new[0].uid, 0), (new[2].uid, 0)}
    session.close()
    assert dovecot.messages(user) == [sent[1], sent[3], sent[4]]


def test_deletion_of_many(dovecot: Dovecot, open_session: OpenSession, user: str) -> None:
    dovecot.fill(user, 700, 300)
    session = open_session(user, TLS="none")
    new, _ = session.list_new({})
    assert len(session.delete([Remote(message.uid, message.size) for message in new])) == 700
    assert dovecot.messages(user) == []


def test_leaving_deletes_nothing(dovecot: Dovecot, open_session: OpenSession, user: str) -> None:
    sent = dovecot.fill(user, 3)
    session = open_session(user)
    whole(list(session.retrieve(session.list_new({})[0])))
    session.close()
    assert dovecot.messages(user) == sent


def test_duplicate_and_strange_uidls() -> None:
    """Dovecot can take the UIDL from a header, and so from whoever sends a message."""
    uidls = ["same", "same", "a/../b", "two words", "x" * 900, "same", "other"]
    extra = "protocol pop3 {\n  pop3_reuse_xuidl = yes\n  pop3_uidl_duplicates = allow\n}"
    with Dovecot({"u": PASSWORD}, extra=extra) as server:
        sent = [
            f"X-UIDL: {uidl}\r\nSubject: {number}\r\n\r\n{'x' * number}\r\n".encode()
            for number, uidl in enumerate(uidls)
        ]
        for message in sent:
            server.add_message("u", message)

        def open_one() -> Pop3:
            connector = make_connector(CLEAR, server.pop3)
            session = Pop3(
                connector, Endpoint("127.0.0.1", server.pop3), tls_seen=False, timeout=5, deadline=None
            )
            enter(session)
            return session

        session = open_one()
        new, _ = session.list_new({})
        assert [part.data for part in session.retrieve(new)] == sent
        assert [message.ordinal for message in new if message.uid == "same"] == [0, 1, 2]
        known = {(message.uid, message.ordinal): message.size for message in new}
        assert len(known) == len(uidls)
        session.close()
        session = open_one()
        assert session.list_new(known) == ([], set(known))
        removed = session.delete([Remote(uid, size, ordinal) for (uid, ordinal), size in known.items()])
        session.close()
        assert "same" not in {uid for uid, _ in removed}
        assert [message for message in server.messages("u") if b"X-UIDL: same" in message] == [
            message for message in sent if b"X-UIDL: same" in message
        ]


@pytest.mark.slow
def test_a_large_mailbox_comes_whole(dovecot: Dovecot, open_session: OpenSession, user: str) -> None:
    dovecot.fill(user, 2000, 10_850)
    for props in ({"TLS": "none"}, {"TLS": "required"}):
        session = open_session(user, **props)
        octets = sum(len(part.data) for part in session.retrieve(session.list_new({})[0]))
        session.close()
        assert octets == 21_700_000
