# SPDX-License-Identifier: LGPL-2.1-or-later
"""Asking a provider; tests/machine has the sandbox in which root has it done."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest

from cockpit_getmail.connector import Connector
from cockpit_getmail.oauth import exchange
from cockpit_getmail.oauth.flows import Request
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from tests.support.certificates import Authority
from tests.support.receiver import Receiver
from tests.support.tokens import TokenEndpoint

pytestmark = pytest.mark.long

if TYPE_CHECKING:
    from pathlib import Path

HEADERS = {"Content-Type": "application/x-www-form-urlencoded"}
FORM = "grant_type=client_credentials"


@pytest.fixture(autouse=True)
def awake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_asleep", {})


def make(url: str) -> Request:
    return Request(url, HEADERS, FORM, ())


def test_answer() -> None:
    with TokenEndpoint() as provider:
        answer = exchange.ask(Connector("n", {}), make(provider.url), Settings())
        assert (answer.status, answer.text("access_token")) == (200, "access-1")
        assert provider.asked == [{"grant_type": "client_credentials"}]
        provider.answer = (400, b'{"error": "invalid_scope", "more": 1}')
        answer = exchange.ask(Connector("n", {}), make(provider.url), Settings())
        assert (answer.status, dict(answer.fields)) == (400, {"error": "invalid_scope"})


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("/close", ("network", "protocol")),
        ("/hang", ("network",)),
        ("/drip", ("network",)),
        ("/head", ("protocol",)),
    ],
)
def test_provider_that_misbehaves(path: str, cause: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "SECONDS", 0.5)
    with Receiver() as receiver, pytest.raises(Problem) as raised:
        # What that receiver reads is JSON.
        exchange.ask(Connector("n", {}), Request(receiver.url(path), {}, "{}", ()), Settings())
    assert raised.value.cause in cause


def test_redirect_is_not_followed() -> None:
    with Receiver() as receiver:
        url = receiver.url("/redirect?" + receiver.url("/200"))
        answer = exchange.ask(Connector("n", {}), Request(url, {}, "{}", ()), Settings())
        assert (answer.status, dict(answer.fields), len(receiver.calls)) == (307, {}, 1)


def test_provider_that_made_one_wait_is_not_asked_again_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "SECONDS", 0.3)
    monkeypatch.setattr(exchange, "PATIENCE_SECONDS", 0.1)
    with Receiver() as receiver:
        silent = Request(receiver.url("/hang"), {}, "{}", ())
        messages = []
        for _ in range(3):
            with pytest.raises(Problem) as raised:
                exchange.ask(Connector("n", {}), silent, Settings())
            messages.append(raised.value.message)
        assert (len(receiver.calls), len(set(messages))) == (1, 1)
        # Others are no worse off.
        with TokenEndpoint() as provider:
            assert exchange.ask(Connector("n", {}), make(provider.url), Settings()).status == 200
        monkeypatch.setattr(exchange, "SLEEP_SECONDS", 0.0)
        exchange._asleep.clear()
        for _ in range(2):
            with pytest.raises(Problem):
                exchange.ask(Connector("n", {}), silent, Settings())
        assert len(receiver.calls) == 3


def test_provider_that_nobody_is_at_is_asked_each_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for _ in range(2):
        with pytest.raises(Problem) as raised:
            exchange.ask(Connector("n", {}), make(f"http://127.0.0.1:{port}/"), Settings())
        assert raised.value.cause == "network"
    assert not exchange._asleep


def test_provider_of_ones_own_may_be_signed_as_the_mail_server_is(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    with Receiver(authority.issue()) as receiver:
        request = Request(receiver.url("/200"), {}, "{}", ())
        for props in ({"Provider": "custom"}, {"Provider": "google", "CAFile": str(authority.ca)}):
            with pytest.raises(Problem) as raised:
                exchange.ask(Connector("n", props), request, Settings())
            assert raised.value.cause == "tls"
        connector = Connector("n", {"Provider": "custom", "CAFile": str(authority.ca)})
        assert exchange.ask(connector, request, Settings()).status == 200
        assert len(receiver.calls) == 1
