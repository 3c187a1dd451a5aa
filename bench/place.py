# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Dovecot with made mailboxes, and ways to it with and without a delay."""

import shutil
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import TracebackType

from bench import BUILD
from bench.fetchers import Fetcher
from bench.floor import Server
from bench.mailboxes import Mailbox
from bench.peers import FLOOR, PASSWORD, Program, Protocol, Source
from bench.proxy import Proxy
from tests.support.certificates import Authority
from tests.support.dovecot import Dovecot

# From a Maildir of 20,000 messages the server takes half a second to send twenty, whoever asks.
# Whoever fetches, the mailbox stays as it is.
CONFIGURATION = """
mail_location = mdbox:~/mdbox
mail_save_crlf = yes
protocol pop3 {
  pop3_no_flag_updates = yes
}
"""


class Place:
    """`sizes` holds those of the messages of each user; `name` is that of a folder of its own."""

    def __init__(self, sizes: Mapping[str, Sequence[int]], name: str = "fetching") -> None:
        self._folder = BUILD / name
        self.mailboxes = {user: Mailbox(user) for user in sizes}
        self._sizes = sizes
        self._stack = ExitStack()
        self._proxies: dict[tuple[int, float], Proxy] = {}
        self._floors: dict[str, Server] = {}

    def __enter__(self) -> "Place":
        with ExitStack() as stack:
            users = dict.fromkeys(self._sizes, PASSWORD)
            stack.callback(shutil.rmtree, self._folder, ignore_errors=True)
            self._folder.mkdir(parents=True, exist_ok=True)
            self._authority = Authority(self._folder)
            certificate = self._authority.issue()
            self._dovecot = stack.enter_context(Dovecot(users, certificate=certificate, extra=CONFIGURATION))
            for user, sizes in self._sizes.items():
                self.add(user, sizes)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def add(self, user: str, sizes: Sequence[int]) -> None:
        """Add messages of these sizes to a mailbox."""
        self.mailboxes[user].add(self._dovecot, sizes)

    def spread(self, user: str, folders: Sequence[str]) -> None:
        """Move the messages of the INBOX into folders, as many into each."""
        share = self.mailboxes[user].count // len(folders)
        for number, folder in enumerate(folders):
            first, last = number * share + 1, (number + 1) * share
            self._dovecot.doveadm("mailbox", "create", "-u", user, folder)
            self._dovecot.doveadm("move", "-u", user, folder, "mailbox", "INBOX", "uid", f"{first}:{last}")

    def forget_seen(self, user: str) -> None:
        """Remove the flag that some programs set when they fetch."""
        self._dovecot.doveadm("flags", "remove", "-u", user, "\\Seen", "mailbox", "INBOX", "ALL")

    def fetcher(
        self, program: Program, protocol: Protocol, user: str, round_trip: float, tls: bool = False
    ) -> Fetcher:
        port = self._floor_port(user) if program is FLOOR else self._port(protocol, tls)
        if round_trip:
            port = self._proxy(port, round_trip).port
        words = (
            *program.name.split(),
            protocol,
            user,
            f"{round_trip * 1000:.0f}",
            *(("tls",) if tls else ()),
        )
        source = Source(protocol, port, user, self._authority.ca if tls else None)
        return Fetcher(program, source, self.mailboxes[user], self._folder / "-".join(words))

    def count_octets(self, protocol: Protocol, round_trip: float) -> int:
        """Return what passed the way with this delay since the last call, in both directions together."""
        return self._proxy(self._port(protocol), round_trip).count()

    def _floor_port(self, user: str) -> int:
        if user not in self._floors:
            self._floors[user] = self._stack.enter_context(Server([*self.mailboxes[user].messages()]))
        return self._floors[user].port

    def _port(self, protocol: Protocol, tls: bool = False) -> int:
        server = self._dovecot
        if protocol == "IMAP":
            return server.imaps if tls else server.imap
        return server.pop3s if tls else server.pop3

    def _proxy(self, port: int, round_trip: float) -> Proxy:
        if (port, round_trip) not in self._proxies:
            proxy = self._stack.enter_context(Proxy(self._dovecot.host, port, round_trip))
            self._proxies[port, round_trip] = proxy
        return self._proxies[port, round_trip]
