# SPDX-License-Identifier: LGPL-2.1-or-later
"""From a real Dovecot by IMAP into a real one by LMTP: octets, order, sieve, TLS, quota."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cockpit_getmail.destination import Target
from cockpit_getmail.destination.lmtp import Lmtp
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from tests.support.certificates import Authority, Certificate
from tests.support.dovecot import make_message
from tests.support.dovecot_lmtp import DovecotLmtp
from tests.support.lmtp_runs import ACCOUNTS, Case, Place, users
from tests.support.proxy import Proxy
from tests.support.rounds import stored

WAYS = {"BDAT": (), "DATA": (b"CHUNKING",), "step by step": (b"CHUNKING", b"PIPELINING")}
"""What is hidden of Dovecot's offers for each way to bring a message."""
HEADER = b"From: a@b.example\r\nTo: anna@example.com\r\nMessage-ID: <1@b.example>\r\n"
ODD = [
    HEADER + b"\r\n",
    HEADER + b"\r\n.\r\n..\r\n.a\r\n",
    HEADER + b"\r\n" + b"x" * 5000 + b"\r\n",
    HEADER + b"Subject: \xe4\xff\r\n\r\n\xe4\xff\r\n",
    "Subject: Größe\r\n\r\nGröße\r\n".encode(),
    HEADER + b"\r\nno end",
    b"Return-Path: <sender@example.net>\r\n" + HEADER + b"\r\nText\r\n",
    b"no header\r\n",
    HEADER + b"\r\n" + b"." * 70_000 + b"\r\n",
]
SIEVE = """
require ["fileinto", "mailbox"];
if header :contains "X-Spam" "Yes" { fileinto :create "Junk"; }
elsif header :contains "Subject" "Message 2" { fileinto :create "Two"; }
"""


@pytest.fixture(scope="module")
def place(authority: Authority) -> Iterator[Place]:
    with DovecotLmtp(users(), certificate=authority.issue()) as dovecot:
        yield Place(dovecot)


@pytest.fixture
def local(place: Place, tmp_path: Path) -> Case:
    return Case(place, tmp_path, f"lmtp:unix:{place.dovecot.socket}", recipient_delimiter="+")


@pytest.mark.parametrize("hidden", WAYS.values(), ids=WAYS.keys())
def test_octets_and_order(place: Place, tmp_path: Path, hidden: tuple[bytes, ...]) -> None:
    """Over one connection, for three batches."""
    messages = [*ODD, *(make_message(number, 400 + 37 * number) for number in range(50))]
    with Proxy(place.dovecot.host, place.dovecot.lmtp, hide=hidden) as proxy:
        case = Case(place, tmp_path, f"lmtp:127.0.0.1:{proxy.port}", lmtp_tls="none")
        case.fill(messages)
        result = case.run.fetch(case.connector())
        assert proxy.connections == 1
    assert (result.messages, result.failed, result.deleted) == (len(messages), 0, len(messages))
    # Some of the ways end a last line that has no end.
    assert [octets.removesuffix(b"\n") for octets in case.delivered()] == [
        octets.removesuffix(b"\n") for octets in stored(messages)
    ]
    assert case.left == 0
    [told] = [octets for octets in place.dovecot.stored(case.account) if b"sender@example.net" in octets]
    assert told.startswith(b"Return-Path: <sender@example.net>\n")


def test_socket_and_one_connection(local: Case) -> None:
    messages = local.fill([make_message(number, 3_000_000 if number == 3 else 900) for number in range(60)])
    before = local.dovecot.log().count("Connect from local")
    assert local.run.fetch(local.connector()).messages == 60
    assert local.delivered() == stored(messages)
    assert local.dovecot.log().count("Connect from local") == before + 1
    assert local.run.fetch(local.connector()).messages == 0


@pytest.mark.parametrize("hidden", WAYS.values(), ids=WAYS.keys())
@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n\x00.\r\n", b"\n\r.\r\n"]
)
def test_no_message_in_a_message(place: Place, tmp_path: Path, end: bytes, hidden: tuple[bytes, ...]) -> None:
    """Dovecot too takes a bare LF for the end of a line: one message that holds another stays one."""
    message = (
        HEADER + b"\r\nText" + end + b"MAIL FROM:<root@here>\r\nRCPT TO:<a0@example.com>\r\nDATA\r\nx\r\n"
    )
    with Proxy(place.dovecot.host, place.dovecot.lmtp, hide=hidden) as proxy:
        account = f"a{ACCOUNTS - 1}@example.com"
        before = len(place.dovecot.delivered(account))
        target = Target("lmtp", f"127.0.0.1:{proxy.port}", account, "")
        opened = Lmtp(target, Settings(lmtp_tls="none"), tmp_path)
        batch = []
        for octets in (message, HEADER + b"\r\nnext\r\n"):
            staging = opened.stage()
            staging.write(octets)
            batch.append(staging.finish())
        assert opened.publish(batch) == {}
        opened.close()
    found = place.dovecot.delivered(account)[before:]
    assert len(found) == 2
    assert b"MAIL FROM" in found[0]
    assert found[1].endswith(b"\n\nnext\n")
    if not hidden:
        assert found[0] == message.replace(b"\r\n", b"\n")


def test_sieve_files_by_header(local: Case) -> None:
    local.dovecot.set_sieve(local.account, SIEVE)
    messages = local.fill([make_message(number, 500) for number in (1, 2, 3)])
    assert local.run.fetch(local.connector()).messages == 3
    assert local.delivered() == stored([messages[0], messages[2]])
    assert local.delivered("Two") == stored([messages[1]])


@pytest.mark.parametrize("folder", ["Work", "My Work", "INBOX"])
def test_folder_by_the_recipient(local: Case, folder: str) -> None:
    messages = local.fill([make_message(number, 500) for number in (1, 2)])
    assert local.run.fetch(local.connector(Folder=folder)).messages == 2
    assert local.delivered("" if folder == "INBOX" else folder) == stored(messages)


def test_folder_below_a_folder(local: Case) -> None:
    messages = local.fill([make_message(1, 500)])
    assert local.run.fetch(local.connector(Folder="Work/New")).messages == 1
    assert local.delivered("Work.New") == stored(messages)


def test_folder_without_a_delimiter(place: Place, tmp_path: Path) -> None:
    case = Case(place, tmp_path, f"lmtp:unix:{place.dovecot.socket}")
    case.fill([make_message(1, 500)])
    problem = case.run.fails(case.connector(Folder="Work"))
    assert problem.cause == "settings"
    assert "RECIPIENT_DELIMITER" in problem.message
    assert case.left == 1


@pytest.mark.parametrize("delimiter", ["", "+"])
def test_spam_is_filed(place: Place, tmp_path: Path, delimiter: str) -> None:
    """By the recipient, or by its mark with what the account's own sieve makes of it."""
    mark = b"" if delimiter else b"X-Spam: Yes\r\n"
    _, account = place.take()
    place.dovecot.set_sieve(account, SIEVE if not delimiter else "keep;")
    settings = Settings(recipient_delimiter=delimiter)
    opened = Lmtp(Target("lmtp", f"unix:{place.dovecot.socket}", account, ""), settings, tmp_path)
    staging = opened.stage("Junk")
    staging.write(mark + HEADER + b"\r\nbuy\r\n")
    assert opened.publish([staging.finish()]) == {}
    opened.close()
    assert place.dovecot.delivered(account, "Junk") == stored([mark + HEADER + b"\r\nbuy\r\n"])


def test_account_that_does_not_exist(local: Case) -> None:
    """That is no fault of the messages: none is set aside, and all come once the account is there."""
    messages = local.fill([make_message(number, 500) for number in (1, 2, 3)])
    problem = local.run.fails(local.connector(Account="nobody@example.com"))
    assert problem.cause == "delivery"
    assert "550 5.1.1" in problem.message
    assert "exist" in problem.message
    assert local.left == 3
    assert local.run.fetch(local.connector()).messages == 3
    assert sorted(local.delivered()) == sorted(stored(messages))
    assert local.left == 0


# TLS


@pytest.mark.parametrize("tls", ["auto", "required"])
def test_tls_is_used_and_verified(place: Place, tmp_path: Path, authority: Authority, tls: str) -> None:
    seen: list[bytes] = []

    def listen(sender: str, data: bytes) -> bool:
        seen.append(data)
        return False

    with Proxy(place.dovecot.host, place.dovecot.lmtp, cut_when=listen) as proxy:
        destination = f"lmtp:127.0.0.1:{proxy.port}"
        case = Case(place, tmp_path, destination, lmtp_tls=tls, lmtp_ca_file=str(authority.ca))
        messages = case.fill([make_message(number, 500) for number in (1, 2)])
        assert case.run.fetch(case.connector()).messages == 2
    assert case.delivered() == stored(messages)
    assert b"STARTTLS\r\n" in seen
    assert not any(b"MAIL FROM" in data or b"RCPT" in data for data in seen)


def test_tls_to_an_address_in_brackets(place: Place, tmp_path: Path, authority: Authority) -> None:
    with Proxy(place.dovecot.host, place.dovecot.lmtp, listen=("::1", 0)) as proxy:
        destination = f"lmtp:[::1]:{proxy.port}"
        case = Case(place, tmp_path, destination, lmtp_tls="required", lmtp_ca_file=str(authority.ca))
        case.fill([make_message(1, 500)])
        assert case.run.fetch(case.connector()).messages == 1


@pytest.fixture(scope="module", params=["self-signed", "expired", "another host's", "unknown authority's"])
def bad(
    request: pytest.FixtureRequest, authority: Authority, tmp_path_factory: pytest.TempPathFactory
) -> Certificate:
    if request.param == "unknown authority's":
        return Authority(tmp_path_factory.mktemp("stranger")).issue()
    made = {
        "self-signed": authority.self_signed,
        "expired": authority.expired,
        "another host's": authority.wrong_host,
    }
    return made[request.param]()


@pytest.mark.parametrize("with_file", [False, True])
def test_certificates_are_refused(
    authority: Authority, bad: Certificate, tmp_path: Path, with_file: bool
) -> None:
    """Also where TLS need not be: it is offered, so who answers there must be the one that was meant."""
    with DovecotLmtp(users(), certificate=bad) as dovecot:
        file = str(authority.ca) if with_file else ""
        case = Case(Place(dovecot), tmp_path, f"lmtp:127.0.0.1:{dovecot.lmtp}", lmtp_ca_file=file)
        case.fill([make_message(1, 500)])
        problem = case.run.fails(case.connector())
        assert problem.cause == "delivery"
        assert "certificate" in problem.message
        assert "LMTP_CA_FILE" in problem.message
        assert case.left == 1
        assert case.delivered() == []


def test_tls_that_is_not_offered(tmp_path: Path, authority: Authority) -> None:
    with DovecotLmtp(users()) as dovecot:
        place = Place(dovecot)
        for number, settings in enumerate(({"lmtp_tls": "required"}, {"lmtp_ca_file": str(authority.ca)})):
            folder = tmp_path / str(number)
            folder.mkdir()
            case = Case(place, folder, f"lmtp:127.0.0.1:{dovecot.lmtp}", **settings)
            case.fill([make_message(1, 500)])
            problem = case.run.fails(case.connector())
            assert problem.cause == "delivery"
            assert "offers no encryption here" in problem.message
            assert case.left == 1
        (tmp_path / "clear").mkdir()
        case = Case(place, tmp_path / "clear", f"lmtp:127.0.0.1:{dovecot.lmtp}")
        case.fill([make_message(1, 500)])
        assert case.run.fetch(case.connector()).messages == 1


# Quota


def test_mailbox_that_is_full(tmp_path: Path) -> None:
    """It is told, nothing is set aside, and once there is room the rest comes, each once."""
    with DovecotLmtp(users(), quota=20_000) as dovecot:
        case = Case(Place(dovecot), tmp_path, f"lmtp:unix:{dovecot.socket}")
        messages = case.fill([make_message(number, 3000) for number in range(12)])
        problem = case.run.fails(case.connector())
        assert problem.cause == "quota"
        assert "5.2.2" in problem.message
        first = case.delivered()
        assert 0 < len(first) < 12
        assert case.run.fails(case.connector()).cause == "quota"
        assert case.delivered() == first
        found = list(first)
        for _ in range(3):
            dovecot.doveadm("expunge", "-u", case.account, "mailbox", "INBOX", "all")
            with suppress(Problem):
                case.run.fetch(case.connector())
            found += case.delivered()
        assert case.left == 0
    assert sorted(found) == sorted(stored(messages))
