# SPDX-License-Identifier: LGPL-2.1-or-later
"""Access tokens from a real authorization server, at a real Dovecot that asks it about each of them."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cockpit_getmail import retriever
from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import Problem, with_status
from tests.support.certificates import Authority
from tests.support.dovecot import Dovecot
from tests.support.fetching import Account
from tests.support.oidc import Oidc

USER = "a=b,c@example.com"
MESSAGES = 3
PORTS = {
    "SimpleIMAPRetriever": "imap",
    "SimpleIMAPSSLRetriever": "imaps",
    "SimplePOP3Retriever": "pop3",
    "SimplePOP3SSLRetriever": "pop3s",
}
EVERY = pytest.mark.parametrize("auth", ["auto", "xoauth2", "oauthbearer"])
BOTH = pytest.mark.parametrize("protocol", ["SimpleIMAPSSLRetriever", "SimplePOP3Retriever"])

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def oidc() -> Iterator[Oidc]:
    with Oidc() as running:
        yield running


@contextmanager
def checking(oidc: Oidc, authority: Authority) -> Iterator[Dovecot]:
    """A mail server that believes this authorization server's tokens."""
    users = {USER: "unused", "other@example.com": "unused"}
    with Dovecot(users, certificate=authority.issue(), oauth2=oidc.introspection()) as running:
        running.fill(USER, MESSAGES)
        yield running


@pytest.fixture(scope="module")
def dovecot(oidc: Oidc, authority: Authority) -> Iterator[Dovecot]:
    with checking(oidc, authority) as running:
        yield running


@pytest.fixture(scope="module")
def ca(authority: Authority) -> str:
    return authority.ca.read_text()


def make(dovecot: Dovecot, token: str, kind: str = "SimpleIMAPSSLRetriever", auth: str = "auto") -> Connector:
    props = {
        "Retriever": kind,
        "Server": dovecot.host,
        "Port": str(getattr(dovecot, PORTS[kind])),
        "Username": USER,
        "Account": "someone",
        "Provider": "custom",
        "Auth": auth,
    }
    return Connector("token", props, {"AccessToken": token})


def refusal(dovecot: Dovecot, token: str, kind: str, auth: str, ca: str) -> Problem:
    with pytest.raises(Problem) as caught:
        retriever.check(make(dovecot, token, kind, auth), ca, 10.0)
    problem = with_status(caught.value)
    assert isinstance(problem.attributes, dict)
    assert problem.attributes["status"] == "INVALID_CREDENTIALS"
    assert "sign in again" in problem.attributes["hint"]
    assert "refuses the access token" in problem.message
    assert token[:24] not in problem.message
    return problem


@EVERY
@pytest.mark.parametrize("kind", PORTS)
def test_log_in(oidc: Oidc, dovecot: Dovecot, ca: str, kind: str, auth: str) -> None:
    token = oidc.token(USER)["access_token"]
    found = retriever.check(make(dovecot, token, kind, auth), ca, 10.0)
    assert found["messages"] == MESSAGES
    assert found["tls"]


@BOTH
def test_mail_is_fetched(oidc: Oidc, dovecot: Dovecot, ca: str, protocol: str, tmp_path: Path) -> None:
    account = Account(tmp_path)
    token = oidc.token(USER)["access_token"]
    assert account.fetch(make(dovecot, token, protocol), ca).messages == MESSAGES
    again = oidc.token(USER)["access_token"]
    assert account.fetch(make(dovecot, again, protocol), ca).messages == 0


@EVERY
@BOTH
def test_token_that_nobody_gave(dovecot: Dovecot, ca: str, protocol: str, auth: str) -> None:
    problem = refusal(dovecot, "no-token-of-anybody-" * 3, protocol, auth, ca)
    assert "Authentication failed" in problem.message
    # What Dovecot tells before it refuses.
    assert problem.message.endswith("(401)" if auth == "xoauth2" else "(invalid_token)")


@EVERY
@BOTH
def test_token_of_somebody_else(oidc: Oidc, dovecot: Dovecot, ca: str, protocol: str, auth: str) -> None:
    refusal(dovecot, oidc.token("other@example.com")["access_token"], protocol, auth, ca)


@BOTH
def test_token_that_was_revoked(oidc: Oidc, dovecot: Dovecot, ca: str, protocol: str) -> None:
    token = oidc.token(USER)["access_token"]
    oidc.revoke(token)
    refusal(dovecot, token, protocol, "auto", ca)


@BOTH
def test_token_that_has_expired(authority: Authority, ca: str, protocol: str) -> None:
    with Oidc(accessToken=2) as brief, checking(brief, authority) as dovecot:
        given = brief.token(USER)
        assert given["expires_in"] == 2
        time.sleep(3)
        refusal(dovecot, given["access_token"], protocol, "auto", ca)


@BOTH
def test_server_that_cannot_ask(authority: Authority, ca: str, protocol: str) -> None:
    """That is not about the token: it is tried again."""
    with Oidc() as gone, checking(gone, authority) as dovecot:
        token = gone.token(USER)["access_token"]
        gone.stop()
        with pytest.raises(Problem) as caught:
            retriever.check(make(dovecot, token, protocol), ca, 10.0)
    assert caught.value.cause in ("mailbox", "network")


def test_server_without_tokens(authority: Authority, ca: str) -> None:
    with Dovecot({USER: "x"}, certificate=authority.issue()) as plain, pytest.raises(Problem) as caught:
        retriever.check(make(plain, "t" * 40), ca, 10.0)
    assert caught.value.cause == "protocol"
    assert "OAuth2" in caught.value.message


def test_authorization_server_of_the_tests() -> None:
    """What the tests above, and others, believe of it: rotation, and a refresh token that is used twice."""
    with Oidc() as oidc:
        first = oidc.token(USER)
        form = {"grant_type": "refresh_token", "client_id": "public"}
        second = oidc.post("/token", {**form, "refresh_token": first["refresh_token"]})
        assert second["refresh_token"] != first["refresh_token"]
        again = oidc.post("/token", {**form, "refresh_token": first["refresh_token"]})
        assert again["error"] == "invalid_grant"
        # Whoever uses an old one may be a thief: all that came of the sign-in is void.
        last = oidc.post("/token", {**form, "refresh_token": second["refresh_token"]})
        assert last["error"] == "invalid_grant"
