# SPDX-License-Identifier: LGPL-2.1-or-later
"""SimplePOP3Retriever and SimplePOP3SSLRetriever (RFC 1939): the session.

Not poplib: it refuses long lines, ends a message at a bare LF, and takes one that was cut off for whole.
"""

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint, choose_tls, find_policy
from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.retriever import echo
from cockpit_getmail.retriever.base import ALL, INBOX, Folder, Listed, Part, Remote, Seen
from cockpit_getmail.retriever.pop3_listing import Listing
from cockpit_getmail.retriever.pop3_login import Dialogue, log_in
from cockpit_getmail.retriever.pop3_replies import Answer, Replies
from cockpit_getmail.transport import Connection
from cockpit_getmail.words import Cause

if TYPE_CHECKING:
    from cockpit_getmail.criteria import Pieces

LEAVE_SECONDS = 2.0
CAPABILITY_LINES = 500
ASKED_BYTES, ASKED_MESSAGES = 16 << 20, 500
"""So much may be on its way at once. Commands for so many messages fit into any socket's buffer: neither side
waits for the other one to read."""
PART_BYTES = 1 << 20
"""A larger message is handed on in parts of about so many octets."""
OVERSIZE_FACTOR, OVERSIZE_OCTETS = 4, 1 << 20
"""A message may be so many times and so many octets larger than listed: servers estimate, but not by more."""

# RFC 2449 section 8.1, RFC 3206.
_CAUSES: Mapping[str, Cause] = {
    "AUTH": "credentials",
    "IN-USE": "mailbox",
    "LOGIN-DELAY": "mailbox",
    "SYS/PERM": "mailbox",
    "SYS/TEMP": "network",
}
_TEMPORARY = ("IN-USE", "LOGIN-DELAY", "SYS/TEMP")
"""Codes of a server that would do it at another time."""

_Value = TypeVar("_Value")


class Pop3:
    """One session with one maildrop. See retriever.base for what the methods promise."""

    leaves_mail = False

    def __init__(
        self,
        connector: Connector,
        endpoint: Endpoint,
        *,
        tls_seen: bool,
        timeout: float,
        deadline: float | None,
    ) -> None:
        self._connector = connector
        self._endpoint = endpoint
        self._server = endpoint.server
        self._tls_seen = tls_seen
        self._timeout = timeout
        self._deadline = deadline
        self._connection: Connection | None = None
        self._offers: dict[str, list[str]] = {}
        self._messages = 0
        self._listed: Listing | None = None
        self._known: Mapping[tuple[str, int], int] = {}
        self._left = False
        self._retrieved = False
        self.capabilities: Sequence[str] = ()
        self.tls: str | None = None
        self.notes: list[str] = []

    def open(self) -> None:
        self._connection = Connection.open(
            self._endpoint,
            implicit_tls=self._connector.implicit_tls,
            timeout=self._timeout,
            deadline=self._deadline,
        )
        self._replies = Replies(self._connection.read_some, self._server, self._shown)
        greeting = self._replies.status()
        if not greeting.ok:
            self._left = True
            raise self._refused(greeting, "network", "turns connections away")
        self._ask_capabilities()
        if not self._connector.implicit_tls:
            self._secure(self._connection)
        self.tls = self._connection.tls
        if self._connection.peer_is_self and self._connector.is_loop:
            raise failure(
                "policy", "This connector would pull the account into itself: the server is this host."
            )
        offers, refused = self._offers, self._refused
        dialogue = Dialogue(*(self._connection, greeting.text, offers, self._command, refused, self._shown))
        self.notes += log_in(dialogue, self._connector, self._endpoint)

    def list_folders(self, patterns: Sequence[bytes] = ALL) -> list[Listed]:
        return [INBOX]

    def add_statuses(self, listed: Sequence[Listed]) -> list[Listed]:
        return list(listed)

    def find_prefix(self) -> str:
        return ""

    def select(self, folder: Listed = INBOX) -> Folder:
        self._messages = self._count_messages()
        return Folder(folder.name, 0, self._messages)

    def list_since(
        self, known: Mapping[tuple[str, int], int], since: Seen, *, bare: bool = False
    ) -> list[Remote] | None:
        return None

    def list_new(
        self, known: Mapping[tuple[str, int], int], *, bare: bool = False
    ) -> tuple[list[Remote], set[tuple[str, int]]]:
        self._known = known
        return self._listing().compare(known)

    def check_uids(self, largest: int) -> None:
        """There are none."""

    def describe(self, messages: Sequence[Remote]) -> list[Remote]:
        return list(messages)

    def identify(self, messages: Sequence[Remote]) -> dict[str, bytes]:
        # A UIDL is for good.
        return {}

    def search(self, criteria: "Pieces", messages: Sequence[Remote]) -> list[Remote]:
        raise failure("connector", "POP3 knows no Search.")

    def count_before(self, uid: int) -> int:
        return 0

    def retrieve(self, wanted: Sequence[Remote]) -> Iterator[Part]:
        listing = self._listing()
        waiting = deque(wanted)
        asked: deque[Remote] = deque()
        octets = 0
        while asked or waiting:
            # The line stays busy: more is asked for as soon as half of it is here.
            if octets <= ASKED_BYTES // 2 and len(asked) <= ASKED_MESSAGES // 2:
                octets += self._ask_messages(waiting, asked, ASKED_BYTES - octets)
            message = asked.popleft()
            octets -= message.size
            if reason := listing.why_unusable(message.number):
                yield Part(message, b"", failure=reason)
            else:
                yield from self._read_message(message)

    def read_beginnings(self, wanted: Sequence[Remote], lines: int, limit: int) -> Iterator[bytes | None]:
        """Yield of each message its header and so many lines, at most `limit` octets (TOP, RFC 1939).

        None of one that the server does not show so. Nobody takes this for fetching.
        """
        step = ASKED_MESSAGES if "PIPELINING" in self._offers else 1
        for start in range(0, len(wanted), step):
            batch = wanted[start : start + step]
            self._send([f"TOP {message.number} {lines}" for message in batch])
            yield from (self._read_beginning(message, limit) for message in batch)

    def mark_seen(self, delivered: Sequence[Remote]) -> None:
        self.notes.append("Nothing is marked as seen: POP3 knows no flags.")

    def delete(self, doomed: Sequence[Remote]) -> set[tuple[str, int]]:
        if self._replies.due:
            return set()
        certain = self._listing().find_certain(doomed, self._known)
        if len(certain) < len(doomed):
            other = len(doomed) - len(certain)
            self.notes.append(
                f"{other} messages due for deletion are gone or cannot be told from others: left alone."
            )
        if not certain:
            return set()
        self._check_in_step(*next(iter(certain.items())))
        marked = self._mark_deleted(certain)
        # Only QUIT deletes (RFC 1939 section 6), and -ERR says that some are left, but not which.
        self._left = True
        return marked if self._command("QUIT").ok else set()

    def close(self, *, orderly: bool = True) -> None:
        if self._connection is None:
            return
        with suppress(Problem):
            # QUIT frees the maildrop at once. In the middle of an answer it would only wait, and after RETR
            # it allows a server to delete what it has sent.
            if not (self._left or self._replies.due or (self._retrieved and not orderly)):
                self._connection.limit_time(LEAVE_SECONDS)
                self._command("QUIT")
        self._left = True
        self._connection.close()

    def _secure(self, connection: Connection) -> None:
        policy = find_policy(self._connector.tls, self._endpoint)
        offered = "STLS" in self._offers
        if not choose_tls(policy, seen=self._tls_seen, offered=offered, server=self._server):
            return
        answer = self._command("STLS")
        if not answer.ok:
            raise self._refused(answer, "tls", "offers TLS and then refuses it")
        if self._replies.unasked:
            raise failure("tls", f"{self._server} sent data in clear after agreeing to TLS: refused.")
        # Until the peer has proved who it is, there is nobody to say QUIT to.
        self._replies.due += 1
        connection.start_tls()
        self._replies.due -= 1
        # What was said in clear may be a lie (RFC 2595 section 4).
        self._ask_capabilities()

    def _ask_capabilities(self) -> None:
        answer = self._ask("CAPA")
        lines = self._replies.lines(CAPABILITY_LINES) if answer.ok else ()
        words = [line.decode("ascii", "replace").split() for line in lines]
        self._offers = {first.upper(): [arg.upper() for arg in rest] for first, *rest in filter(None, words)}
        self.capabilities = sorted(printable(" ".join(line)) for line in words)

    def _count_messages(self) -> int:
        answer = self._command("STAT")
        if not answer.ok:
            raise self._refused(answer, "mailbox", "does not open the mailbox")
        count = answer.text.partition(b" ")[0]
        if not _is_number(count):
            raise failure("protocol", f"{self._server} does not say how many messages there are.")
        return int(count)

    def _listing(self) -> Listing:
        if self._listed is None:
            # Some servers answer -ERR where there is nothing to list.
            self._listed = self._list_messages() if self._messages else Listing()
        return self._listed

    def _list_messages(self) -> Listing:
        if "PIPELINING" in self._offers:
            self._send(["LIST", "UIDL"])
        sizes = dict(self._numbered("LIST", "does not list its messages", _parse_size))
        no_uidl = "cannot tell new messages from old ones (no UIDL), so that none is fetched"
        listing = Listing()
        for number, uid in self._numbered("UIDL", no_uidl, lambda rest: rest.decode("latin-1")):
            listing.add(number, uid, sizes.pop(number, None))
        for number, size in sizes.items():
            listing.add(number, "", size)
        return listing

    def _numbered(
        self, command: str, otherwise: str, parse: Callable[[bytes], _Value]
    ) -> Iterator[tuple[int, _Value]]:
        """Yield number and what follows it in each line of a listing, which may be asked for already."""
        answer = self._replies.status(multiline=True) if self._replies.due else self._ask(command)
        if not answer.ok:
            raise self._refused(answer, "protocol", otherwise)
        found: set[int] = set()
        for line in self._replies.lines():
            digits, _, rest = line.partition(b" ")
            if not _is_number(digits) or (number := int(digits)) in found:
                shown = self._shown(line[:200])
                raise failure("protocol", f"{self._server} answers {command} with nonsense: {shown}")
            found.add(number)
            yield number, parse(rest)

    def _ask_messages(self, waiting: deque[Remote], asked: deque[Remote], room: int) -> int:
        """Ask for the next messages: for one, or where the server allows it as many as there is room for."""
        commands: list[str] = []
        octets = 0
        while waiting and (not asked or self._may_ask(octets + waiting[0].size <= room, len(asked))):
            message = waiting.popleft()
            asked.append(message)
            octets += message.size
            if not self._listing().why_unusable(message.number):
                commands.append(f"RETR {message.number}")
        self._retrieved = self._retrieved or bool(commands)
        self._send(commands)
        return octets

    def _may_ask(self, fits: bool, messages: int) -> bool:
        return fits and "PIPELINING" in self._offers and messages < ASKED_MESSAGES

    def _read_message(self, message: Remote) -> Iterator[Part]:
        answer = self._replies.status(multiline=True)
        if not answer.ok:
            said = self._shown(answer.text)
            if _find_code(answer, _TEMPORARY):
                # The mailbox, not the network: the connection holds.
                raise failure("mailbox", f"{self._server} shows no more mail now: {said}")
            yield Part(message, b"", failure=f"The server refuses it: {said}")
            return
        part = bytearray()
        octets = 0
        for piece in self._checked_body(message):
            part += piece
            octets += len(piece)
            if len(part) >= PART_BYTES:
                yield Part(message, bytes(part), last=False)
                part.clear()
        if octets:
            yield Part(message, bytes(part), exact=octets == message.size)
        else:
            yield Part(message, b"", failure="The server sent it without any content.")

    def _read_beginning(self, message: Remote, limit: int) -> bytes | None:
        if not self._replies.status(multiline=True).ok:
            return None
        found = bytearray()
        for piece in self._checked_body(message):
            # What is too much is read all the same: the next answer comes after it.
            found += piece[: limit - len(found)]
        return bytes(found)

    def _checked_body(self, message: Remote) -> Iterator[bytes]:
        """Yield what comes of a message. Raises Problem for one without end."""
        octets = 0
        for piece in self._replies.body():
            octets += len(piece)
            if octets > OVERSIZE_FACTOR * message.size + OVERSIZE_OCTETS:
                what = f"a message without end that it lists as {message.size} octets"
                raise failure("protocol", f"{self._server} sends {what}.")
            yield piece

    def _check_in_step(self, message: Remote, number: int) -> None:
        """See that answers belong to commands: one too many, made of mail, would confirm what never was."""
        answer = self._command(f"UIDL {number}")
        if not answer.ok or answer.text.strip() != f"{number} {message.uid}".encode("latin-1").strip():
            raise failure("protocol", f"{self._server} answers out of step: nothing is deleted.")

    def _mark_deleted(self, numbers: Mapping[Remote, int]) -> set[tuple[str, int]]:
        marked: set[tuple[str, int]] = set()
        messages = list(numbers)
        step = ASKED_MESSAGES if "PIPELINING" in self._offers else 1
        for start in range(0, len(messages), step):
            batch = messages[start : start + step]
            self._send([f"DELE {numbers[message]}" for message in batch])
            marked.update((m.uid, m.ordinal) for m in batch if self._replies.status().ok)
        return marked

    def _command(self, command: str) -> Answer:
        self._send([command])
        return self._replies.status()

    def _ask(self, command: str) -> Answer:
        self._send([command])
        return self._replies.status(multiline=True)

    def _send(self, commands: Iterable[str]) -> None:
        lines = [echo.octets(command) + b"\r\n" for command in commands]
        if not lines or self._connection is None:
            return
        if self._replies.unasked:
            raise failure("protocol", f"{self._server} says more than it was asked for.")
        self._replies.due += len(lines)
        self._connection.write(b"".join(lines))

    def _refused(self, answer: Answer, otherwise: Cause, sentence: str) -> Problem:
        code = _find_code(answer, _CAUSES)
        cause = _CAUSES[code] if code else otherwise
        return failure(cause, f"{self._server} {sentence}: {self._shown(answer.text)}")

    def _shown(self, text: bytes) -> str:
        connector = self._connector
        return echo.shown(text, connector.username, connector.password, connector.access_token)


def _find_code(answer: Answer, codes: Collection[str]) -> str | None:
    """Return which of these response codes a refusal has; they may go on with details after a `/`."""
    code = "" if answer.ok else answer.code
    return next((known for known in codes if f"{code}/".startswith(f"{known}/")), None)


def _parse_size(rest: bytes) -> int | None:
    size = rest.partition(b" ")[0]
    return int(size) if _is_number(size) else None


def _is_number(text: bytes) -> bool:
    """Whether these are digits of a number that fits everywhere."""
    return text.isdigit() and len(text) <= 15
