# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helpers that do what the real ones do not do on command: small programs in a folder of the test's own."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import Client

TOKEN = "d242d822a59bd4db308eef8b85af7d2a"
ANSWERING = """\
#!{python} -IS
import json, os, sys
with open({asked!r}, "a+") as asked:
    asked.seek(0)
    number = len(asked.readlines())
    asked.write(os.path.basename(sys.argv[0]) + " " + json.dumps(json.load(sys.stdin)) + "\\n")
answers = {answers!r}
answer = answers[min(number, len(answers) - 1)]
print(json.dumps(answer))
sys.exit("type" in answer)
"""

# Does what sshd does with a command: gives the user's shell the words, joined by blanks.
SSH = """\
#!/bin/sh
printf '%s\\n' "$@" >{folder}/argv
while [ "$1" != -- ]; do shift; done
shift 2
exec sh -c "$*"
"""


class Helpers:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def client(self) -> Client:
        return Client(helpers=self.folder)

    def put(self, verb: str, script: str) -> None:
        """Make a helper of the text of a program."""
        program = self.folder / verb
        program.write_text(script)
        program.chmod(0o755)

    def answer(self, *answers: dict[str, Any]) -> None:
        """Let every helper give these answers, one after the other, the last one ever again."""
        text = ANSWERING.format(python=sys.executable, asked=str(self.folder / "asked"), answers=answers)
        for verb in ("read", "validate", "create", "update", "delete", "execute"):
            self.put(verb, text)

    @property
    def asked(self) -> list[tuple[str, dict[str, Any]]]:
        """What was asked so far: verb and input."""
        asked = self.folder / "asked"
        lines = [line.split(" ", 1) for line in asked.read_text().splitlines()] if asked.exists() else []
        return [(verb, json.loads(data)) for verb, data in lines]


def make_status(version: int, code: str = "running", log: str | None = None, **fields: Any) -> dict[str, Any]:
    common = {"percentProgress": None, "statusText": None, "result": None, "error": None}
    told = {"token": TOKEN, "statusVersion": version, "statusCode": code, "logOutput": log}
    return {**told, **common, **fields}


@pytest.fixture
def helpers(tmp_path: Path) -> Helpers:
    folder = tmp_path / "libexec"
    folder.mkdir()
    return Helpers(folder)


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with an ssh in it, the first that is found; what it was told is in `argv`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "ssh"
    program.write_text(SSH.format(folder=folder))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return folder
