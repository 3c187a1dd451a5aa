# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python client over a real ssh."""

import json
import subprocess
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest

from tests.support.hostile import Server, Session, drip_once, pop3, stuff
from tests.support.installed import PYTHON, Installed
from tests.support.machine import ENVIRONMENT
from tests.support.ssh import SshServer

HOST = "root@mail.example.com"
MESSAGES = [(f"uid{number}", b"Subject: %d\r\n\r\nx\r\n" % number) for number in range(1, 5)]
SLOW = drip_once(b"+OK\r\n" + stuff(MESSAGES[1][1]), 0.15)
# Prints the answer of one method, or the Problem.
PROGRAM = """\
import json, sys
from cockpit_getmail import Client
from cockpit_getmail.problem import Problem
host, method, fields = json.load(sys.stdin)
try:
    answer = getattr(Client(host), method)(**fields)
except Problem as problem:
    answer = {"type": problem.type, "message": problem.message, "attributes": problem.attributes}
print(json.dumps(answer))
"""


@pytest.fixture(scope="module")
def ssh(installed: Installed) -> Iterator[SshServer]:
    with SshServer(installed.machine, "mail.example.com") as server:
        yield server


def begin(installed: Installed, host: str | None, method: str, **fields: Any) -> subprocess.Popen[str]:
    """Call a method in the machine; do not wait for its answer."""
    process = subprocess.Popen(
        installed.machine.argv(PYTHON, "-c", PROGRAM),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
        text=True,
    )
    assert process.stdin
    process.stdin.write(json.dumps([host, method, fields]))
    process.stdin.close()
    process.stdin = None
    return process


def finish(process: subprocess.Popen[str]) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(process.communicate()[0])
    return answer


def call(installed: Installed, host: str | None, method: str, **fields: Any) -> dict[str, Any]:
    return finish(begin(installed, host, method, **fields))


def test_what_is_told_there_is_told_here(installed: Installed, ssh: SshServer) -> None:
    installed.add("there@here", "SimpleIMAPRetriever", 1, Account="there", Password="ünd 'so' $(fort)")
    [there, here] = [call(installed, host, "list", account="there") for host in (HOST, None)]
    for told in (there, here):
        # It never ran, so it is due now, which may be another second.
        del told["connectors"]["there"][0]["next_run"]
    assert there == here
    problem = call(installed, HOST, "update", name="there@here", Time=3)
    assert problem["attributes"] == [{"parameter": "Time", "value": 3, "error": "minimum"}]
    assert call(installed, HOST, "delete", name="there@here")["state"] == "success"


@pytest.mark.parametrize(
    ("host", "message"),
    [
        ("nobody@mail.example.com", "Permission denied"),
        ("nowhere.invalid", "Could not resolve hostname"),
        ("ssh://root@mail.example.com:1", "Connection refused"),
    ],
)
def test_a_way_that_does_not_lead_there(
    installed: Installed, ssh: SshServer, host: str, message: str
) -> None:
    problem = call(installed, host, "list")
    assert problem["attributes"] == {"cause": "network"}
    assert problem["message"].startswith(f"The connection to {host} failed: ")
    assert message in problem["message"]


def test_a_host_that_is_not_known_is_asked_for_by_nobody(installed: Installed, ssh: SshServer) -> None:
    problem = call(installed, f"root@{ssh.address}", "list")
    assert problem["message"].endswith("Host key verification failed.")


def test_helpers_that_are_not_there(installed: Installed, ssh: SshServer) -> None:
    helpers = "/usr/local/libexec/cockpit-getmail"
    installed.machine.run(["mv", helpers, f"{helpers}.away"])
    try:
        problem = call(installed, HOST, "list")
    finally:
        installed.machine.run(["mv", f"{helpers}.away", helpers])
    assert problem["message"].startswith(f"There is no helper {helpers}/read on {HOST}: ")


# Long tasks


@pytest.fixture
def gate() -> Event:
    """What the server has to wait for before its second message, where a test clears it."""
    gate = Event()
    gate.set()
    return gate


@pytest.fixture
def slow(installed: Installed, gate: Event) -> Iterator[Server]:
    """A server of the connector slow@here that needs a while for its second message."""

    def wait(session: Session) -> None:
        while not gate.is_set():
            session.wait(0.05)

    with Server(pop3(MESSAGES, {"RETR 2": [wait, SLOW]})) as server:
        installed.add("slow@here", "SimplePOP3Retriever", server.port, Account="slow")
        yield server
    installed.stop("cockpit-getmail-slow@here")
    installed.call("delete", name="slow@here")
    installed.machine.run(["rm", "-rf", "/var/lib/cockpit-getmail/mail/slow"])


@pytest.mark.parametrize("host", [None, HOST])
def test_a_run_is_followed(installed: Installed, ssh: SshServer, slow: Server, host: str | None) -> None:
    status = call(installed, host, "run", name="slow@here", wait=0)
    assert (status["statusCode"], status["percentProgress"]) == ("succeeded", 100)
    assert status["unit"] == "cockpit-getmail-slow@here"
    assert len(installed.mail("slow")) == len(MESSAGES)
    # Asked again, it tells the same, and all of the log.
    told = call(installed, host, "progress", token=status["token"])
    assert told["logOutput"].endswith(status["logOutput"])
    assert told == {name: value for name, value in status.items() if name != "unit"} | {
        "logOutput": told["logOutput"]
    }


def test_a_connection_that_drops_is_taken_up_again(
    installed: Installed, ssh: SshServer, slow: Server, gate: Event
) -> None:
    gate.clear()
    following = begin(installed, HOST, "run", name="slow@here", wait=60_000)
    slow.wait_for(b"RETR 2")
    assert ssh.drop() == 1
    problem = finish(following)
    assert problem["attributes"]["cause"] == "network"
    [told] = call(installed, HOST, "status", name="slow@here")["connectors"]
    assert told["running"]
    # Whoever runs it again joins it.
    status = call(installed, HOST, "run", name="slow@here", auto_handle_token=False)
    assert status["statusCode"] == "running"
    gate.set()
    installed.wait(status["unit"])
    ended = call(installed, HOST, "get_status", status={"token": status["token"]})
    assert ended["statusCode"] == "succeeded"
    assert len(installed.mail("slow")) == len(MESSAGES)


def test_a_connection_that_drops_in_a_poll_leaves_the_token(
    installed: Installed, ssh: SshServer, slow: Server, gate: Event
) -> None:
    gate.clear()
    following = begin(installed, HOST, "run", name="slow@here", wait=0)
    slow.wait_for(b"RETR 2")
    # The call that started it has ended, the next one is a poll.
    while ssh.connections:
        assert following.poll() is None
    while following.poll() is None:
        ssh.drop()
    problem = finish(following)
    status = call(installed, None, "get_status", status={"token": problem["attributes"]["token"]})
    assert status["statusCode"] == "running"


def test_a_run_that_is_followed_is_cancelled(installed: Installed, ssh: SshServer, slow: Server) -> None:
    following = begin(installed, None, "run", name="slow@here")
    slow.wait_for(b"RETR 2")
    assert call(installed, HOST, "cancel", name="slow@here")["state"] == "success"
    status = finish(following)
    assert status["statusCode"] == "cancelled"
    # It has ended: by its status that is no Problem, by its name it is.
    assert call(installed, None, "cancel", status=status) == {"state": "success"}
    assert call(installed, None, "cancel", name="slow@here")["type"] == "Conflict"


def test_a_run_that_fails_is_no_problem(installed: Installed) -> None:
    installed.add("dead@here", "SimplePOP3Retriever", 1, Account="dead")
    status = call(installed, None, "run", name="dead@here")
    assert (status["statusCode"], status["error"]["cause"]) == ("failed", "network")
    assert status["error"]["hint"]
