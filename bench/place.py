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
from tests.support.dovecot import Dovecot

FOLDER = BUILD / "fetching"
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
    """`sizes` holds those of the messages of each user."""

    def __init__(self, sizes: Mapping[str, Sequence[int]]) -> None:
        self.mailboxes = {user: Mailbox(user) for user in sizes}
        self._sizes = sizes
        self._stack = ExitStack()
        self._proxies: dict[tuple[int, float], Proxy] = {}
        self._floors: dict[str, Server] = {}

    def __enter__(self) -> "Place":
        with ExitStack() as stack:
            users = dict.fromkeys(self._sizes, PASSWORD)
            stack.callback(shutil.rmtree, FOLDER, ignore_errors=True)
            self._dovecot = stack.enter_context(Dovecot(users, extra=CONFIGURATION))
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

    def forget_seen(self, user: str) -> None:
        """Remove the flag that some programs set when they fetch."""
        self._dovecot.doveadm("flags", "remove", "-u", user, "\\Seen", "mailbox", "INBOX", "ALL")

    def fetcher(self, program: Program, protocol: Protocol, user: str, round_trip: float) -> Fetcher:
        port = self._port(program, protocol, user)
        if round_trip:
            port = self._proxy(port, round_trip).port
        folder = FOLDER / f"{program.name.replace(' ', '-')}-{protocol}-{user}-{round_trip * 1000:.0f}"
        return Fetcher(program, Source(protocol, port, user), self.mailboxes[user], folder)

    def count_octets(self, protocol: Protocol, round_trip: float) -> int:
        """Return what passed the way with this delay since the last call, in both directions together."""
        return self._proxy(self._server_port(protocol), round_trip).count()

    def _port(self, program: Program, protocol: Protocol, user: str) -> int:
        if program is not FLOOR:
            return self._server_port(protocol)
        if user not in self._floors:
            self._floors[user] = self._stack.enter_context(Server([*self.mailboxes[user].messages()]))
        return self._floors[user].port

    def _server_port(self, protocol: Protocol) -> int:
        return self._dovecot.imap if protocol == "IMAP" else self._dovecot.pop3

    def _proxy(self, port: int, round_trip: float) -> Proxy:
        if (port, round_trip) not in self._proxies:
            proxy = self._stack.enter_context(Proxy(self._dovecot.host, port, round_trip))
            self._proxies[port, round_trip] = proxy
        return self._proxies[port, round_trip]
