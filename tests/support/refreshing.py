# SPDX-License-Identifier: LGPL-2.1-or-later
"""A process that gets a connector's access token, and may end at any step from the provider's answer on.

As a program it takes a Plan in JSON on stdin, and tells on stdout the token or the cause of the problem.
"""

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cockpit_getmail import database
from cockpit_getmail.connector import Connector
from cockpit_getmail.oauth import broker, flows
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import place

STEPS = ("open", "os.rename", "os.remove", "os.mkdir")
KILLED = -signal.SIGKILL


@dataclass(frozen=True)
class Plan:
    """`stop` is the number of the step that is not made any more; 0 makes all of them."""

    connectors_db: str
    state_dir: str
    run_folder: str
    name: str
    stop: int = 0


def start(plan: Plan) -> "subprocess.Popen[bytes]":
    """Start a process; it is over by itself."""
    environment = {**os.environ, "PYTHONPATH": ":".join([str(Path(__file__).parents[2]), *sys.path])}
    argv = [sys.executable, "-m", "tests.support.refreshing"]
    child = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert child.stdin
    child.stdin.write(json.dumps(asdict(plan)).encode())
    child.stdin.close()
    child.stdin = None
    return child


def end(child: "subprocess.Popen[bytes]") -> tuple[int, str, list[str]]:
    """Return the status of a process, what it got, and its steps."""
    output = child.communicate(timeout=60)[0].decode().splitlines()
    got = next((line.removeprefix("got ") for line in output if line.startswith("got ")), "")
    return child.returncode, got, [line for line in output if not line.startswith("got ")]


def _main() -> None:
    plan = Plan(**json.load(sys.stdin))
    place.RUN_FOLDER = plan.run_folder
    settings = Settings(plan.connectors_db, plan.state_dir)
    record = database.read(plan.connectors_db).get(plan.name)
    assert record
    _count_steps(plan.stop)
    try:
        found = broker.access_token(Connector.from_record(record.key, record.props), settings)
        got = found.access_token
    except Problem as problem:
        got = problem.cause
    sys.stdout.write(f"got {got}\n")


def _count_steps(stop: int) -> None:
    read_grant = flows.read_grant
    made: list[str] = []
    counts = False

    def audit(event: str, details: tuple[Any, ...]) -> None:
        if not counts or event not in STEPS or (event == "open" and not _writes(details)):
            return
        made.append(event)
        os.write(1, f"{event} {details[0]}\n".encode())
        if len(made) == stop:
            os.kill(os.getpid(), signal.SIGKILL)

    def answered(*details: Any) -> flows.Grant:
        nonlocal counts
        grant = read_grant(*details)
        counts = True
        return grant

    flows.read_grant = answered  # type: ignore[assignment]
    sys.addaudithook(audit)


def _writes(details: tuple[Any, ...]) -> bool:
    return isinstance(details[2], int) and bool(details[2] & (os.O_WRONLY | os.O_RDWR))


if __name__ == "__main__":
    _main()
