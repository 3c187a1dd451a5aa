# SPDX-License-Identifier: LGPL-2.1-or-later
"""A session of POP3 (RFC 1939): commands, some sent ahead (RFC 2449 section 6.6), and their answers."""

from collections.abc import Callable, Collection, Iterable, Mapping

from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.retriever import echo
from cockpit_getmail.retriever.pop3_replies import Answer, Replies
from cockpit_getmail.transport import Connection
from cockpit_getmail.words import Cause

CAPABILITY_LINES = 500
COMMANDS_AHEAD = 500
"""So many fit into any socket's buffer: neither side waits for the other one to read."""
TEMPORARY = ("IN-USE", "LOGIN-DELAY", "SYS/TEMP")
"""Codes of a server that would do it at another time."""
# RFC 2449 section 8.1, RFC 3206.
_CAUSES: Mapping[str, Cause] = {
    "AUTH": "credentials",
    "IN-USE": "mailbox",
    "LOGIN-DELAY": "mailbox",
    "SYS/PERM": "mailbox",
    "SYS/TEMP": "network",
}


class Session:
    """A session on an open connection, whose methods raise Problem.

    `shown` makes the server's words fit for a person. `offers` is what the server can do, with what it says
    of each (RFC 2449). `is_over` once there is nobody to say goodbye to, and `has_retrieved` once a message
    was asked for by RETR.
    """

    def __init__(self, connection: Connection, server: str, shown: Callable[[bytes], str]) -> None:
        self.connection = connection
        self.server = server
        self.shown = shown
        self.replies = Replies(connection.read_some, server, shown)
        self.greeting = b""
        self.offers: Mapping[str, Collection[str]] = {}
        self.is_over = False
        self.has_retrieved = False

    @property
    def ahead(self) -> int:
        """How many commands may be sent before the first is answered."""
        return COMMANDS_AHEAD if "PIPELINING" in self.offers else 1

    def greet(self) -> None:
        """Read the greeting."""
        answer = self.replies.status()
        if not answer.ok:
            self.is_over = True
            raise self.refused(answer, "network", "turns connections away")
        self.greeting = answer.text

    def ask_capabilities(self) -> list[str]:
        """Ask what the server offers; return its words, fit for a person."""
        answer = self.ask("CAPA")
        lines = self.replies.lines(CAPABILITY_LINES) if answer.ok else ()
        words = [line.decode("ascii", "replace").split() for line in lines]
        self.offers = {first.upper(): [arg.upper() for arg in rest] for first, *rest in filter(None, words)}
        return sorted(printable(" ".join(line)) for line in words)

    def start_tls(self) -> None:
        """Encrypt the session (RFC 2595 section 4). What was said in clear may be a lie."""
        answer = self.command("STLS")
        if not answer.ok:
            raise self.refused(answer, "tls", "offers TLS and then refuses it")
        if self.replies.unasked:
            raise failure("tls", f"{self.server} sent data in clear after agreeing to TLS: refused.")
        # Until the peer has proved who it is, there is nobody to say QUIT to.
        self.replies.due += 1
        self.connection.start_tls()
        self.replies.due -= 1

    def command(self, command: str) -> Answer:
        """Send a command, and return its answer of one line."""
        self.send([command])
        return self.replies.status()

    def ask(self, command: str) -> Answer:
        """Send a command whose answer goes on after a +OK: by replies.body() or lines()."""
        self.send([command])
        return self.replies.status(multiline=True)

    def send(self, commands: Iterable[str]) -> None:
        """Send commands at once; each answer is to be read."""
        lines = [echo.octets(command) + b"\r\n" for command in commands]
        if not lines:
            return
        if self.replies.unasked:
            raise failure("protocol", f"{self.server} says more than it was asked for.")
        self.replies.due += len(lines)
        self.connection.write(b"".join(lines))

    def refused(self, answer: Answer, otherwise: Cause, sentence: str) -> Problem:
        """Return the Problem of a refusal: its cause is told by a response code, else it is `otherwise`."""
        code = find_code(answer, _CAUSES)
        cause = _CAUSES[code] if code else otherwise
        return failure(cause, f"{self.server} {sentence}: {self.shown(answer.text)}")


def find_code(answer: Answer, codes: Collection[str]) -> str | None:
    """Return which of these response codes a refusal has; they may go on with details after a `/`."""
    code = "" if answer.ok else answer.code
    return next((known for known in codes if f"{code}/".startswith(f"{known}/")), None)
