# SPDX-License-Identifier: LGPL-2.1-or-later
import inspect
import pydoc
import re
import typing
from collections.abc import Iterator
from typing import Any

import pytest

import cockpit_getmail
from cockpit_getmail import Client
from cockpit_getmail.client import props
from tests.support import schemas
from tests.unit.client.conftest import Helpers, make_status

ACTIONS = sorted(
    (path.parent.name, path.name.removesuffix(".input.json"))
    for path in schemas.FOLDER.glob("*/*.input.json")
)
OWN = {
    **{action: {"auto_handle_token"} for action in ("run", "baseline", "verify", "authorize")},
    "cancel": {"status"},
}
"""What methods take beside the props of the input."""
LONG_NAMES = {("delete", "messages"), *((verb, "folder") for verb in ("create", "update", "delete"))}
"""Those whose action alone would not tell them apart."""
CONNECTOR = {"Retriever": "SimpleIMAPRetriever", "Server": "s", "Username": "u", "Password": "p"}


def find_method(verb: str, action: str) -> Any:
    """Return the method of an action."""
    name = action.replace("-", "_")
    is_long = verb == "validate" or (verb, action) in LONG_NAMES
    return getattr(Client, f"{verb}_{name}" if is_long else name)


def find_inputs(schema: Any) -> Iterator[tuple[set[str], set[str]]]:
    """Yield the props, and which of them must be there, of each part of an input schema."""
    yield set(schema.get("properties", ())), set(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        if "if" not in part:
            yield from find_inputs(part)


def find_parameters(method: Any) -> tuple[set[str], set[str]]:
    """Return the parameters of a method, and which of them must be given."""
    names: set[str] = set()
    needed: set[str] = set()
    for name, parameter in list(inspect.signature(method).parameters.items())[1:]:
        if parameter.kind is parameter.VAR_KEYWORD:
            space = {**vars(props), "Unpack": typing.Unpack}
            [shape] = typing.get_args(typing.get_type_hints(method, localns=space)[name])
            names |= set(shape.__annotations__)
            needed |= shape.__required_keys__
        else:
            names.add(name)
            needed |= {name} if parameter.default is parameter.empty else set()
    return names, needed


# A method an action


@pytest.mark.parametrize(("verb", "action"), ACTIONS)
def test_a_method_takes_what_its_action_takes(verb: str, action: str) -> None:
    method = find_method(verb, action)
    parts = list(find_inputs(schemas.load(f"{verb}/{action}.input.json")))
    known, required = (set[str]().union(*sets) for sets in zip(*parts, strict=True))
    names, needed = find_parameters(method)
    # `type` is there so that what list tells can be sent back, and that goes to the methods with props.
    missing = known - names - {"action"}
    # What is for pages that may show what is no longer there goes by call().
    assert missing <= {"type", "exact"}
    assert names - known == OWN.get(method.__name__, set())
    assert needed == required - {"action"}


def test_there_is_no_other_method() -> None:
    methods = {name for name in dir(Client) if not name.startswith("_")}
    others = {"call", "get_status", "mailbox"}
    assert methods == {find_method(*action).__name__ for action in ACTIONS} | others


@pytest.mark.long
@pytest.mark.parametrize(("verb", "action"), ACTIONS)
def test_a_method_calls_its_action(helpers: Helpers, verb: str, action: str) -> None:
    helpers.answer(make_status(1, "succeeded"))
    method = find_method(verb, action)
    names, _ = find_parameters(method)
    given = {name: f"a {name}" for name in names - OWN.get(method.__name__, set())}
    answer = method(helpers.client, **given)
    assert answer == make_status(1, "succeeded")
    assert helpers.asked == [(verb, {"action": action, **given})]


def test_help_tells_of_each_prop() -> None:
    assert Client.create.__doc__
    assert find_parameters(Client.create)[0] <= set(re.findall(r"\w+", Client.create.__doc__))


def test_help_tells_of_all() -> None:
    text = pydoc.plain(pydoc.render_doc("cockpit_getmail.Client"))
    for verb, action in ACTIONS:
        assert find_method(verb, action).__doc__
        assert f"{find_method(verb, action).__name__}(self" in text


@pytest.mark.long
def test_what_is_not_given_is_not_sent(helpers: Helpers) -> None:
    helpers.answer({})
    client = helpers.client
    client.status()
    client.enable("x")
    client.update("x", Label=None)
    client.validate_update("x", account="a")
    assert [data for _, data in helpers.asked] == [
        {"action": "status"},
        {"action": "enable", "name": "x"},
        {"action": "update", "name": "x", "Label": None},
        {"action": "update", "name": "x", "account": "a"},
    ]


def test_what_list_tells_can_be_sent_back(helpers: Helpers) -> None:
    helpers.answer({})
    told: Any = {**CONNECTOR, "Account": "a", "type": "getmail", "name": None}
    helpers.client.create(**told)
    assert helpers.asked == [("create", {"action": "create", **told})]


def test_only_the_client_is_lazy() -> None:
    assert cockpit_getmail.Client is Client
    with pytest.raises(AttributeError, match="has no attribute 'client_of_nobody'"):
        cockpit_getmail.client_of_nobody  # noqa: B018
