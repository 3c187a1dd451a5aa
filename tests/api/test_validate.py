# SPDX-License-Identifier: LGPL-2.1-or-later
"""api/validate: says what create and update would, and writes nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import CONNECTOR, Api

SUCCESS = {"state": "success"}
LOOP = {"Server": "localhost", "Username": "admin", "Account": "admin"}


def test_what_create_takes_is_valid(api: Api) -> None:
    assert api.succeed("validate", "create", **CONNECTOR, name=None, type="getmail", Time=5) == SUCCESS
    assert not api.files()


@pytest.mark.long
def test_all_faults_are_told_with_their_values(api: Api) -> None:
    answer = api.fail("validate", "create", **CONNECTOR | {"Time": "3", "Delete": "x", "Server": "a..b"})
    found = sorted(answer["attributes"], key=lambda fault: str(fault["parameter"]))
    assert found == [
        {"parameter": "Delete", "value": "x", "error": "integer"},
        {"parameter": "Server", "value": "a..b", "error": "format"},
        {"parameter": "Time", "value": "3", "error": "minimum"},
    ]


@pytest.mark.long
@pytest.mark.parametrize("verb", ["validate", "create"])
@pytest.mark.parametrize(
    ("change", "faults"),
    [
        (LOOP, {"Server": "self"}),
        ({"Retriever": "SimplePOP3SSLRetriever", "TLS": "none"}, {"TLS": "conflict"}),
        ({"Password": ""}, {"Password": "minLength"}),
        ({"name": "mine"}, {"name": "enum"}),
        ({"Delete": None}, {"Delete": "type"}),
    ],
)
def test_says_what_create_says(api: Api, verb: str, change: dict[str, Any], faults: dict[str, str]) -> None:
    assert api.faults(verb, "create", **CONNECTOR | change) == faults


@pytest.mark.long
def test_update_of_a_name_that_is_unknown_is_valid(api: Api) -> None:
    assert api.succeed("validate", "update", name="nobody", Time=5, Password="", Port=None) == SUCCESS
    assert api.faults("validate", "update", name="nobody", **LOOP) == {"Server": "self"}
    assert api.faults("validate", "update", name="nobody", Time=4) == {"Time": "minimum"}
    assert not api.files()


@pytest.mark.long
def test_update_is_held_against_what_is_stored(api: Api, put: Callable[[str], None]) -> None:
    name = api.add(**LOOP | {"Server": "elsewhere.example"})
    before = api.files()
    assert api.succeed("validate", "update", name=name, Time=5, Server="127.0.0.1", Account="b") == SUCCESS
    assert api.faults("validate", "update", name=name, Server="127.0.0.1") == {"Server": "self"}
    assert api.files() == before


@pytest.mark.long
def test_action_is_needed(api: Api) -> None:
    assert api.faults("validate", **CONNECTOR) == {"action": "required"}
    assert api.faults("validate", "delete", name="x") == {"action": "enum"}
