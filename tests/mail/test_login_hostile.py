# SPDX-License-Identifier: LGPL-2.1-or-later
"""Log-ins at servers that refuse, lie and ask for more. At a real one: test_login_methods.py."""

import base64
import hashlib
import ssl
from pathlib import Path

import pytest

from cockpit_getmail import retriever as retrievers
from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import Problem
from tests.support.certificates import Authority, Certificate
from tests.support.hostile import Script, Server, Session, Step, imap, pop3, repeat, tagged

PASSWORD = "geheim-4711"
AUTH = r"(?:AUTHENTICATE|AUTH) \S+.*"
ANY = r"(?:LOGIN|AUTHENTICATE|AUTH|USER|PASS|APOP) .*"
KINDS = pytest.mark.parametrize("kind", ["imap", "pop3"])
CHANNELS = pytest.mark.parametrize("encrypted", [False, True])
CLEAR = {"imap": "SimpleIMAPRetriever", "pop3": "SimplePOP3Retriever"}
IMPLICIT = {"imap": "SimpleIMAPSSLRetriever", "pop3": "SimplePOP3SSLRetriever"}


@pytest.fixture(scope="module")
def certificate(authority: Authority) -> Certificate:
    return authority.issue()


def script(kind: str, offered: str, *answers: Step, own: str = "") -> Script:
    """Return the script of a server that offers mechanisms and answers one log-in after another so."""
    left = iter(answers)

    def step(session: Session) -> None:
        taken = next(left)
        session.play([taken])

    if kind == "pop3":
        capabilities = [f"SASL {offered}", *([own] if own else [])]
        return pop3(overrides={ANY: step}, capabilities=[line for line in capabilities if line != "SASL "])
    words = " ".join(f"AUTH={name}" for name in offered.split())
    return imap({ANY: step}, capabilities=f"IMAP4rev1 SASL-IR {words} {own}".replace("USER", "").strip())


def says(kind: str, text: str) -> Step:
    """End a log-in: with OK, or with NO and these words."""
    if kind == "imap":
        return tagged(status=b"OK in" if text == "OK" else b"NO " + text.encode())
    return b"+OK\r\n" if text == "OK" else b"-ERR " + text.encode() + b"\r\n"


def asks(kind: str, *challenges: bytes, end: str = "no") -> Step:
    """Send challenges, whatever is answered."""

    def step(session: Session) -> None:
        match = session.match
        for challenge in challenges:
            session.send(b"+ " + base64.b64encode(challenge) + b"\r\n")
            session.read_line()
        session.match = match
        session.play([says(kind, end)])

    return step


def log_in(
    kind: str,
    played: Script,
    certificate: Certificate | None,
    ca: Path,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    **props: str,
) -> tuple[Problem | None, list[bytes]]:
    """Return why it failed, and the lines that were sent to log in."""
    context = None
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.pem, certificate.key)
        context.maximum_version = version
    problem = None
    with Server(played, tls=context) as server:
        retriever = (IMPLICIT if certificate else CLEAR)[kind]
        base = {"Retriever": retriever, "Server": "127.0.0.1", "Port": str(server.port), "Username": "u"}
        connector = Connector("n", {**base, "Account": "a", **props}, {"Password": PASSWORD})
        try:
            retrievers.check(connector, ca.read_text() if certificate else None, 5.0)
        except Problem as found:
            problem = found
    others = ("CAPA", "STAT", "QUIT", "EXAMINE", "LOGOUT", "CAPABILITY", "UNSELECT", "LIST")
    sent = [line.partition(b" ")[2] if line.startswith(b"cg") else line for line in server.received]
    return problem, [line for line in sent if not line.decode().startswith(others)]


def exposes(lines: list[bytes]) -> bool:
    """Whether the password was sent, in whatever form."""
    secret = PASSWORD.encode()
    forms = (secret, base64.b64encode(secret), base64.b64encode(b"\0u\0" + secret))
    return any(form in line for form in forms for line in lines)


@KINDS
@pytest.mark.parametrize("mechanism", ["CRAM-MD5", "SCRAM-SHA-256"])
def test_no_downgrade_in_clear(kind: str, mechanism: str, authority: Authority) -> None:
    """Who is on the way says no to the better way, and waits for the other."""
    for refused in (says(kind, "no"), asks(kind, b"<1@h>", end="[AUTH] no"), asks(kind, b"e=other-error")):
        played = script(kind, f"{mechanism} PLAIN LOGIN", refused, says(kind, "OK"), own="USER")
        problem, sent = log_in(kind, played, None, authority.ca)
        assert problem
        assert problem.cause in ("credentials", "protocol")
        assert not exposes(sent)
        assert isinstance(problem.attributes, dict)
        if problem.cause == "credentials":
            assert mechanism in problem.attributes["hint"]


@KINDS
def test_in_tls_the_next_one_is_tried_once(kind: str, authority: Authority, certificate: Certificate) -> None:
    offered = "SCRAM-SHA-256 PLAIN LOGIN CRAM-MD5"
    played = script(kind, offered, says(kind, "no"), says(kind, "OK"), own="USER")
    problem, sent = log_in(kind, played, certificate, authority.ca)
    assert problem is None
    assert [line.split()[1] for line in sent] == [b"SCRAM-SHA-256", b"PLAIN"]
    played = script(kind, offered, says(kind, "no"), says(kind, "[AUTH] not this"), own="USER")
    problem, sent = log_in(kind, played, certificate, authority.ca)
    assert problem
    assert problem.cause == "credentials"
    assert "not this" in problem.message
    assert len(sent) == 2


@KINDS
def test_a_server_that_is_busy_is_not_asked_twice(
    kind: str, authority: Authority, certificate: Certificate
) -> None:
    busy = "[UNAVAILABLE] later" if kind == "imap" else "[SYS/TEMP] later"
    problem, sent = log_in(
        kind, script(kind, "SCRAM-SHA-256 PLAIN", says(kind, busy)), certificate, authority.ca
    )
    assert problem
    assert problem.cause in ("mailbox", "network")
    assert len(sent) == 1


@KINDS
@CHANNELS
def test_success_without_proof_is_none(
    kind: str, encrypted: bool, authority: Authority, certificate: Certificate
) -> None:
    """A server that does not know the password is not the one that the connector means."""

    def first(session: Session) -> None:
        match, initial = session.match, base64.b64decode(session.line.split()[-1])
        nonce = initial.rpartition(b"r=")[2]
        challenge = b"r=" + nonce + b"x,s=" + base64.b64encode(b"salt") + b",i=4096"
        session.send(b"+ " + base64.b64encode(challenge) + b"\r\n")
        session.read_line()
        session.match = match
        session.play([says(kind, "OK")])

    for granted in (says(kind, "OK"), first):
        played = script(kind, "SCRAM-SHA-256", granted)
        problem, sent = log_in(kind, played, certificate if encrypted else None, authority.ca, TLS="auto")
        assert problem
        assert problem.cause == "protocol"
        assert "does not prove" in problem.message
        assert not exposes(sent)


@KINDS
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("knows", [False, True])
def test_a_proof_is_bound_to_its_channel(
    kind: str, version: ssl.TLSVersion, knows: bool, authority: Authority, certificate: Certificate
) -> None:
    """A server with -PLUS that knows this kind of binding, or does not."""
    seen: list[bytes] = []

    def plus(session: Session) -> None:
        match, initial = session.match, base64.b64decode(session.line.split()[-1])
        assert isinstance(session.sock, ssl.SSLSocket)
        unique = session.sock.get_channel_binding("tls-unique")
        is_old = version == ssl.TLSVersion.TLSv1_2
        bound = unique if is_old else hashlib.sha256(certificate.der).digest()
        header = b"p=tls-unique,," if is_old else b"p=tls-server-end-point,,"
        assert initial.startswith(header)
        assert bound
        if knows:
            nonce = initial.rpartition(b"r=")[2]
            challenge = b"r=" + nonce + b"x,s=" + base64.b64encode(b"salt") + b",i=4096"
            session.send(b"+ " + base64.b64encode(challenge) + b"\r\n")
            final = base64.b64decode(session.read_line())
            seen.append(b"c=" + base64.b64encode(header + bound))
            assert final.startswith(seen[0] + b",")
        else:
            session.send(b"+ " + base64.b64encode(b"e=unsupported-channel-binding-type") + b"\r\n")
            assert session.read_line() == b""
        session.match = match
        session.play([says(kind, "[AUTH] no")])

    def other(session: Session) -> None:
        assert base64.b64decode(session.line.split()[-1]).startswith(b"n,,n=u,r=")
        session.play([says(kind, "[AUTH] no")])

    played = script(kind, "SCRAM-SHA-256 SCRAM-SHA-256-PLUS PLAIN", plus, other)
    problem, sent = log_in(kind, played, certificate, authority.ca, version)
    assert problem
    assert problem.cause == "credentials"
    names = [line.split()[1] for line in sent if line.startswith(b"AUTH")]
    assert names == [b"SCRAM-SHA-256-PLUS", *([] if knows else [b"SCRAM-SHA-256"])]
    assert len(seen) == knows


@KINDS
@pytest.mark.parametrize("auth", ["cram-md5", "scram-sha-256", "login", "plain"])
@pytest.mark.parametrize(
    "challenge",
    [b"x" * 40_000, b"", b"\xff" * 100, b"r=,s=,i=0", b"Username:\r\n", b"e=" + b"x" * 30_000],
    ids=["long", "empty", "octets", "scram", "login", "refusal"],
)
def test_challenges_out_of_bounds(kind: str, auth: str, challenge: bytes, authority: Authority) -> None:
    played = script(kind, auth.upper(), asks(kind, *[challenge] * 10))
    problem, sent = log_in(kind, played, None, authority.ca, Auth=auth)
    assert problem
    assert problem.cause in ("protocol", "network")
    assert sum(exposes([line]) for line in sent) <= 2
    assert len(problem.message) < 2000
    assert len(sent) <= 4


@KINDS
def test_a_challenge_without_end(kind: str, authority: Authority) -> None:
    played = script(kind, "CRAM-MD5", lambda session: session.play([b"+ ", repeat(b"A" * 1000)]))
    problem, _ = log_in(kind, played, None, authority.ca)
    assert problem
    assert problem.cause == "protocol"


@pytest.mark.parametrize(
    ("capabilities", "auth", "cause", "sent"),
    [
        ("LOGINDISABLED", "auto", "tls", []),
        ("LOGINDISABLED", "login", "protocol", []),
        ("LOGINDISABLED AUTH=NTLM", "auto", "tls", []),
        ("LOGINDISABLED AUTH=LOGIN", "auto", None, [b"AUTHENTICATE LOGIN"]),
        ("LOGINDISABLED AUTH=PLAIN", "auto", None, [b"AUTHENTICATE PLAIN"]),
        ("AUTH=LOGIN", "auto", None, [b"LOGIN u"]),
        ("AUTH=CRAM-MD5", "plain", "protocol", []),
        ("AUTH=PLAIN", "cram-md5", "protocol", []),
        ("AUTH=PLAIN", "external", "protocol", []),
    ],
)
def test_what_an_imap_server_offers(
    capabilities: str, auth: str, cause: str | None, sent: list[bytes], authority: Authority
) -> None:
    def step(session: Session) -> None:
        match = session.match
        assert match
        if b"AUTHENTICATE LOGIN" in session.line:
            for words in (b"User Name\0", b"Password\0"):
                session.send(b"+ " + base64.b64encode(words) + b"\r\n")
                session.read_line()
        elif b"AUTHENTICATE" in session.line:
            session.send(b"+ \r\n")
            session.read_line()
        session.send(match["tag"] + b" OK in\r\n")

    played = imap({ANY: step}, capabilities=f"IMAP4rev1 {capabilities}")
    problem, lines = log_in("imap", played, None, authority.ca, Auth=auth)
    assert (problem and problem.cause) == cause
    begun = [line.replace(b'"', b"") for line in lines if not line.isalnum()]
    assert [line.startswith(start) for line, start in zip(begun, sent, strict=False)] == [True] * len(sent)
    assert bool(lines) == bool(sent)


STAMP = b"<1896.697170952@dbc.mtview.ca.us>"


@pytest.mark.parametrize(
    ("greeting", "sent"),
    [
        (b"+OK ready " + STAMP, True),
        (b"+OK " + STAMP + b" ready <x>", True),
        (b"+OK ready", False),
        (b"+OK <no-stamp>", False),
        # What is no msg-id may be an attack on MD5 (CVE-2007-1558).
        (b"+OK <\xff\x80@h>", False),
        (b"+OK <a b@h>", False),
        (b"+OK <a\x01@h>", False),
        (b"+OK <@>", False),
        (b"+OK <" + b"@" * 60_000, False),
    ],
)
def test_apop_takes_a_time_stamp(greeting: bytes, sent: bool, authority: Authority) -> None:
    played = [greeting + b"\r\n", *pop3(overrides={"APOP .*": b"+OK\r\n"})[1:]]
    problem, lines = log_in("pop3", played, None, authority.ca, Auth="apop")
    assert (problem is None) == sent
    assert len(lines) == sent
    assert not exposes(lines)
    if problem:
        assert problem.cause == "protocol"


def test_apop_is_not_chosen(authority: Authority) -> None:
    """Many servers show a time stamp and do not know the password."""
    played = [b"+OK ready " + STAMP + b"\r\n", *pop3()[1:]]
    problem, lines = log_in("pop3", played, None, authority.ca)
    assert problem is None
    assert lines == [b"USER u", b"PASS " + PASSWORD.encode()]
    refused = [b"+OK " + STAMP + b"\r\n", *pop3(overrides={"APOP .*": b"-ERR [AUTH] no\r\n"})[1:]]
    problem, lines = log_in("pop3", refused, None, authority.ca, Auth="apop")
    assert problem
    assert problem.cause == "credentials"
    assert len(lines) == 1


def test_a_pop3_server_that_does_not_tell_what_it_can_do(authority: Authority) -> None:
    silent: dict[str, Step] = {"CAPA": b"-ERR\r\n"}
    problem, lines = log_in("pop3", pop3(overrides=silent), None, authority.ca)
    assert problem is None
    assert lines[0] == b"USER u"
    silent[AUTH] = asks("pop3", b"<1@h>", end="OK")
    problem, lines = log_in("pop3", pop3(overrides=silent), None, authority.ca, Auth="cram-md5")
    assert problem is None
    assert (lines[0], len(lines)) == (b"AUTH CRAM-MD5", 2)
