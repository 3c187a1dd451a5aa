# SPDX-License-Identifier: LGPL-2.1-or-later
"""SEARCH and FETCH answers as octets: what a server may send, and what it must not get away with."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem, printable
from cockpit_getmail.retriever.base import BATCH_BYTES, Part, Remote
from cockpit_getmail.retriever.imap_fetch import ARRIVALS, MESSAGES_LIMIT, SIZE_LIMIT, Fetcher
from cockpit_getmail.retriever.imap_session import TEMPORARY, Session
from cockpit_getmail.transport import Connection
from tests.support.limits import bounded

Answer = Callable[[bytes, bytes], bytes]
"""From tag and command to the octets of the answer."""


@contextmanager
def served(answer: Answer) -> Iterator[Fetcher]:
    """A Fetcher whose commands are answered by a function."""
    ours, theirs = socket.socketpair()

    def serve() -> None:
        with theirs, theirs.makefile("rb") as lines:
            for line in lines:
                tag, _, command = line.strip().partition(b" ")
                try:
                    theirs.sendall(answer(tag, command))
                except OSError:
                    return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    connection = Connection(ours, Endpoint("server.example", 143), 5.0, None)
    try:
        yield Fetcher(Session(connection, "server.example", printable))
    finally:
        connection.close()
        thread.join()


def uid_set(uids: object) -> str:
    return ",".join(str(uid) for uid in uids)  # type: ignore[attr-defined]


def retrieved(answer: Answer, *wanted: Remote, left: bytes | None = None) -> list[Part]:
    """Return what comes of a folder in which all the wanted, or those of `left`, are there to the end."""
    uids = [message.uid.encode() for message in wanted] if left is None else left.split()
    sizes = b"".join(b"* 1 FETCH (UID %b RFC822.SIZE 3)\r\n" % uid for uid in uids)

    def serve(tag: bytes, command: bytes) -> bytes:
        return sizes + tag + b" OK\r\n" if b"RFC822.SIZE" in command else answer(tag, command)

    with served(serve) as fetcher:
        return list(fetcher.retrieve(wanted, uid_set))


def fetch_line(uid: int, body: bytes) -> bytes:
    return b"* %d FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (uid, uid, len(body), body)


def test_whole_messages_come_in_order() -> None:
    bodies = {1: b"one\r\n", 2: b"two\r\n\r\n.\r\n", 3: bytes(range(256))}
    answer = b"".join(fetch_line(uid, body) for uid, body in bodies.items())
    parts = retrieved(
        lambda tag, _: answer + tag + b" OK done\r\n",
        *(Remote(str(uid), len(body)) for uid, body in bodies.items()),
    )
    assert [(part.message.uid, part.data, part.last, part.exact, part.failure) for part in parts] == [
        (str(uid), body, True, True, None) for uid, body in bodies.items()
    ]


def test_uid_after_the_body_is_found() -> None:
    answer = b"* 7 FETCH (FLAGS (\\Seen) BODY[] {3}\r\nabc UID 9)\r\n"
    [part] = retrieved(lambda tag, _: answer + tag + b" OK\r\n", Remote("9", 3))
    assert (part.message.uid, part.data, part.exact) == ("9", b"abc", True)


@pytest.mark.parametrize(
    ("quoted", "body"),
    [
        (b'"short"', b"short"),
        (b'"a \\"b\\" \\\\ c"', b'a "b" \\ c'),
        (b'" (UID 7 BODY[] {3} UID 8 "', b" (UID 7 BODY[] {3} UID 8 "),
    ],
)
@pytest.mark.parametrize("form", [b"UID 9 BODY[] %b", b"BODY[] %b UID 9", b"UID 9 BODY[] %b FLAGS (\\Seen)"])
def test_quoted_body_is_a_message(quoted: bytes, body: bytes, form: bytes) -> None:
    answer = b"* 7 FETCH (" + form % quoted + b")\r\n"
    [part] = retrieved(lambda tag, _: answer + tag + b" OK\r\n", Remote("9", len(body)))
    assert (part.data, part.last, part.exact, part.failure) == (body, True, True, None)


@pytest.mark.parametrize("said", [b"OK [ALERT] see {3}", b"NO {100}", b"BAD {x}", b"ok {-1}"])
def test_free_text_announces_no_literal(said: bytes) -> None:
    answer = b"* " + said + b"\r\n" + fetch_line(1, b"abc")
    [part] = retrieved(lambda tag, _: answer + tag + b" OK {3}\r\n", Remote("1", 3))
    assert part.data == b"abc"


def test_other_size_than_listed_is_not_exact() -> None:
    [part] = retrieved(lambda tag, _: fetch_line(4, b"abc") + tag + b" OK\r\n", Remote("4", 30))
    assert part.last
    assert not part.exact


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"* 1 FETCH (UID 1 BODY[] NIL)\r\n",
        b"* 1 FETCH (UID 1 BODY[] {0}\r\n)\r\n",
        b'* 1 FETCH (UID 1 BODY[] "")\r\n',
        b"* 1 FETCH (UID 2 BODY[] {3}\r\nabc)\r\n",
        b"* 1 FETCH (BODY[] {3}\r\nabc)\r\n",
        b"* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n",
        b"* 1 FETCH (UID 1 BODY[HEADER] {3}\r\nabc)\r\n",
        b"* 1 FETCH (UID 1 X {18}\r\n (UID 1 BODY[] {3} BODY[HEADER] {3}\r\nabc)\r\n",
    ],
)
def test_no_body_is_a_failure_never_a_message(answer: bytes) -> None:
    [part] = retrieved(lambda tag, _: answer + tag + b" OK done\r\n", Remote("1", 3))
    assert part.failure is not None
    assert part.data == b""


def test_refused_batch_fails_its_messages_only() -> None:
    parts = retrieved(
        lambda tag, _: fetch_line(1, b"abc") + tag + b" NO gone\r\n", Remote("1", 3), Remote("2", 3)
    )
    assert [(part.message.uid, part.failure is None) for part in parts] == [("1", True), ("2", False)]
    assert "gone" in (parts[1].failure or "")


def test_message_that_another_client_expunged_is_no_failure() -> None:
    parts = retrieved(
        lambda tag, _: fetch_line(1, b"abc") + b"* 2 EXPUNGE\r\n" + tag + b" OK\r\n",
        *(Remote(uid, 3) for uid in "123"),
        left=b"1 3",
    )
    assert [(part.message.uid, part.failure is None) for part in parts] == [("1", True), ("3", False)]


@pytest.mark.parametrize("code", [*TEMPORARY, "limit", "UNAVAILABLE until=noon"])
def test_temporary_refusal_counts_against_no_message(code: str) -> None:
    came: list[Part] = []
    refusal = f" NO [{code}] try again later\r\n".encode()
    with (
        served(lambda tag, _: fetch_line(1, b"abc") + tag + refusal) as fetcher,
        pytest.raises(Problem) as raised,
    ):
        came.extend(fetcher.retrieve([Remote(str(uid), 3) for uid in (1, 2, 3)], uid_set))
    assert raised.value.cause == "mailbox"
    assert "try again later" in raised.value.message
    assert [(part.message.uid, part.failure) for part in came] == [("1", None)]


def test_single_message_that_a_server_trips_over_stops_no_other() -> None:
    """Dovecot's answer for a broken message with imap_fetch_failure=no-after."""
    parts = retrieved(
        lambda tag, _: fetch_line(1, b"abc") + tag + b" NO [SERVERBUG] Internal error\r\n",
        Remote("1", 3),
        Remote("2", 3),
    )
    assert [(part.message.uid, part.failure is None) for part in parts] == [("1", True), ("2", False)]


@pytest.mark.long
def test_large_message_is_streamed() -> None:
    size = 2 * BATCH_BYTES + 5
    body = b"x" * size
    parts = retrieved(lambda tag, _: fetch_line(1, body) + tag + b" OK\r\n", Remote("1", size))
    assert b"".join(part.data for part in parts) == body
    assert max(len(part.data) for part in parts) <= BATCH_BYTES
    assert [part.last for part in parts] == [False] * (len(parts) - 1) + [True]


@pytest.mark.long
def test_large_messages_come_from_a_server_that_says_last_which_they_are() -> None:
    bodies = {uid: b"x" * (BATCH_BYTES + 1 if uid in (2, 3, 5) else 9) for uid in range(1, 7)}

    def answer(tag: bytes, command: bytes) -> bytes:
        uids = [int(uid) for uid in command.split()[2].split(b",")]
        lines = [b"* 1 FETCH (BODY[] {%d}\r\n%s UID %d)\r\n" % (len(bodies[u]), bodies[u], u) for u in uids]
        return b"".join(lines) + tag + b" OK\r\n"

    parts = retrieved(answer, *(Remote(str(uid), len(body)) for uid, body in bodies.items()))
    assert [part.message.uid for part in parts if part.last and part.exact] == list("123456")


def test_large_message_of_another_uid_is_void() -> None:
    size = BATCH_BYTES + 5
    answer = b"* 1 FETCH (BODY[] {%d}\r\n%s UID 8)\r\n" % (size, b"x" * size)
    parts = retrieved(lambda tag, _: answer + tag + b" OK\r\n", Remote("1", size))
    assert parts[-1].failure is not None
    assert not any(part.last for part in parts[:-1])


def test_answers_in_another_order_are_matched() -> None:
    """Dovecot runs commands under way side by side: bodies of the second may come before the first ends."""
    held: list[bytes] = []

    def answer(tag: bytes, command: bytes) -> bytes:
        held.append(tag)
        if len(held) < 2:
            return b""
        return (
            fetch_line(2, b"second") + held[1] + b" OK\r\n" + fetch_line(1, b"first") + held[0] + b" OK\r\n"
        )

    parts = retrieved(answer, Remote("1", BATCH_BYTES), Remote("2", BATCH_BYTES))
    assert [(part.message.uid, part.data) for part in parts] == [("2", b"second"), ("1", b"first")]


@pytest.mark.long
@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"* 1 FETCH (UID 1 BODY[] {-5}\r\n", "protocol"),
        (b"* 1 FETCH (UID 1 BODY[] {4294967296}\r\n", "protocol"),
        (b"* 1 FETCH (UID 1 BODY[] {99999999999999999999}\r\n", "protocol"),
        (b"* 1 FETCH (UID 1 BODY[] {x}\r\n", "protocol"),
        (b"* 1 FETCH (UID 1 RFC822.HEADER {1048577}\r\n", "protocol"),
        (b"garbage\r\n", "protocol"),
        (b"+ go on\r\n", "protocol"),
        (b"* BYE out of order\r\n", "network"),
        (b"* " + b"x" * (2 << 20), "protocol"),
        (b"* OK chatter\r\n" * 400_000, "protocol"),
    ],
)
def test_hostile_answers_have_a_cause(answer: bytes, cause: str) -> None:
    with pytest.raises(Problem) as raised:
        retrieved(lambda tag, _: answer, Remote("1", 3))
    assert raised.value.cause == cause


def test_bad_command_is_protocol() -> None:
    with pytest.raises(Problem) as raised:
        retrieved(lambda tag, _: tag + b" BAD what\r\n", Remote("1", 3))
    assert raised.value.cause == "protocol"


def test_search_and_sizes() -> None:
    def answer(tag: bytes, command: bytes) -> bytes:
        if b"SEARCH" in command:
            return b"* 3 EXISTS\r\n* SEARCH 5 3\r\n* SEARCH 9\r\n" + tag + b" OK\r\n"
        return b"* 1 FETCH (UID 3 RFC822.SIZE 10)\r\n* 2 FETCH (RFC822.SIZE 20 UID 5)\r\n" + tag + b" OK\r\n"

    with served(answer) as fetcher:
        assert list(fetcher.search_all(3)) == [3, 5, 9]
        assert fetcher.sizes("3,5,9") == {3: 10, 5: 20}


def test_size_beyond_what_can_be_recorded_is_the_largest_there_is() -> None:
    """Nobody sums up sizes of which a few make more than the state has a number for."""
    answer = b"* 1 FETCH (UID 3 RFC822.SIZE 9999999999999999999)\r\n"
    with served(lambda tag, _: answer + tag + b" OK\r\n") as fetcher:
        assert fetcher.sizes("3") == {3: SIZE_LIMIT}


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        (b"* SEARCH\r\n%b OK\r\n", "protocol"),
        (b"* SEARCH 1 2\r\n%b OK\r\n", "protocol"),
        (b"* SEARCH 1 x 3\r\n%b OK\r\n", "protocol"),
        (b"* SEARCH 1 2 0\r\n%b OK\r\n", "protocol"),
        (b"* SEARCH 1 2 4294967296\r\n%b OK\r\n", "protocol"),
        (b"* SEARCH 1 2 " + b"9" * 5000 + b"\r\n%b OK\r\n", "protocol"),
        (b"* SEARCH" + b" 7" * (4 + ARRIVALS) + b"\r\n%b OK\r\n", "protocol"),
        (b"%b NO not now\r\n", "mailbox"),
        (b"%b BAD what\r\n", "protocol"),
    ],
)
def test_search_that_knows_less_than_there_is_stops(answer: bytes, cause: str) -> None:
    with served(lambda tag, _: answer.replace(b"%b", tag)) as fetcher, pytest.raises(Problem) as raised:
        fetcher.search_all(3)
    assert raised.value.cause == cause


def test_search_allows_for_messages_that_went_meanwhile() -> None:
    with served(lambda tag, _: b"* 1 EXPUNGE\r\n* SEARCH 2 3\r\n" + tag + b" OK\r\n") as fetcher:
        assert list(fetcher.search_all(3)) == [2, 3]


def listing(first: int, count: int) -> bytes:
    return b"* SEARCH " + b" ".join(b"%d" % uid for uid in range(first, first + count)) + b"\r\n"


@pytest.mark.slow
@pytest.mark.parametrize("messages", [1, MESSAGES_LIMIT, 2**32 - 1])
def test_search_with_too_many_uids_takes_bounded_memory(messages: int) -> None:
    line = listing(1_000_000, 2_050_000)
    with (
        served(lambda tag, _: line + tag + b" OK\r\n") as fetcher,
        bounded(seconds=10, mebibytes=100),
        pytest.raises(Problem) as raised,
    ):
        fetcher.search_all(messages)
    assert raised.value.cause == "protocol"


@pytest.mark.slow
def test_search_of_a_million_messages_takes_little_memory() -> None:
    line = listing(1, MESSAGES_LIMIT)
    with (
        served(lambda tag, _: line + tag + b" OK\r\n") as fetcher,
        bounded(seconds=10, mebibytes=64),
    ):
        uids = fetcher.search_all(MESSAGES_LIMIT)
    assert (len(uids), uids[0], uids[-1]) == (MESSAGES_LIMIT, 1, MESSAGES_LIMIT)


@pytest.mark.long
@given(st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5))
def test_any_octets_come_through(bodies: list[bytes]) -> None:
    wanted = [Remote(str(number), len(body)) for number, body in enumerate(bodies, 1)]
    answer = b"".join(fetch_line(number, body) for number, body in enumerate(bodies, 1))
    parts = retrieved(lambda tag, _: answer + tag + b" OK\r\n", *wanted)
    assert [part.data for part in parts] == bodies
    assert all(part.exact and part.last and part.failure is None for part in parts)
