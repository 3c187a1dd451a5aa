# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs as units of a real systemd: from their sandbox they reach a real Dovecot by LMTP."""

from collections.abc import Iterator

import pytest

from tests.support.certificates import Authority
from tests.support.dovecot import make_message
from tests.support.dovecot_lmtp import DovecotLmtp
from tests.support.installed import PASSWORD, Installed
from tests.support.machine import Machine
from tests.support.rounds import stored

SOCKET_FOLDER = "/run/dovecot"
SIEVE = """
require ["fileinto", "mailbox"];
if header :contains "Subject" "Message 2" { fileinto :create "Two"; }
"""
MESSAGES = [make_message(number, 2_000_000 if number == 4 else 800) for number in range(1, 31)]
USERS = ("u", "v", "w", "anna@example.com", "bruno@example.com", "carla@example.com")


@pytest.fixture(scope="module")
def dovecot(authority: Authority) -> Iterator[DovecotLmtp]:
    users: dict[str, str | bytes] = dict.fromkeys(USERS, PASSWORD)
    with DovecotLmtp(users, certificate=authority.issue()) as dovecot:
        for user in ("u", "v", "w"):
            for message in MESSAGES:
                dovecot.add_message(user, message)
        yield dovecot


@pytest.fixture(scope="module")
def installed(dovecot: DovecotLmtp) -> Iterator[Installed]:
    """The project in a machine that has this Dovecot's socket where Dovecot usually has it."""
    with Machine(binds={SOCKET_FOLDER: dovecot.folder}) as machine:
        machine.install()
        yield Installed(machine)


def configure(installed: Installed, **settings: str) -> None:
    lines = "".join(f"{name}={value}\n" for name, value in settings.items())
    installed.path("/etc/cockpit-getmail.env").write_text(lines)


def add(installed: Installed, name: str, dovecot: DovecotLmtp, **props: str) -> None:
    installed.add(name, "SimpleIMAPRetriever", dovecot.imap, TLS="none", Delete="0", **props)


def test_socket_is_reached_and_sieve_files(installed: Installed, dovecot: DovecotLmtp) -> None:
    """A user that owns nothing of the mail brings it there."""
    dovecot.set_sieve("anna@example.com", SIEVE)
    configure(installed, DESTINATION=f"lmtp:unix:{SOCKET_FOLDER}/lmtp")
    add(installed, "u@there", dovecot, Username="u", Account="anna@example.com")
    before = dovecot.log().count("Connect from local")
    log = installed.run("u@there")
    assert "30 messages delivered" in log
    assert "30 messages deleted on the server" in log
    assert dovecot.messages("u") == []
    filed = [message for message in MESSAGES if b"Subject: Message 2" in message]
    assert dovecot.delivered("anna@example.com", "Two") == stored(filed)
    assert dovecot.delivered("anna@example.com") == stored([one for one in MESSAGES if one not in filed])
    assert dovecot.log().count("Connect from local") == before + 1
    assert "0 messages delivered" in installed.run("u@there")
    # It has no folder for mail, and what was large and waited in its state is gone.
    assert not installed.path("/var/lib/cockpit-getmail/mail/anna@example.com").exists()
    assert sum(path.stat().st_size for path in (installed.folder / "state/u@there").iterdir()) < 1_000_000


def test_host_and_port_with_tls_into_a_folder(
    installed: Installed, dovecot: DovecotLmtp, authority: Authority
) -> None:
    """The props of one connector beat the settings; a certificate that is not trusted stops it before."""
    settings = {"DESTINATION": f"lmtp:unix:{SOCKET_FOLDER}/lmtp", "RECIPIENT_DELIMITER": "+"}
    configure(installed, **settings, LMTP_TLS="required")
    props = {"Destination": f"lmtp:127.0.0.1:{dovecot.lmtp}", "Folder": "Work"}
    add(installed, "v@there", dovecot, Username="v", Account="bruno@example.com", **props)
    log = installed.run("v@there")
    assert "certificate" in log
    assert "LMTP_CA_FILE" in log
    assert len(dovecot.messages("v")) == len(MESSAGES)
    installed.machine.copy(authority.ca, "/etc/ssl/lmtp.pem")
    configure(installed, **settings, LMTP_TLS="required", LMTP_CA_FILE="/etc/ssl/lmtp.pem")
    assert "30 messages delivered" in installed.run("v@there")
    assert sorted(dovecot.delivered("bruno@example.com", "Work")) == sorted(stored(MESSAGES))


def test_server_that_is_down_and_comes_back(installed: Installed, dovecot: DovecotLmtp) -> None:
    configure(installed, DESTINATION=f"lmtp:unix:{SOCKET_FOLDER}/gone")
    add(installed, "w@there", dovecot, Username="w", Account="carla@example.com")
    assert f"{SOCKET_FOLDER}/gone cannot be reached: No such file or directory" in installed.run("w@there")
    [found] = [
        one for one in installed.call("read", action="status")["connectors"] if one["name"] == "w@there"
    ]
    assert found["status"] == "NO_ACCESS_TO_ALL_MAIL", found
    assert len(dovecot.messages("w")) == len(MESSAGES)
    configure(installed, DESTINATION=f"lmtp:unix:{SOCKET_FOLDER}/lmtp")
    assert "30 messages delivered" in installed.run("w@there")
    assert sorted(dovecot.delivered("carla@example.com")) == sorted(stored(MESSAGES))
