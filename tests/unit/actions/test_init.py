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
    "more", ["", "|Delete|disabled", "|Delete|", "|Time|hourly", "|Port|", "|Colour|blue|status|enabled"]
)
def test_connector_that_can_run(more: str) -> None:
    connector = actions.require_runnable(Database((OLD + more).encode()), "x")
    assert (connector.name, connector.password) == ("x", "p")
    assert connector.delete_after is None
