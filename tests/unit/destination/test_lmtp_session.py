# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages of any octets through a server that reads them by the letter."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.destination.lmtp_message import Message
from cockpit_getmail.destination.lmtp_reply import Answer
from cockpit_getmail.destination.lmtp_session import (
    IN_FLIGHT,
    Patience,
    Session,
    open_session,
)
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem
from cockpit_getmail.spool import Spool
from tests.support.hostile import close
from tests.support.lmtp import EVERYTHING, SAVED, WAYS, Lmtp, in_turn

PATIENCE = Patience(5.0, 5.0, 10.0)
EVERY_WAY = pytest.mark.parametrize("offers", WAYS.values(), ids=WAYS.keys())


def make_message(octets: bytes, number: int = 0, **props: object) -> Message:
    spool = Spool("/nonexistent")
    spool.write(octets)
    return Message(
        f"m{number}", spool, str(props.get("sender", "a@b.example")), str(props.get("recipient", "anna"))
    )


@contextmanager
def session_with(fake: Lmtp) -> Iterator[Session]:
    with fake.serve() as server:
        session = open_session(Endpoint("127.0.0.1", server.port), "none", PATIENCE)
        yield session
        session.quit()


def transmit(
    session: Session, messages: list[Message], until: Callable[[], bool] = lambda: True
) -> list[Answer]:
    answers = list(session.transmit(messages, until))
    assert [message.name for message, _ in answers] == [message.name for message in messages[: len(answers)]]
    return [answer for _, answer in answers]


@pytest.fixture(scope="module", params=list(WAYS.values()), ids=list(WAYS))
def way(request: pytest.FixtureRequest) -> Iterator[tuple[Lmtp, Session]]:
    """A server and one session with it for all examples."""
    fake = Lmtp(offers=request.param)
    with session_with(fake) as session:
        yield fake, session


OCTETS = st.binary(max_size=300) | st.lists(
    st.sampled_from([b"\r\n", b"\n", b"\r", b".", b"x", b"RSET"])
).map(b"".join)


@pytest.mark.long
@given(st.lists(OCTETS, min_size=1, max_size=IN_FLIGHT + 3))
def test_any_octets_arrive_in_order(way: tuple[Lmtp, Session], contents: list[bytes]) -> None:
    """With BDAT as they are; with DATA each line ends with CRLF, and there is no CR but there."""
    fake, session = way
    fake.taken.clear()
    answers = transmit(session, [make_message(octets, number) for number, octets in enumerate(contents)])
    assert [answer.reply.is_positive for answer in answers] == [True] * len(contents)
    if "CHUNKING" not in fake.offers:
        contents = [re.sub(rb"\r(?!\n)", b" ", re.sub(rb"(?<!\r)\n", b"\r\n", octets)) for octets in contents]
        contents = [octets + b"\r\n" * (bool(octets) and not octets.endswith(b"\r\n")) for octets in contents]
    assert fake.octets == contents


@pytest.mark.long
@EVERY_WAY
def test_large_message(offers: tuple[str, ...]) -> None:
    fake = Lmtp(offers=offers)
    with TemporaryDirectory() as folder, session_with(fake) as session:
        spool = Spool(Path(folder))
        octets = (b"." + b"x" * 900 + b"\r\n") * 4_000
        for start in range(0, len(octets), 100_000):
            spool.write(octets[start : start + 100_000])
        message = Message("m", spool, "", "anna")
        assert transmit(session, [message, make_message(b"x\r\n")])[0].reply.is_positive
        spool.close()
    assert fake.octets == [octets, b"x\r\n"]


@EVERY_WAY
@pytest.mark.parametrize("command", ["MAIL", "RCPT"])
def test_refused_in_between(offers: tuple[str, ...], command: str) -> None:
    """What follows one that was refused is a transaction of its own."""
    method = {"MAIL": Lmtp.mail, "RCPT": Lmtp.rcpt}[command]
    fake = Lmtp(
        {f"{command} .*": in_turn(method, b"550 5.1.1 no\r\n", b"450 4.2.1 later\r\n", method)}, offers=offers
    )
    with session_with(fake) as session:
        answers = transmit(session, [make_message(b"%d\r\n" % number, number) for number in range(5)])
    assert fake.octets == [b"0\r\n", b"3\r\n", b"4\r\n"]
    assert [answer.reply.code for answer in answers] == [250, 550, 450, 250, 250]
    assert [answer.stage for answer in answers] == ["DATA", command, command, "DATA", "DATA"]


@EVERY_WAY
def test_refused_at_the_end(offers: tuple[str, ...]) -> None:
    fake = Lmtp(offers=offers, final=in_turn(b"554 5.6.0 virus\r\n", b"451 4.7.1 grey\r\n", SAVED))
    with session_with(fake) as session:
        answers = transmit(session, [make_message(b"x\r\n", number) for number in range(3)])
    assert [(answer.stage, answer.reply.code) for answer in answers] == [
        ("DATA", 554),
        ("DATA", 451),
        ("DATA", 250),
    ]


@EVERY_WAY
def test_none_is_begun_that_may_not(offers: tuple[str, ...]) -> None:
    """Those under way are still answered."""
    fake = Lmtp(offers=offers)
    asked: list[bool] = []

    def may_go_on() -> bool:
        asked.append(True)
        return len(asked) <= 3

    with session_with(fake) as session:
        answers = transmit(session, [make_message(b"x\r\n", number) for number in range(9)], may_go_on)
    assert len(answers) == len(fake.taken) == 3


@EVERY_WAY
def test_envelope(offers: tuple[str, ...]) -> None:
    fake = Lmtp(offers=offers)
    with session_with(fake) as session:
        transmit(session, [make_message(b"x\r\n"), make_message(b"x\r\n", sender="jörg@b.example")])
    has_utf8 = "SMTPUTF8" in offers
    extra = b" SIZE=3 BODY=8BITMIME" if offers else b""
    foreign = "<jörg@b.example>".encode() if has_utf8 else b"<>"
    assert [taken.mail for taken in fake.taken] == [
        b"<a@b.example>" + extra,
        foreign + extra + (b" SMTPUTF8" if has_utf8 else b""),
    ]
    assert {taken.recipient for taken in fake.taken} == {b"<anna>"}


def test_account_that_takes_what_the_server_does_not_offer() -> None:
    with session_with(Lmtp(offers=())) as session, pytest.raises(Problem) as raised:
        transmit(session, [make_message(b"x\r\n", recipient="jörg")])
    assert "SMTPUTF8" in raised.value.message


def test_broken_off_in_between_tells_what_was_confirmed() -> None:
    """The server has said so of the first; nobody knows of the others."""
    fake = Lmtp(final=in_turn(SAVED, [close]))
    found = []

    def collect(session: Session) -> None:
        for message, answer in session.transmit([make_message(b"x\r\n", n) for n in range(5)], lambda: True):
            found.append((message.name, answer.reply.code))

    with session_with(fake) as session, pytest.raises(Problem):
        collect(session)
    assert found == [("m0", 250)]


def test_words_at_the_end_are_told() -> None:
    """Though the connection is closed right after them, and more was under way."""
    shutdown = [b"421 4.3.2 shutting down\r\n", close]
    fake = Lmtp({"RSET": shutdown})
    with session_with(fake) as session:
        found = session.transmit([make_message(b"x\r\n", n) for n in range(5)], lambda: True)
        with pytest.raises(Problem) as raised:
            next(found)
        assert session.unsettled
        assert session.unsettled.reply.code == 250
    assert "421 4.3.2 shutting down" in raised.value.message


@pytest.mark.parametrize("twice", ["MAIL .*", "RCPT .*"])
def test_server_that_says_one_thing_twice_would_take_nothing(twice: str) -> None:
    usual = {"MAIL .*": Lmtp.mail, "RCPT .*": Lmtp.rcpt}[twice]
    with session_with(Lmtp()) as session:
        assert session.would_take(make_message(b"x\r\n"))
    # Where both are there before the next command, that raises.
    with session_with(Lmtp({twice: [usual, b"250 OK\r\n"]})) as session, suppress(Problem):
        assert not session.would_take(make_message(b"x\r\n"))


def test_size_limit() -> None:
    for offered, limit in (("SIZE 1000", 1000), ("SIZE", 0), ("SIZE x", 0), ("DSN", 0)):
        with session_with(Lmtp(offers=(*EVERYTHING[:2], offered))) as session:
            assert session.size_limit == limit
