# SPDX-License-Identifier: LGPL-2.1-or-later
"""Filters as a sandboxed unit reaches them: rspamd over TCP, clamd at a socket and over TCP."""

from collections.abc import Iterator

import pytest

from tests.support.clamd import EICAR, FOUND, Clamd
from tests.support.dovecot import Dovecot, make_message
from tests.support.installed import PASSWORD, Installed
from tests.support.machine import Machine
from tests.support.rspamd import GTUBE, Rspamd

SOCKET_FOLDER = "/run/clamav"
CLEAN = make_message(1, 900)
INFECTED = make_message(2, 900) + EICAR + b"\r\n"
SPAM = make_message(3, 900) + GTUBE + b"\r\n"
PROPS = {"SpamCheck": "enabled", "VirusCheck": "enabled"}


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot({"u": PASSWORD}) as dovecot:
        for message in (CLEAN, INFECTED, SPAM):
            dovecot.add_message("u", message)
        yield dovecot


@pytest.fixture(scope="module")
def installed(clamd: Clamd) -> Iterator[Installed]:
    """The project in a machine that has this clamd's socket where Debian has it."""
    with Machine(binds={SOCKET_FOLDER: clamd.folder}) as machine:
        machine.install()
        yield Installed(machine)


@pytest.fixture
def env(rspamd: Rspamd) -> dict[str, str]:
    """The settings of a caller. What stands there is on the host, whose network the machine shares."""
    return {"COCKPIT_GETMAIL_RSPAMD_URL": rspamd.url}


def stored(message: bytes) -> bytes:
    return message.replace(b"\r\n", b"\n")


def check_filtered(installed: Installed, name: str, account: str, env: dict[str, str]) -> None:
    log = installed.run(name, env)
    assert installed.mail(account) == [stored(CLEAN)], log
    [junk] = installed.mail(f"{account}/.Junk")
    assert junk == b"X-Spam: Yes\n" + stored(SPAM)
    assert f"is not delivered and is set aside: clamd found {FOUND}." in log
    [aside] = installed.call("read", env, action="quarantine", name=name)["messages"]
    assert aside["reason"] == f"clamd found {FOUND}."


def test_clamd_over_tcp(installed: Installed, dovecot: Dovecot, clamd: Clamd, env: dict[str, str]) -> None:
    env["COCKPIT_GETMAIL_CLAMD_SOCKET"] = clamd.address
    installed.add("tcp@filters", "SimplePOP3Retriever", dovecot.pop3, Account="tcp", **PROPS)
    check_filtered(installed, "tcp@filters", "tcp", env)


def test_clamd_at_its_socket(installed: Installed, dovecot: Dovecot, env: dict[str, str]) -> None:
    installed.add("socket@filters", "SimpleIMAPRetriever", dovecot.imap, Account="socket", **PROPS)
    check_filtered(installed, "socket@filters", "socket", env)
    # What is retried is scanned again.
    assert installed.call("execute", env, action="retry", name="socket@filters")["messages"] == 1
    assert "is set aside" in installed.run("socket@filters", env)
    assert len(installed.call("read", env, action="quarantine", name="socket@filters")["messages"]) == 1
    assert installed.mail("socket") == [stored(CLEAN)]


def test_filter_that_is_not_there(installed: Installed, dovecot: Dovecot, env: dict[str, str]) -> None:
    installed.add("down@filters", "SimpleIMAPRetriever", dovecot.imap, Account="down", **PROPS)
    env["COCKPIT_GETMAIL_CLAMD_SOCKET"] = "/run/clamav/none.ctl"
    installed.run("down@filters", env)
    assert installed.mail("down") == []
    [status] = installed.call("read", env, action="status", name="down@filters")["connectors"]
    assert status["status"] == "NO_ACCESS_TO_ALL_MAIL"
    assert status["cause"] == "filter"
    warnings = installed.machine.journal("cockpit-getmail-down@filters", "--priority=warning")
    assert "clamd did not answer." in warnings
