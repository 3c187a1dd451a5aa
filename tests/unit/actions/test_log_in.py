# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who takes the offer of encryption away gets no password; read/test_check_credentials.py has the rest."""

import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from cockpit_getmail import database
from cockpit_getmail.actions import log_in, remote
from cockpit_getmail.actions.read import check_credentials
from cockpit_getmail.connector import Connector, folder_name
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from cockpit_getmail.state import State
from cockpit_getmail.units import systemd
from tests.support import need_root
from tests.support.hostile import Server, imap, pop3

NAME = "u@127.0.0.1"
PROPS = {"Server": "127.0.0.1", "Username": "u", "Password": "geheim", "Account": "a"}
RETRIEVERS = {"SimpleIMAPRetriever": imap({}), "SimplePOP3Retriever": pop3()}


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Settings]:
    need_root()
    monkeypatch.setattr(systemd, "BOOTED", Path("/nowhere"))
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Settings(f"{folder}/connectors", folder)


def store(settings: Settings, *, seen: bool, **props: str) -> Connector:
    """Put a connector into the database whose runs have `seen` TLS, or not."""
    with database.transaction(settings.connectors_db) as content:
        content.put(NAME, "getmail", {**PROPS, **props})
    connector = Connector.from_record(NAME, {**PROPS, **props})
    folder = Path(settings.state_dir, folder_name(NAME))
    folder.mkdir(mode=0o700)
    with State(folder) as state:
        mailbox = state.begin(connector.mailbox, 1.0)
        if seen:
            mailbox.saw_tls()
    nobody = pwd.getpwnam("nobody")
    for path in (folder, *folder.iterdir()):
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
    return connector


@pytest.mark.long
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_a_server_that_no_longer_offers_tls_gets_no_password(settings: Settings, retriever: str) -> None:
    with Server(RETRIEVERS[retriever]) as server:
        store(settings, seen=True, Retriever=retriever, Port=str(server.port))
        check: dict[str, Any] = {"action": "check-credentials", "name": NAME}
        for data in ({"name": NAME}, {"form": check}):
            with pytest.raises(Problem) as caught:
                remote.ask(data, settings, {"about": "folders"})
            assert caught.value.cause == "tls"
        with pytest.raises(Problem) as caught:
            check_credentials.answer(check, settings)
        assert caught.value.cause == "tls"
        assert not server.commands(".*(LOGIN|USER|PASS|AUTH).*")


@pytest.mark.long
@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_a_stored_password_goes_nowhere_else(settings: Settings, retriever: str) -> None:
    """Who mistypes the name of a server has sent nobody the password."""
    with Server(RETRIEVERS[retriever]) as server, Server(RETRIEVERS[retriever]) as other:
        store(settings, seen=False, Retriever=retriever, Port=str(server.port))
        form: dict[str, Any] = {"action": "check-credentials", "name": NAME}
        for elsewhere in ({"Server": "localhost"}, {"Port": other.port}):
            given = {**form, **elsewhere, "Password": ""}
            with pytest.raises(Problem) as checked:
                check_credentials.answer(given, settings)
            with pytest.raises(Problem) as looked:
                remote.ask({"form": given}, settings, {"about": "folders"})
            fault = {"parameter": "Password", "value": None, "error": "required"}
            for caught in (checked, looked):
                assert (caught.value.type, caught.value.attributes) == ("NotValid", [fault])
        assert not server.commands(".*")
        assert not other.commands(".*")
        given = {**form, "Server": "localhost", "Port": other.port, "Password": "typed"}
        assert check_credentials.answer(given, settings)["state"] == "success"
        assert other.commands(".*typed.*")
        assert not other.commands(".*geheim.*")
        assert check_credentials.answer(form, settings)["state"] == "success"


@pytest.mark.long
def test_one_that_never_did_gets_it(settings: Settings) -> None:
    with Server(imap({})) as server:
        store(settings, seen=False, Retriever="SimpleIMAPRetriever", Port=str(server.port))
        assert remote.ask({"name": NAME}, settings, {"about": "capabilities"})["tls"] is None


@pytest.mark.long
@pytest.mark.parametrize("props", [{"TLS": "none"}, {"TLS": "required"}, {"Port": "1"}, {"Server": "other"}])
def test_what_runs_have_seen_is_of_one_server_and_of_auto(settings: Settings, props: dict[str, str]) -> None:
    connector = store(settings, seen=True, Retriever="SimpleIMAPRetriever")
    changed = Connector(NAME, {**connector.props, **props}, connector.secrets)
    assert log_in.hold_to_tls(changed, settings) == changed
    other = Connector(NAME, {**connector.props, "Username": "other"}, connector.secrets)
    for one in (connector, other):
        held = log_in.hold_to_tls(one, settings)
        assert (held.tls, held.password) == ("required", "geheim")
