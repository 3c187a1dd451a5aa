# SPDX-License-Identifier: LGPL-2.1-or-later
"""api/read check-credentials against a real Dovecot, and passwords of every kind all the way to the mail."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.support.certificates import Authority
from tests.support.dovecot import Dovecot
from tests.support.hostile import Script, Server, drip, hang, imap, pop3, tagged
from tests.support.limits import soon

USER = "giacomo"
PASSWORD = "Nethesis,1234"
MESSAGES = 3
RETRIEVERS = {
    "SimpleIMAPRetriever": "imap",
    "SimpleIMAPSSLRetriever": "imaps",
    "SimplePOP3Retriever": "pop3",
    "SimplePOP3SSLRetriever": "pop3s",
}
PASSWORDS = {
    f"secret{number}": password
    for number, password in enumerate(
        [
            *(f"a{character}b" for character in "|\\=%\"'é😀"),
            " both ends ",
            "  |\\=%\"'é😀\\ ",
            "é😀" * 100,
        ]
    )
}
"""By user name."""

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    with Dovecot({USER: PASSWORD, **PASSWORDS}, certificate=authority.issue()) as running:
        running.fill(USER, MESSAGES)
        for user in PASSWORDS:
            running.fill(user, 1)
        yield running


@pytest.fixture
def ca(api: Api, authority: Authority) -> str:
    """The authority's file, where nobody can read it."""
    path = api.folder / "ca.pem"
    shutil.copy(authority.ca, path)
    path.chmod(0o644)
    return str(path)


def form(dovecot: Dovecot, retriever: str, **props: Any) -> dict[str, Any]:
    port = getattr(dovecot, RETRIEVERS[retriever])
    fixed = {"Server": dovecot.host, "Port": port, "Username": USER, "Password": PASSWORD}
    return {"action": "check-credentials", "Retriever": retriever, **fixed, **props}


def failed(api: Api, data: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a check that fails."""
    problem = api.fail("read", **data)
    assert problem["type"] == "GenericError"
    assert str(data["Password"]) not in problem["message"]
    attributes = problem["attributes"]
    assert isinstance(attributes, dict)
    assert attributes["hint"]
    return attributes


@pytest.mark.parametrize("retriever", RETRIEVERS)
@pytest.mark.parametrize("trust", ["CAFile", "Fingerprint"])
def test_log_in(
    api: Api, ca: str, authority: Authority, dovecot: Dovecot, retriever: str, trust: str
) -> None:
    """STARTTLS and STLS where the name does not say TLS; nothing is fetched or marked."""
    if trust == "Fingerprint":
        attributes = failed(api, form(dovecot, retriever))
        assert (attributes["status"], attributes["cause"]) == ("CONNECTION_IMPOSSIBLE", "tls")
        assert attributes["subject"] == "CN=Test server"
        assert attributes["issuer"] == "CN=Test authority"
        value = attributes["fingerprint"]
    else:
        value = ca
    answer = api.succeed("read", **form(dovecot, retriever, **{trust: value}))
    assert answer["tls"] == "TLSv1.3"
    assert (answer["folder"], answer["messages"]) == ("INBOX", MESSAGES)
    assert ("UIDL" if "POP3" in retriever else "UIDPLUS") in answer["capabilities"]
    assert dovecot.flags(USER) == [""] * MESSAGES
    assert not api.db.exists()
    assert not api.state.exists()


@pytest.mark.parametrize("retriever", ["SimpleIMAPRetriever", "SimplePOP3Retriever"])
def test_clear_channel(api: Api, dovecot: Dovecot, retriever: str) -> None:
    """`none` never asks for TLS."""
    answer = api.succeed("read", **form(dovecot, retriever, TLS="none"))
    assert (answer["tls"], answer["messages"]) == (None, MESSAGES)
    attributes = failed(api, form(dovecot, retriever, TLS="required"))
    assert attributes["cause"] == "tls"


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_wrong_password(api: Api, ca: str, dovecot: Dovecot, retriever: str) -> None:
    for change in ({"Password": "wrong|4711"}, {"Username": "nobody@nowhere"}):
        attributes = failed(api, form(dovecot, retriever, CAFile=ca, **change))
        assert (attributes["status"], attributes["cause"]) == ("INVALID_CREDENTIALS", "credentials")


def test_fingerprint_of_another_certificate(api: Api, ca: str, dovecot: Dovecot) -> None:
    """Neither does a good authority help then."""
    for props in ({}, {"CAFile": ca}):
        attributes = failed(api, form(dovecot, "SimpleIMAPSSLRetriever", Fingerprint="00" * 32, **props))
        assert attributes["cause"] == "tls"


def test_authority_that_is_another(api: Api, dovecot: Dovecot, tmp_path: Path) -> None:
    other = api.folder / "other.pem"
    shutil.copy(Authority(tmp_path, "Other authority").ca, other)
    other.chmod(0o644)
    attributes = failed(api, form(dovecot, "SimplePOP3SSLRetriever", CAFile=str(other)))
    assert attributes["cause"] == "tls"
    assert len(attributes["fingerprint"]) == 64


@pytest.mark.parametrize("kind", ["expired", "wrong_host", "self_signed"])
def test_bad_certificate_is_shown_and_can_be_trusted(
    api: Api, ca: str, authority: Authority, kind: str
) -> None:
    certificate = getattr(authority, kind)()
    with Dovecot({USER: PASSWORD}, certificate=certificate) as dovecot:
        for retriever in ("SimpleIMAPRetriever", "SimplePOP3SSLRetriever"):
            attributes = failed(api, form(dovecot, retriever, CAFile=ca))
            assert attributes["cause"] == "tls"
            assert attributes["fingerprint"] == certificate.fingerprint
            # As people copy it, with colons, too.
            shown = certificate.fingerprint.upper()
            colons = ":".join(shown[index : index + 2] for index in range(0, 64, 2))
            answer = api.succeed("read", **form(dovecot, retriever, Fingerprint=colons))
            assert answer["tls"]


def test_nothing_listens_and_nobody_is_there(api: Api, dovecot: Dovecot) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for change in ({"Port": port}, {"Server": "nowhere.invalid"}, {"Server": "::1", "Port": port}):
        attributes = failed(api, form(dovecot, "SimpleIMAPSSLRetriever", **change))
        assert (attributes["status"], attributes["cause"]) == ("CONNECTION_IMPOSSIBLE", "network")


def test_port_of_another_protocol(api: Api, ca: str, dovecot: Dovecot) -> None:
    for retriever, port in (
        ("SimpleIMAPRetriever", dovecot.pop3),
        ("SimplePOP3Retriever", dovecot.imap),
        ("SimpleIMAPSSLRetriever", dovecot.imap),
    ):
        attributes = failed(api, form(dovecot, retriever, Port=port, CAFile=ca))
        assert attributes["status"] == "CONNECTION_IMPOSSIBLE"
        assert attributes["cause"] in ("protocol", "tls")
    attributes = failed(
        api.having(CHECK_TIMEOUT="1"), form(dovecot, "SimpleIMAPRetriever", Port=dovecot.imaps)
    )
    assert attributes["status"] == "CONNECTION_IMPOSSIBLE"


def test_mailbox_that_may_not_be_opened(api: Api) -> None:
    closed = imap({"(?:SELECT|EXAMINE) .*": tagged(status=b"NO [NOPERM] \x1b[2Jgo away")})
    locked = pop3(overrides={"PASS .*": b"-ERR [IN-USE] locked\r\n"})
    scripts: dict[str, Script] = {"SimpleIMAPRetriever": closed, "SimplePOP3Retriever": locked}
    for retriever, script in scripts.items():
        with Server(script) as server:
            data = form(Dovecot({}), retriever, Port=server.port)
            problem = api.fail("read", **data)
        assert problem["attributes"]["status"] == "NO_ACCESS_TO_ALL_MAIL", problem
        assert "\x1b" not in problem["message"]


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_time_is_overall(api: Api, retriever: str) -> None:
    """Against servers that say nothing, or an octet now and then, wherever they do it."""
    greeting = b"+OK\r\n" if "POP3" in retriever else b"* OK ready\r\n"
    untagged = b"+OK\r\nUSER\r\n" if "POP3" in retriever else b"* CAPABILITY IMAP4rev1\r\n"
    scripts: list[Script] = [[hang], [drip(b"* OK ", 0.1)]]
    if "SSL" not in retriever:
        scripts.append([greeting, drip(untagged, 0.02)])
    for script in scripts:
        with Server(script) as server, soon():
            attributes = failed(api.having(CHECK_TIMEOUT="1"), form(Dovecot({}), retriever, Port=server.port))
        assert attributes["status"] == "CONNECTION_IMPOSSIBLE"


def test_ca_file_that_cannot_be_read(api: Api, dovecot: Dovecot) -> None:
    private = api.folder / "private.pem"
    private.write_text("")
    private.chmod(0)
    rubbish = api.folder / "rubbish.pem"
    rubbish.write_text("rubbish")
    rubbish.chmod(0o644)
    for path in (private, rubbish, api.folder / "none.pem", api.folder):
        problem = api.fail("read", **form(dovecot, "SimpleIMAPSSLRetriever", CAFile=str(path)))
        assert problem["type"] == "GenericError"
        assert str(path) in problem["message"] or "CAFile" in problem["message"], problem


@pytest.mark.parametrize("retriever", ["SimpleIMAPRetriever", "SimplePOP3Retriever"])
def test_any_password_goes_all_the_way(api: Api, ca: str, dovecot: Dovecot, retriever: str) -> None:
    """create, list, check-credentials, and a fetch in the foreground."""
    for user, password in PASSWORDS.items():
        props = form(dovecot, retriever, Username=user, Password=password, CAFile=ca)
        assert api.succeed("read", **props)["messages"] == 1, password
        created = api.succeed("create", **{**props, "action": "create", "Account": f"for-{user}@here"})
        done = fetch(api, created["name"])
        assert done.returncode == 0, (password, done.stderr)
        said = done.stdout + done.stderr
        # Some of these passwords are found in any text.
        assert len(password) < 4 or password not in said
        mail = api.folder / "mail" / f"for-{user}@here" / "new"
        stored = [path.read_bytes() for path in mail.iterdir()]
        assert stored == [message.replace(b"\r\n", b"\n") for message in dovecot.messages(user)]
    records = [record for group in api.connectors().values() for record in group]
    listed = {record["props"]["Username"]: record["props"]["Password"] for record in records}
    assert listed == PASSWORDS


def fetch(api: Api, name: str) -> subprocess.CompletedProcess[str]:
    assert api.user
    command = Path(sys.executable).with_name("cockpit-getmail")
    return subprocess.run(
        [*api.argv(command), "fetch", "--", name],
        env=api.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
