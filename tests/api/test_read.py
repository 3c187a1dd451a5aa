# SPDX-License-Identifier: LGPL-2.1-or-later
"""api/read: list, and of check-credentials what needs no mail server."""

from collections.abc import Callable

import pytest

from tests.api.conftest import CONNECTOR, STORED, Api
from tests.support.hostile import Server, drip
from tests.support.limits import soon

CHECK = {key: value for key, value in CONNECTOR.items() if key != "Account"}


@pytest.mark.long
def test_nothing_is_there(api: Api, put: Callable[[str], None]) -> None:
    assert api.succeed("read", "list") == {"connectors": {}}
    assert not api.files()
    put("# nothing\nibay=ibay|Password|secret\n\n")
    assert api.succeed("read", "list") == {"connectors": {}}


def test_groups_are_accounts_up_to_the_first_at(api: Api) -> None:
    accounts = ["admin@local.neth.eu", "admin", "admin@a@b", "other@h", "ädmin"]
    names = [api.add(Account=account, Username=f"u{n}") for n, account in enumerate(accounts)]
    found = {
        group: [(record["name"], record["props"]["Account"]) for record in records]
        for group, records in api.connectors().items()
    }
    pairs = list(zip(names, accounts, strict=True))
    assert found == {"admin": pairs[:3], "other": [pairs[3]], "ädmin": [pairs[4]]}


@pytest.mark.long
def test_redacted_password_is_empty_and_missing_is_missing(api: Api, put: Callable[[str], None]) -> None:
    put("none=getmail|Account|b\n")
    name = api.add(Account="a")
    found = api.connectors(redact=True)
    assert found["a"] == [
        {"name": name, "type": "getmail", "props": {**STORED, "Account": "a", "Password": ""}}
    ]
    assert found["b"] == [{"name": "none", "type": "getmail", "props": {"Account": "b", "type": "getmail"}}]
    assert api.connectors(redact=False)["a"][0]["props"]["Password"] == CONNECTOR["Password"]


def test_broken_lines_are_told_and_nothing_of_them(api: Api, put: Callable[[str], None]) -> None:
    put("a=getmail|Account|x\ncanary\nb=getmail|Password\n=getmail|Password|canary\n# fine\n")
    answer = api.succeed("read", "list")
    assert list(answer["connectors"]) == ["x"]
    assert [broken["line"] for broken in answer["broken"]] == [2, 3, 4]
    assert "canary" not in str(answer)


@pytest.mark.long
def test_old_records_are_listed_as_they_are(api: Api, put: Callable[[str], None]) -> None:
    put(
        "k=getmail|Delete|disabled|Time||Colour|blue|Password|a=b=c==|type|other\n"
        "k@h=getmail|Account|@x|Username|l1\\nl2\n"
    )
    (first, second) = (record for group in api.connectors().values() for record in group)
    assert first["props"] == {
        "Delete": "disabled",
        "Time": "",
        "Colour": "blue",
        "Password": "a=b=c==",
        "type": "getmail",
    }
    assert second["props"] == {"Account": "@x", "Username": "l1\nl2", "type": "getmail"}
    assert list(api.connectors()) == [""]


def test_faults(api: Api) -> None:
    assert api.faults("read", "list", redact="yes", Redact=True) == {
        "redact": "type",
        "Redact": "additionalProperties",
    }
    assert api.faults("read", "create") == {"action": "enum"}
    assert api.faults("read") == {"action": "required"}
    assert api.faults("read", "check-credentials", Server="a b") == {
        "Retriever": "required",
        "Server": "format",
        "Username": "required",
        "Password": "required",
    }


@pytest.mark.long
def test_form_is_accepted_as_it_is(api: Api) -> None:
    """With all that create takes; here up to a port where nobody listens."""
    with Server([]) as server:
        port = server.port
    props = {"Time": "30", "Delete": -1, "status": "enabled", "Account": "a", "SpamCheck": "disabled"}
    form = {**CHECK, "Server": "127.0.0.1", "Port": port, "name": "x", "type": "getmail", **props}
    attributes = api.fail("read", "check-credentials", **form)["attributes"]
    assert (attributes["cause"], attributes["status"]) == ("network", "CONNECTION_IMPOSSIBLE")
    assert attributes["hint"]


@pytest.mark.long
@pytest.mark.parametrize("retriever", ["SimpleIMAPRetriever", "SimplePOP3Retriever"])
def test_time_is_overall(api: Api, retriever: str) -> None:
    """Each octet comes long before any time-out, and the line never ends."""
    with Server([drip(b"x", 0.05)]) as server, soon():
        form = {**CHECK, "Server": "127.0.0.1", "Port": server.port, "Retriever": retriever}
        attributes = api.having(CHECK_TIMEOUT="0.5").fail("read", "check-credentials", **form)["attributes"]
    assert attributes["cause"] == "network"
    assert server.received == []
