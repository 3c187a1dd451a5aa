# SPDX-License-Identifier: LGPL-2.1-or-later
"""Access tokens of a real authorization server that rotates refresh tokens, and runs at a real Dovecot."""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from cockpit_getmail import database, login, retriever
from cockpit_getmail.connector import EXPIRES, Connector
from cockpit_getmail.oauth import broker, cache, flows, providers
from cockpit_getmail.oauth.exchange import ask
from cockpit_getmail.oauth.flows import Grant
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import place
from tests.support import refreshing
from tests.support.dovecot import Dovecot
from tests.support.fetching import Account
from tests.support.oidc import Oidc
from tests.support.refreshing import Plan

USER = "giacomo@example.com"
NAME = "giacomo@tokens"
MESSAGES = 5

pytestmark = pytest.mark.root


class Site(NamedTuple):
    """A connector in a database, and who gives it tokens."""

    settings: Settings
    oidc: Oidc
    run_folder: str

    @property
    def connector(self) -> Connector:
        record = database.read(self.settings.connectors_db).get(NAME)
        assert record
        return Connector.from_record(NAME, record.props)

    def refreshes(self) -> int:
        return sum(form.get("grant") == "refresh_token" for form in self.oidc.asked())


@pytest.fixture(scope="module")
def oidc() -> Iterator[Oidc]:
    with Oidc() as running:
        yield running


@pytest.fixture(scope="module")
def dovecot(oidc: Oidc) -> Iterator[Dovecot]:
    with Dovecot({USER: "unused"}, oauth2=oidc.introspection()) as running:
        running.fill(USER, MESSAGES)
        yield running


@pytest.fixture
def site(oidc: Oidc, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="cockpit-getmail-"))
    run_folder = str(folder / "run")
    monkeypatch.setattr(place, "RUN_FOLDER", run_folder)
    monkeypatch.setattr(cache, "_memory", {})
    yield Site(Settings(folder / "connectors", folder / "state"), oidc, run_folder)
    shutil.rmtree(folder)


def sign_in(site: Site, dovecot: Dovecot, client: str = "basic", **props: str) -> Connector:
    """Save a connector with the refresh token of a person's sign-in."""
    fixed = {
        "Retriever": "SimpleIMAPRetriever",
        "Server": dovecot.host,
        "Port": str(dovecot.imap),
        "Username": USER,
        "Account": "someone",
        "Delete": "0",
    }
    own = site.oidc.props(client, DeviceUrl=site.oidc.device_url)
    connector = Connector.from_record(NAME, {**fixed, **own})
    put(site, {**fixed, **own})
    broker.sign_in(connector, site.settings, grant(site, connector))
    put(site, {**fixed, **own, **site.connector.secrets, **props})
    return site.connector


def put(site: Site, props: dict[str, str]) -> None:
    with database.transaction(site.settings.connectors_db) as content:
        content.put(NAME, "getmail", props)


def grant(site: Site, connector: Connector) -> Grant:
    """Return what comes of a sign-in by device code."""
    provider, secret = providers.find(connector), connector.secrets.get("ClientSecret", "")
    asked = flows.start_device(provider, secret)
    code = flows.read_device(ask(connector, asked, site.settings), provider, asked)
    question = flows.poll_device(provider, code.device_code, secret)
    answer = ask(connector, question, site.settings)
    assert flows.read_poll(answer, provider, time.time(), question) == "pending"
    site.oidc.approve(code.address_with_code, USER)
    granted = flows.read_poll(ask(connector, question, site.settings), provider, time.time(), question)
    assert isinstance(granted, Grant)
    return granted


@pytest.mark.parametrize("client", ["basic", "public"])
def test_refresh_token_is_another_each_time(site: Site, dovecot: Dovecot, client: str) -> None:
    seen = {sign_in(site, dovecot, client).secrets["RefreshToken"]}
    for number in range(2, 5):
        broker.access_token(site.connector, site.settings, refused_at=time.time())
        seen.add(site.connector.secrets["RefreshToken"])
        assert len(seen) == number


def test_processes_that_want_a_token_at_once_refresh_once(site: Site, dovecot: Dovecot) -> None:
    sign_in(site, dovecot)
    before = site.refreshes()
    settings = site.settings
    plan = Plan(settings.connectors_db, settings.state_dir, site.run_folder, NAME)
    children = [refreshing.start(plan) for _ in range(3)]
    found = [refreshing.end(child) for child in children]
    assert [status for status, _, _ in found] == [0, 0, 0]
    assert len({got for _, got, _ in found}) == 1
    assert site.refreshes() == before + 1
    # Nobody has used one twice: that would have voided them all.
    assert broker.access_token(site.connector, settings, refused_at=time.time()).access_token


@pytest.mark.parametrize("kind", ["SimpleIMAPRetriever", "SimplePOP3Retriever"])
def test_runs_that_end_with_their_token_lose_and_repeat_nothing(
    site: Site, oidc: Oidc, kind: str, tmp_path: Path
) -> None:
    """The token is good at the server: only the run is told that it expires."""
    with Dovecot({USER: "unused"}, oauth2=oidc.introspection()) as own:
        own.fill(USER, MESSAGES)
        port = own.imap if kind == "SimpleIMAPRetriever" else own.pop3
        sign_in(site, own, Retriever=kind, Port=str(port))
        ready, problem = login.resolve(site.connector, site.settings)
        assert problem is None
        props = {**ready.props, EXPIRES: str(int(time.time()))}
        account = Account(tmp_path)
        found = [account.fetch(Connector(NAME, props, ready.secrets)) for _ in range(MESSAGES)]
        assert [(result.messages, result.failed) for result in found] == [(1, 0)] * MESSAGES
        assert [result.unfinished for result in found] == [True] * (MESSAGES - 1) + [False]
        assert found[-1].deleted == MESSAGES
        assert account.fetch(ready).messages == 0
    delivered = {path.read_bytes() for path in tmp_path.rglob("new/*")}
    assert len(delivered) == len(list(tmp_path.rglob("new/*"))) == MESSAGES


def test_sign_in_that_was_revoked(site: Site, dovecot: Dovecot) -> None:
    connector = sign_in(site, dovecot)
    site.oidc.forget("RefreshToken", "Grant")
    found, problem = login.resolve(connector, site.settings)
    assert not found.secrets
    assert problem
    assert (problem.cause, "invalid_grant" in problem.message) == ("credentials", True)
    assert problem.hint.startswith("Sign in again")
    assert connector.secrets["RefreshToken"] not in problem.message


def test_client_secret_that_is_wrong(site: Site, dovecot: Dovecot) -> None:
    sign_in(site, dovecot, ClientSecret="wrong")
    _, problem = login.resolve(site.connector, site.settings)
    assert problem
    assert (problem.cause, "invalid_client" in problem.message) == ("credentials", True)
    assert "client secret" in problem.hint
    # It has cost nothing: with the right one it goes on.
    put(site, {**dict(site.connector.props), **site.connector.secrets, "ClientSecret": Oidc.secret})
    assert login.resolve(site.connector, site.settings)[1] is None


def test_provider_that_is_down(site: Site, dovecot: Dovecot) -> None:
    connector = sign_in(site, dovecot)
    url = connector.props["TokenUrl"].rpartition(":")[0] + ":1/token"
    put(site, {**dict(connector.props), **connector.secrets, "TokenUrl": url})
    _, problem = login.resolve(site.connector, site.settings)
    assert problem
    assert problem.cause == "network"


@pytest.mark.parametrize("kind", ["client_credentials", "json", "pem"])
def test_organisation_gets_into_a_mailbox(site: Site, kind: str, tmp_path: Path) -> None:
    """By the application's own secret, or by the key of a service account, in Google's file or bare."""
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with (
        Oidc(mailbox=USER, issuer="robot@project", key=public) as oidc,
        Dovecot({USER: "unused"}, oauth2=oidc.introspection()) as own,
    ):
        path = tmp_path / "key"
        path.touch(0o600)
        google = {"client_email": "robot@project", "private_key": private, "token_uri": oidc.token_url}
        path.write_text(json.dumps(google) if kind == "json" else private)
        props = {
            "Retriever": "SimpleIMAPRetriever",
            "Server": own.host,
            "Port": str(own.imap),
            "Username": USER,
            "Account": "someone",
            "Provider": "custom",
            "Scope": "mail",
        }
        if kind == "client_credentials":
            client = {"ClientId": "basic", "ClientSecret": oidc.secret}
            given = {"Grant": kind, "TokenUrl": oidc.token_url, **client}
        elif kind == "json":
            given = {"Grant": "jwt", "KeyFile": str(path)}
        else:
            given = {
                "Grant": "jwt",
                "KeyFile": str(path),
                "TokenUrl": oidc.token_url,
                "ClientId": "robot@project",
            }
        put(site, {**props, **given})
        ready, problem = login.resolve(site.connector, site.settings)
        assert problem is None
        assert retriever.check(ready, None, 10.0)["folder"] == "INBOX"
        assert list(ready.secrets) == ["AccessToken"]
        again, _ = login.resolve(site.connector, site.settings)
        assert again == ready
