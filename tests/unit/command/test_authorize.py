# SPDX-License-Identifier: LGPL-2.1-or-later
"""Signing in with helpers that say how far it is. With real ones and a terminal: tests/machine."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from cockpit_getmail.command.session import Told
from cockpit_getmail.problem import Problem
from tests.unit.command.conftest import Commands
from tests.unit.command.test_tasks import status

DEVICE = "https://provider.example/device"
REDIRECT = "http://127.0.0.1:53682/?code=4711&state=s"
CODE = {"address": DEVICE, "code": "WDJB-MJHT", "interval": 5, "expires": 4_000_000_000, "unit": "u"}
ADDRESS = {"address": "https://provider.example/auth?state=s", "expires": 4_000_000_000}
Say = Callable[[str], None]
FAILED = {"message": "No.", "cause": "credentials", "hint": "Try again."}


@pytest.fixture(autouse=True)
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each second is over at once."""
    times = iter(range(1_000_000))
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(time, "monotonic", lambda: float(next(times)))


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Say]:
    """Let this be what is on standard input, which is no terminal."""
    with ExitStack() as files:

        def put(text: str) -> None:
            path = tmp_path_factory.mktemp("stdin") / "text"
            path.write_text(text)
            monkeypatch.setattr("sys.stdin", files.enter_context(path.open()))

        yield put


@pytest.mark.long
def test_code_is_shown_and_waited_for(commands: Commands) -> None:
    complete = {"address_with_code": f"{DEVICE}?user_code=WDJB-MJHT"}
    commands.helpers.answer(
        {**CODE, **complete, **status("running", 1)}, status("running", 1), status("succeeded", 2)
    )
    assert commands.run("authorize", "me", "--of", "there") == 0
    assert commands.lines[1:3] == [f"  {DEVICE}", "  WDJB-MJHT"]
    assert complete["address_with_code"] in commands.out.getvalue()
    assert commands.lines[-1].startswith("Signed in.")
    assert commands.helpers.asked == [
        ("execute", {"action": "authorize", "name": "me", "account": "there"}),
        *[("read", {"action": "progress", "token": status("", 0)["token"], "version": 1})] * 2,
    ]


@pytest.mark.long
def test_address_is_shown_and_the_other_one_taken(commands: Commands, say: Say) -> None:
    say(f"{REDIRECT}\n")
    commands.helpers.answer({**ADDRESS, **status("running", 1)}, status("succeeded", 2))
    assert commands.run("authorize", "me", "--flow", "code") == 0
    assert f"  {ADDRESS['address']}" in commands.lines
    assert "4711" not in commands.out.getvalue()
    assert commands.helpers.asked == [
        ("execute", {"action": "authorize", "name": "me", "flow": "code"}),
        ("execute", {"action": "authorize-complete", "name": "me", "redirect": REDIRECT}),
    ]


@pytest.mark.long
def test_only_the_address_is_taken(commands: Commands, say: Say) -> None:
    say(REDIRECT)
    commands.helpers.answer(status("succeeded", 2))
    assert commands.run("authorize", "me", "--complete") == 0
    assert [request["action"] for _, request in commands.helpers.asked] == ["authorize-complete"]


def test_without_an_address_nothing_is_asked(commands: Commands, say: Say) -> None:
    say("")
    commands.helpers.answer(status("succeeded", 2))
    with pytest.raises(EOFError):
        commands.run("authorize", "me", "--complete")


@pytest.mark.long
@pytest.mark.parametrize(
    ("code", "error", "cause"), [("failed", FAILED, "credentials"), ("cancelled", None, "running")]
)
def test_sign_in_that_does_not_work(commands: Commands, code: str, error: Any, cause: str) -> None:
    commands.helpers.answer({**CODE, **status("running", 1)}, status(code, 2, error=error))
    with pytest.raises(Problem) as caught:
        commands.run("authorize", "me")
    assert caught.value.cause == cause


@pytest.mark.long
def test_json_is_what_was_begun(commands: Commands, say: Say) -> None:
    begun = {**ADDRESS, **status("running", 1)}
    commands.helpers.answer(begun)
    assert commands.run("authorize", "me", "--json") == 0
    assert json.loads(commands.out.getvalue()) == begun
    say(REDIRECT)
    commands.helpers.answer(status("failed", 2, error=FAILED))
    with pytest.raises(Told) as caught:
        commands.run("authorize", "me", "--json", "--complete")
    assert caught.value.problem.cause == "credentials"


@pytest.mark.long
@pytest.mark.parametrize(
    "answer", [{"state": "success", "token": "t"}, {"unit": "cockpit-getmail@authorize-1"}]
)
def test_sign_in_that_is_cancelled(commands: Commands, answer: dict[str, str]) -> None:
    commands.helpers.answer({"state": "success", "token": "t", **answer})
    assert commands.run("cancel", "me") == 0
    assert commands.lines == ["The sign-in is cancelled."]
