# SPDX-License-Identifier: LGPL-2.1-or-later
"""POP3 answers as octets, in pieces of any size, beside a model that reads them a line at a time."""

import time
from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever.pop3_replies import LINE_LIMIT, LISTING_LINES, Replies
from tests.support.limits import bounded

# What dot-stuffing, and ends of lines and of messages are made of, most of the time.
OCTETS = st.lists(
    st.sampled_from(
        [b"\r\n", b"\r", b"\n", b".", b"..", b"\r\n.", b"\n.\n", b".\r\n", b"+OK", b"a", b"\0\xff"]
    )
).map(b"".join)
CUTS = st.lists(st.integers(0, 10_000), max_size=20)


def stuffed(content: bytes) -> bytes:
    """What a server sends (RFC 1939 section 3); it ends the last line if the message does not."""
    lines = content.split(b"\r\n")
    if lines[-1] == b"":
        lines.pop()
    return b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines) + b".\r\n"


def unstuffed(octets: bytes) -> tuple[bytes, bytes] | None:
    """The model: the content and what comes after it; None if it has no end."""
    content = b""
    while b"\r\n" in octets:
        line, _, octets = octets.partition(b"\r\n")
        if line == b".":
            return content, octets
        content += line.removeprefix(b".") + b"\r\n"
    return None


def source(pieces: Iterable[bytes]) -> Callable[[], bytes]:
    waiting = iter([piece for piece in pieces if piece])

    def receive() -> bytes:
        for piece in waiting:
            return piece
        raise failure("network", "closed")

    return receive


def replies(*pieces: bytes) -> Replies:
    return Replies(source(pieces), "pop.example")


def cut(octets: bytes, cuts: Iterable[int]) -> list[bytes]:
    places = sorted({place % (len(octets) + 1) for place in cuts} | {0, len(octets)})
    return [octets[start:end] for start, end in pairwise(places)]


@pytest.mark.long
@given(OCTETS, CUTS)
@example(b"", [])
@example(b".", [1, 2, 3, 4, 5, 6, 7, 8, 9])
@example(b"a\n.\n+OK\r\n.\r\n", [])
def test_content_comes_back_whatever_the_pieces(content: bytes, cuts: list[int]) -> None:
    reader = replies(*cut(b"+OK\r\n" + stuffed(content) + b"+OK next\r\n", cuts))
    reader.due = 2
    assert reader.status(multiline=True).ok
    whole = content if content.endswith(b"\r\n") or not content else content + b"\r\n"
    assert b"".join(reader.body()) == whole
    assert reader.status().text == b"next"
    assert reader.due == 0
    assert not reader.unasked


@given(OCTETS, CUTS)
def test_any_octets_are_read_as_the_model_reads_them(octets: bytes, cuts: list[int]) -> None:
    reader = replies(*cut(b"+OK 1\r\n" + octets, cuts))
    reader.status(multiline=True)
    expected = unstuffed(octets)
    if expected is None:
        with pytest.raises(Problem) as caught:
            list(reader.body())
        assert caught.value.cause == "network"
        assert reader.due == 1
    else:
        pieces = list(reader.body())
        assert b"".join(pieces) == expected[0]
        assert all(pieces)
        assert reader.due == 0


@pytest.mark.parametrize("step", [1, 2, 3, 4, 5, 7])
def test_every_piece_boundary(step: int) -> None:
    content = b".\r\n..\r\n.a\r\n\r\n\n.\r\n\n.\n\r.\r\r\n.\r.\r\n+OK\r\n-ERR\r\n"
    octets = b"+OK\r\n" + stuffed(content)
    reader = replies(*(octets[start : start + step] for start in range(0, len(octets), step)))
    reader.status(multiline=True)
    assert b"".join(reader.body()) == content


def test_bare_line_feed_dot_is_content() -> None:
    content = b"Subject: trap\r\n\r\ncut here\n.\n+OK 120 octets\r\n+OK gone\n.\r\nthe rest\r\n"
    reader = replies(b"+OK\r\n" + stuffed(content) + b"+OK after\r\n")
    reader.due = 2
    reader.status(multiline=True)
    assert b"".join(reader.body()) == content
    assert reader.status().text == b"after"


@pytest.mark.parametrize(
    "octets",
    [b"", b"a", b"a\r\n", b"a\r\n.", b"a\r\n.\r", b"a\r\n.\n", b"a\n.\r\n", b"a\r.\r\n", b"a\r\n..\r\n"],
)
def test_the_end_of_the_octets_is_not_the_end_of_a_message(octets: bytes) -> None:
    reader = replies(b"+OK\r\n", octets)
    reader.status(multiline=True)
    with pytest.raises(Problem) as caught:
        list(reader.body())
    assert caught.value.cause == "network"


@pytest.mark.long
def test_a_huge_line_is_streamed_in_bounded_memory() -> None:
    piece = b"x" * (256 << 10)
    reader = Replies(source([b"+OK\r\n", *[piece] * 400, b"\r\n.\r\n"]), "pop.example")
    reader.status(multiline=True)
    with bounded(seconds=5, mebibytes=8):
        octets = sum(len(part) for part in reader.body())
    assert octets == 400 * len(piece) + 2


@pytest.mark.long
def test_a_message_of_many_lines_takes_little_time() -> None:
    line = b"." + b"y" * 70 + b"\r\n"
    piece = stuffed(line * 3600).removesuffix(b".\r\n")
    reader = Replies(source([b"+OK\r\n", *[piece] * 200, b".\r\n"]), "pop.example")
    reader.status(multiline=True)
    start = time.process_time()
    octets = sum(len(part) for part in reader.body())
    assert octets == 200 * 3600 * len(line)
    assert time.process_time() - start < 1


@pytest.mark.parametrize(
    ("line", "word", "code"),
    [
        (b"+OK\r\n", "+OK", ""),
        (b"+OK ready\r\n", "+OK", ""),
        (b"-ERR [auth] no\r\n", "-ERR", "AUTH"),
        (b"-ERR [SYS/TEMP] later\r\n", "-ERR", "SYS/TEMP"),
        (b"-ERR [IN-USE] other\r\n", "-ERR", "IN-USE"),
        (b"-ERR wrong [AUTH]\r\n", "-ERR", ""),
        (b"+ \r\n", "+", ""),
        (b"+\r\n", "+", ""),
    ],
)
def test_status_lines(line: bytes, word: str, code: str) -> None:
    answer = replies(line).status()
    assert (answer.word, answer.code) == (word, code)


@pytest.mark.parametrize(
    "line",
    [
        b"\r\n",
        b"+ok\r\n",
        b"OK\r\n",
        b"* OK IMAP\r\n",
        b"+OK\n",
        b"+OKAY\r\n",
        b"\x16\x03\r\n",
        b"x" * (LINE_LIMIT + 9),
    ],
)
def test_what_is_no_status_line(line: bytes) -> None:
    with pytest.raises(Problem) as caught:
        replies(line).status()
    assert caught.value.cause == "protocol"


def test_control_characters_of_a_server_are_escaped() -> None:
    with pytest.raises(Problem, match=r"\\x1b\[2J"):
        replies(b"\x1b[2J\r\n").status()


@pytest.mark.long
@given(st.lists(OCTETS.filter(lambda line: b"\r\n" not in line and not line.endswith(b"\r"))), CUTS)
def test_lines_of_a_listing(lines: list[bytes], cuts: list[int]) -> None:
    body = b"".join((b"." + line if line.startswith(b".") else line) + b"\r\n" for line in lines)
    reader = replies(*cut(b"+OK\r\n" + body + b".\r\n", cuts))
    reader.status(multiline=True)
    assert list(reader.lines()) == lines


def endless(piece: bytes) -> Callable[[], bytes]:
    first = iter([b"+OK\r\n"])
    return lambda: next(first, piece)


@pytest.mark.long
@pytest.mark.parametrize("piece", [b"1 a\r\n" * 50_000, b"x" * (256 << 10), (b"x" * 60_000 + b"\r\n") * 4])
def test_an_endless_listing_is_refused(piece: bytes) -> None:
    reader = Replies(endless(piece), "pop.example")
    reader.status(multiline=True)
    start = time.process_time()
    with pytest.raises(Problem, match="out of all bounds") as caught:
        assert sum(1 for _ in reader.lines()) <= LISTING_LINES
    assert caught.value.cause == "protocol"
    assert time.process_time() - start < 5


def test_octets_nobody_asked_for_are_noticed() -> None:
    reader = replies(b"+OK\r\n+OK\r\n")
    reader.status()
    assert reader.unasked
