# SPDX-License-Identifier: LGPL-2.1-or-later
"""LMTP servers that no real one can be made to be: nothing they do makes a message count as delivered."""

import ssl
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import quarantine, state_file
from cockpit_getmail.destination import Target
from cockpit_getmail.destination.base import REFUSED
from cockpit_getmail.destination.lmtp import BREAKS, Lmtp
from cockpit_getmail.destination.lmtp_session import Patience
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from tests.support.certificates import Authority, Certificate
from tests.support.dovecot import make_message
from tests.support.dovecot_lmtp import DovecotLmtp
from tests.support.hostile import Script, Session, Step, close, drip, hang, repeat, reset, stall_handshake
from tests.support.limits import bounded
from tests.support.lmtp import EVERYTHING, SAVED, WAYS, in_turn
from tests.support.lmtp import Lmtp as Fake
from tests.support.lmtp_runs import Case, Place, users

MESSAGES = [b"Subject: %d\r\n\r\nText.\r\n" % number for number in range(12)]
IMPATIENT, PATIENT = Patience(0.3, 0.3, 1.0), Patience(2.0, 2.0, 5.0)
EVERY_WAY = pytest.mark.parametrize("offers", WAYS.values(), ids=WAYS.keys())
PLACES = {
    f"{at}, {way}": (at, offers)
    for at in ("greeting", "LHLO .*", "MAIL .*", "RCPT .*", "final")
    for way, offers in WAYS.items()
    # Before it is known what is offered there is one way.
    if at not in ("greeting", "LHLO .*") or way == "BDAT"
}
FAULTS: Mapping[str, Step | Script] = {
    "hangs": hang,
    "closes": close,
    "resets": reset,
    "begins a reply": [b"250-and", hang],
    "closes in a reply": [b"250-and\r\n250", close],
    "one octet at a time": drip(b"250-", 0.1),
    "a line without end": repeat(b"2"),
    "lines without end": repeat(b"250-x\r\n"),
    "another protocol": [b"* OK hello\r\n", hang],
    "octets": [b"\0\xff\x80\r\n", hang],
    "a code that is none": [b"999 ok\r\n", hang],
    "go on": [b"354 go on\r\n", hang],
    "a preliminary code": [b"150 wait\r\n", hang],
    "codes that differ": [b"250-a\r\n550 b\r\n", hang],
    "closing down": [b"421 4.3.2 closing\r\n", close],
}


def make_fake(at: str, fault: Any, offers: tuple[str, ...]) -> Fake:
    if at in ("greeting", "final"):
        named: dict[str, Any] = {at: fault}
        return Fake(offers=offers, **named)
    return Fake({at: fault}, offers=offers)


def deliver(
    fake: Fake, folder: Path, patience: Patience = IMPATIENT, **settings: Any
) -> tuple[list[bytes], Problem | None]:
    """Deliver all messages; return those that count as delivered, and why there are no more."""
    delivered: list[bytes] = []
    with fake.serve() as server:
        target = Target("lmtp", f"127.0.0.1:{server.port}", "anna", "")
        opened = Lmtp(target, Settings(**settings), folder, patience)
        try:
            batch = []
            for message in MESSAGES:
                staging = opened.stage()
                staging.write(message)
                batch.append(staging.finish())
            refused = opened.publish(batch)
            assert not any(refusal.for_good for refusal in refused.values())
            delivered = [m for m, staged in zip(MESSAGES, batch, strict=True) if staged.name not in refused]
            return delivered, opened.trouble
        except Problem as problem:
            return [], problem
        finally:
            opened.close()


@pytest.mark.parametrize(("at", "offers"), PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_nothing_is_delivered(fault: Any, at: str, offers: tuple[str, ...], tmp_path: Path) -> None:
    with bounded(seconds=20, mebibytes=64):
        delivered, problem = deliver(make_fake(at, fault, offers), tmp_path)
    assert delivered == []
    assert problem is not None
    assert problem.cause == "delivery"


@EVERY_WAY
@pytest.mark.parametrize("at", ["MAIL .*", "RCPT .*", "final"])
@pytest.mark.parametrize(
    "fault", [hang, close, reset, [b"250-and", close]], ids=["hang", "close", "reset", "cut"]
)
def test_what_was_confirmed_before_counts(
    fault: Any, at: str, offers: tuple[str, ...], tmp_path: Path
) -> None:
    """It counts, and nothing else does, though the server may have taken more."""
    usual = {"MAIL .*": Fake.mail, "RCPT .*": Fake.rcpt, "final": SAVED}[at]
    fake = make_fake(at, in_turn(*[usual] * 4, fault), offers)
    delivered, problem = deliver(fake, tmp_path, PATIENT)
    # A reset may take with it what was said before.
    assert delivered == MESSAGES[:4] or (fault is reset and delivered == MESSAGES[: len(delivered)])
    assert len(delivered) <= 4
    assert problem is not None


@EVERY_WAY
@pytest.mark.parametrize("octets", [b"250 OK\r\n" * 100, b"250 2.0.0 Saved\r\n", b"554 no\r\n"])
@pytest.mark.parametrize("at", ["greeting", "LHLO .*"])
def test_replies_that_nobody_asked_for(
    octets: bytes, at: str, offers: tuple[str, ...], tmp_path: Path
) -> None:
    """It is not taken for the reply to a message."""
    first = b"220 ready\r\n" if at == "greeting" else b"250-fake\r\n250-PIPELINING\r\n250 CHUNKING\r\n"
    delivered, problem = deliver(make_fake(at, [first + octets, hang], offers), tmp_path)
    assert delivered == []
    assert problem is not None


@EVERY_WAY
@pytest.mark.parametrize("final", [b"554 5.6.0 no\r\n", b"451 4.3.0 later\r\n", [close]])
def test_server_that_says_one_thing_twice(final: Any, offers: tuple[str, ...], tmp_path: Path) -> None:
    """What it says of the message comes one reply late."""
    fake = Fake({"MAIL .*": [Fake.mail, b"250 OK\r\n"]}, offers=offers, final=final)
    delivered, problem = deliver(fake, tmp_path)
    assert delivered == []
    assert problem is not None


@pytest.mark.parametrize("after", ["quits", "is gone"])
def test_server_that_closes_where_it_has_taken_a_message(after: str, tmp_path: Path) -> None:
    """What it said counts once it is seen that it says one thing once."""
    fake = Fake({"RSET": [close]} if after == "quits" else {"RSET": [close], "QUIT": [close]})
    delivered, problem = deliver(fake, tmp_path, PATIENT)
    assert delivered == (MESSAGES[0:5:2] if after == "quits" else [])
    assert problem is not None


def test_server_that_goes_on_closing_is_not_asked_where_nothing_depends_on_it(tmp_path: Path) -> None:
    asked: list[bytes] = []
    bye = {"QUIT": [lambda session: asked.append(session.line), b"221 bye\r\n"]}
    delivered, problem = deliver(Fake(bye, final=[close]), tmp_path, PATIENT)
    assert delivered == []
    assert problem is not None
    assert len(asked) == BREAKS - 1


@EVERY_WAY
def test_server_that_takes_what_it_has_refused(offers: tuple[str, ...], tmp_path: Path) -> None:
    """Whom would it be for?"""

    def swallow(session: Session) -> None:
        session.read(int(session.line.split()[1]))

    taken = {"DATA": b"354 go on\r\n", r"BDAT \d+ LAST": [swallow, SAVED]}
    fake = Fake({"RCPT .*": b"550 5.1.1 no\r\n", **taken}, offers=offers)
    delivered, problem = deliver(fake, tmp_path)
    assert delivered == []
    assert problem is not None
    assert fake.taken == []


# TLS


def server_context(certificate: Certificate) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate.pem, certificate.key)
    return made


TLS_FAULTS: Mapping[str, Any] = {
    "clear text after it": [b"220 go on\r\n250-fake\r\n250 PIPELINING\r\n", hang],
    "refused": b"454 4.7.0 not now\r\n",
    "refused for good": b"554 5.7.0 never\r\n",
    "another code": b"250 yes\r\n",
    "no handshake": [b"220 go on\r\n", hang],
    "half a handshake": [b"220 go on\r\n", stall_handshake],
    "no TLS": [b"220 go on\r\n", b"hello\r\n" * 100, hang],
    "closed": [b"220 go on\r\n", close],
}


@pytest.mark.parametrize("tls", ["auto", "required"])
@pytest.mark.parametrize("fault", TLS_FAULTS.values(), ids=TLS_FAULTS.keys())
def test_tls_that_fails(fault: Any, tls: str, authority: Authority, tmp_path: Path) -> None:
    """There is no way back to a clear channel."""
    fake = Fake({"STARTTLS": fault}, offers=(*EVERYTHING, "STARTTLS"))
    delivered, problem = deliver(fake, tmp_path, lmtp_tls=tls, lmtp_ca_file=str(authority.ca))
    assert delivered == []
    assert fake.taken == []
    assert problem is not None
    assert problem.cause == "delivery"


def test_tls_that_is_stripped(tmp_path: Path) -> None:
    delivered, problem = deliver(Fake(), tmp_path, lmtp_tls="required")
    assert delivered == []
    assert problem is not None
    assert "offers no encryption here" in problem.message


def test_what_was_offered_before_tls_is_forgotten(authority: Authority, tmp_path: Path) -> None:
    """Anybody could have said it."""
    fake = Fake(
        {"LHLO .*": in_turn([b"250-x\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 STARTTLS\r\n"], b"250 x\r\n")},
        tls=server_context(authority.issue()),
    )
    with fake.serve() as server:
        settings = Settings(lmtp_ca_file=str(authority.ca))
        target = Target("lmtp", f"127.0.0.1:{server.port}", "anna", "")
        opened = Lmtp(target, settings, tmp_path, PATIENT)
        staging = opened.stage()
        staging.write(MESSAGES[0])
        assert opened.publish([staging.finish()]) == {}
        opened.close()
        assert server.handshakes == 1
        assert not server.commands("BDAT.*")
    assert fake.octets == [MESSAGES[0]]


# Whole runs


@pytest.fixture(scope="module")
def place() -> Iterator[Place]:
    with DovecotLmtp(users()) as dovecot:
        yield Place(dovecot)


def check_nothing_lost(case: Case, fake: Fake, messages: list[bytes]) -> None:
    """What the server has not taken is still there."""
    left = [message.replace(b"\n", b"\r\n") for message in case.dovecot.messages(case.user)]
    lost = Counter(messages) - Counter(left) - Counter(fake.octets)
    assert not lost


@pytest.mark.parametrize(("at", "offers"), PLACES.values(), ids=PLACES.keys())
@pytest.mark.parametrize("fault", [close, [b"what?\r\n", hang], [b"421 4.3.2 closing\r\n", close]])
def test_run_into_a_server_that_breaks_off(
    fault: Any, at: str, offers: tuple[str, ...], place: Place, tmp_path: Path
) -> None:
    """The next run has what is missing, and nothing is deleted before it is delivered."""
    usual = {"MAIL .*": Fake.mail, "RCPT .*": Fake.rcpt, "final": SAVED}.get(at)
    broken = make_fake(at, in_turn(*[usual] * 4, fault) if usual else fault, offers)
    messages = [make_message(number, 600) for number in range(10)]
    with broken.serve() as server:
        case = Case(place, tmp_path, f"lmtp:127.0.0.1:{server.port}")
        case.fill([message.replace(b"\r\n", b"\n") for message in messages])
        assert case.run.fails(case.connector()).cause == "delivery"
    assert case.left == 10
    check_nothing_lost(case, broken, messages)
    mended = Fake(offers=offers)
    with mended.serve() as server:
        case.destination = f"lmtp:127.0.0.1:{server.port}"
        result = case.run.fetch(case.connector())
    assert result.messages == (6 if usual else 10)
    assert case.left == 0
    assert set(mended.octets) | set(broken.octets) == set(messages)


@EVERY_WAY
def test_run_that_has_messages_refused(offers: tuple[str, ...], place: Place, tmp_path: Path) -> None:
    """Those set aside are told with the server's words, those for later come; till then both stay."""
    final = in_turn(SAVED, b"554 5.6.0 No \x07viruses\r\n", b"451 4.7.1 grey\r\n", SAVED)
    fake = Fake(offers=offers, final=final)
    messages = [make_message(number, 600) for number in range(5)]
    with fake.serve() as server:
        case = Case(place, tmp_path, f"lmtp:127.0.0.1:{server.port}")
        case.fill([message.replace(b"\r\n", b"\n") for message in messages])
        result = case.run.fetch(case.connector())
        assert (result.messages, result.failed, result.set_aside, result.deleted) == (3, 2, 1, 3)
        assert case.left == 2
        result = case.run.fetch(case.connector())
        assert (result.messages, result.set_aside, result.deleted, result.aside) == (1, 0, 1, 1)
    assert case.left == 1
    assert any(r"554 5.6.0 No \x07viruses" in line for line in case.run.log.said)
    with state_file.opened(tmp_path / "state") as db:
        assert db
        [entry] = quarantine.listing(db, case.connector().mailbox, 10)
    assert entry["reason"] == r"127.0.0.1 refuses the message: 554 5.6.0 No \x07viruses"


@EVERY_WAY
def test_run_that_has_every_message_refused(offers: tuple[str, ...], place: Place, tmp_path: Path) -> None:
    """It ends, and tells of each message that is set aside before it does."""
    fake = Fake(offers=offers, final=b"554 5.3.0 broken\r\n")
    with fake.serve() as server:
        case = Case(place, tmp_path, f"lmtp:127.0.0.1:{server.port}")
        case.fill([make_message(number, 600).replace(b"\r\n", b"\n") for number in range(20)])
        assert case.run.fails(case.connector()).cause == "delivery"
    assert case.left == 20
    with state_file.opened(tmp_path / "state") as db:
        assert db
        aside = quarantine.listing(db, case.connector().mailbox, 100)
    assert REFUSED <= len(aside) < 20
    told = [line for line in case.run.log.said if "is set aside: 127.0.0.1 refuses the message: 554" in line]
    assert len(told) == len(aside)
