# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each way to log in, at a Dovecot that has them all, and at one that has only hashes of the passwords."""

import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from cockpit_getmail import retriever as retrievers
from cockpit_getmail.connector import CLIENT_PEM, Connector
from cockpit_getmail.login import client_certificate
from cockpit_getmail.problem import Problem
from tests.support.certificates import Authority, Certificate
from tests.support.dovecot import Dovecot
from tests.support.fetching import Account, make_connector
from tests.support.hostile import Server, imap, pop3

PASSWORD = "Nethesis,1234"
# RFC 4013 would have all of these otherwise.
ODD = {
    "odd-space": "a\u00a0b",
    "odd-hyphen": "ge\u00adheim",
    "odd-form": "e\u0301 \u2168",
    "odd-face": "😀 ﬁ",
}
USERS = {"giacomo": PASSWORD, "a,b=c": "x,y=z", "ünïcode": "pässwörd", **ODD}
MECHANISMS = """
auth_mechanisms = plain login cram-md5 apop scram-sha-256 external
auth_master_user_separator = *
ssl_cert_username_field = commonName
ssl_verify_client_cert = yes
ssl_require_crl = no
ssl_ca = <{ca}
passdb {{
  driver = passwd-file
  args = FOLDER/users
  master = yes
}}
passdb {{
  driver = static
  mechanisms = external
  args = nopassword=y
}}
"""
RETRIEVERS = {"imap": "SimpleIMAPRetriever", "pop3": "SimplePOP3Retriever"}
KINDS = pytest.mark.parametrize("kind", ["imap", "pop3"])
WITH_PASSWORD = ("plain", "login", "cram-md5", "scram-sha-256", "auto")


@pytest.fixture(scope="module")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    extra = MECHANISMS.format(ca=authority.ca) + "auth_ssl_username_from_cert = yes"
    with Dovecot(USERS, certificate=authority.issue(), extra=extra) as dovecot:
        for user in USERS:
            dovecot.fill(user, 1)
        yield dovecot


@pytest.fixture(scope="module")
def hashing(authority: Authority) -> Iterator[Dovecot]:
    """It offers what it cannot do for anybody but `plain`."""
    hashed = subprocess.run(
        ["doveadm", "pw", "-s", "SHA512-CRYPT", "-p", PASSWORD], check=True, capture_output=True, text=True
    )
    extra = MECHANISMS.format(ca=authority.ca)
    with Dovecot(
        {"plain": PASSWORD},
        hashes={"giacomo": hashed.stdout.strip()},
        certificate=authority.issue(),
        extra=extra,
    ) as dovecot:
        yield dovecot


def check(
    dovecot: Dovecot,
    kind: str,
    ca: Path | None,
    password: str = PASSWORD,
    client: Certificate | None = None,
    **props: str,
) -> dict[str, object]:
    secrets = {"Password": password} if password else {}
    if client:
        client.key.chmod(0o600)
        props |= {"ClientCert": str(client.pem), "ClientKey": str(client.key)}
        secrets[CLIENT_PEM] = client_certificate.read(props) or ""
    base = {"Retriever": RETRIEVERS[kind], "Server": dovecot.host, "Port": str(getattr(dovecot, kind))}
    base |= {"Username": "giacomo", "Account": "someone", **({} if ca else {"TLS": "none"})}
    connector = Connector("n", {**base, **props}, secrets)
    return retrievers.check(connector, ca.read_text() if ca else None, 10.0)


def refusal(*args: object, **more: object) -> Problem:
    with pytest.raises(Problem) as caught:
        check(*args, **more)  # type: ignore[arg-type]
    return caught.value


def logs_in(dovecot: Dovecot, *args: Any, **more: Any) -> tuple[object, str]:
    """Return how many messages there are, and by which mechanism the server let us in."""
    before = len(log_ins(dovecot))
    messages = check(dovecot, *args, **more)["messages"]
    wait_for(lambda: len(log_ins(dovecot)) > before)
    return messages, log_ins(dovecot)[-1].partition("method=")[2].partition(",")[0]


def log_ins(dovecot: Dovecot) -> list[str]:
    return [line for line in dovecot.log().splitlines() if "Login: user=" in line]


def wait_for(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@KINDS
@pytest.mark.parametrize("encrypted", [False, True])
@pytest.mark.parametrize("auth", WITH_PASSWORD)
def test_each_way(kind: str, auth: str, encrypted: bool, dovecot: Dovecot, authority: Authority) -> None:
    ca = authority.ca if encrypted else None
    mechanism = "SCRAM-SHA-256" if auth == "auto" else auth.upper()
    assert logs_in(dovecot, kind, ca, Auth=auth) == (1, mechanism)
    wrong = refusal(dovecot, kind, ca, PASSWORD + "x", Auth=auth)
    assert wrong.cause == "credentials"
    assert PASSWORD not in wrong.message


@pytest.mark.parametrize("encrypted", [False, True])
def test_apop(encrypted: bool, dovecot: Dovecot, authority: Authority) -> None:
    ca = authority.ca if encrypted else None
    assert logs_in(dovecot, "pop3", ca, Auth="apop") == (1, "APOP")
    assert refusal(dovecot, "pop3", ca, "wrong", Auth="apop").cause == "credentials"


@KINDS
@pytest.mark.parametrize("auth", [*WITH_PASSWORD, "apop"])
@pytest.mark.parametrize("user", USERS)
def test_any_user_and_password_by_any_way(
    kind: str, auth: str, user: str, dovecot: Dovecot, authority: Authority
) -> None:
    if auth == "apop" and (kind == "imap" or not user.isascii()):
        return
    assert check(dovecot, kind, authority.ca, USERS[user], Auth=auth, Username=user)["messages"] == 1


@KINDS
@pytest.mark.parametrize("auth", ["auto", "external"])
def test_certificate_of_the_client(kind: str, auth: str, dovecot: Dovecot, authority: Authority) -> None:
    client = authority.issue_client("giacomo")
    assert logs_in(dovecot, kind, authority.ca, "", client, Auth=auth) == (1, "EXTERNAL")
    problem = refusal(dovecot, kind, authority.ca, "", client, Auth=auth, Username="a,b=c")
    assert problem.cause == "credentials"
    assert isinstance(problem.attributes, dict)
    assert "certificate" in problem.attributes["hint"]


@KINDS
def test_certificate_of_nobody(kind: str, dovecot: Dovecot, tmp_path: Path, authority: Authority) -> None:
    stranger = Authority(tmp_path, "Strange authority").issue_client("giacomo")
    assert refusal(dovecot, kind, authority.ca, "", stranger, Auth="external").cause in ("credentials", "tls")


@KINDS
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_server_that_takes_no_other_certificate(
    kind: str, version: ssl.TLSVersion, tmp_path: Path, authority: Authority
) -> None:
    certificate = authority.issue()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.pem, certificate.key)
    context.load_verify_locations(authority.ca)
    context.verify_mode = ssl.CERT_REQUIRED
    context.maximum_version = version
    stranger = Authority(tmp_path, "Strange authority").issue_client("giacomo")
    script = pop3() if kind == "pop3" else imap({})
    retriever = RETRIEVERS[kind].replace("Retriever", "SSLRetriever")
    with Server(script, tls=context) as server:
        place: Any = SimpleNamespace(host="127.0.0.1", imap=server.port, pop3=server.port)
        for client, words in ((None, "wants a certificate"), (stranger, "does not take the client's")):
            problem = refusal(place, kind, authority.ca, PASSWORD, client, Retriever=retriever)
            assert problem.cause == "tls"
            # Before TLS 1.3 a server does not say of what there was none.
            if client or version == ssl.TLSVersion.TLSv1_3:
                assert words in problem.message
                assert isinstance(problem.attributes, dict)
                assert "ClientCert" in problem.attributes["hint"]
        ours = authority.issue_client("giacomo")
        assert check(place, kind, authority.ca, PASSWORD, ours, Retriever=retriever)["tls"]


@KINDS
@pytest.mark.parametrize("auth", ["plain", "login", "scram-sha-256", "auto"])
def test_master_users(kind: str, auth: str, dovecot: Dovecot, authority: Authority) -> None:
    """Dovecot lets `a,b=c` in as `giacomo`."""
    messages, _ = logs_in(dovecot, kind, authority.ca, "x,y=z", Auth=auth, Username="giacomo*a,b=c")
    assert messages == 1
    assert "user=<giacomo>" in log_ins(dovecot)[-1]
    # With SCRAM, Dovecot says of one's own password that it gives no right to the other's account.
    wrong = refusal(dovecot, kind, authority.ca, PASSWORD, Auth=auth, Username="giacomo*a,b=c")
    assert wrong.cause in ("credentials", "mailbox")


# A server that has hashes


@KINDS
def test_what_a_server_cannot_do_is_passed_over(
    kind: str, hashing: Dovecot, authority: Authority, tmp_path: Path
) -> None:
    assert logs_in(hashing, kind, authority.ca) == (0, "PLAIN")
    connector = make_connector(
        RETRIEVERS[kind], getattr(hashing, kind), Username="giacomo", Password=PASSWORD
    )
    account = Account(tmp_path)
    assert account.fetch(connector, authority.ca.read_text()).messages == 0
    assert any("SCRAM-SHA-256 and refuses it: logged in by PLAIN" in line for line in account.log.said)
    for auth in ("cram-md5", "scram-sha-256"):
        assert refusal(hashing, kind, authority.ca, Auth=auth).cause == "credentials"


@KINDS
def test_in_clear_nothing_is_passed_over(kind: str, hashing: Dovecot) -> None:
    problem = refusal(hashing, kind, None)
    assert problem.cause == "credentials"
    assert isinstance(problem.attributes, dict)
    assert "SCRAM-SHA-256" in problem.attributes["hint"]
    assert check(hashing, kind, None, Auth="plain")["messages"] == 0


@KINDS
def test_a_wrong_password_is_tried_once(kind: str, hashing: Dovecot, authority: Authority) -> None:
    """Where the server has what the mechanism needs, its refusal is one of the password."""
    session = f"user=<plain-{kind}>"
    hashing.add_user(f"plain-{kind}", PASSWORD)
    assert refusal(hashing, kind, authority.ca, "wrong", Username=f"plain-{kind}").cause == "credentials"
    wait_for(lambda: session in hashing.log())
    lines = [line for line in hashing.log().splitlines() if session in line]
    assert "auth failed, 1 attempts" in lines[0]


@KINDS
def test_a_certificate_that_the_server_does_not_know_is_passed_over(
    kind: str, hashing: Dovecot, authority: Authority
) -> None:
    client = authority.issue_client("plain")
    found = logs_in(hashing, kind, authority.ca, PASSWORD, client, Username="plain")
    assert found == (0, "SCRAM-SHA-256")
    for password, auth in (("", "auto"), (PASSWORD, "external")):
        problem = refusal(hashing, kind, authority.ca, password, client, Username="plain", Auth=auth)
        assert problem.cause == "credentials"
        assert isinstance(problem.attributes, dict)
        assert "certificate" in problem.attributes["hint"]
