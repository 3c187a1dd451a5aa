# SPDX-License-Identifier: LGPL-2.1-or-later
"""With what a log-in is checked; tests/mail and tests/machine have what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cockpit_getmail import database, schema, units
from cockpit_getmail.actions import LOG_IN, log_in
from cockpit_getmail.actions.read import check_credentials
from cockpit_getmail.oauth import cache
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.units import place
from tests.support.tokens import TokenEndpoint

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.settings import Settings

NAME, SECRET = "u@h", "geheim-4711"
STORED = {
    "Retriever": "SimpleIMAPRetriever",
    "Server": "h",
    "Port": "1143",
    "TLS": "required",
    "CAFile": "/ca.pem",
    "Username": "u",
    "Password": SECRET,
    "Account": "ann",
    "Label": "work",
    # As an old database has them.
    "Delete": "never",
    "Fingerprint": "",
    "Colour": "blue",
}
GIVEN = {"Retriever": "SimplePOP3SSLRetriever", "Server": "other", "Username": "me", "Password": "mine"}
OVER_TLS = {"Retriever": "SimplePOP3SSLRetriever", "Port": None, "TLS": None}
"""The same server, better protected."""
ELSEWHERE: tuple[dict[str, Any], ...] = (
    {"Server": "other"},
    {"Port": 1144},
    {"TLS": "none"},
    {"TLS": "auto", "CAFile": None},
    {"Tunnel": "/bin/imapd"},
)
LOG_IN_OF_STORED = {prop: value for prop, value in STORED.items() if prop in LOG_IN and value}


@pytest.fixture
def checked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, str]]:
    """A connector in the database; what log-ins are checked with."""
    with database.transaction(settings.connectors_db) as content:
        content.put(NAME, "getmail", STORED)
        content.put("ibay", "ibay", STORED)
    found: list[dict[str, str]] = []

    def check(connector: Connector, _settings: Settings) -> dict[str, Any]:
        props = {**connector.props, **connector.secrets}
        found.append({prop: value for prop, value in props.items() if prop in LOG_IN})
        return {"tls": None, "capabilities": [], "folder": "INBOX", "messages": 0}

    monkeypatch.setattr(units, "check", check)
    return found


def ask(settings: Settings, **data: Any) -> dict[str, Any]:
    """Return the answer, as the helper has it. Raises Problem."""
    request = {"action": "check-credentials", **data}
    if faults := schema.check("read", "check-credentials", request):
        raise Problem("NotValid", "validation_failed", faults)
    return check_credentials.answer(request, settings)


def faults(settings: Settings, **data: Any) -> dict[str, str]:
    with pytest.raises(Problem) as caught:
        ask(settings, **data)
    assert caught.value.type == "NotValid"
    assert isinstance(caught.value.attributes, list)
    assert SECRET not in str(caught.value.attributes)
    return {fault["parameter"]: fault["error"] for fault in caught.value.attributes}


@pytest.mark.parametrize("name", [NAME, "work"])
@pytest.mark.parametrize(
    ("given", "changed"),
    [
        ({}, {}),
        ({"Password": ""}, {}),
        ({"Password": "new"}, {"Password": "new"}),
        ({"Server": "H.", "Port": 143}, {"Server": "H.", "Port": "143"}),
        ({"Port": None, "CAFile": None}, {"Port": None, "CAFile": None}),
        ({"CAFile": "/other.pem", "TLS": None}, {"CAFile": "/other.pem", "TLS": None}),
        ({"Fingerprint": "00" * 32}, {"Fingerprint": "00" * 32}),
        (OVER_TLS, OVER_TLS),
        ({"Time": 7, "SyncPeriod": None, "Label": None, "Account": "bob", "status": None}, {}),
        (GIVEN, GIVEN),
    ],
)
def test_what_is_not_given_is_as_it_is_stored(
    settings: Settings,
    checked: list[dict[str, str]],
    name: str,
    given: dict[str, Any],
    changed: dict[str, str | None],
) -> None:
    before = database.read(settings.connectors_db).get(NAME)
    if "SyncPeriod" in given:
        given = {prop: value for prop, value in given.items() if prop != "Time"}
    answer = ask(settings, name=name, account="ann", **given)
    expected = {**LOG_IN_OF_STORED, **changed}
    assert checked == [{prop: value for prop, value in expected.items() if value is not None}]
    assert SECRET not in str(answer)
    assert database.read(settings.connectors_db).get(NAME) == before


@pytest.mark.parametrize("given", ELSEWHERE)
def test_a_stored_password_is_only_of_the_place_that_is_stored(
    settings: Settings, checked: list[dict[str, str]], given: dict[str, Any]
) -> None:
    for more in ({}, {"Password": ""}, {"Username": "bob"}):
        assert faults(settings, name=NAME, **given, **more) == {"Password": "required"}
    assert not checked
    typed = log_in.find({"name": NAME, **given, "Password": "mine"}, settings)
    of_file = log_in.find({"name": NAME, **given, "PasswordFile": "/password"}, settings)
    assert [typed.password, of_file.password] == ["mine", ""]
    sealed = {prop: value for prop, value in STORED.items() if prop != "Password"}
    with database.transaction(settings.connectors_db) as content:
        content.put(NAME, "getmail", {**sealed, "SealedPassword": "c2VhbGVk"})
    assert faults(settings, name=NAME, **given) == {"Password": "required"}


@pytest.mark.parametrize("given", ELSEWHERE)
@pytest.mark.parametrize(
    "source", [{"PasswordFile": "/password"}, {"PasswordCommand": "/bin/password"}, {"Provider": "google"}]
)
def test_nor_what_else_logs_in(
    settings: Settings, checked: list[dict[str, str]], given: dict[str, Any], source: dict[str, str]
) -> None:
    stored = {**STORED, "Password": "", **source, **({"ClientId": "id"} if "Provider" in source else {})}
    with database.transaction(settings.connectors_db) as content:
        content.put(NAME, "getmail", stored)
    for more in ({}, source if "Provider" not in source else {}):
        with pytest.raises(Problem, match="Save the connector") as caught:
            ask(settings, name=NAME, **given, **more)
        assert caught.value.type == "Conflict"
    assert not checked


def test_where_no_secret_is_sent_none_is_asked_for(settings: Settings) -> None:
    shown = {"Auth": "external", "ClientCert": "/cert.pem"}
    with database.transaction(settings.connectors_db) as content:
        content.put("cert", "getmail", {**STORED, "Password": "", **shown})
        content.put("tunnel", "getmail", {**STORED, "Password": "", "Tunnel": "/bin/imapd"})
    for name in ("cert", "tunnel"):
        assert log_in.find({"name": name, "Server": "other"}, settings).server == "other"


@pytest.mark.parametrize("named", [{}, {"name": None}, {"name": ""}, {"name": "none"}, {"name": "ibay"}])
def test_name_of_none_is_ignored(
    settings: Settings, checked: list[dict[str, str]], named: dict[str, Any]
) -> None:
    ask(settings, **named, **GIVEN)
    assert checked == [GIVEN]
    assert faults(settings, **named) == dict.fromkeys(GIVEN, "required")
    assert faults(settings, **named, **{**GIVEN, "Password": ""}) == {"Password": "minLength"}
    words = {"Port": "type", "CAFile": "type", "TLS": "enum", "Label": "type", "Time": "type"}
    assert faults(settings, **named, **GIVEN, **dict.fromkeys(words)) == words
    assert len(checked) == 1


def test_what_a_connector_must_have_cannot_be_removed(
    settings: Settings, checked: list[dict[str, str]]
) -> None:
    words = {"Server": "type", "Username": "type", "Retriever": "enum", "Password": "type"}
    assert faults(settings, name=NAME, **dict.fromkeys(words)) == words
    # Against what is stored.
    assert faults(settings, name=NAME, Retriever="SimpleIMAPSSLRetriever", TLS="none") == {"TLS": "conflict"}
    assert not checked


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ({"Password": ""}, {"Password": "required"}),
        ({"Password": f"{SECRET}\n"}, {"Password": "format"}),
        (
            {"Password": "", "Server": "a b", "Port": "x"},
            {"Password": "required", "Server": "format", "Port": "integer"},
        ),
        ({"Retriever": "MultidropPOP3Retriever"}, {"Retriever": "enum"}),
        ({"Retriever": "SimplePOP3SSLRetriever", "TLS": "none"}, {"TLS": "conflict"}),
    ],
)
def test_faults_of_an_old_record_are_told_unless_they_are_mended(
    settings: Settings, checked: list[dict[str, str]], stored: dict[str, str], words: dict[str, str]
) -> None:
    with database.transaction(settings.connectors_db) as content:
        content.put(NAME, "getmail", STORED | stored)
    assert faults(settings, name=NAME) == words
    assert not checked
    ask(settings, name=NAME, **GIVEN, Port=1, TLS="auto")
    assert len(checked) == 1


def test_label_of_several_is_ambiguous(settings: Settings, checked: list[dict[str, str]]) -> None:
    with database.transaction(settings.connectors_db) as content:
        content.put("v@h", "getmail", {**STORED, "Account": "bob", "Username": "v"})
    with pytest.raises(Problem) as caught:
        ask(settings, name="work")
    assert caught.value.type == "Conflict"
    ask(settings, name="work", account="bob")
    assert [props["Username"] for props in checked] == ["v"]


OAUTH = {
    **{prop: value for prop, value in STORED.items() if prop not in ("Password", "CAFile")},
    "Provider": "custom",
    "ClientId": "id",
    "RefreshToken": "refresh-0",
}


@pytest.mark.long
def test_saved_sign_in_is_checked(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, "RUN_FOLDER", str(tmp_path / "run"))
    monkeypatch.setattr(cache, "_memory", {})
    found: list[Connector] = []
    refusal: list[Problem] = []

    def check(connector: Connector, _settings: Settings) -> dict[str, Any]:
        found.append(connector)
        if refusal:
            raise refusal[0]
        return {"tls": None, "capabilities": [], "folder": "INBOX", "messages": 0}

    monkeypatch.setattr(units, "check", check)
    with TokenEndpoint() as provider:
        with database.transaction(settings.connectors_db) as content:
            content.put("oauth", "getmail", {**OAUTH, "TokenUrl": provider.url})
        ask(settings, name="oauth", Username="new")
        assert (found[0].username, found[0].secrets) == ("new", {"AccessToken": "access-1"})
        refusal.append(failure("credentials", "No."))
        for _ in range(2):
            with pytest.raises(Problem, match="No"):
                ask(settings, name="oauth")
        tokens = [connector.access_token for connector in found]
        # One that a server refused is not tried again.
        assert tokens == ["access-1", "access-1", "access-2"]
        provider.answer = (400, b'{"error": "invalid_grant"}')
        with pytest.raises(Problem) as raised:
            ask(settings, name="oauth")
    assert isinstance(raised.value.attributes, dict)
    assert raised.value.attributes["status"] == "INVALID_CREDENTIALS"
    assert "Sign in again" in raised.value.attributes["hint"]


@pytest.mark.parametrize(
    "given",
    [
        {"name": "oauth", "ClientId": "new"},
        {"name": "oauth", "RefreshToken": "new"},
        {"name": "oauth", "Scope": "new"},
        {"name": "robot", "Username": "new"},
        {"name": "office", "Retriever": "SimplePOP3SSLRetriever"},
        {
            "Retriever": "SimpleIMAPRetriever",
            "Server": "h",
            "Username": "u",
            "Provider": "google",
            "ClientId": "id",
        },
    ],
)
def test_sign_in_that_is_not_saved_is_not_checked(
    settings: Settings, checked: list[dict[str, str]], given: dict[str, str]
) -> None:
    with database.transaction(settings.connectors_db) as content:
        content.put("oauth", "getmail", {**OAUTH, "TokenUrl": "http://127.0.0.1:1/"})
        content.put("robot", "getmail", {**OAUTH, "Provider": "google", "Grant": "jwt", "KeyFile": "/key"})
        content.put("office", "getmail", {**OAUTH, "Provider": "microsoft", "TLS": "auto"})
    with pytest.raises(Problem, match="Save the connector") as raised:
        ask(settings, **given)
    assert raised.value.type == "Conflict"
    assert not checked
