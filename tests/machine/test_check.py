# SPDX-License-Identifier: LGPL-2.1-or-later
"""check-credentials by root: in the sandbox, in bounded time, believed only in its shape."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.certificates import Authority
from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, drip, hang, pop3
from tests.support.installed import HELPERS, PASSWORD, PYTHON, Installed, child_of
from tests.support.limits import soon
from tests.support.sandboxes import TAKEN_OVER, find_checks, find_users_talking_to

COUNT = 3
CHECK_TIMEOUT = 2.0
IMPATIENT = {"COCKPIT_GETMAIL_CHECK_TIMEOUT": str(CHECK_TIMEOUT)}


@pytest.fixture(scope="module")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    with Dovecot({"u": PASSWORD}, certificate=authority.issue()) as dovecot:
        dovecot.fill("u", COUNT)
        yield dovecot


@pytest.fixture
def silent() -> Iterator[Server]:
    """A server that is silent once it has the password."""
    with Server(pop3(overrides={"STAT": hang, "UIDL": hang, "LIST": hang})) as server:
        yield server


def make_request(retriever: str, port: int, **props: str) -> dict[str, Any]:
    common = {"action": "check-credentials", "Server": "127.0.0.1", "Username": "u", "Password": PASSWORD}
    return {**common, "Retriever": retriever, "Port": port, **props}


def begin(installed: Installed, server: Server) -> subprocess.Popen[str]:
    """Call the helper; return once the server has the password."""
    request = json.dumps(make_request("SimplePOP3Retriever", server.port))
    begun = installed.begin(f"{HELPERS}/read", stdin=request, env=IMPATIENT)
    deadline = time.monotonic() + 20
    while f"PASS {PASSWORD}".encode() not in server.received:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return begun


def test_what_is_found_is_told(installed: Installed, dovecot: Dovecot, authority: Authority) -> None:
    ca = "/root/private-ca.pem"
    installed.machine.copy(authority.ca, ca, mode=0o600)
    answer = installed.call("read", **make_request("SimpleIMAPSSLRetriever", dovecot.imaps, CAFile=ca))
    assert (answer["state"], answer["tls"], answer["folder"], answer["messages"]) == (
        "success",
        "TLSv1.3",
        "INBOX",
        COUNT,
    )
    assert "IMAP4REV1" in answer["capabilities"]
    assert dovecot.flags("u") == [""] * COUNT


def test_log_in_that_is_stored_is_checked(installed: Installed, dovecot: Dovecot) -> None:
    """Its password is given to the check as one that is typed is, and told nobody."""
    installed.add("stored@check", "SimpleIMAPRetriever", dovecot.imap, Account="stored", TLS="none")
    request: dict[str, Any] = {"action": "check-credentials", "name": "stored@check"}
    pop: dict[str, Any] = {"Port": dovecot.pop3, "Retriever": "SimplePOP3Retriever"}
    for more in ({}, {"Password": ""}, {**pop, "Password": PASSWORD}):
        answer = installed.call("read", **{**request, **more})
        assert (answer["state"], answer["messages"]) == ("success", COUNT)
    # It is of that port alone.
    assert installed.call("read", **{**request, **pop})["type"] == "NotValid"
    for more in ({"Password": "wrong"}, {"Username": "nobody"}):
        answer = installed.call("read", **{**request, **more})
        assert answer["attributes"]["cause"] == "credentials"
        assert PASSWORD not in json.dumps(answer)
    assert PASSWORD not in installed.machine.journal()


def test_certificate_that_is_not_trusted_is_shown(installed: Installed, dovecot: Dovecot) -> None:
    answer = installed.call("read", **make_request("SimplePOP3SSLRetriever", dovecot.pop3s))
    assert answer["type"] == "GenericError"
    assert answer["attributes"]["cause"] == "tls"
    trusted = make_request(
        "SimplePOP3SSLRetriever", dovecot.pop3s, Fingerprint=answer["attributes"]["fingerprint"]
    )
    assert installed.call("read", **trusted)["messages"] == COUNT


def test_refusal_is_told(installed: Installed, dovecot: Dovecot) -> None:
    request = make_request("SimpleIMAPRetriever", dovecot.imap, Password="wrong", TLS="none")
    answer = installed.call("read", **request)
    assert answer["type"] == "GenericError"
    assert answer["attributes"]["status"] == "INVALID_CREDENTIALS"
    assert answer["attributes"]["cause"] == "credentials"


def test_ca_file_that_is_missing_is_told(installed: Installed) -> None:
    answer = installed.call("read", **make_request("SimpleIMAPSSLRetriever", 1, CAFile="/root/none.pem"))
    assert "No such file" in answer["message"]


def test_who_talks_to_the_server_is_confined(installed: Installed, silent: Server) -> None:
    helper = begin(installed, silent)
    with helper:
        [unit] = find_checks(installed)
        status = installed.status(unit)
        talking = find_users_talking_to(silent.port)
        helper.communicate()
    assert status["Uid"].split() == [str(installed.uid)] * 4
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert talking == {installed.uid}
    assert find_checks(installed) == []


def test_password_shows_nowhere(installed: Installed, silent: Server) -> None:
    machine = installed.machine
    helper = begin(installed, silent)
    with helper:
        [unit] = find_checks(installed)
        seen = [
            machine.run(["systemctl", "show", f"{unit}.service"]).stdout,
            machine.read_processes(),
            machine.journal(None, "--output=export"),
        ]
        files = installed.files_with(PASSWORD, "/run", "/tmp", "/var/log")
        output, _ = helper.communicate()
    assert ":check-" in seen[0]
    assert "check\0--unit" in seen[1]
    assert not any(PASSWORD in text for text in (*seen, output))
    assert files == []


@pytest.mark.parametrize("script", ["hang", "drip", "drip after log-in"])
def test_time_is_bounded(installed: Installed, script: str) -> None:
    scripts: dict[str, Any] = {
        "hang": [hang],
        "drip": [drip(b"+", 0.1)],
        "drip after log-in": pop3(overrides={"STAT": drip(b"+OK 1 1", 0.1), "UIDL": drip(b"1 x\r\n", 0.1)}),
    }
    with Server(scripts[script]) as server, soon():
        answer = installed.call("read", IMPATIENT, **make_request("SimplePOP3Retriever", server.port))
    assert answer["type"] == "GenericError"
    assert answer["attributes"]["status"] == "CONNECTION_IMPOSSIBLE"
    assert answer["attributes"]["cause"] == "network"
    assert find_checks(installed) == []


def test_check_that_does_not_end_is_ended(installed: Installed, silent: Server) -> None:
    helper = begin(installed, silent)
    with helper, soon():
        [unit] = find_checks(installed)
        installed.machine.run(["systemctl", "kill", "--signal=STOP", f"{unit}.service"])
        answer = json.loads(helper.communicate()[0])
    assert answer["attributes"]["cause"] == "network"
    installed.wait(unit)


def test_check_ends_by_itself_when_the_helper_is_killed(installed: Installed, silent: Server) -> None:
    helper = begin(installed, silent)
    with helper:
        [unit] = find_checks(installed)
        os.kill(child_of(helper), signal.SIGKILL)
        helper.communicate()
    with soon():
        installed.wait(unit)


# What comes out of a sandbox that was taken over

CHECK = TAKEN_OVER % "check(connector, settings.load())"


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["yes"], "its answer had no end"),
        (["sh", "-c", "yes >&2"], "its answer had no end"),
        (["sh", "-c", "printf 'oh\\033[2J' >&2; exit 1"], "without an answer: oh\\x1b[2J"),
        (["true"], "without an answer"),
        (["echo", "[]"], "without an answer"),
        (["echo", '{"found": {"messages": "many"}}'], "without an answer"),
        (["echo", '{"problem": {"type": "NotValid", "message": "x"}}'], "could not tell"),
        (["sh", "-c", "trap '' TERM; sleep 60; sleep 60"], "did not answer within 2 seconds"),
        (["sh", "-c", "sleep 60 & exec >&- 2>&-; sleep 60"], "did not answer within 2 seconds"),
        (["no-such-program"], "without an answer"),
    ],
    ids=lambda value: str(value)[-20:],
)
def test_sandbox_that_was_taken_over_is_not_believed(
    installed: Installed, command: list[str], told: str
) -> None:
    with soon():
        done = installed.machine.run([PYTHON, "-I", "-c", CHECK, *command], env=IMPATIENT)
    kind, message, _ = json.loads(done.stdout)
    assert (kind, told in message) == ("GenericError", True), message
    deadline = time.monotonic() + 10
    while find_checks(installed):
        assert time.monotonic() < deadline
        time.sleep(0.05)


# Elsewhere


def test_without_systemd_it_is_checked_in_this_process(installed: Installed, dovecot: Dovecot) -> None:
    request = json.dumps(make_request("SimpleIMAPRetriever", dovecot.imap, TLS="none"))
    script = f"mount -t tmpfs none /run/systemd && exec {HELPERS}/read"
    done = installed.machine.run(["unshare", "--mount", "sh", "-c", script], input=request)
    assert json.loads(done.stdout)["messages"] == COUNT


def test_another_user_checks_as_themselves(installed: Installed, dovecot: Dovecot) -> None:
    request = json.dumps(make_request("SimpleIMAPRetriever", dovecot.imap, TLS="none"))
    argv = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", f"{HELPERS}/read"]
    assert json.loads(installed.machine.run(argv, input=request).stdout)["messages"] == COUNT
