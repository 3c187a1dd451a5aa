# SPDX-License-Identifier: LGPL-2.1-or-later
"""A state and a Maildir with what it says was delivered, made without a server."""

from __future__ import annotations

import os
from contextlib import closing
from types import MappingProxyType
from typing import TYPE_CHECKING

from cockpit_getmail import state_file
from cockpit_getmail.connector import Connector, make_token
from cockpit_getmail.settings import Settings
from cockpit_getmail.verification import run
from tests.support.fetching import Log

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cockpit_getmail.stop import Stop
    from cockpit_getmail.verification import Result

CONNECTOR = Connector.from_record(
    "u@mail.example",
    {"Retriever": "SimpleIMAPRetriever", "Server": "mail.example", "Username": "u", "Account": "me"},
)


class Delivered:
    """The state folder and the Maildir of a connector, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = Log()
        self.state = folder / "state"
        self.mail = folder / "me"
        self.state.mkdir(mode=0o700)
        self.provide("")
        with closing(state_file.connect(str(self.state / "state.sqlite"))) as db:
            self.token: str = db.execute("SELECT token FROM token").fetchone()[0]
            db.execute("INSERT INTO mailbox VALUES (1, ?, 0, 5000.0, 1700000000.0)", (CONNECTOR.mailbox,))
            db.execute("INSERT INTO folder (id, mailbox, name, validity) VALUES (1, 1, 'INBOX', 7)")
            db.execute("INSERT INTO place VALUES (1, ?)", (f"maildir:{self.mail}",))

    def provide(self, subfolder: str) -> None:
        for name in ("tmp", "new", "cur"):
            (self.mail / subfolder / name).mkdir(parents=True, exist_ok=True)

    def name(self) -> str:
        """Return a name that the connector would give to the file of a message."""
        return f"1700000000.C{self.token}R{os.urandom(8).hex()}P4711.host.example,S=12,W=13"

    def record(
        self,
        uid: str,
        name: str | None,
        *,
        state: str = "delivered",
        place: int | None = 1,
        message_id: str | None = None,
    ) -> None:
        self.execute(
            "INSERT INTO message (folder, uid, ordinal, size, exact, state, place, name, clock, message_id) "
            "VALUES (1, ?, 0, 13, 1, ?, ?, ?, 4000.0, ?)",
            (uid, state, place, name, message_id),
        )

    def deliver(self, uid: str, where: str = "new", suffix: str = "", **fields: str | None) -> Path:
        """Record a message, put it somewhere into the Maildir, and return its path."""
        name = self.name()
        self.record(uid, name, **fields)  # type: ignore[arg-type]
        path = self.mail / where / f"{name}{suffix}"
        path.write_bytes(b"Text.\n")
        return path

    def execute(self, statement: str, values: tuple[object, ...] = ()) -> None:
        with closing(state_file.connect(str(self.state / "state.sqlite"))) as db:
            db.execute(statement, values)

    def progress(self, text: str, messages: int, total: int) -> None:
        self.log.note(f"{messages} of {total}: {text}")

    def verify(
        self, stop: Stop | None = None, token: str = "", props: Mapping[str, str] = MappingProxyType({})
    ) -> Result:
        settings = Settings(
            self.folder / "db", self.folder, f"maildir:{self.folder}/{{account}}", "nobody", 5.0
        )
        token = token or make_token(CONNECTOR.name)
        connector = Connector.from_record(CONNECTOR.name, {**CONNECTOR.props, **props})
        return run(connector, settings, self.state, self.log, token=token, stop=stop)
