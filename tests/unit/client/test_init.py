# SPDX-License-Identifier: LGPL-2.1-or-later
import inspect
import pydoc
import re
import time
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cockpit_getmail
from cockpit_getmail import Client
from cockpit_getmail.client import props
from cockpit_getmail.problem import Problem
from tests.support import schemas
from tests.unit.client.conftest import Helpers

TOKEN = "d242d822a59bd4db308eef8b85af7d2a"
ACTIONS = sorted(
    (path.parent.name, path.name.removesuffix(".input.json"))
    for path in schemas.FOLDER.glob("*/*.input.json")
)
OWN = {"run": {"auto_handle_token"}, "verify": {"auto_handle_token"}, "cancel": {"status"}}
"""What methods take beside the props of the input."""
CONNECTOR = {"Retriever": "SimpleIMAPRetriever", "Server": "s", "Username": "u", "Password": "p"}


def find_method(verb: str, action: str) -> Any:
    """Return the method of an action."""
    name = action.replace("-", "_")
    return getattr(Client, f"validate_{name}" if verb == "validate" else name)


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


def make_status(version: int, code: str = "running", log: str | None = None, **fields: Any) -> dict[str, Any]:
    common = {"percentProgress": None, "statusText": None, "result": None, "error": None}
    told = {"token": TOKEN, "statusVersion": version, "statusCode": code, "logOutput": log}
    return {**told, **common, **fields}


# A method an action


@pytest.mark.parametrize(("verb", "action"), ACTIONS)
def test_a_method_takes_what_its_action_takes(verb: str, action: str) -> None:
    method = find_method(verb, action)
    parts = list(find_inputs(schemas.load(f"{verb}/{action}.input.json")))
    known, required = (set[str]().union(*sets) for sets in zip(*parts, strict=True))
    names, needed = find_parameters(method)
    # `type` is there so that what list tells can be sent back, and that goes to the methods with props.
    missing = known - names - {"action"}
    assert missing <= {"type"}
    assert names - known == OWN.get(method.__name__, set())
    assert needed == required - {"action"}


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


# Long tasks


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long a client sleeps, which it then does not."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


def test_a_task_is_followed_to_its_end(helpers: Helpers, pauses: list[float]) -> None:
    first, last = {"unit": "u", "running": True, **make_status(1)}, make_status(9, "succeeded", "done\n")
    helpers.answer(first, make_status(2), last)
    assert helpers.client.run("x") == {"unit": "u", **last}
    assert helpers.asked == [
        ("execute", {"action": "run", "wait": 1000, "name": "x"}),
        ("read", {"action": "progress", "token": TOKEN, "version": 1}),
        ("read", {"action": "progress", "token": TOKEN, "version": 2}),
    ]


@pytest.mark.parametrize("code", ["succeeded", "failed", "cancelled"])
def test_a_task_that_ends_in_time_is_not_asked_for(helpers: Helpers, code: str) -> None:
    error = {"message": "No.", "cause": "credentials", "hint": "Try again."} if code == "failed" else None
    helpers.answer(make_status(1, code, error=error))
    assert helpers.client.verify("x") == make_status(1, code, error=error)
    assert [verb for verb, _ in helpers.asked] == ["execute"]


def test_the_callback_gets_each_line_once(helpers: Helpers, pauses: list[float]) -> None:
    helpers.answer(
        make_status(3, log="one\n"),
        make_status(3),
        make_status(5, log="two\nthree\n"),
        make_status(5),
        make_status(6, "succeeded", log="four\n"),
    )
    told: list[dict[str, Any]] = []
    status = Client(callback_status=told.append, helpers=helpers.folder).verify("x")
    assert [each["logOutput"] for each in told] == ["one\n", "two\nthree\n", "four\n"]
    assert told[-1] == status


def test_it_asks_ever_less_often(helpers: Helpers, pauses: list[float]) -> None:
    helpers.answer(*[make_status(number) for number in range(1, 13)], make_status(13, "succeeded"))
    helpers.client.run("x")
    assert pauses[0] == 0.1
    assert pauses == sorted(pauses)
    assert pauses[-3:] == [1.0, 1.0, 1.0]
    assert len(pauses) == 12


def test_who_handles_tokens_waits_no_longer_than_asked(helpers: Helpers) -> None:
    helpers.answer(make_status(1))
    by_hand = Client(auto_handle_token=False, wait_time=5, helpers=helpers.folder)
    assert by_hand.run("x") == make_status(1)
    assert helpers.client.verify("x", wait=0, auto_handle_token=False) == make_status(1)
    assert [data["wait"] for _, data in helpers.asked] == [5, 0]


def test_one_call_may_be_automatic(helpers: Helpers, pauses: list[float]) -> None:
    helpers.answer(make_status(1), make_status(2, "failed"))
    by_hand = Client(auto_handle_token=False, helpers=helpers.folder)
    assert by_hand.run("x", auto_handle_token=True)["statusCode"] == "failed"


def test_a_status_leads_to_the_next(helpers: Helpers) -> None:
    helpers.answer(make_status(2), make_status(7, "cancelled"))
    status = helpers.client.get_status({"token": TOKEN})
    assert status == make_status(2)
    assert helpers.client.get_status({"unit": "u", **status}) == {"unit": "u", **make_status(7, "cancelled")}
    assert [data["version"] for _, data in helpers.asked] == [0, 2]


@pytest.mark.parametrize("status", [{}, {"token": None}, {"token": ""}, {"statusCode": "running"}])
def test_without_a_token_there_is_no_status(helpers: Helpers, status: dict[str, Any]) -> None:
    for method in (helpers.client.get_status, helpers.client.cancel):
        with pytest.raises(ValueError, match="no token"):
            method(status)


def test_a_connection_that_drops_leaves_a_token(helpers: Helpers, pauses: list[float], ssh: Path) -> None:
    helpers.answer(make_status(1))
    helpers.put("read", "#!/bin/sh\necho 'Connection closed.' >&2\nexit 255\n")
    with pytest.raises(Problem) as caught:
        Client("there", helpers=helpers.folder).run("x")
    assert caught.value.cause == "network"
    assert f'get_status({{"token": "{TOKEN}"}})' in caught.value.message
    assert caught.value.attributes["token"] == TOKEN  # type: ignore[index, call-overload]
    helpers.answer(make_status(8, "succeeded"))
    assert Client("there", helpers=helpers.folder).get_status({"token": TOKEN})["statusCode"] == "succeeded"


def test_another_problem_ends_the_following(helpers: Helpers, pauses: list[float]) -> None:
    helpers.answer(make_status(1), {"type": "NotFound", "message": "Gone."})
    with pytest.raises(Problem, match=r"^Gone\.$"):
        helpers.client.run("x")


def test_the_callback_may_cancel(helpers: Helpers, pauses: list[float]) -> None:
    helpers.answer(make_status(1), {"state": "success", "unit": "u"}, make_status(2, "cancelled"))

    def stop(status: dict[str, Any]) -> None:
        if status["statusCode"] == "running":
            client.cancel(status)

    client = Client(callback_status=stop, helpers=helpers.folder)
    assert client.run("x")["statusCode"] == "cancelled"
    assert helpers.asked[1] == ("execute", {"action": "cancel", "token": TOKEN})


def test_a_callback_that_fails_is_heard(helpers: Helpers) -> None:
    helpers.answer(make_status(1, "succeeded"))

    def fail(_status: dict[str, Any]) -> None:
        raise KeyError

    with pytest.raises(KeyError):
        Client(callback_status=fail, helpers=helpers.folder).run("x")


# Cancelling


def test_what_is_cancelled_may_have_ended(helpers: Helpers) -> None:
    helpers.answer({"type": "Conflict", "message": "Nothing runs."})
    assert helpers.client.cancel(make_status(1)) == {"state": "success"}
    with pytest.raises(Problem, match=r"^Nothing runs\.$"):
        helpers.client.cancel(token=TOKEN)
    with pytest.raises(Problem, match=r"^Nothing runs\.$"):
        helpers.client.cancel(name="x")
    helpers.answer({"type": "NotFound", "message": "Gone."})
    with pytest.raises(Problem, match=r"^Gone\.$"):
        helpers.client.cancel(make_status(1))
