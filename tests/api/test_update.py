# SPDX-License-Identifier: LGPL-2.1-or-later
"""api/update."""

from collections.abc import Callable

import pytest

from tests.api.conftest import CONNECTOR, STORED, Api

NAME = "giacomo@my.remote.com"
OLD = (
    "# kept\n"
    "ibay=ibay|Name|x\n"
    "old=getmail|Account|me@local|Colour|blue|Delete|disabled|Password|geheim|Retriever|SimplePOP3Retriever"
    "|Server|old.example|Time||Username|me\n"
    "no record\n"
)
"""A record such as NethServer's own wrote, with a prop that nobody knows."""


@pytest.fixture
def old(put: Callable[[str], None]) -> None:
    put(OLD)


@pytest.mark.long
def test_only_what_is_given_is_changed(api: Api) -> None:
    name = api.add(Port="1143", SpamCheck="enabled")
    before = api.props(name)
    api.succeed("update", "update", name=name, Time=5, Account="other")
    assert api.props(name) == {**before, "Time": "5", "Account": "other"}
    api.succeed("update", "update", name=name)
    assert api.props(name) == {**before, "Time": "5", "Account": "other"}


@pytest.mark.long
def test_password_that_is_empty_stays(api: Api) -> None:
    name = api.add()
    api.succeed("update", "update", name=name, Password="", Username="new")
    assert api.props(name) == STORED | {"Username": "new"}
    api.succeed("update", "update", name=name, Password="new")
    assert api.props(name) == STORED | {"Username": "new", "Password": "new"}


@pytest.mark.long
def test_null_removes_what_is_optional(api: Api) -> None:
    name = api.add(
        Port="1", TLS="required", CAFile="/a", Fingerprint="0" * 64, VirusCheck="enabled", Time="9"
    )
    nothing = dict.fromkeys(("Port", "TLS", "CAFile", "Fingerprint", "VirusCheck"))
    api.succeed("update", "update", name=name, **nothing)
    assert api.props(name) == {**STORED, "Time": "9"}
    # Removed again, and never there, is the same.
    api.succeed("update", "update", name=name, **nothing, FilterCheck=None)
    assert api.props(name) == {**STORED, "Time": "9"}


@pytest.mark.long
def test_null_removes_nothing_that_is_needed(api: Api) -> None:
    name = api.add()
    before = api.db.read_bytes()
    faults = api.faults("update", "update", name=name, **dict.fromkeys(CONNECTOR))
    assert faults == {**dict.fromkeys(CONNECTOR, "type"), "Retriever": "enum"}
    assert api.db.read_bytes() == before


@pytest.mark.long
def test_listed_record_can_be_sent_back(api: Api) -> None:
    """As a form does: list, change one prop, update; with redact the password stays as it is."""
    name = api.add(Port="1143", Password=" |a\\")
    before = api.props(name)
    ((record,),) = api.connectors(redact=True).values()
    api.succeed("update", "update", **record["props"] | {"name": record["name"], "Time": "7"})
    assert api.props(name) == {**before, "Time": "7"}


@pytest.mark.long
@pytest.mark.usefixtures("old")
def test_old_record_keeps_what_nobody_knows(api: Api) -> None:
    api.succeed("update", "update", name="old", Username="you")
    assert api.db.read_text() == OLD.replace("|Username|me", "|Username|you")
    api.succeed("update", "disable", name="old")
    assert api.db.read_text() == OLD.replace("|Username|me\n", "|Username|you|status|disabled\n")
    api.succeed("update", "enable", name="old", type="getmail")
    assert api.props("old")["status"] == "enabled"
    assert api.props("old")["Delete"] == "disabled"


@pytest.mark.usefixtures("old")
def test_name_that_is_unknown(api: Api) -> None:
    for action, name in (("update", "ibay"), ("enable", "no record"), ("disable", "old\n")):
        assert api.fail("update", action, name=name)["type"] == "NotFound", (action, name)
    assert api.db.read_text() == OLD


@pytest.mark.long
@pytest.mark.usefixtures("old")
def test_faults_change_nothing(api: Api) -> None:
    faults = api.faults(
        "update", "update", name="old", Time="4", Account="../x", Password="a\nb", FilterCheck="yes", X=1
    )
    assert faults == {
        "Time": "minimum",
        "Account": "format",
        "Password": "format",
        "FilterCheck": "enum",
        "X": "additionalProperties",
    }
    assert api.faults("update", "update", Time=5) == {"name": "required"}
    assert api.faults("update", name="old") == {"action": "required"}
    assert api.faults("update", "enable", name="old", Time=5) == {"Time": "additionalProperties"}
    assert api.db.read_text() == OLD


@pytest.mark.long
@pytest.mark.usefixtures("old")
def test_what_does_not_agree_with_what_is_stored(api: Api) -> None:
    """The account becomes the one that is pulled; TLS is switched off where it begins at once."""
    loop = {"name": "old", "Server": "127.0.0.1", "Username": "me@local"}
    assert api.faults("update", "update", **loop) == {"Server": "self"}
    api.succeed("update", "update", name="old", Retriever="SimpleIMAPSSLRetriever")
    assert api.faults("update", "update", name="old", TLS="none") == {"TLS": "conflict"}
    assert "TLS" not in api.props("old")
