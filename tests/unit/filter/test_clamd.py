# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a real clamd says of messages, and what any other may say."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cockpit_getmail.filter.base import Envelope, Verdict
from cockpit_getmail.filter.clamd import REPLY_LIMIT, Clamd, make, parse_reply
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from tests.support import clamd as real
from tests.support.hostile import Script, Server, Step, close, hang, read, repeat, reset
from tests.unit.filter.conftest import MakeSpool

pytestmark = pytest.mark.long

MESSAGE = b"Subject: x\r\n\r\nHello.\r\n"
ENVELOPE = Envelope("a@b.example", "me")
OK = b"stream: OK\0"
TOO_LARGE = Verdict("fail", "it is larger than clamd takes (StreamMaxLength).")


@pytest.fixture(params=["socket", "port"])
def filter_(clamd: real.Clamd, request: pytest.FixtureRequest) -> Clamd:
    place = clamd.socket if request.param == "socket" else clamd.address
    return make(Settings(clamd_socket=place, filter_timeout=30.0))


def test_clean(filter_: Clamd, make_spool: MakeSpool) -> None:
    assert filter_.scan(make_spool(MESSAGE), ENVELOPE) == Verdict("deliver")
    assert filter_.scan(make_spool(b""), ENVELOPE) == Verdict("deliver")


@pytest.mark.parametrize("before", [0, 60000, 1 << 20], ids=["small", "at the end of a chunk", "large"])
def test_infected(filter_: Clamd, make_spool: MakeSpool, before: int) -> None:
    message = MESSAGE + b"x" * before + b"\r\n" + real.EICAR + b"\r\n"
    assert filter_.scan(make_spool(message), ENVELOPE) == Verdict("quarantine", f"clamd found {real.FOUND}.")


@pytest.mark.parametrize("size", [real.STREAM_LIMIT + 1, 20 * real.STREAM_LIMIT])
def test_too_large(filter_: Clamd, make_spool: MakeSpool, size: int) -> None:
    message = make_spool(MESSAGE.ljust(size, b"x"))
    for _ in range(5):
        assert filter_.scan(message, ENVELOPE) == TOO_LARGE


def test_many_at_once(filter_: Clamd, make_spool: MakeSpool) -> None:
    messages = [make_spool(MESSAGE + (real.EICAR if number % 3 == 0 else b"")) for number in range(60)]
    with ThreadPoolExecutor(8) as pool:
        actions = [found.action for found in pool.map(lambda each: filter_.scan(each, ENVELOPE), messages)]
    assert actions == ["quarantine" if number % 3 == 0 else "deliver" for number in range(60)]


def talk(*script: Step) -> Script:
    """Return the script of a clamd that takes a message of one chunk and goes on so."""
    return [read(len(b"zINSTREAM\0") + 4 + len(MESSAGE) + 4), *script]


def scan(server: Server, make_spool: MakeSpool, seconds: float = 0.5) -> Verdict:
    place = f"127.0.0.1:{server.port}"
    return make(Settings(clamd_socket=place, filter_timeout=seconds)).scan(make_spool(MESSAGE), ENVELOPE)


def test_reply_in_pieces(make_spool: MakeSpool) -> None:
    with Server(talk(OK[:3], OK[3:-1], b"\0rest")) as server:
        assert scan(server, make_spool, 30.0) == Verdict("deliver")


@pytest.mark.parametrize(
    "script",
    [
        [close],
        [reset],
        [hang],
        talk(close),
        talk(hang),
        talk(b"stream: O", close),
        talk(b"stream: OK", hang),
        talk(b"\0"),
        talk(b"stream: OK\n\0"),
        talk(b"UNKNOWN COMMAND\0"),
        talk(b"stream: Can't allocate memory ERROR\0"),
        talk(repeat(b"x")),
        [OK],
        [OK, reset],
    ],
)
def test_no_answer_is_a_problem_of_the_filter(make_spool: MakeSpool, script: Script) -> None:
    with Server(script) as server:
        # It may say so before it has got the message: nothing of it was scanned.
        large = MESSAGE.ljust(8 << 20) if script[0] == OK else MESSAGE
        found = make(Settings(clamd_socket=f"127.0.0.1:{server.port}", filter_timeout=0.5))
        with pytest.raises(Problem) as caught:
            found.scan(make_spool(large), ENVELOPE)
    assert caught.value.cause == "filter"
    assert "clamd" in caught.value.message


@pytest.mark.parametrize("place", ["/nonexistent/clamd.ctl", "127.0.0.1:1"])
def test_nobody_there(make_spool: MakeSpool, place: str) -> None:
    with pytest.raises(Problem, match="clamd did not answer") as caught:
        make(Settings(clamd_socket=place)).scan(make_spool(MESSAGE), ENVELOPE)
    assert caught.value.cause == "filter"


@given(st.binary(max_size=REPLY_LIMIT) | st.binary().map(lambda name: b"stream: " + name + b" FOUND"))
@example(b"stream: OK")
@example(b"stream: OK FOUND")
@example(b"stream: \xd7\xb5\x1b FOUND")
@example(b"stream:  FOUND")
@example(b"stream: OK\nstream: x FOUND")
def test_only_ok_is_clean(reply: bytes) -> None:
    try:
        verdict = parse_reply(reply)
    except Problem as problem:
        assert problem.cause == "filter"  # noqa: PT017
        return
    assert (verdict.action == "deliver") == (reply == b"stream: OK")
    assert not re.search("[\x00-\x1f\x7f-\x9f]", verdict.reason)
    assert not verdict.added
