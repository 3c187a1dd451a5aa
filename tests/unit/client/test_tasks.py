# SPDX-License-Identifier: LGPL-2.1-or-later
import time
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import Client
from cockpit_getmail.problem import Problem
from tests.unit.client.conftest import TOKEN, Helpers, make_status

pytestmark = pytest.mark.long


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


CODE = {"address": "https://p.example/", "code": "WDJB-MJHT", "interval": 5, "expires": 4_000_000_000}


def test_a_sign_in_is_followed_if_somebody_sees_its_code(helpers: Helpers, pauses: list[float]) -> None:
    begun = {**CODE, "unit": "u", **make_status(1)}
    helpers.answer(begun, make_status(1), make_status(2, "succeeded"))
    assert helpers.client.authorize("x") == begun
    helpers.answer(begun)
    told: list[dict[str, Any]] = []
    client = Client(callback_status=told.append, helpers=helpers.folder)
    assert client.authorize("x", auto_handle_token=False) == begun
    assert not told
    without = {name: value for name, value in begun.items() if name not in ("code", "unit", "interval")}
    helpers.answer(without)
    assert client.authorize("x", flow="code") == without


def test_a_sign_in_without_a_unit_is_asked_about(helpers: Helpers, pauses: list[float]) -> None:
    over = {"id": 1, "type": "Conflict", "message": "It is over."}
    helpers.answer(
        {**CODE, **make_status(1)}, make_status(1), make_status(1), over, make_status(2, "succeeded")
    )
    told: list[dict[str, Any]] = []
    status = Client(callback_status=told.append, helpers=helpers.folder).authorize("x")
    assert [each["statusCode"] for each in told] == ["running", "succeeded"]
    assert status == told[-1] == {**CODE, **make_status(2, "succeeded")}
    asked = ("execute", {"action": "authorize-complete", "token": TOKEN, "wait": 5000})
    progress = ("read", {"action": "progress", "token": TOKEN, "version": 1})
    assert helpers.asked == [("execute", {"action": "authorize", "name": "x"}), *[asked, progress] * 2]
    helpers.answer({"id": 1, "type": "NotFound", "message": "No."})
    with pytest.raises(Problem):
        helpers.client.get_status({**CODE, **make_status(1)})
