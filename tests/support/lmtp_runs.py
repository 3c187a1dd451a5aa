# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs from an account of a real Dovecot by IMAP to another one of it, by LMTP."""

from pathlib import Path
from typing import Any

from cockpit_getmail.connector import Connector
from tests.support.dovecot_lmtp import DovecotLmtp
from tests.support.fetching import Account, make_connector
from tests.support.rounds import PASSWORD

ACCOUNTS = 80


def users() -> dict[str, str | bytes]:
    names = [name for number in range(ACCOUNTS) for name in (f"u{number}", f"a{number}@example.com")]
    return dict.fromkeys(names, PASSWORD)


class Place:
    """A server with accounts nobody has used; mail of one that begins with u goes to one with a."""

    def __init__(self, dovecot: DovecotLmtp) -> None:
        self.dovecot = dovecot
        self._numbers = iter(range(ACCOUNTS))

    def take(self) -> tuple[str, str]:
        number = next(self._numbers)
        return f"u{number}", f"a{number}@example.com"


class Case:
    """An account that is fetched and the one that gets it."""

    def __init__(self, place: Place, folder: Path, destination: str, **settings: Any) -> None:
        self.dovecot = place.dovecot
        self.user, self.account = place.take()
        self.run = Account(folder, **settings)
        self.destination = destination

    def connector(self, **props: str) -> Connector:
        fixed = {
            "Username": self.user,
            "Account": self.account,
            "Destination": self.destination,
            "Delete": "0",
            "TLS": "none",
        }
        return make_connector("SimpleIMAPRetriever", self.dovecot.imap, **{**fixed, **props})

    def fill(self, messages: list[bytes]) -> list[bytes]:
        for message in messages:
            self.dovecot.add_message(self.user, message)
        return messages

    def delivered(self, folder: str = "") -> list[bytes]:
        return self.dovecot.delivered(self.account, folder)

    @property
    def left(self) -> int:
        return len(self.dovecot.messages(self.user))
