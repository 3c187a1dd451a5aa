# SPDX-License-Identifier: LGPL-2.1-or-later
"""The project as it is installed in a machine: its connectors, helpers, units and mail."""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cockpit_getmail.database import Database
from tests.support.machine import ENVIRONMENT, PROJECT, Machine
from tests.support.processes import find_children
from tests.support.schemas import check_schema

PASSWORD = "canary-4711"
PYTHON = "/usr/local/lib/cockpit-getmail/bin/python"
HELPERS = "/usr/local/libexec/cockpit-getmail"
END_SECONDS = 60.0


class Installed:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.folder = machine.root / "var/lib/cockpit-getmail"

    @property
    def uid(self) -> int:
        """The user id of FETCH_USER."""
        return int(self.machine.run(["id", "-u", "cockpit-getmail"]).stdout)

    def add(self, name: str, retriever: str, port: int, **props: str) -> None:
        """Put a connector of any name into the database, for a server on 127.0.0.1."""
        common = {
            "Retriever": retriever,
            "Server": "127.0.0.1",
            "Port": str(port),
            "Username": "u",
            "Password": PASSWORD,
            "Account": "someone@here",
        }
        self.put(name, common | props)

    def put(self, name: str, props: Mapping[str, str]) -> None:
        """Put a connector into the database with just these props."""
        # In place: to write it safely is to resolve its path, and that leads to the host's.
        file = self.folder / "connectors"
        connectors = Database(file.read_bytes() if file.exists() else b"")
        connectors.put(name, "getmail", props)
        file.touch(mode=0o600)
        file.write_bytes(connectors.format())

    def call(self, verb: str, env: dict[str, str] | None = None, **data: Any) -> dict[str, Any]:
        """Return the answer of a helper, called by root."""
        done = self.machine.run([f"{HELPERS}/{verb}"], input=json.dumps(data), check=False, env=env)
        assert not done.stderr
        answer: dict[str, Any] = json.loads(done.stdout)
        assert done.returncode == ("type" in answer), answer
        return answer

    def ask(self, verb: str, action: str, **data: Any) -> dict[str, Any]:
        """Call a helper; return its answer, which the schema of its output or of problems allows."""
        answer = self.call(verb, action=action, **data)
        check_schema("problem.json" if "type" in answer else f"{verb}/{action}.output.json", answer)
        return answer

    def stored(self, name: str) -> dict[str, str]:
        """Return the props of a connector as the database has them."""
        record = Database((self.folder / "connectors").read_bytes()).get(name)
        assert record
        return dict(record.props)

    def start(self, name: str, env: dict[str, str] | None = None) -> str:
        """Start a run; return its unit."""
        answer = self.call("execute", env, action="run", name=name)
        assert answer.keys() == {"unit", "token"}, answer
        return str(answer["unit"])

    def run(self, name: str, env: dict[str, str] | None = None) -> str:
        """Run to the end; return what this run logged."""
        self.machine.run(["journalctl", "--sync"])
        begun = self.machine.run(["journalctl", "--quiet", "--show-cursor", "--lines=1"]).stdout
        unit = self.start(name, env)
        self.wait(unit)
        return self.machine.journal(unit, f"--after-cursor={begun.partition('cursor: ')[2].strip()}")

    def begin(self, *argv: str, stdin: str = "", env: dict[str, str] | None = None) -> subprocess.Popen[str]:
        """Run a program as root without waiting for its end."""
        process = subprocess.Popen(
            self.machine.argv(*argv),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**ENVIRONMENT, **(env or {})},
            text=True,
        )
        assert process.stdin
        process.stdin.write(stdin)
        process.stdin.close()
        process.stdin = None
        return process

    def wait(self, unit: str) -> None:
        """Wait until a unit has ended."""
        deadline = time.monotonic() + END_SECONDS
        while self.show(unit, "ActiveState") != "inactive":
            assert time.monotonic() < deadline, f"{unit} does not end"
            time.sleep(0.05)

    def stop(self, unit: str) -> None:
        """End a unit at once, if it has not ended: a run that is asked twice waits for nothing."""
        self.machine.run(["systemctl", "kill", "--kill-whom=main", f"{unit}.service"], check=False)
        self.machine.run(["systemctl", "stop", f"{unit}.service"], check=False)
        self.wait(unit)

    def show(self, unit: str, prop: str) -> str:
        argv = ["systemctl", "show", f"--property={prop}", "--value", "--", f"{unit}.service"]
        return self.machine.run(argv).stdout.strip()

    def status(self, unit: str) -> dict[str, str]:
        """Return /proc/PID/status of a unit's program."""
        text = self.machine.run(["cat", f"/proc/{self.show(unit, 'MainPID')}/status"]).stdout
        return dict(line.split(":\t", 1) for line in text.splitlines())

    def mail(self, account: str = "someone@here", within: str = "mail") -> list[bytes]:
        """Return what is delivered to an account, in any order."""
        folder = self.folder / within / account / "new"
        return sorted(path.read_bytes() for path in folder.iterdir()) if folder.is_dir() else []

    def owner(self, path: str) -> tuple[int, int]:
        """Return owner and mode of a path below /var/lib/cockpit-getmail."""
        found = os.lstat(self.folder / path)
        return found.st_uid, found.st_mode & 0o7777

    def snapshot(self, *folders: str) -> set[tuple[str, float]]:
        """Return all paths below these folders, with their times of change."""
        argv = ["find", *folders, "-printf", "%p %C@\\n"]
        lines = self.machine.run(argv).stdout.splitlines()
        return {(line.rpartition(" ")[0], float(line.rpartition(" ")[2])) for line in lines}

    def files_with(self, text: str, *folders: str) -> list[str]:
        """Return the files below these folders that have a text in them; a checkout may lie there too."""
        grep = ["grep", "-rslF", "--devices=skip", text, *folders]
        found = self.machine.run(grep, check=False).stdout.splitlines()
        return [name for name in found if not name.startswith(f"{PROJECT}/")]

    def path(self, name: str) -> Path:
        """Return the host's way to an absolute path in the machine."""
        return self.machine.root / name.removeprefix("/")


def child_of(process: subprocess.Popen[str]) -> int:
    """Return the host's process id of the program that was begun, once it is known to run."""
    [child] = find_children(process.pid)
    return child
