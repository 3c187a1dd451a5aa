# SPDX-License-Identifier: LGPL-2.1-or-later
"""Props made from an input, changed by one, and judged as a whole."""

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail import actions
from cockpit_getmail.connector import DEFAULTS
from cockpit_getmail.database import Database, Record
from cockpit_getmail.problem import Problem

INPUT: dict[str, Any] = {
    "action": "create",
    "name": None,
    "type": "getmail",
    "Retriever": "SimpleIMAPRetriever",
    "Server": "mail.example",
    "Username": "u",
    "Password": "p",
    "Account": "a",
}
PROPS = {key: value for key, value in INPUT.items() if key not in ("action", "name", "type")}
OLD = "x=getmail|Account|a|Password|p|Retriever|SimpleIMAPRetriever|Server|mail.example|Username|u"


def faults_of(problem: Problem) -> dict[str, str]:
    assert isinstance(problem.attributes, list)
    return {fault["parameter"]: fault["error"] for fault in problem.attributes}


def change(stored: dict[str, str], data: dict[str, Any]) -> dict[str, str]:
    """Return the props of the only connector there is after an update."""
    return actions.change_props(Database(), Record("x", "getmail", stored), data)


def test_new_connector_has_defaults() -> None:
    assert actions.make_props(Database(), INPUT) == PROPS | DEFAULTS
    assert actions.make_props(Database(), {**INPUT, "Time": 7}) == {**PROPS, **DEFAULTS, "Time": "7"}


@given(st.integers(-1, 10**9), st.integers(0, 3))
def test_numbers_are_stored_in_one_way(number: int, zeros: int) -> None:
    digits = f"{'-' if number < 0 else ''}{'0' * zeros}{abs(number)}"
    for value in (number, float(number), digits):
        assert actions.format_props({"Delete": value}) == {"Delete": str(number)}


@pytest.mark.long
@given(st.dictionaries(st.sampled_from(["Port", "TLS", "Colour", "Time"]), st.text()), st.text("aé |\\"))
def test_update_of_nothing_changes_nothing(more: dict[str, str], password: str) -> None:
    stored = {**PROPS, **more, "Password": password or "x"}
    assert change(stored, {"action": "update", "name": "x", "Password": ""}) == stored


def test_null_brings_the_default_back_or_nothing() -> None:
    stored = {**PROPS, "Delete": "5", "Time": "60", "status": "disabled", "Port": "1", "TLS": "none"}
    nothing = dict.fromkeys(("Delete", "Time", "status", "Port", "TLS", "SpamCheck"))
    assert change(stored, nothing) == PROPS | DEFAULTS


def test_update_judges_what_it_touches_and_what_is_missing() -> None:
    old = {"Account": "a", "Delete": "disabled", "Time": "", "Server": "old.example"}
    with pytest.raises(Problem) as caught:
        change(old, {"Account": "b"})
    assert faults_of(caught.value) == dict.fromkeys(("Retriever", "Username", "Password"), "required")
    assert change({**PROPS, **old}, {"Account": "b"}) == {**PROPS, **old, "Account": "b"}


@pytest.mark.parametrize(
    ("props", "is_loop"),
    [
        ({"Username": "a"}, True),
        ({"Username": "A", "Account": "a"}, True),
        ({"Username": "a@h", "Account": "a@h"}, True),
        ({"Username": "a@h", "Account": "a"}, True),
        ({"Username": "a", "Account": "a@h"}, True),
        ({"Username": "b"}, False),
        ({"Username": "a@other", "Account": "a@h"}, False),
    ],
)
def test_loop(props: dict[str, str], is_loop: bool) -> None:
    data = {**INPUT, **props}
    assert actions.make_props(Database(), data)["Username"] == props["Username"]
    made = partial(actions.make_props, Database(), {**data, "Server": "localhost"})
    changed = partial(change, {**PROPS, "Server": "::1"}, props)
    for make in (made, changed):
        if is_loop:
            with pytest.raises(Problem) as caught:
                make()
            assert faults_of(caught.value) == {"Server": "self"}
        else:
            assert make()["Username"] == props["Username"]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("", "NotFound"),
        ("x=mailbox|Account|a", "NotFound"),
        ("x", "NotFound"),
        (f"{OLD}|status|disabled", "Conflict"),
        (f"{OLD}|status|", "Conflict"),
        (f"{OLD}|Port|none", "NotValid"),
        ("x=getmail", "NotValid"),
    ],
)
def test_connector_that_cannot_run(line: str, kind: str) -> None:
    with pytest.raises(Problem) as caught:
        actions.require_runnable(Database(line.encode()), "x")
    assert caught.value.type == kind


@pytest.mark.parametrize(
    "more",
    [
        "",
        "|Delete|disabled",
        "|Delete|",
        "|Time|hourly",
        "|Port|",
        "|Label|0",
        "|SyncPeriod|2h",
        "|Colour|blue|status|enabled",
    ],
)
def test_connector_that_can_run(more: str) -> None:
    connector = actions.require_runnable(Database((OLD + more).encode()), "x")
    assert (connector.name, connector.password) == ("x", "p")
    assert connector.delete_after is None


@pytest.mark.parametrize("form", ["", "Sealed"])
@pytest.mark.parametrize(
    ("data", "kept"),
    [
        ({"Provider": "microsoft"}, []),
        ({"Provider": "microsoft", "ClientSecret": "", "RefreshToken": ""}, []),
        ({"Provider": "google", "ClientId": "other"}, ["ClientSecret", "RefreshToken"]),
        ({"Provider": None, "Password": "p"}, ["ClientSecret", "RefreshToken"]),
        ({"Server": "other"}, ["ClientSecret", "RefreshToken"]),
    ],
)
def test_no_provider_gets_what_another_gave(data: dict[str, Any], kept: list[str], form: str) -> None:
    secrets = {f"{form}{prop}": "MTIz" for prop in ("ClientSecret", "RefreshToken")}
    props = actions.merge_props({"Provider": "google", **secrets}, data)
    assert sorted(prop for prop in props if prop in secrets) == [f"{form}{prop}" for prop in kept]
    new = actions.merge_props(
        {"Provider": "google", **secrets}, {"Provider": "microsoft", "RefreshToken": "new"}
    )
    assert new == {"Provider": "microsoft", "RefreshToken": "new"}


@pytest.mark.parametrize("stored", ["Password", "SealedPassword", "PasswordFile", "PasswordCommand"])
def test_who_logs_in_with_tokens_has_no_password(stored: str) -> None:
    merged = actions.merge_props({stored: "old"}, {"Provider": "google", "Password": "new"})
    assert merged == {"Provider": "google"}
    assert actions.merge_props({stored: "old", "Provider": "google"}, {"Time": 60}) == {
        stored: "old", "Provider": "google", "Time": "60",
    }  # fmt: skip


def test_context_io_token_is_of_the_provider_that_is_stored() -> None:
    token = {"provider_token": "t"}
    assert actions.merge_props({}, token)["Provider"] == "google"
    assert actions.merge_props({"Provider": "microsoft"}, token)["Provider"] == "microsoft"
    assert actions.merge_props({}, {**token, "Provider": "custom"})["Provider"] == "custom"


@pytest.mark.parametrize("other", ["Provider|google", "PasswordFile|/run/secret", "PasswordCommand|/bin/x"])
def test_empty_password_beside_another_way_to_log_in(other: str) -> None:
    line = f"{OLD.replace('Password|p', 'Password|')}|{other}"
    assert actions.require_runnable(Database(line.encode()), "x").password == ""


NAMED = "".join(
    f"{line}\n"
    for line in (
        "b@h=getmail|Account|ann@x|Label|work",
        "a@h=getmail|Account|ann@y|Label|work",
        "c@h=getmail|Account|bob|Label|a@h",
        "d@h=getmail|Account|bob|Label|play",
        "e@h=mailbox|Account|bob|Label|other",
        "f@h=getmail",
        "play=getmail|Account|carl@x",
        "g@h=getmail|Account|dan|Label|twice",
        "i@h=getmail|Account|dan|Label|twice",
        "j@h=getmail|Account|fay@x|Label|same",
        "k@h=getmail|Account|fay|Label|same",
        "l@h=getmail|Account|fay@y|Label|only",
        "0=getmail|Account|eve|Label|zero",
    )
)


@pytest.mark.parametrize(
    ("name", "account", "key"),
    [
        ("b@h", None, "b@h"),
        ("b@h", "ann", "b@h"),
        ("b@h", "ann@x", "b@h"),
        ("b@h", "ann@y", None),
        ("b@h", "bob", None),
        ("b@h", "", None),
        ("b@h", "ann@", None),
        # A key comes before a label, and an account tells which of both is meant.
        ("a@h", None, "a@h"),
        ("a@h", "bob", "c@h"),
        ("play", None, "play"),
        ("play", "bob", "d@h"),
        ("work", None, Problem),
        ("work", "ann", Problem),
        ("work", "ann@x", "b@h"),
        ("work", "ann@y", "a@h"),
        ("work", "bob", None),
        ("twice", "dan", Problem),
        ("same", "fay", "k@h"),
        ("same", "fay@x", "j@h"),
        ("only", "fay", "l@h"),
        ("0", "fay", "k@h"),
        ("other", None, None),
        ("e@h", None, None),
        ("f@h", None, "f@h"),
        ("Work", "ann@x", None),
        # The first in the order of the database.
        ("0", "ann", "b@h"),
        ("0", "ann@y", "a@h"),
        ("0", "bob", "c@h"),
        ("0", "carl", "play"),
        ("0", "nobody", None),
        ("0", "eve", "0"),
        ("0", None, "0"),
    ],
)
def test_whom_a_name_means(name: str, account: str | None, key: str | type[Problem] | None) -> None:
    content = Database(NAMED.encode())
    data = {"name": name} if account is None else {"name": name, "account": account}
    if key is Problem:
        with pytest.raises(Problem) as caught:
            actions.find_connector(content, data)
        assert caught.value.type == "Conflict"
        return
    record = actions.find_connector(content, data)
    assert (record.key if record else None) == key
    if key is None:
        with pytest.raises(Problem) as caught:
            actions.require_connector(content, data)
        assert caught.value.type == "NotFound"


@pytest.mark.parametrize(("name", "key"), [("b@h", "b@h"), ("play", "play"), ("only", None), ("twice", None)])
def test_exact_name_is_no_label(name: str, key: str | None) -> None:
    record = actions.find_connector(Database(NAMED.encode()), {"name": name, "exact": True})
    assert (record.key if record else None) == key


def test_conflict_names_what_to_add() -> None:
    lines = [f"k{number}=getmail|Account|a@{number}|Label|same" for number in range(7)]
    with pytest.raises(Problem, match="add account") as caught:
        actions.require_connector(Database("\n".join(lines).encode()), {"name": "same"})
    assert "k0 (a@0), k1 (a@1)" in caught.value.message
    assert caught.value.message.endswith("k4 (a@4) and others.")
    assert len(caught.value.message) < 1000


@pytest.mark.parametrize(
    ("label", "account", "taken"),
    [
        ("work", "ann@x", True),
        ("work", "ann@y", True),
        ("work", "ann", False),
        ("work", "bob", False),
        ("Work", "ann@x", False),
        ("other", "bob", False),
        ("b@h", "ann@x", False),
    ],
)
def test_label_is_one_connectors_of_an_account(label: str, account: str, taken: bool) -> None:
    content = Database(NAMED.encode())
    data = {**INPUT, "Label": label, "Account": account}
    if taken:
        with pytest.raises(Problem) as caught:
            actions.make_props(content, data)
        assert faults_of(caught.value) == {"Label": "conflict"}
    else:
        assert actions.make_props(content, data)["Label"] == label


def test_update_keeps_labels_apart() -> None:
    content = Database(NAMED.encode())
    mine = Record("x", "getmail", {**PROPS, "Account": "ann@z", "Label": "work"})
    content.put(mine.key, mine.type, mine.props)
    for data in ({}, {"Label": "work"}, {"Account": "bob"}, {"Account": "ann@x", "Label": "new"}):
        assert actions.change_props(content, mine, data) == {**mine.props, **data}
    assert "Label" not in actions.change_props(content, mine, {"Account": "ann@x", "Label": None})
    for data in ({"Account": "ann@x"}, {"Account": "bob", "Label": "play"}):
        with pytest.raises(Problem) as caught:
            actions.change_props(content, mine, data)
        assert faults_of(caught.value) == {"Label": "conflict"}
    # Two that are there already stay as they are.
    twice = Record("g@h", "getmail", {**PROPS, "Account": "dan", "Label": "twice"})
    assert actions.change_props(content, twice, {"Time": 7, "Label": "twice"})["Time"] == "7"


@pytest.mark.parametrize(
    ("period", "minutes"), [("1h", "60"), ("4h", "240"), ("12h", "720"), ("24h", "1440")]
)
def test_period_is_stored_as_time(period: str, minutes: str) -> None:
    made = actions.make_props(Database(), {**INPUT, "SyncPeriod": period})
    assert made == PROPS | DEFAULTS | {"Time": minutes}
    assert change({**PROPS, "Time": "5"}, {"SyncPeriod": period}) == {**PROPS, "Time": minutes}
    assert change({**PROPS, "Time": "5"}, {"SyncPeriod": None}) == {**PROPS, "Time": "30"}
