# SPDX-License-Identifier: LGPL-2.1-or-later
"""Log-ins with access tokens, at servers that say just what a test wants. At a real one: test_oauth.py."""

import base64
import json

import pytest

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever.imap import Imap
from cockpit_getmail.retriever.pop3 import Pop3
from tests.support.fetching import enter
from tests.support.hostile import Script, Server, Session, Step, imap, pop3, repeat, tagged

TOKEN = "ya29." + "vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg" * 3
USER = "a=b,c@example.com"
TOLD = base64.b64encode(json.dumps({"status": "401", "schemes": "bearer"}).encode())
XOAUTH2 = base64.b64encode(f"user={USER}\1auth=Bearer {TOKEN}\1\1".encode())
AUTH = r"(?:AUTHENTICATE|AUTH) \w+.*"


def bearer(port: int) -> bytes:
    header = "n,a=a=3Db=2Cc@example.com,"
    return base64.b64encode(f"{header}\1host=127.0.0.1\1port={port}\1auth=Bearer {TOKEN}\1\1".encode())


def make(retriever: str, port: int, auth: str = "auto") -> Imap | Pop3:
    props = {"Retriever": retriever, "Server": "127.0.0.1", "Port": str(port), "Username": USER, "Auth": auth}
    connector = Connector("n", {**props, "Account": "a", "Provider": "custom"}, {"AccessToken": TOKEN})
    kind = Pop3 if retriever.startswith("SimplePOP3") else Imap
    return kind(connector, Endpoint("127.0.0.1", port), tls_seen=False, timeout=5.0, deadline=None)


def lines(server: Server) -> list[bytes]:
    """Return what was sent to log in, without tags."""
    others = ("CAPA", "STAT", "QUIT", "EXAMINE", "LOGOUT", "CAPABILITY")
    received = [line.partition(b" ")[2] if line.startswith(b"cg") else line for line in server.received]
    return [line for line in received if not line.decode().startswith(others)]


def logged_in(retriever: str, script: Script, auth: str = "auto") -> tuple[list[bytes], int]:
    with Server(script) as server:
        session = make(retriever, server.port, auth)
        enter(session)
        session.close()
    return lines(server), server.port


def refusal(retriever: str, script: Script, auth: str = "auto") -> tuple[Problem, list[bytes]]:
    with Server(script) as server:
        session = make(retriever, server.port, auth)
        with pytest.raises(Problem) as caught:
            enter(session)
        session.close()
    assert TOKEN[:40] not in caught.value.message
    return caught.value, lines(server)


def dialogue(*steps: bytes, end: bytes) -> Step:
    """Answer a log-in with these lines, each after a line of the client's."""

    def step(session: Session) -> None:
        assert session.match
        tag = session.match.groupdict().get("tag", b"")
        for line in steps:
            session.send(line + b"\r\n")
            session.read_line()
        session.send((tag + b" " if tag else b"") + end + b"\r\n")

    return step


def test_imap_with_an_initial_response() -> None:
    script = imap({AUTH: tagged()}, capabilities="IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=PLAIN")
    assert logged_in("SimpleIMAPRetriever", script)[0] == [b"AUTHENTICATE XOAUTH2 " + XOAUTH2]
    script = imap({AUTH: tagged()}, capabilities="IMAP4rev1 SASL-IR AUTH=XOAUTH2 AUTH=OAUTHBEARER")
    sent, port = logged_in("SimpleIMAPRetriever", script)
    assert sent == [b"AUTHENTICATE OAUTHBEARER " + bearer(port)]


def test_imap_without_an_initial_response() -> None:
    capabilities = "IMAP4rev1 AUTH=XOAUTH2 AUTH=OAUTHBEARER"
    script = imap({AUTH: dialogue(b"+ ", end=b"OK in")}, capabilities=capabilities)
    assert logged_in("SimpleIMAPRetriever", script, "xoauth2")[0] == [b"AUTHENTICATE XOAUTH2", XOAUTH2]
    sent, port = logged_in("SimpleIMAPRetriever", script)
    assert sent == [b"AUTHENTICATE OAUTHBEARER", bearer(port)]


@pytest.mark.parametrize(("mechanism", "dummy"), [("XOAUTH2", b""), ("OAUTHBEARER", b"AQ==")])
def test_a_refusal_is_read_to_its_end_and_told(mechanism: str, dummy: bytes) -> None:
    refused = dialogue(b"+ " + TOLD, end=b"NO [AUTHENTICATIONFAILED] Invalid credentials")
    script = imap({AUTH: refused}, capabilities=f"IMAP4rev1 SASL-IR AUTH={mechanism}")
    problem, sent = refusal("SimpleIMAPRetriever", script)
    assert problem.cause == "credentials"
    assert problem.message == (
        "127.0.0.1 refuses the access token: [AUTHENTICATIONFAILED] Invalid credentials (401)"
    )
    assert (len(sent), sent[1]) == (2, dummy)
    refused = dialogue(b"+ ", b"+ " + TOLD, end=b"-ERR [AUTH] no")
    script = pop3(overrides={AUTH: refused}, capabilities=(f"SASL {mechanism}",))
    problem, sent = refusal("SimplePOP3Retriever", script)
    assert problem.cause == "credentials"
    assert problem.message == "127.0.0.1 refuses the access token: [AUTH] no (401)"
    assert (sent[0], len(sent), sent[2]) == (f"AUTH {mechanism}".encode(), 3, dummy)


def test_pop3_gets_the_token_when_it_waits_for_it() -> None:
    """Office 365 wants it so, and a line has its limit (RFC 5034 section 4)."""
    script = pop3(overrides={AUTH: dialogue(b"+ ", end=b"+OK")}, capabilities=("SASL PLAIN XOAUTH2",))
    assert logged_in("SimplePOP3Retriever", script)[0] == [b"AUTH XOAUTH2", XOAUTH2]
    script = pop3(overrides={AUTH: dialogue(b"+", end=b"+OK")}, capabilities=("SASL OAUTHBEARER",))
    sent, port = logged_in("SimplePOP3Retriever", script)
    assert sent == [b"AUTH OAUTHBEARER", bearer(port)]


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"NO [UNAVAILABLE] later", "mailbox"),
        (b"NO [AUTHORIZATIONFAILED] no licence", "mailbox"),
        (b"NO AUTHENTICATE failed.", "credentials"),
        (b"BAD what?", "protocol"),
        (b"BYE", "protocol"),
    ],
)
def test_causes_of_a_refusal_over_imap(answer: bytes, cause: str) -> None:
    script = imap({AUTH: tagged(status=answer)}, capabilities="IMAP4rev1 SASL-IR AUTH=XOAUTH2")
    assert refusal("SimpleIMAPRetriever", script)[0].cause == cause


@pytest.mark.parametrize(
    ("answer", "cause"),
    [(b"-ERR no", "credentials"), (b"-ERR [SYS/TEMP] later", "network"), (b"-ERR [IN-USE] x", "mailbox")],
)
def test_causes_of_a_refusal_over_pop3(answer: bytes, cause: str) -> None:
    for step in (answer + b"\r\n", dialogue(b"+ ", end=answer)):
        script = pop3(overrides={AUTH: step}, capabilities=("SASL XOAUTH2",))
        assert refusal("SimplePOP3Retriever", script)[0].cause == cause


def test_a_server_that_goes_on_asking() -> None:
    def ask_again(session: Session) -> None:
        while True:
            session.send(b"+ \r\n")
            session.read_line()

    script = imap({AUTH: ask_again}, capabilities="IMAP4rev1 AUTH=XOAUTH2")
    problem, sent = refusal("SimpleIMAPRetriever", script)
    assert (problem.cause, sent.count(XOAUTH2)) == ("protocol", 1)
    script = pop3(overrides={AUTH: ask_again}, capabilities=("SASL XOAUTH2",))
    problem, sent = refusal("SimplePOP3Retriever", script)
    assert (problem.cause, sent.count(XOAUTH2)) == ("protocol", 1)
    endless = imap({AUTH: [repeat(b"* OK wait\r\n")]}, capabilities="IMAP4rev1 AUTH=XOAUTH2")
    assert refusal("SimpleIMAPRetriever", endless)[0].cause == "protocol"


@pytest.mark.parametrize("status", [b"NO", b"BAD"])
def test_a_token_that_the_server_repeats_is_not_shown(status: bytes) -> None:
    def repeat_it(session: Session) -> None:
        assert session.match
        session.send(session.match["tag"] + b" " + status + b" unknown: " + session.line[:150] + b"\r\n")

    script = imap({AUTH: repeat_it}, capabilities="IMAP4rev1 SASL-IR AUTH=XOAUTH2")
    problem, _ = refusal("SimpleIMAPRetriever", script)
    assert "(its words repeat the access token)" in problem.message
    told = base64.b64encode(json.dumps({"status": f"bad {TOKEN}"}).encode())
    refused = dialogue(b"+ " + told, end=b"NO no")
    script = imap({AUTH: refused}, capabilities="IMAP4rev1 SASL-IR AUTH=XOAUTH2")
    assert "(its words repeat the access token)" in refusal("SimpleIMAPRetriever", script)[0].message


@pytest.mark.parametrize("auth", ["auto", "xoauth2", "oauthbearer"])
def test_a_server_that_takes_no_token_gets_none(auth: str) -> None:
    for retriever, script in (
        ("SimpleIMAPRetriever", imap({}, capabilities="IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH AUTH=OAUTH")),
        ("SimplePOP3Retriever", pop3(capabilities=("SASL PLAIN", "USER"))),
    ):
        problem, sent = refusal(retriever, script, auth)
        assert problem.cause == "protocol"
        assert "OAuth2" in problem.message
        assert sent == []


@pytest.mark.parametrize("said", ["BAD User is authenticated but not connected.", "NO IMAP is disabled here"])
def test_account_without_a_mailbox(said: str) -> None:
    """Microsoft lets those in who have no licence for mail."""
    overrides = {AUTH: tagged(), "EXAMINE .*": tagged(status=said.encode())}
    problem, _ = refusal(
        "SimpleIMAPRetriever", imap(overrides, capabilities="IMAP4rev1 SASL-IR AUTH=XOAUTH2")
    )
    assert problem.cause == "credentials"
    assert said.partition(" ")[2] in problem.message
    assert isinstance(problem.attributes, dict)
    assert "licensed" in problem.attributes["hint"]


@pytest.mark.parametrize(("said", "cause"), [("BAD what?", "protocol"), ("NO not now", "mailbox")])
def test_mailbox_that_does_not_open(said: str, cause: str) -> None:
    overrides = {AUTH: tagged(), "EXAMINE .*": tagged(status=said.encode())}
    problem, _ = refusal(
        "SimpleIMAPRetriever", imap(overrides, capabilities="IMAP4rev1 SASL-IR AUTH=XOAUTH2")
    )
    assert problem.cause == cause
    assert problem.message == f"127.0.0.1 refuses EXAMINE: {said.partition(' ')[2]}"
