# SPDX-License-Identifier: LGPL-2.1-or-later
"""TLS, time limits and certificates, through both protocols, with servers that do not mean well."""

import base64
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from cockpit_getmail import retriever as retrievers
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever.base import Retriever
from cockpit_getmail.transport import Connection
from tests.support.certificates import Authority, Certificate
from tests.support.fetching import Account, enter, make_connector
from tests.support.hostile import (
    Rules,
    Script,
    Server,
    Session,
    Step,
    close,
    drip,
    hang,
    imap,
    pop3,
    read,
    reply,
    stall_handshake,
    start_tls,
    tagged,
)
from tests.support.limits import waiting

MAIL = b"Subject: one\r\n\r\n".ljust(98, b"x") + b"\r\n"
CLEAR = {"imap": "SimpleIMAPRetriever", "pop3": "SimplePOP3Retriever"}
IMPLICIT = {"imap": "SimpleIMAPSSLRetriever", "pop3": "SimplePOP3SSLRetriever"}
LOG_IN = r".*(LOGIN|AUTH|USER|PASS|Z2Vo).*"
BODY = r"UID FETCH \S+ \(UID BODY\.PEEK\[\]\)"

KINDS = pytest.mark.parametrize("kind", ["imap", "pop3"])
CHANNELS = pytest.mark.parametrize("channel", ["implicit", "upgraded"])


@pytest.fixture(scope="module")
def good(authority: Authority) -> Certificate:
    return authority.issue()


def context(certificate: Certificate) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate.pem, certificate.key)
    return made


def mailbox(kind: str, overrides: Rules | None = None, capabilities: str = "") -> Script:
    """Return the script of a mailbox with one message."""
    if kind == "pop3":
        return pop3(
            {"uid1": MAIL}, overrides, ["UIDL", *capabilities.split(",")] if capabilities else ["UIDL"]
        )
    body = tagged(b"* 1 FETCH (UID 1 BODY[] {100}\r\n" + MAIL + b")\r\n")
    return imap({BODY: body, **(overrides or {})}, capabilities=f"IMAP4rev1 {capabilities}".strip())


def upgradable(kind: str, *steps: Step, capabilities: str = "") -> Script:
    """Return a mailbox that offers TLS, and takes these steps once it is asked for."""
    if kind == "pop3":
        return mailbox(kind, {"STLS": [b"+OK\r\n", *steps]}, f"STLS,{capabilities}".strip(","))
    return mailbox(kind, {"STARTTLS": [tagged(), *steps]}, f"STARTTLS {capabilities}".strip())


@contextmanager
def encrypted(kind: str, channel: str, certificate: Certificate) -> Iterator[tuple[Server, str]]:
    """A server with TLS, and the name of the retriever for it."""
    made = context(certificate)
    if channel == "implicit":
        with Server(mailbox(kind), tls=made) as server:
            yield server, IMPLICIT[kind]
    else:
        with Server(upgradable(kind, start_tls(made))) as server:
            yield server, CLEAR[kind]


def check(
    retriever: str, port: int, ca: str | None = None, timeout: float = 5.0, **props: str
) -> Problem | dict[str, object]:
    """Return what check-credentials finds, or why it cannot."""
    try:
        return retrievers.check(make_connector(retriever, port, **props), ca, timeout)
    except Problem as problem:
        return problem


def refusal(found: Problem | dict[str, object]) -> Problem:
    assert isinstance(found, Problem), found
    return found


def attributes(problem: Problem) -> Mapping[str, object]:
    assert isinstance(problem.attributes, Mapping)
    return problem.attributes


def session(
    retriever: str,
    port: int,
    *,
    tls_seen: bool = False,
    ca: str | None = None,
    timeout: float = 5.0,
    **props: str,
) -> Retriever:
    connector = make_connector(retriever, port, **props)
    return retrievers.make(connector, ca_pem=ca, tls_seen=tls_seen, timeout=timeout)


def opening_fails(made: Retriever) -> Problem:
    with pytest.raises(Problem) as caught:
        enter(made)
    made.close()
    return caught.value


# Time


LINE = {"imap": b"* OK slow\r\n", "pop3": b"+OK"}
HANDSHAKE = [read(50), drip(b"\x16\x03\x03\x40\x00" + bytes(9000), 0.01)]


def slow(kind: str, command: str) -> Script:
    """Return a mailbox whose answer to a command never ends, though something always comes."""
    return mailbox(kind, {command: drip(LINE[kind], 0.01)})


SLOW: dict[str, Callable[[str], Script]] = {
    "silent": lambda kind: [hang],
    "greeting": lambda kind: [drip(b"x", 0.02)],
    "greeting and no end": lambda kind: [drip(LINE[kind][:-2], 0.02)],
    "capabilities": lambda kind: slow(kind, "CAPA|CAPABILITY"),
    "log-in": lambda kind: slow(kind, LOG_IN),
    "mailbox": lambda kind: slow(kind, "STAT|EXAMINE.*"),
    "leaving": lambda kind: slow(kind, "QUIT|LOGOUT|UNSELECT"),
    "leaving in silence": lambda kind: mailbox(kind, {"QUIT|LOGOUT|UNSELECT": hang}),
    "handshake after upgrade": lambda kind: upgradable(kind, stall_handshake),
    "dripping handshake after upgrade": lambda kind: upgradable(kind, *HANDSHAKE),
}


@KINDS
@pytest.mark.parametrize("script", SLOW.values(), ids=SLOW.keys())
def test_check_ends_in_time(kind: str, script: Callable[[str], Script]) -> None:
    with Server(script(kind)) as server, waiting(seconds=0.7):
        found = check(CLEAR[kind], server.port, timeout=0.7)
    assert isinstance(found, dict) or found.cause == "network"


@KINDS
@pytest.mark.parametrize("script", [[hang], [stall_handshake], HANDSHAKE])
def test_a_handshake_that_stalls_ends_in_time(kind: str, script: Script) -> None:
    with Server(script) as server:
        with waiting(seconds=0.7):
            problem = refusal(check(IMPLICIT[kind], server.port, timeout=0.7))
        with waiting(seconds=1):
            assert opening_fails(session(IMPLICIT[kind], server.port, timeout=1.0)).cause == "network"
    assert problem.cause == "network"


def test_a_server_that_does_not_read_ends_in_time() -> None:
    with Server([lambda session: session.wait(60)]) as server:
        connection = Connection.open(Endpoint("127.0.0.1", server.port), implicit_tls=False, timeout=0.3)
        with waiting(seconds=0.3), pytest.raises(Problem) as caught:
            connection.write(bytes(100 << 20))
        connection.close()
    assert caught.value.cause == "network"


# A clear channel where none may be


@KINDS
def test_auto_is_clear_where_nothing_is_offered(kind: str) -> None:
    with Server(mailbox(kind)) as server:
        found = check(CLEAR[kind], server.port)
    assert isinstance(found, dict)
    assert (found["tls"], found["messages"]) == (None, 1)


@KINDS
def test_required_tls_that_is_not_offered(kind: str) -> None:
    with Server(mailbox(kind)) as server:
        assert refusal(check(CLEAR[kind], server.port, TLS="required")).cause == "tls"
        assert not server.commands(LOG_IN)


@KINDS
def test_a_certificate_to_believe_calls_for_tls(kind: str, authority: Authority) -> None:
    with Server(mailbox(kind)) as server:
        assert refusal(check(CLEAR[kind], server.port, Fingerprint="ab" * 32)).cause == "tls"
        assert refusal(check(CLEAR[kind], server.port, authority.ca.read_text())).cause == "tls"
        assert not server.commands(LOG_IN)


@KINDS
def test_tls_that_was_seen_and_is_no_longer_offered(kind: str) -> None:
    with Server(mailbox(kind)) as server:
        problem = opening_fails(session(CLEAR[kind], server.port, tls_seen=True))
        assert problem.cause == "tls"
        assert not server.commands(LOG_IN)


@KINDS
def test_none_never_asks(kind: str, good: Certificate) -> None:
    with Server(upgradable(kind, start_tls(context(good)))) as server:
        found = check(CLEAR[kind], server.port, TLS="none")
        assert isinstance(found, dict)
        assert not server.commands(r".*(STLS|STARTTLS)")


@KINDS
@pytest.mark.parametrize("policy", ["auto", "required"])
def test_tls_that_is_offered_and_refused(kind: str, policy: str) -> None:
    script = mailbox(
        kind,
        {"STLS": b"-ERR no\r\n", "STARTTLS": tagged(status=b"NO no")},
        "STLS" if kind == "pop3" else "STARTTLS",
    )
    with Server(script) as server:
        assert refusal(check(CLEAR[kind], server.port, TLS=policy)).cause == "tls"
        assert not server.commands(LOG_IN)


@KINDS
@pytest.mark.parametrize(
    "answer", [b"", b"BAD what?\r\n", b"\x15\x03\x03\x00\x02\x02\x28", b"\x16\x03\x01" + bytes(50)]
)
def test_a_handshake_that_fails_leaves_nothing_in_clear(kind: str, answer: bytes) -> None:
    with Server(upgradable(kind, answer, close), mailbox(kind)) as server:
        problem = refusal(check(CLEAR[kind], server.port))
        assert problem.cause in ("tls", "network")
        assert not server.commands(LOG_IN)
        assert server.connections == 1


INJECTED = {"imap": b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nx OK\r\n", "pop3": b"+OK injected\r\n"}


@KINDS
def test_text_after_the_answer_to_starttls_is_refused(kind: str, good: Certificate) -> None:
    made = context(good)
    answer: Step = reply(lambda match: b"+OK\r\n" + INJECTED[kind])
    if kind == "imap":
        answer = reply(lambda match: match["tag"] + b" OK go\r\n" + INJECTED[kind])
    command = {"imap": "STARTTLS", "pop3": "STLS"}[kind]
    with Server(mailbox(kind, {command: [answer, start_tls(made)]}, command)) as server:
        problem = refusal(check(CLEAR[kind], server.port, good.pem.read_text()))
        assert problem.cause == "tls"
        assert "in clear" in problem.message
        assert server.handshakes == 0
        assert not server.commands(LOG_IN)


@KINDS
def test_text_before_the_answer_to_starttls_counts_for_nothing(kind: str, authority: Authority) -> None:
    """What was said in clear is forgotten: here it would have a password sent in another form."""
    made = context(authority.issue())
    ca = authority.ca.read_text()
    if kind == "pop3":
        inside = mailbox(kind, capabilities="USER")[1]
        script = upgradable(kind, start_tls(made), inside, capabilities="SASL PLAIN,PIPELINING")
    else:
        inside = mailbox(kind)[1]
        script = upgradable(kind, start_tls(made), inside, capabilities="AUTH=PLAIN SASL-IR UIDPLUS")
    with Server(script) as server:
        found = check(CLEAR[kind], server.port, ca)
        assert isinstance(found, dict), found
        assert not {"PIPELINING", "UIDPLUS", "SASL PLAIN", "AUTH=PLAIN"} & set(found["capabilities"])  # type: ignore[call-overload]
        assert server.commands(r"(USER u|\S+ LOGIN .*)")
        assert not server.commands(r".*AUTH.*")


@pytest.mark.parametrize(("policy", "seen"), [("required", False), ("auto", True)])
def test_preauth_is_no_way_around_tls(policy: str, seen: bool, good: Certificate) -> None:
    script = [
        b"* PREAUTH welcome\r\n",
        mailbox("imap", {"STARTTLS": [tagged(), start_tls(context(good))]}, "STARTTLS")[1],
    ]
    with Server(script) as server:
        problem = opening_fails(session(CLEAR["imap"], server.port, tls_seen=seen, TLS=policy))
        assert problem.cause == "tls"
        assert not server.commands(r"\S+ (SELECT|EXAMINE|UID) .*")


def test_preauth_inside_tls_needs_no_log_in(authority: Authority, good: Certificate) -> None:
    script = [b"* PREAUTH welcome\r\n", mailbox("imap")[1]]
    with Server(script, tls=context(good)) as server:
        assert isinstance(check(IMPLICIT["imap"], server.port, authority.ca.read_text()), dict)
        assert not server.commands(LOG_IN)


@KINDS
def test_a_run_that_has_seen_tls_never_goes_back(kind: str, authority: Authority, tmp_path: Path) -> None:
    account = Account(tmp_path)
    ca = authority.ca.read_text()
    with Server(upgradable(kind, start_tls(context(authority.issue()))), mailbox(kind)) as server:
        connector = make_connector(CLEAR[kind], server.port)
        assert account.fetch(connector, ca).messages == 1
        logged_in = server.commands(LOG_IN)
        assert account.fails(connector).cause == "tls"
        assert server.commands(LOG_IN) == logged_in
        assert server.connections == 2


# Certificates


@KINDS
@CHANNELS
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_a_certificate_of_the_cafile(
    kind: str, channel: str, name: str, authority: Authority, good: Certificate
) -> None:
    with encrypted(kind, channel, good) as (server, retriever):
        found = check(retriever, server.port, authority.ca.read_text(), Server=name, TLS="required")
    assert isinstance(found, dict), found
    assert str(found["tls"]).startswith("TLSv1.")
    assert found["messages"] == 1


BAD: dict[str, Callable[[Authority], Certificate]] = {
    "expired": Authority.expired,
    "of another host": Authority.wrong_host,
    "self-signed": Authority.self_signed,
}
BAD_CERTIFICATES = pytest.mark.parametrize("make", BAD.values(), ids=BAD.keys())


@KINDS
@CHANNELS
@BAD_CERTIFICATES
def test_a_bad_certificate_is_shown_and_nothing_is_sent(
    kind: str, channel: str, make: Callable[[Authority], Certificate], authority: Authority
) -> None:
    bad = make(authority)
    with encrypted(kind, channel, bad) as (server, retriever):
        problem = refusal(check(retriever, server.port, authority.ca.read_text()))
        assert not server.commands(LOG_IN)
    assert problem.cause == "tls"
    shown = attributes(problem)
    assert shown["fingerprint"] == bad.fingerprint
    assert str(shown["subject"]).startswith("CN=")
    assert shown["issuer"] == (
        "CN=Private server" if shown["subject"] == "CN=Private server" else "CN=Test authority"
    )
    assert shown["status"] == "CONNECTION_IMPOSSIBLE"


@KINDS
@CHANNELS
def test_a_private_authority_is_not_believed_without_cafile(
    kind: str, channel: str, good: Certificate, tmp_path: Path
) -> None:
    with encrypted(kind, channel, good) as (server, retriever):
        assert attributes(refusal(check(retriever, server.port)))["fingerprint"] == good.fingerprint
        other = Authority(tmp_path, "Another authority").ca.read_text()
        assert attributes(refusal(check(retriever, server.port, other)))["fingerprint"] == good.fingerprint
        assert not server.commands(LOG_IN)


@KINDS
@CHANNELS
@BAD_CERTIFICATES
@pytest.mark.parametrize(
    "form", [str, str.upper, lambda text: ":".join(text[i : i + 2] for i in range(0, 64, 2)).upper()]
)
def test_a_pinned_certificate(
    kind: str,
    channel: str,
    make: Callable[[Authority], Certificate],
    form: Callable[[str], str],
    authority: Authority,
) -> None:
    pinned = make(authority)
    with encrypted(kind, channel, pinned) as (server, retriever):
        found = check(retriever, server.port, Fingerprint=form(pinned.fingerprint))
    assert isinstance(found, dict), found
    assert found["tls"]


@KINDS
@CHANNELS
def test_another_certificate_than_the_pinned_one(
    kind: str, channel: str, authority: Authority, good: Certificate
) -> None:
    with encrypted(kind, channel, good) as (server, retriever):
        for wrong in ("0" * 64, "0", authority.self_signed().fingerprint, authority.certificate.fingerprint):
            problem = refusal(check(retriever, server.port, authority.ca.read_text(), Fingerprint=wrong))
            assert problem.cause == "tls"
            assert attributes(problem)["fingerprint"] == good.fingerprint
        assert not server.commands(".*(LOGIN|AUTH|USER|PASS|LOGOUT|QUIT).*")


@pytest.mark.parametrize(
    "ca", ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_cafile_that_is_none(ca: str, good: Certificate) -> None:
    with encrypted("imap", "implicit", good) as (server, retriever):
        problem = refusal(check(retriever, server.port, ca))
        assert not server.commands(LOG_IN)
    assert problem.cause in ("settings", "tls")


@KINDS
def test_a_server_that_strips_tls_while_its_certificate_is_looked_at(kind: str, authority: Authority) -> None:
    bad = authority.self_signed()
    with Server(upgradable(kind, start_tls(context(bad))), mailbox(kind)) as server:
        assert refusal(check(CLEAR[kind], server.port)).cause == "tls"
        assert server.connections == 2
        assert not server.commands(LOG_IN)


@KINDS
def test_a_server_without_tls_on_the_port_of_tls(kind: str) -> None:
    with Server(mailbox(kind)) as server:
        assert refusal(check(IMPLICIT[kind], server.port)).cause == "tls"


@KINDS
@CHANNELS
def test_a_message_cut_off_inside_tls(
    kind: str, channel: str, authority: Authority, good: Certificate, tmp_path: Path
) -> None:
    """The end of the connection without TLS saying so may be anyone's doing."""
    cut: dict[str, Step | Script] = {
        "RETR 1": [b"+OK\r\n" + MAIL[:50], close],
        BODY: [b"* 1 FETCH (UID 1 BODY[] {100}\r\n" + MAIL[:50], close],
    }
    made = context(good)
    if channel == "implicit":
        scripts: list[Script] = [mailbox(kind, cut), mailbox(kind)]
    else:
        scripts = [
            upgradable(kind, start_tls(made), mailbox(kind, cut)[1]),
            upgradable(kind, start_tls(made)),
        ]
    account = Account(tmp_path)
    ca = authority.ca.read_text()
    with Server(*scripts, tls=made if channel == "implicit" else None) as server:
        connector = make_connector((IMPLICIT if channel == "implicit" else CLEAR)[kind], server.port)
        with pytest.raises(Problem) as caught:
            account.fetch(connector, ca)
        assert caught.value.cause == "network"
        assert account.messages == []
        assert account.fetch(connector, ca).messages == 1
    assert account.messages == [MAIL.replace(b"\r\n", b"\n")]


# This host


@KINDS
@pytest.mark.parametrize("account", ["u", "u@here.example", "U"])
def test_an_account_is_not_pulled_into_itself(kind: str, account: str) -> None:
    with Server(mailbox(kind)) as server:
        problem = refusal(check(CLEAR[kind], server.port, Account=account))
        assert problem.cause == "policy"
        assert not server.commands(LOG_IN)


# Log-in


@pytest.mark.parametrize("password", ["é 😀", 'quote " and \\ backslash', " blanks "])
@pytest.mark.parametrize("capabilities", ["AUTH=PLAIN SASL-IR", "AUTH=PLAIN", ""])
def test_any_password_reaches_an_imap_server(password: str, capabilities: str) -> None:
    token = base64.b64encode(f"\0u\0{password}".encode()).decode()
    quoted = password.replace("\\", "\\\\").replace('"', '\\"')
    with Server(mailbox("imap", {"AUTHENTICATE PLAIN": ask_for_token}, capabilities)) as server:
        assert isinstance(check(CLEAR["imap"], server.port, Password=password), dict)
    said = b"\n".join(server.received)
    assert (token if capabilities else f'"u" "{quoted}"').encode() in said


def ask_for_token(session: Session) -> None:
    assert session.match
    tag = session.match["tag"]
    session.send(b"+ \r\n")
    session.read_line()
    session.send(tag + b" OK welcome\r\n")
