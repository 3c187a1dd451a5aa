# SPDX-License-Identifier: LGPL-2.1-or-later
"""The Python client over a real ssh."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.installed import PYTHON, Installed
from tests.support.machine import ENVIRONMENT
from tests.support.ssh import SshServer

HOST = "root@mail.example.com"
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
    assert call(installed, HOST, "list", account="there") == call(installed, None, "list", account="there")
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
