# SPDX-License-Identifier: LGPL-2.1-or-later
"""Every example of NethServer's connectors API, as it stands there."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from cockpit_getmail import schema
from cockpit_getmail.connector import unit_name
from tests.api import seed_examples as seed
from tests.api.conftest import Api, forget_condition
from tests.support.hostile import Server, hang
from tests.support.schemas import check_schema

EXTERNAL = "external@my.remote.com"
RECORD = (
    f"{EXTERNAL}=getmail|Account|old@local|Password|old|Retriever|SimplePOP3Retriever"
    "|Server|old.example|Username|old|status|disabled\n"
)


@pytest.mark.parametrize(
    ("verb", "action", "text"),
    [
        ("read", "list", seed.READ_LIST),
        ("read", "check-credentials", seed.READ_CHECK_CREDENTIALS),
        ("validate", "update", seed.UPDATE),
        ("validate", "create", seed.CREATE),
        ("update", "update", seed.UPDATE),
        ("update", "enable", seed.UPDATE_ENABLE),
        ("update", "disable", seed.UPDATE_DISABLE),
        ("create", "create", seed.CREATE),
        ("delete", "delete", seed.DELETE),
        ("execute", "run", seed.EXECUTE_RUN),
    ],
)
def test_input_is_valid(verb: str, action: str, text: str) -> None:
    data = json.loads(text)
    check_schema(f"{verb}/{action}.input.json", data)
    assert schema.check(verb, action, data) == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("read/list.output.json", seed.READ_LIST_OUTPUT),
        ("problem.json", seed.READ_CHECK_CREDENTIALS_ERROR),
        ("execute/run.output.json", seed.EXECUTE_RUN_OUTPUT),
    ],
)
def test_output_is_one_that_the_schemas_allow(name: str, text: str) -> None:
    check_schema(name, json.loads(text))


def test_list(api: Api, put: Callable[[str], None]) -> None:
    put(
        "myaddr@remote.com=getmail|Account|giacomo@local.neth.eu|Delete|0|FilterCheck|enabled|Password|mypass"
        "|Retriever|SimpleIMAPSSLRetriever|Server|test.local.net|Time|30|Username|myuser|status|enabled\n"
    )
    found = answer(api, "read", seed.READ_LIST)
    found["connectors"]["giacomo"] = list(map(forget_condition, found["connectors"]["giacomo"]))
    assert found == json.loads(seed.READ_LIST_OUTPUT)


@pytest.mark.long
def test_check_credentials_times_out(api: Api) -> None:
    with Server([hang]) as server:
        data = json.loads(seed.READ_CHECK_CREDENTIALS) | {"Server": "127.0.0.1", "Port": server.port}
        problem = api.having(CHECK_TIMEOUT="2").fail("read", **data)
    assert problem["type"] == json.loads(seed.READ_CHECK_CREDENTIALS_ERROR)["type"]
    assert "too long" in problem["message"]
    assert problem["attributes"]["cause"] == "network"
    assert problem["attributes"]["status"] == "CONNECTION_IMPOSSIBLE"


@pytest.mark.long
def test_validate_then_create(api: Api) -> None:
    assert answer(api, "validate", seed.CREATE) == {"state": "success"}
    assert not api.db.exists()
    assert answer(api, "create", seed.CREATE) == event("giacomo@my.remote.com")
    assert api.props("giacomo@my.remote.com") == props(seed.CREATE)


@pytest.mark.long
def test_validate_then_update(api: Api, put: Callable[[str], None]) -> None:
    put(RECORD)
    assert answer(api, "validate", seed.UPDATE) == {"state": "success"}
    assert api.db.read_text() == RECORD
    assert answer(api, "update", seed.UPDATE) == event(EXTERNAL)
    assert api.props(EXTERNAL) == props(seed.UPDATE)


@pytest.mark.long
def test_enable_disable_delete(api: Api, put: Callable[[str], None]) -> None:
    put(RECORD)
    before = api.props(EXTERNAL)
    assert answer(api, "update", seed.UPDATE_ENABLE) == event(EXTERNAL)
    assert api.props(EXTERNAL) == {**before, "status": "enabled"}
    assert answer(api, "update", seed.UPDATE_DISABLE) == event(EXTERNAL)
    assert api.db.read_text() == RECORD
    assert answer(api, "delete", seed.DELETE) == event(EXTERNAL)
    assert api.connectors() == {}


@pytest.mark.long
def test_run(api: Api, put: Callable[[str], None]) -> None:
    """Without systemd; tests/machine has the unit."""
    put(RECORD.replace("disabled", "enabled"))
    problem = api.fail("execute", **json.loads(seed.EXECUTE_RUN))
    assert problem["type"] == "GenericError"
    assert f"cockpit-getmail fetch {EXTERNAL}" in problem["message"]
    assert unit_name(EXTERNAL) == json.loads(seed.EXECUTE_RUN_OUTPUT)["unit"]


def answer(api: Api, verb: str, text: str) -> dict[str, Any]:
    return api.succeed(verb, **json.loads(text))


def event(name: str) -> dict[str, str]:
    return {"state": "success", "event": "cockpit-getmail-save", "status": "success", "name": name}


def props(text: str) -> dict[str, str]:
    data = json.loads(text)
    return {key: value for key, value in data.items() if key not in ("action", "name")} | {"type": "getmail"}
