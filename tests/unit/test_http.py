# SPDX-License-Identifier: LGPL-2.1-or-later
"""The answers of real web servers, good and bad, are read whole or not at all; see callbacks/test_post.py."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cockpit_getmail import http
from cockpit_getmail.problem import Problem
from tests.support.receiver import Receiver

LIMIT = 1000
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


def ask(receiver: Receiver, raw: bytes) -> http.Answer:
    receiver.raw = raw
    return http.exchange(receiver.url("/raw"), "POST", {}, b"{}", seconds=5.0, answer_limit=LIMIT)


def refuse(receiver: Receiver, raw: bytes) -> Problem:
    with pytest.raises(Problem) as caught:
        ask(receiver, raw)
    return caught.value


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 5\r\n\r\nhello",
        b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"\r\nhello",
    ],
    ids=["length", "chunks", "until closed"],
)
def test_body(receiver: Receiver, head: bytes) -> None:
    answer = ask(receiver, OK + b"Content-TYPE: a/b\r\n" + head)
    assert (answer.status, answer.body, answer.headers["content-type"]) == (200, b"hello", "a/b")


def test_status_with_a_body(receiver: Receiver) -> None:
    assert ask(receiver, b"HTTP/1.1 400 Bad\r\nContent-Length: 2\r\n\r\nno")[::2] == (400, b"no")
    assert ask(receiver, b"HTTP/1.1 204 Empty\r\n\r\n")[::2] == (204, b"")


@pytest.mark.parametrize("size", [LIMIT, LIMIT + 1, 1 << 20])
@pytest.mark.parametrize("told", [True, False])
def test_longest_body(receiver: Receiver, size: int, told: bool) -> None:
    head = f"Content-Length: {size}\r\n" if told else ""
    raw = OK + head.encode() + b"\r\n" + b"x" * size
    if size <= LIMIT:
        assert len(ask(receiver, raw).body) == size
    else:
        assert refuse(receiver, raw).cause == "protocol"


@pytest.mark.parametrize(
    ("raw", "cause"),
    [
        (b"Content-Length: 6\r\n\r\nhello", "network"),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhel", "protocol"),
        (b"Transfer-Encoding: chunked\r\n\r\nhello", "protocol"),
        (b"Content-", "network"),
    ],
)
def test_cut_off(receiver: Receiver, raw: bytes, cause: str) -> None:
    assert refuse(receiver, OK + raw).cause == cause


def test_body_in_pieces(receiver: Receiver) -> None:
    answer = http.exchange(
        receiver.url("/201"),
        "POST",
        {"A": "b"},
        [b'{"a":', b" 1}"],
        length=8,
        seconds=5.0,
        answer_limit=LIMIT,
    )
    assert (answer.status, answer.body) == (201, b"")
    [call] = receiver.calls
    assert (call.body, call.headers["A"], call.headers["Content-Length"]) == ({"a": 1}, "b", "8")


def test_body_that_is_not_wanted_is_not_read(receiver: Receiver) -> None:
    receiver.raw = OK + b"\r\n" + b"x" * (1 << 20)
    assert http.exchange(receiver.url("/raw"), "POST", {}, b"{}", seconds=5.0, answer_limit=0) == (
        200,
        {},
        b"",
    )


@pytest.mark.parametrize("length", ["-1", "-5", "f" * 4000, "five", ""])
def test_chunk_of_no_length(receiver: Receiver, length: str) -> None:
    raw = f"Transfer-Encoding: chunked\r\n\r\n{length}\r\nabc\r\n0\r\n\r\n"
    assert refuse(receiver, OK + raw.encode()).cause == "protocol"


@pytest.mark.long
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    st.binary()
    | st.lists(st.sampled_from([OK, b"Content-Length: 3\r\n", b"\r\n", b"3\r\n", b"a"])).map(b"".join)
)
def test_any_answer_is_an_answer_or_a_problem(receiver: Receiver, raw: bytes) -> None:
    receiver.raw = raw
    causes = []
    try:
        assert len(ask(receiver, raw).body) <= LIMIT
    except Problem as problem:
        causes.append(problem.cause)
    assert set(causes) <= {"network", "protocol"}
