# SPDX-License-Identifier: LGPL-2.1-or-later
"""A whole run in this process, from a server on 127.0.0.1 into a Maildir of the test's own."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cockpit_getmail import run
from cockpit_getmail.connector import Connector, make_token
from cockpit_getmail.fetch_folder import Result
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever.base import Folder, Retriever
from cockpit_getmail.settings import Settings


def make_connector(retriever: str, port: int, **props: str) -> Connector:
    fixed = {
        "Retriever": retriever,
        "Server": "127.0.0.1",
        "Port": str(port),
        "Username": "u",
        "Account": "someone",
    }
    return Connector.from_record("u@127.0.0.1", {**fixed, "Password": "geheim-4711", **props})


def enter(session: Retriever) -> Folder:
    """Log in and open INBOX."""
    session.open()
    return session.select()


@dataclass
class Log:
    """A Reporter that keeps what it is told."""

    said: list[str] = field(default_factory=list)

    def begin(self, messages: int, octets: int) -> None:
        self.said.append(f"{messages} new, {octets} octets")

    def advance(self, messages: int, octets: int) -> None:
        self.said.append(f"{messages} delivered, {octets} octets")

    def note(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.said.append(text)


class Account:
    """The state and the Maildir of one connector, in `folder`; `settings` are others than usual, by field."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.log = Log()
        self._settings = settings
        self._folder = folder
        self._state = folder / "state"
        self._state.mkdir(mode=0o700)

    def fetch(self, connector: Connector, ca_pem: str | None = None) -> Result:
        """Run once. Raises Problem."""
        folder = self._folder
        place = f"maildir:{folder}/{{account}}"
        settings = Settings(folder / "db", folder, place, "nobody", 5.0, **self._settings)
        token = make_token(connector.name)
        return run.run(connector, settings, self._state, ca_pem, self.log, token=token)

    def fails(self, connector: Connector) -> Problem:
        """Run once and return why it failed."""
        try:
            result = self.fetch(connector)
        except Problem as problem:
            return problem
        raise AssertionError(f"the run did not fail: {result}")

    @property
    def messages(self) -> list[bytes]:
        """What lies in the Maildir, whatever the order."""
        mail = self._folder / "someone"
        return sorted(file.read_bytes() for folder in ("new", "cur") for file in (mail / folder).iterdir())

    @property
    def unfinished(self) -> int:
        """The number of files left in tmp/."""
        return len(list((self._folder / "someone" / "tmp").iterdir()))
