# SPDX-License-Identifier: LGPL-2.1-or-later
"""`cockpit-getmail fetch` as root and as somebody else."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, hang, pop3
from tests.support.installed import PASSWORD, Installed, child_of
from tests.support.processes import find_children

COUNT = 5


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot({"u": PASSWORD}) as dovecot:
        dovecot.fill("u", COUNT)
        yield dovecot


def test_root_fetches_what_the_unit_then_knows(installed: Installed, dovecot: Dovecot) -> None:
    installed.add("front@here", "SimpleIMAPRetriever", dovecot.imap, Account="front")
    done = installed.machine.run(["cockpit-getmail", "fetch", "front@here"])
    assert f"{COUNT} of {COUNT} delivered.\n" in done.stdout
    assert installed.owner("mail/front") == installed.owner("state/front@here") == (installed.uid, 0o700)
    assert "0 messages delivered" in installed.run("front@here")
    assert len(installed.mail("front")) == COUNT


def test_foreground_after_a_unit_fetches_nothing_twice(installed: Installed, dovecot: Dovecot) -> None:
    installed.add("back@here", "SimplePOP3Retriever", dovecot.pop3, Account="back")
    assert f"{COUNT} messages delivered" in installed.run("back@here")
    assert "0 messages delivered" in installed.machine.run(["cockpit-getmail", "fetch", "back@here"]).stdout
    assert len(installed.mail("back")) == COUNT


def test_unit_does_not_run_beside_the_foreground(installed: Installed) -> None:
    with Server(pop3([("1", b"Subject: x\r\n\r\n")], {r"RETR (\d+)": hang})) as server:
        installed.add("both@here", "SimplePOP3Retriever", server.port, Account="both")
        front = installed.begin("cockpit-getmail", "fetch", "both@here")
        with front:
            deadline = time.monotonic() + 20
            while b"RETR 1" not in server.received:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            pid = child_of(front)
            [child] = find_children(pid)
            lines = Path(f"/proc/{child}/status").read_text().splitlines()
            log = installed.run("both@here")
            os.kill(pid, signal.SIGTERM)
    status = dict(line.split(":\t", 1) for line in lines)
    assert "being fetched now" in log
    assert "status=75" in log
    assert status["Uid"].split() == [str(installed.uid)] * 4
    assert status["CapEff"] == "0" * 16


def test_somebody_else_fetches_for_themselves(installed: Installed, dovecot: Dovecot) -> None:
    machine, home = installed.machine, "/home/carla"
    machine.run(["useradd", "--create-home", "carla"])
    installed.add("own@here", "SimpleIMAPRetriever", dovecot.imap, Account="carla")
    machine.run(["install", "--owner=carla", "/var/lib/cockpit-getmail/connectors", f"{home}/connectors"])
    settings = [
        f"COCKPIT_GETMAIL_CONNECTORS_DB={home}/connectors",
        f"COCKPIT_GETMAIL_STATE_DIR={home}/state",
        f"COCKPIT_GETMAIL_DESTINATION=maildir:{home}/Maildir",
    ]
    argv = ["runuser", "-u", "carla", "--", "env", *settings, "cockpit-getmail", "fetch", "own@here"]
    assert f"{COUNT} messages delivered" in machine.run(argv).stdout
    assert len(list(installed.path(f"{home}/Maildir/new").iterdir())) == COUNT


def test_somebody_else_cannot_read_the_connectors(installed: Installed, dovecot: Dovecot) -> None:
    installed.add("own@here", "SimpleIMAPRetriever", dovecot.imap)
    argv = ["runuser", "-u", "nobody", "--", "cockpit-getmail", "fetch", "own@here"]
    done = installed.machine.run(argv, check=False)
    assert done.returncode == 70
    assert "Permission denied" in done.stderr
