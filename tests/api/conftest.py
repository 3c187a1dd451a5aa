# SPDX-License-Identifier: LGPL-2.1-or-later
"""Helpers run as processes, on a database of the test's own; every answer is checked against its schema."""

import json
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import database
from cockpit_getmail.connector import make_name
from tests.support import need_programs, need_root
from tests.support.schemas import check_schema

ROOT = Path(__file__).parents[2]
BOOTED = Path("/run/systemd/system").is_dir()
ENOUGH = 30
CONNECTOR = {
    "Retriever": "SimpleIMAPRetriever",
    "Server": "my.remote.com",
    "Username": "giacomo",
    "Password": "Nethesis,1234",
    "Account": "admin@local.neth.eu",
}
"""What create asks for, and no more."""
STORED = {**CONNECTOR, "Delete": "-1", "Time": "30", "status": "enabled", "type": "getmail"}
"""The props that list tells of it."""

CONDITION = {"status", "last_run", "next_run", "failures", "messages", "bytes", "running"}
"""What is always told of how a connector is."""

Answer = dict[str, Any]


@dataclass(frozen=True)
class Api:
    """The six helpers of this checkout; `folder` has what they read and write, all of it made by them."""

    folder: Path
    user: pwd.struct_passwd | None = None
    variables: Mapping[str, str] = field(default_factory=dict)

    @property
    def db(self) -> Path:
        return self.folder / "connectors"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def environment(self) -> dict[str, str]:
        fixed = {
            "PATH": os.environ["PATH"],
            "COCKPIT_GETMAIL_CONNECTORS_DB": str(self.db),
            "COCKPIT_GETMAIL_STATE_DIR": str(self.state),
            "COCKPIT_GETMAIL_DESTINATION": f"maildir:{self.folder}/mail/{{account}}",
            "COCKPIT_GETMAIL_FETCH_USER": "nobody",
        }
        return {**fixed, **self.variables}

    def having(self, **settings: str) -> "Api":
        """Return the same with these settings."""
        added = {f"COCKPIT_GETMAIL_{name}": value for name, value in settings.items()}
        return replace(self, variables={**self.variables, **added})

    def as_user(self, name: str) -> "Api":
        """Return the same, run by another user, whose folder it is from now on."""
        user = pwd.getpwnam(name)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, user.pw_uid, user.pw_gid)
        return replace(self, user=user)

    def argv(self, program: Path) -> list[str]:
        if self.user is None:
            return [str(program)]
        identity = [f"--reuid={self.user.pw_uid}", f"--regid={self.user.pw_gid}", "--clear-groups"]
        return ["setpriv", *identity, "--", str(program)]

    def run(self, verb: str, raw: bytes) -> subprocess.CompletedProcess[bytes]:
        """Run a helper on these octets."""
        argv = self.argv(ROOT / "api" / verb)
        return subprocess.run(
            argv, input=raw, env=self.environment, capture_output=True, timeout=ENOUGH, check=False, cwd="/"
        )

    def succeed(self, verb: str, action: str | None = None, **data: Any) -> Answer:
        """Run an action that must succeed; return its answer, which its output schema allows."""
        done = self.run(verb, _format(action, data))
        answer = parse_answer(done)
        assert done.returncode == 0, answer
        check_schema(f"{verb}/{action or verb}.output.json", answer)
        return answer

    def fail(self, verb: str, action: str | None = None, **data: Any) -> Answer:
        """Run an action that must fail; return the problem without its time."""
        return self.refuse(verb, _format(action, data))

    def refuse(self, verb: str, raw: bytes) -> Answer:
        """Run a helper on octets that it must refuse; return the problem without its time."""
        done = self.run(verb, raw)
        answer = parse_answer(done)
        assert done.returncode == 1, answer
        check_schema("problem.json", answer)
        assert answer["type"] != "InternalError", (answer, done.stderr.decode())
        assert abs(answer.pop("id") - time.time()) < ENOUGH
        return answer

    def faults(self, verb: str, action: str | None = None, **data: Any) -> dict[str, str]:
        """Run an action with an input that is not valid; return the words by parameter."""
        answer = self.fail(verb, action, **data)
        assert (answer["type"], answer["message"]) == ("NotValid", "validation_failed")
        words = {fault["parameter"]: fault["error"] for fault in answer["attributes"]}
        assert len(words) == len(answer["attributes"])
        return words

    def create(self, **props: Any) -> str:
        """Create a connector; return its name."""
        name = self.succeed("create", "create", **CONNECTOR | props)["name"]
        assert isinstance(name, str)
        return name

    def add(self, **props: str) -> str:
        """Put a connector into the database, as create would and faster; return its name."""
        stored = {**STORED, **props}
        del stored["type"]
        name = make_name(stored["Username"], stored["Server"])
        with database.transaction(self.db) as connectors:
            assert not connectors.get(name)
            connectors.put(name, "getmail", stored)
        if self.user:
            os.chown(self.db, self.user.pw_uid, self.user.pw_gid)
        return name

    def connectors(self, **options: Any) -> dict[str, Any]:
        """Return what list tells, by account, but for how the connectors are."""
        found = self.succeed("read", "list", **options)["connectors"]
        return {account: list(map(forget_condition, group)) for account, group in found.items()}

    def conditions(self, **options: Any) -> dict[str, Answer]:
        """Return how the connectors are, by name."""
        found = self.succeed("read", "status", **options)["connectors"]
        return {connector["name"]: connector for connector in found}

    def props(self, name: str) -> dict[str, str]:
        """Return the props of a connector as list would tell them, faster."""
        record = database.read(self.db).get(name)
        assert record
        return {**record.props, "type": record.type}

    def files(self) -> dict[str, bytes]:
        """Return the content of every file there is, by its path."""
        paths = [path for path in self.folder.rglob("*") if path.is_file()]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in paths}


def forget_condition(listed: Answer) -> Answer:
    """Return what list tells of a connector, but for how it is."""
    stored = ("name", "type", "props")
    assert listed.keys() - stored >= CONDITION, listed
    return {key: listed[key] for key in stored}


def parse_answer(done: subprocess.CompletedProcess[bytes]) -> Answer:
    """Return the one JSON object, on one line, that a helper may write."""
    text = done.stdout.decode()
    assert text.endswith("\n"), (text, done.stderr)
    assert text.count("\n") == 1, text
    answer = json.loads(text)
    assert isinstance(answer, dict)
    return answer


def _format(action: str | None, data: Mapping[str, Any]) -> bytes:
    named = {} if action is None else {"action": action}
    return json.dumps({**named, **data}).encode()


@pytest.fixture
def api() -> Iterator[Api]:
    """The helpers, with nothing there yet.

    Where systemd runs, root's helpers would start units on this machine: there they run as nobody.
    """
    folder = Path(tempfile.mkdtemp(prefix="cockpit-getmail-"))
    found = Api(folder)
    yield found.as_user("nobody") if BOOTED and os.geteuid() == 0 else found
    shutil.rmtree(folder)


@pytest.fixture
def nobody(api: Api) -> Api:
    """The helpers as run by an unprivileged user who can reach this checkout."""
    need_root()
    need_programs("setpriv")
    return api.as_user("nobody")


@pytest.fixture
def put(api: Api) -> Callable[[str], None]:
    """Write a database as it stands, one record a line."""

    def write(text: str) -> None:
        api.db.write_text(text)
        api.db.chmod(0o600)
        if api.user:
            os.chown(api.db, api.user.pw_uid, api.user.pw_gid)

    return write
