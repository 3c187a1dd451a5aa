# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands and answers of an IMAP session (RFC 3501), those that carry no mail.

Written here and not left to a library: what a hostile server sends is bounded line by line, and a run that
finds nothing new is over before imaplib and what stands on it would be imported.
"""

import itertools
import re
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, NoReturn

from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever.base import FolderProblem
from cockpit_getmail.transport import Connection
from cockpit_getmail.words import Cause

LINE_LIMIT = 1 << 20
COMMAND_LIMIT = 4 << 20
"""Octets a server may send in answer to one command."""
LITERAL_AT_ONCE = 4096
"""Octets of the literals that a server with LITERAL- takes without being asked (RFC 7888 section 5)."""
LINE_COST = 64
"""A short line costs us as much time as one of so many octets."""
TEMPORARY = ("UNAVAILABLE", "INUSE", "LIMIT", "SERVERBUG", "CONTACTADMIN", "OVERQUOTA")
"""Response codes (RFC 5530) of a server that would do it at another time."""
STATUS = re.compile(rb"\* (?:OK|NO|BAD|BYE|PREAUTH)\b", re.IGNORECASE)
"""What ends in free text: a brace at its end announces no literal (RFC 3501 section 7.1)."""
UID = re.compile(rb"[( ]UID (\d{1,10})(?=[ )])", re.IGNORECASE)
"""The UID in a FETCH response (RFC 3501 section 7.4.2)."""
_LITERAL = re.compile(rb"\{([^{}]*)\}\r?\n$")
_CAPABILITY = re.compile(rb"(?:OK \[)?CAPABILITY\b([^\]\r\n]*)", re.IGNORECASE)
_CODE = re.compile(rb"\[([!-Z^-~]+)[ \]]")
_QUOTABLE = re.compile(rb"[ -~]*")
_tags = itertools.count(1)


class Literal(NamedTuple):
    """The end of a line that announces octets (RFC 3501 section 4.3): what is before it, and how many."""

    text: bytes
    size: int


class Answer(NamedTuple):
    """What a command brought: OK, NO or BAD, the text after it, and the untagged lines without their `* `."""

    status: str
    text: bytes
    untagged: list[bytes]


class Session:
    """A connection on which IMAP is spoken. `shown` makes the server's words fit for a person."""

    def __init__(self, connection: Connection, server: str, shown: Callable[[bytes], str]) -> None:
        self.connection = connection
        self.server = server
        self.shown = shown
        self._capabilities: frozenset[str] | None = None

    def greet(self) -> bool:
        """Read the greeting (RFC 3501 section 7.1); return whether we are logged in already (PREAUTH)."""
        line = self.connection.read_line(LINE_LIMIT)
        kind, _, text = line[2:].strip().partition(b" ")
        if not STATUS.match(line) or kind.upper() in (b"NO", b"BAD"):
            self.refuse(line)
        if kind.upper() == b"BYE":
            raise failure("network", f"{self.server} turns connections away: {self.shown(line[2:].strip())}")
        self._learn(b"OK " + text)
        return kind.upper() == b"PREAUTH"

    def capabilities(self) -> frozenset[str]:
        """Return what the server says it can do, in capitals; it is asked only where it has not said so."""
        if self._capabilities is None:
            self.demand("CAPABILITY", "protocol")
        found = self._capabilities or frozenset()
        if "IMAP4REV1" not in found:
            raise failure("protocol", f"{self.server} does not say that it speaks IMAP4rev1.")
        return found

    def start_tls(self) -> None:
        """STARTTLS (RFC 3501 section 6.2.1); what the server said of itself before it is forgotten."""
        if self.ask("STARTTLS").status != "OK":
            raise failure("tls", f"{self.server} offers TLS and then refuses it.")
        self.connection.start_tls()
        self._capabilities = None

    def log_in(self, command: bytes, respond: Callable[[bytes], bytes] | None = None) -> Answer:
        """Send a command that logs in, and what `respond` makes of each continuation request."""
        self._capabilities = None
        return self.ask(command, respond)

    def demand(self, command: str, cause: Cause = "mailbox") -> Answer:
        """Return the answer to a command. Raises Problem: `cause` for NO, protocol for BAD."""
        answer = self.ask(command)
        if answer.status != "OK":
            raise self.refused(command, answer, cause)
        return answer

    def refused(self, command: str, answer: Answer, cause: Cause) -> FolderProblem:
        """Return the Problem of an answer that is not OK: `cause` for NO, protocol for BAD."""
        said = self.shown(answer.text)
        kind: Cause = cause if answer.status == "NO" else "protocol"
        return FolderProblem(kind, f"{self.server} refuses {command.partition(' ')[0]}: {said}")

    def ask(
        self,
        command: str | bytes,
        respond: Callable[[bytes], bytes] | None = None,
        *,
        limit: int = COMMAND_LIMIT,
    ) -> Answer:
        """Return the answer to a command, whatever its status, of at most so many octets."""
        tag = self.send(command) + b" "
        untagged: list[bytes] = []
        budget = limit
        while not (line := self._read_response(budget, limit)).startswith(tag):
            budget -= max(len(line), LINE_COST)
            if line.startswith(b"+") and respond:
                self.connection.write(respond(line[1:].strip()) + b"\r\n")
                continue
            untagged.append(self._take_untagged(line))
        status, _, text = line[len(tag) :].strip().partition(b" ")
        if status.upper() not in (b"OK", b"NO", b"BAD"):
            self.refuse(line)
        if status.upper() == b"OK":
            self._learn(b"OK " + text)
        return Answer(status.upper().decode(), text, untagged)

    def ask_together(self, commands: Iterable[bytes]) -> list[bytes]:
        """Return the untagged lines of the answers to commands that are under way at once (section 5.5).

        Some may be refused. All their answers together have at most as many octets as that to a single one.
        """
        tags = {self.send(command) for command in commands}
        untagged: list[bytes] = []
        budget = COMMAND_LIMIT
        while tags:
            line = self._read_response(budget)
            if (tag := line.partition(b" ")[0]) in tags:
                tags.remove(tag)
                continue
            budget -= max(len(line), LINE_COST)
            untagged.append(self._take_untagged(line))
        return untagged

    def send(self, command: str | bytes) -> bytes:
        """Send a command; return its tag."""
        tag = b"cg%d" % next(_tags)
        octets = command.encode() if isinstance(command, str) else command
        self.connection.write(tag + b" " + octets + b"\r\n")
        return tag

    def send_pieces(self, pieces: Sequence[str], refusal: Callable[[bytes], Problem]) -> bytes:
        """Send a command of which each second piece goes as a literal in UTF-8; return its tag.

        `refusal` makes the Problem of the line by which a server refuses it before it has seen all of it.
        """
        tag = b"cg%d" % next(_tags)
        line = tag + b" "
        for turn, piece in enumerate(pieces):
            octets = piece.encode()
            if turn % 2 == 0:
                line += octets
            elif self._takes_at_once(len(octets)):
                line += b"{%d+}\r\n" % len(octets) + octets
            else:
                self.connection.write(line + b"{%d}\r\n" % len(octets))
                self._await_go_ahead(tag, refusal)
                line = octets
        self.connection.write(line + b"\r\n")
        return tag

    def literal(self, line: bytes) -> Literal | None:
        """Return what a line ends with, if that announces octets. Free text never does (section 7.1)."""
        match = _LITERAL.search(line)
        if not match or not line.startswith((b"* ", b" ", b")")) or STATUS.match(line):
            return None
        if not re.fullmatch(rb"\d{1,10}", match[1]):
            self.refuse(line)
        return Literal(line[: match.start()], int(match[1]))

    def check_bye(self, line: bytes) -> None:
        """Raise Problem if a line is no untagged response, or ends the session."""
        if not line.startswith(b"* "):
            self.refuse(line)
        if line[2:6].upper() in (b"BYE ", b"BYE\r"):
            raise failure("network", f"{self.server} ended the session: {self.shown(line[2:].strip())}")

    def refuse(self, line: bytes) -> NoReturn:
        """Raise the Problem of a line that has no place where it came."""
        raise failure("protocol", f"{self.server} sent what is not IMAP: {self.shown(line.strip())[:200]}")

    def _takes_at_once(self, octets: int) -> bool:
        """Whether the server takes a literal of so many octets without being asked (RFC 7888)."""
        offered = self.capabilities()
        return "LITERAL+" in offered or ("LITERAL-" in offered and octets <= LITERAL_AT_ONCE)

    def _await_go_ahead(self, tag: bytes, refusal: Callable[[bytes], Problem]) -> None:
        """Read on to the continuation request that a literal waits for (RFC 3501 section 4.3)."""
        budget = COMMAND_LIMIT
        while not (line := self._read_response(budget)).startswith(b"+"):
            if line.startswith(tag + b" "):
                raise refusal(line)
            budget -= max(len(line), LINE_COST)
            self.check_bye(line)
            self._learn(line[2:].strip())

    def _read_response(self, budget: int, limit: int = COMMAND_LIMIT) -> bytes:
        """Return a line with its literals; of the `limit` of a command, so many octets are left for it."""
        pieces: list[bytes] = []
        while True:
            line = self.connection.read_line(LINE_LIMIT)
            pieces.append(line)
            literal = self.literal(line)
            budget -= max(len(line), LINE_COST) + (literal.size if literal else 0)
            if budget < 0:
                most = f"more than {limit >> 20} MiB"
                raise failure("protocol", f"{self.server} answered one command with {most}.")
            if literal is None:
                return b"".join(pieces)
            pieces.append(self.connection.read(literal.size))

    def _take_untagged(self, line: bytes) -> bytes:
        """Return an untagged line without its `* ` and its end."""
        self.check_bye(line)
        # Blanks at its end may be a literal's.
        text = line[2:].lstrip(b" ").removesuffix(b"\n").removesuffix(b"\r")
        self._learn(text)
        return text

    def _learn(self, text: bytes) -> None:
        if found := _CAPABILITY.match(text):
            self._capabilities = frozenset(found[1].decode("ascii", "replace").upper().split())


def response_code(text: bytes) -> str:
    """Return the name of the response code that a status text begins with, in capitals; empty for none."""
    found = _CODE.match(text)
    return found[1].decode().upper() if found else ""


def quote(octets: bytes) -> bytes | None:
    """Return a quoted string (RFC 3501 section 4.3); None if the octets can go as a literal only."""
    if not _QUOTABLE.fullmatch(octets):
        return None
    return b'"' + re.sub(rb'(["\\])', rb"\\\1", octets) + b'"'
