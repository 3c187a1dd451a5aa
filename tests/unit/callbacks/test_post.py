# SPDX-License-Identifier: LGPL-2.1-or-later
"""A POST to real web servers, good and bad, ends in time and goes nowhere else."""

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cockpit_getmail.callbacks.address import require_public
from cockpit_getmail.callbacks.post import post
from cockpit_getmail.problem import Problem, failure
from tests.support.certificates import Authority, Certificate
from tests.support.receiver import Receiver

pytestmark = pytest.mark.long

BODY = b'{"a": 1}'
SHORT = 0.5


def send(url: str, *, ca: Path | None = None, permit: Callable[[str], object] | None = None) -> int:
    return post(url, BODY, "msg_1", permit, SHORT * 10, ca.read_text() if ca else None)


def refuse(url: str, *, ca: Path | None = None, seconds: float = SHORT) -> Problem:
    with pytest.raises(Problem) as caught:
        post(url, BODY, "msg_1", None, seconds, ca.read_text() if ca else None)
    return caught.value


def test_what_is_sent(receiver: Receiver) -> None:
    assert send(receiver.url("/204?b=%2F")) == 204
    [call] = receiver.calls
    assert call.path == "/204?b=%2F"
    assert call.body == {"a": 1}
    assert call.headers["Content-Type"] == "application/json"
    assert call.headers["Content-Length"] == str(len(BODY))
    assert call.headers["webhook-id"] == "msg_1"
    assert call.headers["Host"] == f"127.0.0.1:{receiver.port}"


@pytest.mark.parametrize("status", [200, 201, 204, 400, 404, 410, 429, 500, 503])
def test_status(receiver: Receiver, status: int) -> None:
    assert send(receiver.url(f"/{status}")) == status


def test_redirect_is_not_followed(receiver: Receiver) -> None:
    assert send(receiver.url(f"/redirect?{receiver.url('/200')}")) == 307
    assert [call.path.partition("?")[0] for call in receiver.calls] == ["/redirect"]


@pytest.mark.parametrize(
    ("path", "cause"),
    [("hang", "network"), ("drip", "network"), ("head", "protocol"), ("close", "network")],
)
def test_no_answer(receiver: Receiver, path: str, cause: str) -> None:
    assert refuse(receiver.url(f"/{path}?secret")).cause == cause
    assert len(receiver.calls) == 1


def test_what_fails_does_not_show_the_path(receiver: Receiver) -> None:
    for path in ("hang", "head", "close"):
        assert "secret" not in refuse(receiver.url(f"/{path}?secret")).message
    receiver.raw = b"secret\r\n\r\n"
    assert "secret" not in refuse(receiver.url("/raw")).message


def test_nobody_listens() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        assert refuse(f"http://127.0.0.1:{sock.getsockname()[1]}/").cause == "network"


def test_listener_that_accepts_nothing() -> None:
    """The backlog takes the connection, nobody reads."""
    with socket.create_server(("127.0.0.1", 0), backlog=1) as sock:
        for scheme in ("http", "https"):
            assert refuse(f"{scheme}://127.0.0.1:{sock.getsockname()[1]}/").cause in ("network", "tls")


WORDS = (
    *(b"HTTP/1.1 ", b"HTTP/0.9 ", b"200", b" OK", b"\r\n", b"\n", b":", b"a: b", b"\0", b"\xff", b" ", b"-1"),
    *(b"Transfer-Encoding: chunked", b"Content-Length: ", b"9" * 30, b"HTTP/1.1 100 C\r\n\r\n"),
)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.binary() | st.lists(st.sampled_from(WORDS)).map(b"".join))
@example(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n")
@example(b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
@example(b"HTTP/1.1 100 Continue\r\n\r\n" * 10)
@example(b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 200 + b"\r\n")
@example(b"HTTP/1.1 99999999999 OK\r\n\r\n")
def test_any_answer_is_a_status_or_a_problem(receiver: Receiver, raw: bytes) -> None:
    receiver.raw = raw
    causes = []
    try:
        assert 100 <= send(receiver.url("/raw")) <= 999
    except Problem as problem:
        causes.append(problem.cause)
    assert set(causes) <= {"network", "protocol"}


def test_answer_without_an_end_is_not_read_to_its_end(receiver: Receiver) -> None:
    receiver.raw = b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * (1 << 20)
    assert refuse(receiver.url("/raw")).cause == "protocol"


@pytest.fixture
def encrypted(authority: Authority) -> Iterator[Receiver]:
    with Receiver(authority.issue(["localhost", "127.0.0.1", "::1"])) as receiver:
        yield receiver


def test_trusted_certificate(encrypted: Receiver, authority: Authority) -> None:
    for host in ("", "localhost"):
        assert send(encrypted.url("/200", host), ca=authority.ca) == 200
    assert [call.headers["Host"].rpartition(":")[0] for call in encrypted.calls] == ["127.0.0.1", "localhost"]


def test_untrusted_certificate(encrypted: Receiver) -> None:
    problem = refuse(encrypted.url("/200"), seconds=SHORT * 10)
    assert problem.cause == "tls"
    assert "not trusted" in problem.message
    assert not encrypted.calls


@pytest.mark.parametrize("kind", ["expired", "wrong_host", "self_signed"])
def test_bad_certificate(authority: Authority, kind: str) -> None:
    certificate: Certificate = getattr(authority, kind)()
    with Receiver(certificate) as receiver:
        assert refuse(receiver.url("/200"), ca=authority.ca, seconds=SHORT * 10).cause == "tls"
        assert not receiver.calls


def test_encrypted_drip(encrypted: Receiver, authority: Authority) -> None:
    assert refuse(encrypted.url("/drip"), ca=authority.ca, seconds=SHORT * 2).cause == "network"


def test_no_clear_text_where_tls_is_asked_for(receiver: Receiver) -> None:
    url = receiver.url("/200").replace("http:", "https:")
    assert refuse(url).cause in ("tls", "network")
    assert not receiver.calls


def test_ipv6() -> None:
    with Receiver(address="::1") as receiver:
        assert send(receiver.url("/200")) == 200
        assert receiver.calls[0].headers["Host"] == f"[::1]:{receiver.port}"


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_private_address_is_not_connected_to(receiver: Receiver, host: str) -> None:
    with pytest.raises(Problem) as caught:
        send(receiver.url("/200", host), permit=require_public)
    assert caught.value.cause == "policy"
    assert not receiver.calls


class Resolver:
    """The name server of an attacker: each question has another answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
        self.asked = 0
        self._answers = answers
        monkeypatch.setattr(socket, "getaddrinfo", self)

    def __call__(self, host: Any, port: int, **_: Any) -> list[Any]:
        answer = self._answers[min(self.asked, len(self._answers) - 1)]
        self.asked += 1
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in answer]


def test_address_that_is_checked_is_connected_to(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = Resolver(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])
    checked: list[str] = []
    assert send(receiver.url("/200", "rebinding.example"), permit=checked.append) == 200
    assert (resolver.asked, checked) == (1, ["127.0.0.1"])


@pytest.mark.parametrize("answer", [["8.8.8.8", "127.0.0.1"], ["127.0.0.1", "8.8.8.8"]])
def test_each_address_of_a_name_is_checked(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch, answer: list[str]
) -> None:
    Resolver(monkeypatch, answer)
    connected: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _, address: connected.append(address))
    with pytest.raises(Problem) as caught:
        send(receiver.url("/200", "both.example"), permit=require_public)
    assert "127.0.0.1 is not an address" in caught.value.message
    assert not connected


def test_second_address_is_tried(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    Resolver(monkeypatch, ["127.0.0.9", "127.0.0.1"])
    assert send(receiver.url("/200", "two.example"), permit=lambda _: None) == 200


def test_name_server_without_an_answer(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: over.wait(30))
    try:
        assert refuse(receiver.url("/200", "slow.example")).cause == "network"
    finally:
        over.set()


def test_what_is_refused_is_said(receiver: Receiver) -> None:
    def permit(_: str) -> None:
        raise failure("policy", "Not there.")

    with pytest.raises(Problem, match="Not there"):
        send(receiver.url("/200"), permit=permit)
