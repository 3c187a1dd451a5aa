# SPDX-License-Identifier: LGPL-2.1-or-later
"""`cockpit-getmail imap` by root, and Client.mailbox() over it: in a sandbox and without secrets."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, hang, imap
from tests.support.installed import PASSWORD, PYTHON, Installed
from tests.support.machine import ENVIRONMENT
from tests.support.sandboxes import find_users_talking_to
from tests.support.ssh import SshServer

COUNT = 3
COMMAND = "/usr/local/sbin/cockpit-getmail"
HOST = "mailbox.example.com"
SEALING = {"COCKPIT_GETMAIL_ENCRYPT_SECRETS": "yes"}
READ = """
import json, sys
import cockpit_getmail
name, host = json.loads(sys.argv[1])
with cockpit_getmail.Client(host).mailbox(name) as mailbox:
    for uid, message in mailbox.get("UNSEEN"):
        if message.data["subject"] == "Message 1":
            message.mark_seen()
        if message.data["subject"] == "Message 2":
            message.delete()
        print(uid, message.data["subject"])
    print(mailbox.imap.folder_status("INBOX", ["MESSAGES", "UNSEEN"]))
"""


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    users = ("here", "there", "sealed", "open")
    with Dovecot(dict.fromkeys(users, PASSWORD)) as dovecot:
        for user in users:
            dovecot.fill(user, COUNT)
        yield dovecot


def add(installed: Installed, dovecot: Dovecot, user: str, **props: str) -> str:
    name = f"{user}@mailbox"
    fixed = {"Username": user, "Account": f"for-{user}", "TLS": "none"}
    installed.add(name, "SimpleIMAPRetriever", dovecot.imap, **{**fixed, **props})
    return name


def read(installed: Installed, name: str, host: str | None = None) -> list[str]:
    argv = [PYTHON, "-I", "-c", READ, json.dumps([name, host])]
    return installed.machine.run(argv).stdout.splitlines()


def begin(installed: Installed, name: str) -> subprocess.Popen[bytes]:
    argv = installed.machine.argv(COMMAND, "imap", "--", name)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen(argv, env=ENVIRONMENT, bufsize=0, **pipes)  # type: ignore[call-overload,no-any-return]


def find_sessions(installed: Installed) -> list[str]:
    """Return the units of sessions that are loaded."""
    argv = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "cockpit-getmail-:imap-*"]
    lines = installed.machine.run(argv).stdout.splitlines()
    return [line.split()[0].removesuffix(".service") for line in lines]


def find_credentials(installed: Installed) -> list[Path]:
    return list(installed.path("/run/cockpit-getmail").glob("*.credential"))


def wait_until(is_so: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.mark.parametrize("user", ["here", "there"])
def test_a_program_works_in_a_mailbox(installed: Installed, dovecot: Dovecot, user: str) -> None:
    name = add(installed, dovecot, user)
    if user == "there":
        with SshServer(installed.machine, HOST):
            said = read(installed, name, f"root@{HOST}")
    else:
        said = read(installed, name)
    listed = [f"{number} Message {number}" for number in range(1, COUNT + 1)]
    assert said == [*listed, "{b'MESSAGES': 2, b'UNSEEN': 1}"]
    assert dovecot.flags(user) == ["S", ""]
    assert find_sessions(installed) == []
    assert PASSWORD not in installed.machine.journal()


def test_who_talks_to_the_server_is_confined(installed: Installed, dovecot: Dovecot) -> None:
    with begin(installed, add(installed, dovecot, "open")) as session:
        assert session.stdin
        assert session.stdout
        assert session.stdout.readline().startswith(b"* PREAUTH [CAPABILITY IMAP4rev1 ")
        [unit] = find_sessions(installed)
        status = installed.status(unit)
        assert status["Uid"].split() == [str(installed.uid)] * 4
        assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
        wait_until(lambda: find_credentials(installed) == [], "its credentials are kept")
        shown = installed.machine.run(["systemctl", "show", f"{unit}.service"]).stdout
        assert PASSWORD not in shown + installed.machine.read_processes()
        session.stdin.write(b"a SELECT INBOX\r\nb UID STORE 1 +FLAGS (\\Deleted)\r\nc LOGOUT\r\n")
        answer = session.stdout.read()
        assert b"c OK" in answer
        assert session.wait(20) == 0
    wait_until(lambda: find_sessions(installed) == [], "the unit does not end")
    assert dovecot.flags("open")[0] == "T"


def test_a_sealed_password_is_opened_for_the_session(installed: Installed, dovecot: Dovecot) -> None:
    name = add(installed, dovecot, "sealed")
    installed.call("update", SEALING, action="update", name=name, Password=PASSWORD)
    assert "SealedPassword" in installed.path("/var/lib/cockpit-getmail/connectors").read_text()
    assert len(read(installed, name)) == COUNT + 1


def test_a_log_in_that_fails_is_told(installed: Installed, dovecot: Dovecot) -> None:
    name = add(installed, dovecot, "wrong", Username="here", Password="wrong-4711")
    done = installed.machine.run([COMMAND, "imap", "--", name], check=False)
    assert done.returncode == 77
    assert done.stdout.startswith("* BYE [XPROBLEM GenericError credentials] 127.0.0.1 refuses")
    assert done.stderr.startswith("cockpit-getmail: 127.0.0.1 refuses")
    assert done.stdout.count("\n") == done.stderr.count("\n") == 1
    assert "4711" not in done.stdout + done.stderr + installed.machine.journal()
    done = installed.machine.run([COMMAND, "imap", "nobody@nowhere"], check=False)
    assert (done.returncode, done.stdout[:33]) == (78, "* BYE [XPROBLEM NotFound connecto")


def test_server_that_says_nothing_is_left_in_time(installed: Installed, dovecot: Dovecot) -> None:
    with Server([hang]) as silent:
        name = add(installed, dovecot, "silent", Port=str(silent.port))
        variables = {"COCKPIT_GETMAIL_REMOTE_TIMEOUT": "1"}
        done = installed.machine.run([COMMAND, "imap", "--", name], check=False, env=variables)
    assert done.returncode == 69
    assert done.stdout.startswith("* BYE [XPROBLEM GenericError network] ")
    assert find_sessions(installed) == []


@pytest.mark.parametrize("end", ["close", "terminate", "kill"])
def test_the_unit_ends_with_whoever_has_it(installed: Installed, dovecot: Dovecot, end: str) -> None:
    with Server(imap({"IDLE": b"+ idling\r\n"}, capabilities="IMAP4rev1 IDLE")) as server:
        name = add(installed, dovecot, f"end-{end}", Port=str(server.port))
        with begin(installed, name) as session:
            assert session.stdin
            assert session.stdout
            assert session.stdout.readline().startswith(b"* PREAUTH")
            session.stdin.write(b"a IDLE\r\n")
            assert session.stdout.readline() == b"+ idling\r\n"
            assert find_users_talking_to(server.port) == {installed.uid}
            if end != "close":
                number = "TERM" if end == "terminate" else "KILL"
                installed.machine.run(["pkill", f"-{number}", "-f", f"imap -- {name}"])
            session.stdin.close()
            session.stdout.close()
            session.wait(20)
        wait_until(lambda: find_sessions(installed) == [], "the unit does not end")
        assert find_credentials(installed) == []
