# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which mailbox an input means, and what its protocol does not have; tests/mail has what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cockpit_getmail import database, units
from cockpit_getmail.actions import remote
from cockpit_getmail.actions.read import capabilities, certificate, folders, namespace, quota, rights
from cockpit_getmail.problem import Problem, failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.settings import Settings

NAME, POP3, SECRET = "u@h", "p@h", "geheim-4711"
STORED = {
    "Retriever": "SimpleIMAPRetriever",
    "Server": "h",
    "Username": "u",
    "Password": SECRET,
    "CAFile": "/ca.pem",
    "Account": "ann",
    "Label": "work",
    "Folders": "Work*",
    "FolderMap": "keep",
    "status": "disabled",
}
CHECK = {"action": "check-credentials"}
FORM = {**CHECK, "Retriever": "SimpleIMAPRetriever", "Server": "new", "Username": "me", "Password": "mine"}


@pytest.fixture
def visited(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Connector, Any]]:
    """Connectors in the database; what mailboxes are visited, and for what."""
    with database.transaction(settings.connectors_db) as content:
        content.put(NAME, "getmail", STORED)
        pop3 = {prop: value for prop, value in STORED.items() if not prop.startswith("Folder")}
        content.put(POP3, "getmail", {**pop3, "Retriever": "SimplePOP3Retriever", "Label": "old"})
    found: list[tuple[Connector, Any]] = []

    def visit(connector: Connector, _settings: Settings, request: Mapping[str, Any]) -> dict[str, Any]:
        found.append((connector, request))
        return {"told": True}

    monkeypatch.setattr(units, "visit", visit)
    return found


def faults(settings: Settings, data: dict[str, Any], **options: bool) -> dict[str, str]:
    with pytest.raises(Problem) as caught:
        remote.ask(data, settings, {"about": "x"}, **options)
    assert caught.value.type == "NotValid"
    assert isinstance(caught.value.attributes, list)
    return {fault["parameter"]: fault["error"] for fault in caught.value.attributes}


@pytest.mark.parametrize("data", [{"name": NAME}, {"name": "work"}, {"name": "work", "account": "ann"}])
def test_a_connector_is_named(
    settings: Settings, visited: list[tuple[Connector, Any]], data: dict[str, Any]
) -> None:
    assert remote.ask(data, settings, {"about": "x"}) == {"told": True}
    [(connector, request)] = visited
    assert (connector.name, connector.password, request) == (NAME, SECRET, {"about": "x"})
    assert (connector.folders, connector.keeps_folders) == ("Work*", True)


@pytest.mark.parametrize("data", [{"name": "none"}, {"name": "work", "exact": True}])
def test_there_is_no_such_connector(
    settings: Settings, visited: list[tuple[Connector, Any]], data: dict[str, Any]
) -> None:
    with pytest.raises(Problem) as caught:
        remote.ask(data, settings, {"about": "x"})
    assert (caught.value.type, visited) == ("NotFound", [])


def test_a_form_is_of_no_connector_or_changes_one(
    settings: Settings, visited: list[tuple[Connector, Any]]
) -> None:
    remote.ask({"form": {**FORM, "Folders": "*"}}, settings, {"about": "x"})
    remote.ask(
        {"form": {**CHECK, "name": NAME, "Search": "UNSEEN", "Password": ""}}, settings, {"about": "x"}
    )
    [(new, _), (changed, _)] = visited
    assert (new.name, new.server, new.password, new.folders) == ("", "new", "mine", "*")
    told = (changed.name, changed.server, changed.password, changed.folders, changed.search)
    assert told == (NAME, "h", SECRET, "Work*", "UNSEEN")
    with pytest.raises(Problem) as caught:
        remote.ask({"form": {**CHECK, "name": NAME, "Server": ""}}, settings, {"about": "x"})
    assert caught.value.type == "NotValid"


def test_what_pop3_does_not_have(settings: Settings, visited: list[tuple[Connector, Any]]) -> None:
    given = {"name": POP3, "folder": "Work", "search": "UNSEEN", "target": "x"}
    assert faults(settings, given) == dict.fromkeys(("folder", "search", "target"), "conflict")
    assert faults(settings, {"name": POP3}, only_imap=True) == {"name": "conflict"}
    form = {**FORM, "Retriever": "SimplePOP3Retriever"}
    assert faults(settings, {"form": form}, only_imap=True) == {"form.Retriever": "conflict"}
    for action in (quota, rights, namespace):
        with pytest.raises(Problem):
            action.answer({"name": POP3}, settings)
    assert visited == []
    remote.ask({"name": POP3, "folder": "inbox"}, settings, {"about": "x"})
    for other in (folders, capabilities):
        other.answer({"name": POP3}, settings)
    assert [request["about"] for _, request in visited] == ["x", "folders", "capabilities"]


def test_requests(settings: Settings, visited: list[tuple[Connector, Any]]) -> None:
    for action in (folders, capabilities, namespace, quota, rights):
        action.answer({"name": NAME}, settings)
    quota.answer({"name": NAME, "folder": "é"}, settings)
    assert [request for _, request in visited] == [
        {"about": "folders"},
        {"about": "capabilities"},
        {"about": "namespace"},
        {"about": "quota", "folder": "INBOX"},
        {"about": "rights", "folder": "INBOX"},
        {"about": "quota", "folder": "é"},
    ]


def test_to_look_at_a_certificate_no_secret_is_needed(
    settings: Settings, visited: list[tuple[Connector, Any]]
) -> None:
    form = {"Retriever": "SimplePOP3SSLRetriever", "Server": "h", "Port": "0995", "Fingerprint": "00" * 32}
    certificate.answer({"form": form}, settings)
    certificate.answer({"name": NAME}, settings)
    [(new, request), (stored, _)] = visited
    assert request == {"about": "certificate"}
    assert (new.server, new.port, new.props["Fingerprint"], new.implicit_tls) == ("h", 995, "00" * 32, True)
    assert (stored.name, stored.server, stored.props["CAFile"]) == (NAME, "h", "/ca.pem")
    assert not any((one.secrets or one.sealed) for one in (new, stored))


def test_a_certificate_behind_a_tunnel_that_is_not_allowed(
    settings: Settings, visited: list[tuple[Connector, Any]]
) -> None:
    with database.transaction(settings.connectors_db) as content:
        content.put("t@h", "getmail", {**STORED, "Label": "tunnel", "Tunnel": "/bin/imapd"})
    with pytest.raises(Problem) as caught:
        certificate.answer({"name": "t@h"}, settings)
    assert (caught.value.cause, visited) == ("settings", [])


def test_a_refused_log_in_is_told_as_it_was_met(
    settings: Settings, visited: list[tuple[Connector, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    met = failure("credentials", "No.", status="INVALID_CREDENTIALS")

    def visit(*_arguments: Any) -> dict[str, Any]:
        raise met

    monkeypatch.setattr(units, "visit", visit)
    with pytest.raises(Problem) as caught:
        remote.ask({"name": NAME}, settings, {"about": "x"})
    assert caught.value is met
