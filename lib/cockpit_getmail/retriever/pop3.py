# SPDX-License-Identifier: LGPL-2.1-or-later
"""SimplePOP3Retriever and SimplePOP3SSLRetriever (RFC 1939): the retriever.

Not poplib: it refuses long lines, ends a message at a bare LF, and takes one that was cut off for whole.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint, choose_tls, find_policy
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever import echo
from cockpit_getmail.retriever.base import ALL, INBOX, Folder, Listed, Part, Remote, Seen
from cockpit_getmail.retriever.pop3_listing import Listing
from cockpit_getmail.retriever.pop3_login import log_in
from cockpit_getmail.retriever.pop3_session import Session
from cockpit_getmail.transport import Connection

if TYPE_CHECKING:
    from cockpit_getmail.criteria import Pieces

LEAVE_SECONDS = 2.0

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
        self._session: Session | None = None
        self._messages = 0
        self._listed: Listing | None = None
        self._known: Mapping[tuple[str, int], int] = {}
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
        self._session = session = Session(self._connection, self._server, self._shown)
        session.greet()
        self.capabilities = session.ask_capabilities()
        if not self._connector.implicit_tls:
            self._secure(session)
        self.tls = self._connection.tls
        if self._connection.peer_is_self and self._connector.is_loop:
            raise failure(
                "policy", "This connector would pull the account into itself: the server is this host."
            )
        self.notes += log_in(session, self._connector, self._endpoint)

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

    def expect(self, message: Remote) -> None:
        """A UIDL is for good."""

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
        # A run that finds nothing new is over without it.
        from cockpit_getmail.retriever import pop3_fetch

        return pop3_fetch.retrieve(self._opened, self._listing(), wanted)

    def read_beginnings(self, wanted: Sequence[Remote], lines: int, limit: int) -> Iterator[bytes | None]:
        """Yield of each message its header and so many lines, as pop3_fetch.read_beginnings() does."""
        from cockpit_getmail.retriever import pop3_fetch

        return pop3_fetch.read_beginnings(self._opened, wanted, lines, limit)

    def mark_seen(self, delivered: Sequence[Remote]) -> None:
        self.notes.append("Nothing is marked as seen: POP3 knows no flags.")

    def delete(self, doomed: Sequence[Remote]) -> set[tuple[str, int]]:
        session = self._opened
        if session.replies.due:
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
        session.is_over = True
        return marked if session.command("QUIT").ok else set()

    def close(self, *, orderly: bool = True) -> None:
        if self._connection is None:
            return
        with suppress(Problem):
            if self._session and self._may_quit(self._session, orderly):
                self._connection.limit_time(LEAVE_SECONDS)
                self._session.command("QUIT")
        if self._session:
            self._session.is_over = True
        self._connection.close()

    def _may_quit(self, session: Session, orderly: bool) -> bool:
        """QUIT frees the maildrop at once. In the middle of an answer it would only wait, and after RETR it
        allows a server to delete what it has sent.
        """
        return not (session.is_over or session.replies.due or (session.has_retrieved and not orderly))

    @property
    def _opened(self) -> Session:
        if self._session is None:
            raise RuntimeError("open() goes first")
        return self._session

    def _secure(self, session: Session) -> None:
        policy = find_policy(self._connector.tls, self._endpoint)
        offered = "STLS" in session.offers
        if choose_tls(policy, seen=self._tls_seen, offered=offered, server=self._server):
            session.start_tls()
            self.capabilities = session.ask_capabilities()

    def _count_messages(self) -> int:
        session = self._opened
        answer = session.command("STAT")
        if not answer.ok:
            raise session.refused(answer, "mailbox", "does not open the mailbox")
        count = answer.text.partition(b" ")[0]
        if not _is_number(count):
            raise failure("protocol", f"{self._server} does not say how many messages there are.")
        return int(count)

    def _listing(self) -> Listing:
        if self._listed is None:
            # Some servers answer -ERR where there is nothing to list.
            self._listed = self._list_messages(self._opened) if self._messages else Listing()
        return self._listed

    def _list_messages(self, session: Session) -> Listing:
        if session.ahead > 1:
            session.send(["LIST", "UIDL"])
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
        session = self._opened
        answer = session.replies.status(multiline=True) if session.replies.due else session.ask(command)
        if not answer.ok:
            raise session.refused(answer, "protocol", otherwise)
        found: set[int] = set()
        for line in session.replies.lines():
            digits, _, rest = line.partition(b" ")
            if not _is_number(digits) or (number := int(digits)) in found:
                shown = self._shown(line[:200])
                raise failure("protocol", f"{self._server} answers {command} with nonsense: {shown}")
            found.add(number)
            yield number, parse(rest)

    def _check_in_step(self, message: Remote, number: int) -> None:
        """See that answers belong to commands: one too many, made of mail, would confirm what never was."""
        answer = self._opened.command(f"UIDL {number}")
        if not answer.ok or answer.text.strip() != f"{number} {message.uid}".encode("latin-1").strip():
            raise failure("protocol", f"{self._server} answers out of step: nothing is deleted.")

    def _mark_deleted(self, numbers: Mapping[Remote, int]) -> set[tuple[str, int]]:
        session = self._opened
        marked: set[tuple[str, int]] = set()
        messages = list(numbers)
        for start in range(0, len(messages), session.ahead):
            batch = messages[start : start + session.ahead]
            session.send([f"DELE {numbers[message]}" for message in batch])
            marked.update((m.uid, m.ordinal) for m in batch if session.replies.status().ok)
        return marked

    def _shown(self, text: bytes) -> str:
        connector = self._connector
        return echo.shown(text, connector.username, connector.password, connector.access_token)


def _parse_size(rest: bytes) -> int | None:
    size = rest.partition(b" ")[0]
    return int(size) if _is_number(size) else None


def _is_number(text: bytes) -> bool:
    """Whether these are digits of a number that fits everywhere."""
    return text.isdigit() and len(text) <= 15
