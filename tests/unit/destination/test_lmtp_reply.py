# SPDX-License-Identifier: LGPL-2.1-or-later
"""Replies of any octets."""

import re
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.destination.lmtp_reply import LINE_LIMIT, REPLY_LINES, Reply, read_reply
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem, printable
from cockpit_getmail.transport import Connection


def told(octets: bytes) -> Reply | Problem:
    """Return the reply that a client reads in these octets, after which the server goes."""
    ours, theirs = socket.socketpair()
    with theirs:
        connection = Connection(ours, Endpoint("server", 24), 5.0, None)
        theirs.sendall(octets)
        theirs.shutdown(socket.SHUT_WR)
        try:
            return read_reply(lambda: connection.read_line(LINE_LIMIT), "server")
        except Problem as problem:
            return problem
        finally:
            connection.close()


@pytest.mark.parametrize(
    "octets",
    [
        b"250 OK\r\n",
        b"250\r\n",
        b"250 \r\n",
        b"250-a\r\n250-b\r\n250 c\r\n",
        b"250 OK\n",
        b"299 \xff\r\n",
        b"200-\r\n200\r\n",
    ],
)
def test_positive_replies(octets: bytes) -> None:
    found = told(octets)
    assert isinstance(found, Reply)
    assert found.is_positive


@pytest.mark.parametrize(
    "octets",
    [
        *(b"", b"250", b"250 OK", b"\r\n", b"25 OK\r\n", b"2500 OK\r\n", b"250_OK\r\n", b" 250 OK\r\n"),
        *(
            b"250-a\r\n251 b\r\n",
            b"250-a\r\n",
            b"250-a\r\n 250 b\r\n",
            b"650 OK\r\n",
            b"150 OK\r\n",
            b"2\xb50 OK\r\n",
        ),
        *(
            b"250 " + b"x" * LINE_LIMIT + b"\r\n",
            b"250-x\r\n" * REPLY_LINES + b"250 x\r\n",
            b"* OK\r\n",
            b"250 a\rb\r\n",
        ),
    ],
)
def test_what_is_no_reply(octets: bytes) -> None:
    assert isinstance(told(octets), Problem)


@pytest.mark.long
@given(
    st.binary(max_size=200) | st.from_regex(rb"([2-5][0-9][0-9][ -][^\r\n]{0,20}\r\n){1,4}", fullmatch=True)
)
def test_any_octets_are_a_reply_or_a_problem(octets: bytes) -> None:
    """Nothing but a whole reply counts, and nothing else happens than a Problem."""
    found = told(octets)
    whole = re.match(rb"((?:[2-5][0-9][0-9]-[^\r\n]*\r?\n)*)([2-5][0-9][0-9])(?: [^\r\n]*)?\r?\n", octets)
    if isinstance(found, Problem):
        assert found.cause in ("delivery", "network", "protocol")
        assert printable(found.message) == found.message
    else:
        assert whole
        assert found.code == int(whole[2])
        assert all(line.startswith(whole[2]) for line in whole[1].splitlines())


@pytest.mark.parametrize(
    ("reply", "enhanced", "full"),
    [
        (Reply(552, (b"5.2.2 full",)), "5.2.2", True),
        (Reply(452, (b"4.2.2 full",)), "4.2.2", True),
        (Reply(452, (b"4.3.1 disk",)), "4.3.1", True),
        (Reply(452, (b"4.5.3 too many",)), "4.5.3", False),
        (Reply(452, (b"no room",)), "", True),
        (Reply(452, (b"5.5.3 unfit",)), "", True),
        (Reply(552, (b"5.3.4 too big",)), "5.3.4", False),
        (Reply(552, (b"too big",)), "", False),
        (Reply(550, (b"5.1.1",)), "5.1.1", False),
        (Reply(250, (b"2.0.0.1 odd", b"x")), "", False),
    ],
)
def test_enhanced_codes(reply: Reply, enhanced: str, full: bool) -> None:
    assert (reply.enhanced, reply.is_full) == (enhanced, full)


def test_words_are_printable() -> None:
    assert Reply(550, (b"a\x1b[31m", b"b\xff")).words == r"550 a\x1b[31m b\xff"
