# SPDX-License-Identifier: LGPL-2.1-or-later
"""api/create."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.api.conftest import CONNECTOR, STORED, Api

NAME = "giacomo@my.remote.com"
AWKWARD = [
    " |\\=%\"'é😀  ",
    "\\",
    "a\\nb",
    "base64:YQ==",
    "#",
    "x" * 200,
    "|type|mailbox|status|disabled",
]


@pytest.mark.long
def test_what_is_not_given_has_its_default(api: Api) -> None:
    answer = api.succeed("create", **CONNECTOR)
    assert answer == {
        "state": "success",
        "event": "cockpit-getmail-save",
        "status": "success",
        "name": NAME,
    }
    assert api.connectors() == {"admin": [{"name": NAME, "type": "getmail", "props": STORED}]}
    assert os.stat(api.db).st_mode & 0o7777 == 0o600


def test_numbers_are_stored_as_strings(api: Api) -> None:
    props = {"Delete": 0, "Time": "0005", "Port": 1143.0}
    assert api.props(api.create(**props)) == STORED | {"Delete": "0", "Time": "5", "Port": "1143"}


def test_optional_props_are_stored(api: Api) -> None:
    props = {
        "TLS": "required",
        "CAFile": "/etc/ssl/a b.pem",
        "Fingerprint": "AB" * 32,
        "status": "disabled",
        "FilterCheck": "enabled",
        "SpamCheck": "disabled",
        "VirusCheck": "enabled",
    }
    assert api.props(api.create(**props)) == STORED | props


@pytest.mark.parametrize("name", [None, ""])
def test_what_panels_add_is_ignored(api: Api, name: Any) -> None:
    """NethServer's panel sends the name it does not have."""
    assert api.create(name=name, type="getmail") == NAME
    assert api.props(NAME) == STORED


@pytest.mark.long
def test_existing_name_gets_the_time_again_and_again(api: Api) -> None:
    """As fast as it goes: the same second does not matter."""
    begin = int(time.time())
    names = [api.create(Account=account) for account in ("a", "b", "c", "d")]
    assert names[0] == NAME
    assert len(set(names)) == 4
    for name in names[1:]:
        first, *times = name.split("-")
        assert first == NAME
        assert times
        assert all(begin <= int(text) <= time.time() for text in times)
    assert list(api.connectors()) == ["a", "b", "c", "d"]


def test_record_of_another_type_keeps_its_name(api: Api, put: Callable[[str], None]) -> None:
    put(f"{NAME}=mailbox|status|enabled\n")
    assert api.create() != NAME
    assert f"{NAME}=mailbox|status|enabled\n" in api.db.read_text()


@pytest.mark.long
def test_any_password_comes_back(api: Api) -> None:
    with ThreadPoolExecutor(2) as pool:
        names = list(pool.map(lambda password: api.create(Password=password), AWKWARD))
    records = {record["name"]: record["props"] for record in api.connectors()["admin"]}
    assert [records[name] for name in names] == [{**STORED, "Password": password} for password in AWKWARD]


def test_name_that_a_key_cannot_carry(api: Api) -> None:
    assert api.create(Username="#a=b c", Server="2001:db8::1") == "_a_b c@2001:db8::1"
    assert api.props("_a_b c@2001:db8::1") == STORED | {"Username": "#a=b c", "Server": "2001:db8::1"}


@pytest.mark.parametrize("server", ["127.1.2.3", "::1", "LocalHost."])
def test_account_is_never_pulled_into_itself(api: Api, server: str) -> None:
    loop = {**CONNECTOR, "Server": server, "Username": "admin"}
    assert api.faults("create", **loop) == {"Server": "self"}
    assert not api.files()


def test_another_account_of_this_host_may_be_pulled(api: Api) -> None:
    assert api.create(Server="localhost", Username="other@local.neth.eu")


def test_faults_write_nothing(api: Api) -> None:
    faults = api.faults("create", Time=4, Delete="-2", Retriever="POP3", Pasword="x", Server="-", status=True)
    assert faults == {
        "Retriever": "enum",
        "Username": "required",
        "Password": "required",
        "Account": "required",
        "Server": "format",
        "Time": "minimum",
        "Delete": "minimum",
        "status": "enum",
        "Pasword": "additionalProperties",
    }
    assert api.faults("create", name=NAME, **CONNECTOR) == {"name": "enum"}
    assert api.faults("create", action="update", **CONNECTOR) == {"action": "enum"}
    assert not api.files()


def test_database_that_cannot_be_written_is_told(api: Api) -> None:
    answer = api.having(CONNECTORS_DB="/proc/none/connectors").fail("create", **CONNECTOR)
    assert answer["attributes"]["path"].startswith("/proc/none")
    assert CONNECTOR["Password"] not in str(answer)
