# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connectors whose certificate or tunnel could not be used are not saved."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import database
from cockpit_getmail.actions.create import create
from cockpit_getmail.actions.update import update
from cockpit_getmail.actions.validate import create as validate_create
from cockpit_getmail.actions.validate import update as validate_update
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from tests.support.certificates import Authority

INPUT: dict[str, Any] = {
    "Retriever": "SimpleIMAPRetriever",
    "Server": "mail.example",
    "Username": "u",
    "Password": "p",
    "Account": "nobody",
}
NAME = "u@mail.example"
CAT = "/bin/cat -u"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(connectors_db=tmp_path / "getmail", state_dir=tmp_path / "state", allow_tunnel=True)


@pytest.fixture
def client(tmp_path: Path) -> dict[str, str]:
    found = Authority(tmp_path).issue_client("u")
    found.key.chmod(0o600)
    return {"ClientCert": str(found.pem), "ClientKey": str(found.key)}


def faults(answer: Callable[..., object], data: Mapping[str, Any], settings: Settings) -> list[str]:
    told: Any = []
    try:
        answer(dict(data), settings)
    except Problem as problem:
        told = problem.attributes
    assert all(fault["value"] == data.get(fault["parameter"], fault["value"]) for fault in told)
    return [f"{fault['parameter']} {fault['error']}" for fault in told]


def test_certificate_of_a_new_connector(client: dict[str, str], settings: Settings, tmp_path: Path) -> None:
    wrong = {**INPUT, **client, "ClientKey": str(tmp_path / "missing")}
    for answer in (create.answer, validate_create.answer):
        assert faults(answer, wrong, settings) == ["ClientKey unknown"]
        assert faults(answer, {**INPUT, "ClientCert": client["ClientCert"]}, settings) == [
            "ClientCert format"
        ]
    assert faults(validate_create.answer, {**INPUT, **client}, settings) == []
    assert faults(create.answer, {**INPUT, **client}, settings) == []


def test_certificate_of_an_update(client: dict[str, str], settings: Settings, tmp_path: Path) -> None:
    create.answer({**INPUT, **client}, settings)
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other").issue_client("other")
    other.key.chmod(0o600)
    for answer in (validate_update.answer, update.answer):
        change = {"name": NAME, "ClientKey": str(other.key)}
        assert faults(answer, change, settings) == ["ClientKey conflict"]
    # What is not touched is not judged.
    Path(client["ClientKey"]).unlink()
    for answer in (validate_update.answer, update.answer):
        assert faults(answer, {"name": NAME, "Time": "60"}, settings) == []
        assert faults(answer, {"name": NAME, "ClientKey": None, "ClientCert": None}, settings) == []
    change = {"name": "unknown", **client}
    assert faults(validate_update.answer, change, settings) == ["ClientKey unknown"]


def test_tunnel_must_be_allowed(settings: Settings) -> None:
    never = Settings(connectors_db=settings.connectors_db, state_dir=settings.state_dir)
    given = {**INPUT, "Tunnel": CAT}
    for answer in (create.answer, validate_create.answer):
        assert faults(answer, given, never) == ["Tunnel disallowed"]
        assert faults(answer, {**INPUT, "Tunnel": "/bin/echo 'x"}, settings) == ["Tunnel format"]
        assert faults(answer, {**INPUT, "Tunnel": "/bin/echo 'x"}, never) == ["Tunnel format"]
    assert faults(validate_create.answer, given, settings) == []
    create.answer(given, settings)
    record = database.read(settings.connectors_db).get(NAME)
    assert record
    assert record.props["Tunnel"] == CAT
    for answer in (update.answer, validate_update.answer):
        assert faults(answer, {"name": NAME, "Tunnel": CAT}, never) == ["Tunnel disallowed"]
        assert faults(answer, {"name": NAME, "Time": "60"}, never) == []
    both = {"name": NAME, "Tunnel": CAT, "PasswordCommand": "/bin/echo x"}
    assert faults(update.answer, both, never) == ["PasswordCommand disallowed", "Tunnel disallowed"]
