# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run is told of a connector's secrets: the one that it logs in with."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cockpit_getmail import database, login, status_file
from cockpit_getmail.connector import EXPIRES, Connector, folder_name
from cockpit_getmail.login.sealed import seal
from cockpit_getmail.oauth import cache
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import place
from tests.support import need_programs, need_root
from tests.support.tokens import TokenEndpoint
from tests.unit.test_status import report

if TYPE_CHECKING:
    from collections.abc import Iterator

NAME = "u@h"
PROPS = {"Retriever": "SimpleIMAPSSLRetriever", "Server": "h", "Username": "u", "Account": "a"}
OAUTH = {**PROPS, "Provider": "custom", "ClientId": "id", "ClientSecret": "cs", "RefreshToken": "refresh-0"}


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(place, "RUN_FOLDER", str(tmp_path / "run"))
    monkeypatch.setattr(cache, "_memory", {})
    return Settings(tmp_path / "db" / "connectors", tmp_path / "state")


@pytest.fixture
def provider() -> Iterator[TokenEndpoint]:
    with TokenEndpoint() as running:
        yield running


def put(settings: Settings, props: dict[str, str]) -> Connector:
    with database.transaction(settings.connectors_db) as content:
        content.put(NAME, "getmail", props)
    return Connector.from_record(NAME, props)


def test_password_alone(settings: Settings) -> None:
    stored = {
        **PROPS,
        "Password": "p",
        "RefreshToken": "r",
        "ClientSecret": "c",
        "provider_token_secret": "s",
    }
    found, problem = login.resolve(put(settings, stored), settings)
    assert (found, problem) == (Connector(NAME, PROPS, {"Password": "p"}), None)


def test_password_stays_sealed(settings: Settings) -> None:
    stored = {**PROPS, "SealedPassword": "cA==", "SealedClientSecret": "cA=="}
    found, problem = login.resolve(put(settings, stored), settings)
    assert (found, problem) == (Connector(NAME, PROPS, {}, {"Password": "cA=="}), None)


def test_password_of_a_file(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.touch(0o600)
    path.write_text("of a file\n")
    found, _ = login.resolve(put(settings, {**PROPS, "PasswordFile": str(path)}), settings)
    assert found.secrets == {"Password": "of a file"}
    path.unlink()
    found, problem = login.resolve(put(settings, {**PROPS, "PasswordFile": str(path)}), settings)
    assert not found.secrets
    assert problem


def test_access_token_alone(settings: Settings, provider: TokenEndpoint) -> None:
    connector = put(settings, {**OAUTH, "TokenUrl": provider.url, "Password": "unused"})
    before = int(time.time())
    found, problem = login.resolve(connector, settings)
    assert problem is None
    assert found.secrets == {"AccessToken": "access-1"}
    assert not found.sealed
    assert before + 3600 <= int(found.props[EXPIRES]) <= time.time() + 3600
    assert login.resolve(connector, settings)[0].access_token == "access-1"


def test_token_that_a_server_refused_is_replaced(settings: Settings, provider: TokenEndpoint) -> None:
    connector = put(settings, {**OAUTH, "TokenUrl": provider.url})
    login.resolve(connector, settings)
    folder = Path(settings.state_dir, folder_name(NAME))
    folder.mkdir(parents=True)
    told = report(None, state="failed", cause="network", ended=time.time())
    status_file.write(folder, told, durably=False)
    assert login.resolve(connector, settings)[0].access_token == "access-1"
    # The report may have any time: it is not believed.
    told = report(None, state="failed", cause="credentials", ended=time.time() + 1000)
    status_file.write(folder, told, durably=False)
    assert login.resolve(connector, settings)[0].access_token == "access-2"
    status_file.write(folder, report(None, cause="network"), durably=False)
    assert login.resolve(connector, settings)[0].access_token == "access-2"


def test_refusal_is_the_runs_to_record(settings: Settings, provider: TokenEndpoint) -> None:
    connector = put(settings, {**OAUTH, "TokenUrl": provider.url, "RefreshToken": "unknown"})
    found, problem = login.resolve(connector, settings)
    assert (dict(found.secrets), dict(found.sealed)) == ({}, {})
    assert problem
    assert problem.cause == "credentials"
    assert isinstance(problem.attributes, dict)
    assert "Sign in again" in problem.attributes["hint"]


def test_connector_that_is_gone(settings: Settings, provider: TokenEndpoint) -> None:
    connector = Connector.from_record("gone", {**OAUTH, "TokenUrl": provider.url})
    with pytest.raises(Problem) as raised:
        login.resolve(connector, settings)
    assert raised.value.type == "NotFound"


def test_password_of_a_file_stands_before_a_sealed_one(settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.touch(0o600)
    path.write_text("of a file\n")
    stored = {**PROPS, "PasswordFile": str(path), "SealedPassword": "cA=="}
    found, _ = login.resolve(put(settings, stored), settings)
    assert (found.secrets, found.sealed) == ({"Password": "of a file"}, {})


def test_unit_that_did_not_start_for_another_reason(settings: Settings) -> None:
    trouble = failure("internal", "It did not start.")
    assert login.explain(Connector(NAME, PROPS, {"Password": "p"}), trouble) is trouble
    elsewhere = failure("settings", "There is no such user.")
    assert login.explain(Connector(NAME, PROPS, {}, {"Password": "cA=="}), elsewhere) is elsewhere


@pytest.mark.long
def test_unit_that_did_not_start_as_a_secret_does_not_open(settings: Settings) -> None:
    need_root()
    need_programs("systemd-creds")
    trouble = failure("internal", "It did not start.")
    found = login.explain(Connector(NAME, PROPS, {}, {"Password": "cA=="}), trouble)
    assert found.cause == "credentials"
    opens = Connector(NAME, PROPS, {}, {"Password": seal("Password", "p")})
    assert login.explain(opens, trouble) is trouble
    assert login.resolve_in_clear(opens, settings) == (Connector(NAME, PROPS, {"Password": "p"}), None)
