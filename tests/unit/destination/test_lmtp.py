# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a server's answers come to: delivered, later, never, or nothing more at all."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail.destination import Target, make
from cockpit_getmail.destination.base import POSTPONED, REFUSED, Refusal, Staged
from cockpit_getmail.destination.lmtp import BREAKS, Lmtp
from cockpit_getmail.destination.lmtp_session import IN_FLIGHT, Patience
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from tests.support.fetching import make_connector
from tests.support.hostile import close
from tests.support.lmtp import SAVED, WAYS, in_turn
from tests.support.lmtp import Lmtp as Fake

MESSAGE = b"Subject: one\r\n\r\nText.\r\n"
PATIENCE = Patience(5.0, 5.0, 10.0)
EVERY_WAY = pytest.mark.parametrize("offers", WAYS.values(), ids=WAYS.keys())
AT_ONCE = {
    "greeting": ({"greeting": b"421 4.3.2 too busy\r\n"}, "delivery"),
    "greeting, for good": ({"greeting": b"554 5.3.2 go away\r\n"}, "delivery"),
    "LHLO": ({"LHLO .*": b"500 5.5.1 this is ESMTP\r\n"}, "delivery"),
}
OVER = {
    "MAIL": ({"MAIL .*": b"451 4.3.0 not now\r\n"}, "delivery"),
    "MAIL, no room": ({"MAIL .*": b"452 4.3.1 disk full\r\n"}, "quota"),
    "MAIL, TLS wanted": ({"MAIL .*": b"530 5.7.0 Must issue a STARTTLS command first\r\n"}, "delivery"),
    "RCPT, no room": ({"RCPT .*": b"452 4.2.2 full\r\n"}, "quota"),
    "RCPT, no room for good": ({"RCPT .*": b"552 5.2.2 full\r\n"}, "quota"),
    "RCPT, no room by code": ({"RCPT .*": b"552 full\r\n"}, "quota"),
    "RCPT, shutdown": ({"RCPT .*": [b"421 4.3.2 shutting down\r\n", close]}, "delivery"),
    "end, no room": ({"final": b"552 5.2.2 full\r\n"}, "quota"),
    "end, no disk": ({"final": b"452 4.3.1 full\r\n"}, "quota"),
}
IN_A_ROW = {
    "end, shutdown": ({"final": [b"421 4.3.2 shutting down\r\n", close]}, "delivery"),
    "end, gone": ({"final": [close]}, "delivery"),
    "end, no reply": ({"final": b"yes\r\n"}, "delivery"),
    "RCPT, again and again": ({"RCPT .*": b"450 4.2.1 later\r\n"}, "delivery"),
    "RCPT, nobody": ({"RCPT .*": b"550 5.1.1 no such user\r\n"}, "delivery"),
}


def make_fake(answers: Mapping[str, Any], offers: tuple[str, ...]) -> Fake:
    commands = {regex: steps for regex, steps in answers.items() if regex not in ("greeting", "final")}
    named = {name: steps for name, steps in answers.items() if name not in commands}
    return Fake(commands, offers=offers, **named)


@contextmanager
def destination(fake: Fake, folder: str = "", account: str = "anna", **settings: Any) -> Iterator[Lmtp]:
    with fake.serve() as server:
        target = Target("lmtp", f"127.0.0.1:{server.port}", account, folder)
        opened = Lmtp(target, Settings(**settings), "/nonexistent", PATIENCE)
        yield opened
        opened.close()


def stage(opened: Lmtp, message: bytes = MESSAGE, folder: str | None = None) -> Staged:
    staging = opened.stage(folder)
    staging.write(message)
    return staging.finish()


def deliver(opened: Lmtp, count: int) -> list[Refusal | None]:
    """Deliver so many messages; return what came of each."""
    batch = [stage(opened, MESSAGE + b"%d\r\n" % number) for number in range(count)]
    opened.sync(batch)
    refused = opened.publish(batch)
    assert refused.keys() <= {staged.name for staged in batch}
    return [refused.get(staged.name) for staged in batch]


@EVERY_WAY
def test_delivered_in_order_over_one_connection(offers: tuple[str, ...]) -> None:
    fake = Fake(offers=offers)
    with fake.serve() as server:
        opened = Lmtp(Target("lmtp", f"127.0.0.1:{server.port}", "anna", ""), Settings(), "/nonexistent")
        for _ in range(3):
            assert deliver(opened, opened.batch_messages) == [None] * 25
        opened.close()
        assert opened.trouble is None
        assert server.connections == 1
        assert server.received[-1] == b"QUIT"
    assert fake.octets == [MESSAGE + b"%d\r\n" % number for number in range(25)] * 3


@EVERY_WAY
def test_later_and_never(offers: tuple[str, ...]) -> None:
    """Others go on; the words are the server's."""
    fake = Fake(
        {"RCPT .*": in_turn(Fake.rcpt, b"450 4.2.1 later\r\n", b"550 5.7.1 not you\r\n", Fake.rcpt)},
        offers=offers,
        final=in_turn(SAVED, b"554 5.6.0 \x1b[31mvirus\r\n", b"451 4.7.1 grey\r\n", SAVED),
    )
    with destination(fake) as opened:
        found = deliver(opened, 7)
        assert opened.trouble is None
    assert [refusal and refusal.for_good for refusal in found] == [None, False, True, True, False, None, None]
    assert found[2] == Refusal("127.0.0.1 refuses the recipient <anna>: 550 5.7.1 not you", for_good=True)
    assert found[3] == Refusal(r"127.0.0.1 refuses the message: 554 5.6.0 \x1b[31mvirus", for_good=True)
    assert found[4] == Refusal("127.0.0.1 refuses the message: 451 4.7.1 grey", for_good=False)


@EVERY_WAY
@pytest.mark.parametrize(("answers", "cause"), AT_ONCE.values(), ids=AT_ONCE.keys())
def test_nothing_can_be_delivered(answers: Mapping[str, Any], cause: str, offers: tuple[str, ...]) -> None:
    """That is told before anything is fetched."""
    with destination(make_fake(answers, offers)) as opened:
        with pytest.raises(Problem) as raised:
            opened.stage()
        assert raised.value.cause == cause


@EVERY_WAY
@pytest.mark.parametrize(
    ("answers", "cause", "count"),
    [
        *((*each, count) for each in OVER.values() for count in (1, 5)),
        *((*each, 5) for each in IN_A_ROW.values()),
        (*IN_A_ROW["RCPT, nobody"], 1),
    ],
    ids=[*(f"{name}: {count}" for name in OVER for count in (1, 5)), *IN_A_ROW, "RCPT, nobody: 1"],
)
def test_nothing_more_can_be_delivered(
    answers: Mapping[str, Any], cause: str, count: int, offers: tuple[str, ...]
) -> None:
    """What was not delivered is for later, whatever code said so: it is no message's fault."""
    with destination(make_fake(answers, offers)) as opened:
        found = deliver(opened, count)
        assert opened.trouble is not None
        assert opened.trouble.cause == cause
        assert [refusal and refusal.for_good for refusal in found] == [False] * count
        # From then on nothing is tried.
        assert deliver(opened, 1) == [Refusal(opened.trouble.message, for_good=False, tried=False)]


@EVERY_WAY
def test_server_that_tires_of_refusing(offers: tuple[str, ...]) -> None:
    """It is about the account all the same."""
    steps = in_turn(b"550 5.1.1 no such user\r\n", b"550 5.1.1 no such user\r\n", [close])
    with destination(make_fake({"RCPT .*": steps}, offers)) as opened:
        found = deliver(opened, 5)
        assert opened.trouble
        assert "exist" in opened.trouble.message
        assert opened.trouble.hint
    assert [refusal and refusal.for_good for refusal in found] == [False] * 5


@EVERY_WAY
@pytest.mark.parametrize("count", [1, REFUSED - 1])
@pytest.mark.parametrize(
    "reply", [b"501 5.5.4 Invalid FROM\r\n", b"552 5.3.4 too big\r\n"], ids=["sender", "size"]
)
def test_messages_are_refused_and_not_the_account(offers: tuple[str, ...], count: int, reply: bytes) -> None:
    """They may be all there are in a batch, and would stay in the way of all others."""
    with destination(make_fake({"MAIL FROM:<a@.*": reply}, offers)) as opened:
        batch = [stage(opened, b"Return-Path: <a@b.example>\r\n" + MESSAGE) for _ in range(count)]
        refused = opened.publish(batch)
        assert [(refused[staged.name].for_good, refused[staged.name].tried) for staged in batch] == [
            (True, True)
        ] * count
        assert opened.trouble is None
        assert deliver(opened, 1) == [None]


@EVERY_WAY
def test_server_that_refuses_everything(offers: tuple[str, ...]) -> None:
    """No mailbox is set aside as a whole because of what is wrong with the server."""
    with destination(Fake(offers=offers, final=b"554 5.3.0 broken\r\n")) as opened:
        found = deliver(opened, 25)
        assert opened.trouble
        assert "554 5.3.0 broken" in opened.trouble.message
    aside = [bool(refusal and refusal.for_good) for refusal in found]
    assert aside == sorted(aside, reverse=True)
    assert REFUSED <= sum(aside) < REFUSED + IN_FLIGHT


@EVERY_WAY
def test_recipient_that_is_refused_to_a_sender(offers: tuple[str, ...]) -> None:
    steps = in_turn(b"550 5.7.1 not from there\r\n", Fake.rcpt)
    with destination(make_fake({"RCPT .*": steps}, offers)) as opened:
        [refusal] = deliver(opened, 1)
        assert opened.trouble is None
    assert refusal == Refusal(
        "127.0.0.1 refuses the recipient <anna>: 550 5.7.1 not from there", for_good=True
    )


@EVERY_WAY
def test_nobody_knows_the_account_any_more(offers: tuple[str, ...]) -> None:
    """It has taken mail in this run: what it refuses now is the message."""
    fake = Fake({"RCPT .*": in_turn(Fake.rcpt, b"550 5.7.1 no\r\n")}, offers=offers)
    with destination(fake) as opened:
        assert deliver(opened, 1) == [None]
        assert [refusal and refusal.for_good for refusal in deliver(opened, 3)] == [True] * 3
        assert opened.trouble is None


@EVERY_WAY
def test_postponed_in_a_row(offers: tuple[str, ...]) -> None:
    """One that is taken in between begins a new row."""
    later = b"450 4.2.1 later\r\n"
    fake = Fake({"RCPT .*": in_turn(later, later, Fake.rcpt, later, later, Fake.rcpt, later)}, offers=offers)
    with destination(fake) as opened:
        found = deliver(opened, 25)
        assert opened.trouble
        assert "450 4.2.1 later" in opened.trouble.message
    assert [refusal is None for refusal in found[:8]] == [
        False,
        False,
        True,
        False,
        False,
        True,
        False,
        False,
    ]
    assert not any(refusal and refusal.for_good for refusal in found)
    assert len(fake.taken) == 2
    assert POSTPONED == 3


@EVERY_WAY
def test_only_what_the_connection_broke_at_was_tried(offers: tuple[str, ...]) -> None:
    """What a server breaks at comes after all others the next time, and they keep their order."""
    fake = Fake(offers=offers, final=in_turn(SAVED, SAVED, [close]))
    with destination(fake) as opened:
        found = deliver(opened, 20)
        assert deliver(opened, 1)[0] == Refusal(str(opened.trouble), for_good=False, tried=False)
    assert found[:2] == [None, None]
    assert [refusal and refusal.tried for refusal in found[2:]] == [True] * BREAKS + [False] * (18 - BREAKS)


@EVERY_WAY
def test_message_that_the_server_does_not_survive(offers: tuple[str, ...]) -> None:
    """It does not stop the others, and never counts as taken."""
    fake = Fake(offers=offers, final=in_turn(SAVED, [close], SAVED, [b"421 4.3.0 oh\r\n", close], SAVED))
    with destination(fake) as opened:
        found = deliver(opened, 25)
        assert opened.trouble is None
        assert deliver(opened, 1) == [None]
    late = [number for number, refusal in enumerate(found) if refusal]
    assert late == [1, 3]
    assert all(refusal.tried and not refusal.for_good for refusal in found if refusal)


@EVERY_WAY
@pytest.mark.parametrize("count", [1, 2])
def test_account_that_is_refused_is_no_try(offers: tuple[str, ...], count: int) -> None:
    with destination(make_fake({"RCPT .*": b"550 5.1.1 no such user\r\n"}, offers)) as opened:
        assert [refusal and refusal.tried for refusal in deliver(opened, count)] == [False] * count


@EVERY_WAY
def test_full_at_the_end_lets_smaller_ones_through(offers: tuple[str, ...]) -> None:
    fake = Fake(offers=offers, final=in_turn(b"552 5.2.2 full\r\n", SAVED))
    with destination(fake) as opened:
        found = deliver(opened, 3)
        assert opened.trouble
        assert opened.trouble.cause == "quota"
    assert [refusal and refusal.for_good for refusal in found] == [False, None, None]


def test_larger_than_the_server_takes() -> None:
    fake = Fake(offers=("PIPELINING", "CHUNKING", "SIZE 100"))
    with destination(fake) as opened:
        batch = [stage(opened, MESSAGE), stage(opened, b"x" * 101), stage(opened, MESSAGE)]
        refused = opened.publish(batch)
        assert opened.trouble is None
    assert refused == {batch[1].name: Refusal("127.0.0.1 takes no more than 100 octets.", for_good=True)}
    assert fake.octets == [MESSAGE] * 2


def test_server_that_has_gone_in_between_is_called_again() -> None:
    """As one does that tires of waiting while a large mailbox is fetched."""
    fake = Fake({"RSET": in_turn(Fake.rset, Fake.rset, [close], Fake.rset)})
    with fake.serve() as server:
        opened = Lmtp(Target("lmtp", f"127.0.0.1:{server.port}", "anna", ""), Settings(), "/nonexistent")
        assert deliver(opened, 1) == [None]
        assert deliver(opened, 1) == [None]
        opened.close()
        assert server.connections == 2
    assert len(fake.taken) == 2


def test_nothing_is_fetched_for_a_server_that_is_not_there() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{bound.getsockname()[1]}"
        opened = Lmtp(Target("lmtp", place, "anna", ""), Settings(), "/nonexistent")
        with pytest.raises(Problem) as raised:
            opened.stage()
        opened.close()
    assert raised.value.cause == "delivery"
    assert "refuses connections" in raised.value.message


@pytest.mark.parametrize("path", ["/nonexistent/lmtp", "/" + "x" * 200])
def test_socket_that_is_not_there(path: str) -> None:
    with pytest.raises(Problem) as raised:
        Lmtp(Target("lmtp", f"unix:{path}", "anna", ""), Settings(), "/nonexistent").stage()
    assert raised.value.cause == "delivery"
    assert path in raised.value.message


def test_unix_socket(tmp_path: Path) -> None:
    """What leads to no other host has no need of TLS."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "lmtp"))
        listener.listen()
        settings = Settings(lmtp_tls="required")
        opened = Lmtp(Target("lmtp", f"unix:{tmp_path}/lmtp", "anna", ""), settings, tmp_path, Patience(0.1))
        with pytest.raises(Problem) as raised:
            opened.stage()
        opened.close()
        peer, _ = listener.accept()
        peer.close()
    assert "was silent" in raised.value.message


# Envelope


def test_sender_is_what_the_message_tells() -> None:
    fake = Fake(offers=("PIPELINING", "CHUNKING"))
    with destination(fake) as opened:
        batch = [
            stage(opened, b"Return-Path: <a@b.example>\r\nReturn-Path: <c@d.example>\r\n\r\n"),
            stage(opened, b"Return-Path: <a>\r\nRCPT TO:<root>\r\n\r\n"),
            stage(opened, MESSAGE),
        ]
        assert opened.publish(batch) == {}
    assert [taken.mail for taken in fake.taken] == [b"<a@b.example>", b"<>", b"<>"]


@pytest.mark.parametrize(
    ("folder", "recipient"),
    [("", b"<anna@here>"), ("INBOX", b"<anna@here>"), ("Work/New", b"<anna+Work/New@here>")],
)
def test_folder_is_added_to_the_recipient(folder: str, recipient: bytes) -> None:
    fake = Fake()
    with destination(fake, folder, "anna@here", recipient_delimiter="+") as opened:
        assert opened.publish([stage(opened), stage(opened, folder="Junk")]) == {}
    assert [taken.recipient for taken in fake.taken] == [recipient, b"<anna+Junk@here>"]
    assert fake.octets == [MESSAGE] * 2


@pytest.mark.parametrize(
    ("offers", "recipient"), [(("SMTPUTF8",), "<anna+Müll/x>"), ((), "<anna+M=C3=BCll/x>")]
)
def test_folder_is_named_as_the_server_can_take_it(offers: tuple[str, ...], recipient: str) -> None:
    fake = Fake(offers=offers)
    with destination(fake, recipient_delimiter="+") as opened:
        assert opened.publish([stage(opened, folder="Müll/x")]) == {}
    assert [taken.recipient.decode() for taken in fake.taken] == [recipient]


def test_letters_that_no_address_has_stop_no_folder() -> None:
    fake = Fake(offers=("SMTPUTF8",))
    with destination(fake, recipient_delimiter="+") as opened:
        assert opened.publish([stage(opened, folder="ü\ue000")]) == {}
    assert [taken.recipient for taken in fake.taken] == [b"<anna+=C3=BC=EE=80=80>"]


def test_folder_without_a_delimiter_is_refused() -> None:
    with pytest.raises(Problem) as raised:
        Lmtp(Target("lmtp", "unix:/nonexistent", "anna", "Work"), Settings(), "/nonexistent")
    assert raised.value.cause == "settings"
    assert raised.value.attributes == {"cause": "settings", "setting": "RECIPIENT_DELIMITER"}


def test_folders_take_a_delimiter() -> None:
    with destination(Fake(), recipient_delimiter="+") as opened:
        opened.require_folders()
    with destination(Fake()) as opened, pytest.raises(Problem, match="into folders") as raised:
        opened.require_folders()
    assert raised.value.cause == "settings"


def test_spam_without_a_delimiter_goes_where_all_goes() -> None:
    fake = Fake()
    with destination(fake) as opened:
        assert opened.publish([stage(opened, folder="Junk"), stage(opened)]) == {}
    assert fake.octets == [MESSAGE] * 2
    assert {taken.recipient for taken in fake.taken} == {b"<anna>"}


# What is kept


def test_discarded_and_aborted_are_not_delivered(tmp_path: Path) -> None:
    fake = Fake()
    with destination(fake) as opened:
        kept, gone = stage(opened), stage(opened)
        opened.discard([gone])
        opened.discard([gone, Staged("unknown", 1)])
        staging = opened.stage()
        staging.write(b"x")
        staging.abort()
        assert opened.publish([kept]) == {}
        assert opened.recover([kept]) == set()
        stage(opened)
    assert len(fake.taken) == 1


def test_names_are_never_the_same() -> None:
    with destination(Fake()) as opened:
        assert len({stage(opened).name for _ in range(100)}) == 100


def test_made_by_its_kind(tmp_path: Path) -> None:
    connector = make_connector("SimpleIMAPRetriever", 1, Destination="lmtp:unix:/run/lmtp", Account="anna")
    made = make(connector, Settings(), "0" * 16, tmp_path)
    assert isinstance(made, Lmtp)
    assert (made.location, made.remembers, made.batch_messages) == ("lmtp:unix:/run/lmtp", False, 25)
    made.close()


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_authorities_that_cannot_be_read(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "ca.pem"
    if content:
        file.write_bytes(content)
    with pytest.raises(Problem) as raised:
        Lmtp(Target("lmtp", "127.0.0.1:24", "anna", ""), Settings(lmtp_ca_file=str(file)), tmp_path)
    assert raised.value.attributes == {"cause": "settings", "setting": "LMTP_CA_FILE"}
