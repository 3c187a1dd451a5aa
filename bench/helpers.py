# SPDX-License-Identifier: LGPL-2.1-or-later
"""Installed helpers as whole processes, on a made database."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench import PREFIX
from bench.pairs import Usage, measure
from cockpit_getmail import status_file
from cockpit_getmail.connector import folder_name, make_token
from cockpit_getmail.days import last_days
from cockpit_getmail.ledger import Ledger
from cockpit_getmail.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cockpit_getmail.status_file import Report

HELPERS = PREFIX / "libexec" / "cockpit-getmail"
PASSWORD = "Nethesis,1234"
SETTINGS = "COCKPIT_GETMAIL_"


class Call:
    """A helper that is given one input. The database is as it was made before each run."""

    def __init__(
        self,
        verb: str,
        request: Mapping[str, Any],
        folder: Path,
        connectors: int,
        *,
        settings_file: bool = False,
    ) -> None:
        self.name = " ".join(dict.fromkeys((verb, request["action"])))
        self.version = ""
        self._argv = [str(HELPERS / verb)]
        self._stdin = json.dumps(request).encode()
        self._database = folder / f"connectors-{connectors}"
        self._content = make_database(connectors)
        values = {
            "CONNECTORS_DB": str(self._database),
            "STATE_DIR": f"{folder}/state",
            "DESTINATION": f"maildir:{folder}/mail/{{account}}",
        }
        self._env = {SETTINGS + name: value for name, value in values.items()}
        if settings_file:
            file = folder / "settings.env"
            file.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
            self._env = {f"{SETTINGS}ENV": str(file)}

    def prepare(self) -> None:
        self._database.write_bytes(self._content)
        self._database.chmod(0o600)

    def run(self) -> Usage:
        return measure(self._argv, env=self._env, stdin=self._stdin)

    def check(self) -> None:
        """Its exit status has said it: a Problem is 1."""


class Command:
    """Any other program beside it."""

    def __init__(self, name: str, argv: Sequence[str]) -> None:
        self.name = name
        self.version = ""
        self._argv = argv

    def prepare(self) -> None:
        """There is nothing to prepare."""

    def run(self) -> Usage:
        return measure(self._argv, env={})

    def check(self) -> None:
        """Its exit status has said it."""


def connector_name(number: int) -> str:
    return f"user{number}@mail{number % 50}.example.com"


def make_props(number: int) -> dict[str, str]:
    """Return the props of a connector, as `create` stores them."""
    return {
        "Account": f"account{number % 500}@example.org",
        "Delete": "-1",
        "Password": PASSWORD,
        "Port": "993",
        "Retriever": "SimpleIMAPSSLRetriever",
        "Server": f"mail{number % 50}.example.com",
        "Time": "30",
        "Username": f"user{number}",
        "status": "disabled" if number % 10 == 1 else "enabled",
    }


def make_request(action: str, number: int) -> dict[str, Any]:
    """Return the input for an action with all props of a connector."""
    props = make_props(number)
    return {"action": action, **props, **{name: int(props[name]) for name in ("Delete", "Port", "Time")}}


def make_database(connectors: int) -> bytes:
    """Return a database of so many connectors in e-smith's format."""
    lines = []
    for number in range(connectors):
        props = "|".join(f"{name}|{value}" for name, value in sorted(make_props(number).items()))
        lines.append(f"{connector_name(number)}=getmail|{props}\n")
    return "".join(sorted(lines)).encode()


def make_state(folder: Path, connectors: int) -> None:
    """Make the state of connectors that have all run ten minutes ago, one in twenty with a failure."""
    settings = Settings(state_dir=folder / "state")
    started = time.time() - 600
    with Ledger(settings) as ledger:
        for number in range(connectors):
            name = connector_name(number)
            state = Path(settings.state_dir, folder_name(name))
            state.mkdir()
            status_file.write(state, make_report(name, started, fails=number % 20 == 0), durably=False)
            ledger.started(name, started)


def make_report(name: str, started: float, *, fails: bool) -> Report:
    """Return what a run tells that delivered two messages, as every other day, or did not get as far."""
    cause, message = ("network", "my.remote.com did not answer within 30 seconds.") if fails else (None, "")
    done = 0 if fails else 2
    log = [f"Connected to {name}.", "2 new messages, 24 KiB.", message or "2 messages delivered, 24 KiB."]
    return {
        "token": make_token(name),
        "kind": "run",
        "invocation": "0123456789abcdef" * 2,
        "state": "failed" if fails else "succeeded",
        "started": started,
        "ended": started + 1,
        "version": len(log) + 1,
        "messages": done,
        "bytes": done << 12,
        "total_messages": 2,
        "total_bytes": 2 << 12,
        "failed": 0,
        "set_aside": 0,
        "deleted": 0,
        "passed": 0,
        "left": 0,
        "baselined": 0,
        "cause": cause,
        "message": message,
        "text": log[-1],
        "log": list(enumerate(log, 2)),
        "log_cut": False,
        "result": None,
        "failures": int(fails),
        "refused": 0,
        "first_complete": started,
        "last_success": started,
        "runs": 9,
        "outcome": {"cause": cause, "message": message, "partial": 0},
        "days": dict.fromkeys(sorted(last_days(started))[::2], 2),
    }
