# SPDX-License-Identifier: LGPL-2.1-or-later
"""One account on a real server, its connector, state and Maildir: what runs leave, and where."""

import re
import shutil
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.support.dovecot import OWNER, Dovecot, make_message
from tests.support.stop_after import Plan

PASSWORD = "geheim-4711"
RETRIEVERS = ("SimpleIMAPRetriever", "SimplePOP3Retriever")
THREE_BATCHES = [
    make_message(number, size) for number, size in enumerate((400, 1200, 9000, 300, 2500, 700, 350, 1000))
]
"""Messages for Round.small(): one of them comes in parts."""
_filling = threading.Lock()
OWN_FILE = re.compile(r"\.C[0-9a-f]{16}R")


@dataclass(frozen=True)
class Round:
    """`user` of `dovecot` is fetched into `mail`; what the run remembers is in `state`."""

    dovecot: Dovecot
    user: str
    retriever: str
    mail: Path
    state: Path

    def fill(self, messages: Sequence[bytes]) -> "Round":
        """Put messages into the remote INBOX."""
        with _filling:
            for message in messages:
                self.dovecot.add_message(self.user, message)
        return self

    def exchange(self, messages: Sequence[bytes], validity: int) -> Callable[[], None]:
        """Put another mailbox, with UIDs from 1, in place of this one; return what brings it back."""
        maildir = self.dovecot.maildir(self.user)
        aside = maildir.with_name("aside")
        maildir.rename(aside)
        for folder in (maildir, *(maildir / name for name in ("new", "cur", "tmp"))):
            folder.mkdir(mode=0o700)
            shutil.chown(folder, OWNER)
        self.fill(messages)
        self.dovecot.set_uidvalidity(self.user, validity)

        def bring_back() -> None:
            maildir.rename(maildir.with_name("other"))
            aside.rename(maildir)

        return bring_back

    def plan(self, **props: str) -> Plan:
        """Return the plan of a run in which nothing goes wrong."""
        fixed = {
            "Retriever": self.retriever,
            "Server": self.dovecot.host,
            "Port": str(self.port),
            "Username": self.user,
            "Password": PASSWORD,
            "Account": "someone",
            "Delete": "-1",
            "Time": "30",
        }
        return Plan({**fixed, **props}, str(self.mail), str(self.state))

    def small(self, **props: str) -> Plan:
        """Return a plan with batches of at most three messages, in parts of at most 3000 octets."""
        return replace(self.plan(**props), batch=(3, 3000))

    @property
    def port(self) -> int:
        return {
            "SimpleIMAPRetriever": self.dovecot.imap,
            "SimpleIMAPSSLRetriever": self.dovecot.imaps,
            "SimplePOP3Retriever": self.dovecot.pop3,
            "SimplePOP3SSLRetriever": self.dovecot.pop3s,
        }[self.retriever]

    @property
    def delivered(self) -> list[bytes]:
        """The messages in new/ and cur/ of the Maildir and its subfolders, as stored."""
        folders = [*self.mail.glob("**/new"), *self.mail.glob("**/cur")]
        return [path.read_bytes() for folder in folders for path in folder.iterdir()]

    @property
    def unfinished(self) -> list[str]:
        """The names of files of this connector that are left in tmp/, of any folder."""
        return [path.name for path in self.mail.glob("**/tmp/*") if OWN_FILE.search(path.name)]

    @property
    def on_server(self) -> list[bytes]:
        """What is still in the remote INBOX, while a server process may be moving or removing it."""
        while True:
            try:
                return self.dovecot.messages(self.user)
            except FileNotFoundError:
                continue

    def read_mail(self) -> None:
        """Do as readers do: of each three new messages leave one, move one to cur/, one to a subfolder."""
        archive = self.mail / ".Archive" / "cur"
        archive.mkdir(parents=True, exist_ok=True)
        new = self.mail / "new"
        for number, path in enumerate(sorted(new.iterdir()) if new.exists() else []):
            if number % 3:
                path.rename((self.mail / "cur" if number % 3 == 1 else archive) / f"{path.name}:2,S")

    def check_nothing_lost(self, messages: Sequence[bytes]) -> None:
        """Each message is whole in the Maildir, or still on the server."""
        lost = Counter(stored(messages)) - Counter(stored(self.on_server)) - Counter(self.delivered)
        assert not lost, f"{lost.total()} messages are lost"

    def compare(self, messages: Sequence[bytes]) -> tuple[int, int]:
        """Return how many messages are missing in the Maildir, and how much is there that should not be."""
        wanted, found = Counter(stored(messages)), Counter(self.delivered)
        return (wanted - found).total(), (found - wanted).total()

    def check_delivered_once(self, messages: Sequence[bytes]) -> None:
        """Each message is in the Maildir exactly once, byte for byte, and nothing else is."""
        missing, extra = self.compare(messages)
        assert missing + extra == 0, f"{missing} messages are missing, {extra} too many"
        assert self.unfinished == []


def stored(messages: Sequence[bytes]) -> list[bytes]:
    """Return messages as they are stored."""
    return [message.replace(b"\r\n", b"\n") for message in messages]
