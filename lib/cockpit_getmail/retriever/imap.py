# SPDX-License-Identifier: LGPL-2.1-or-later
"""SimpleIMAPRetriever and SimpleIMAPSSLRetriever (RFC 3501, 9051): log-in, the listing, deletion."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint, choose_tls, find_policy
from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.retriever import echo, imap_login, imap_select
from cockpit_getmail.retriever.base import ALL as ALL_FOLDERS
from cockpit_getmail.retriever.base import (
    INBOX,
    Folder,
    FolderProblem,
    Listed,
    Part,
    Remote,
    Renumbered,
    Seen,
)
from cockpit_getmail.retriever.imap_session import Answer, Session
from cockpit_getmail.retriever.uid_set import contains, format_uid_set
from cockpit_getmail.transport import Connection

if TYPE_CHECKING:
    from cockpit_getmail.criteria import Pieces
    from cockpit_getmail.retriever.imap_fetch import Fetcher

STORE_BATCH = 500
LEAVE_SECONDS = 5.0


class Imap:
    """One session with an account. See retriever.base for what the methods promise."""

    leaves_mail = True

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
        self._tls_seen = tls_seen
        self._timeout = timeout
        self._deadline = deadline
        self._connection: Connection | None = None
        self._session: Session | None = None
        self._mid_answer = False
        self._listed = INBOX
        self._existing: Sequence[int] = ()
        self._before = 0
        self._expected: Remote | None = None
        self._settable: frozenset[bytes] = frozenset()
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
        self._session = session = Session(self._connection, self._endpoint.server, self._shown)
        logged_in = session.greet()
        self._secure(session, logged_in)
        self.tls = self._connection.tls
        if self._connection.peer_is_self and self._connector.is_loop:
            raise failure(
                "policy", "This connector would pull the account into itself: the server is this host."
            )
        if not logged_in:
            self.notes += imap_login.log_in(session, self._connector, self._endpoint, self._shown)

    def list_folders(self, patterns: Sequence[bytes] = ALL_FOLDERS) -> list[Listed]:
        # Who fetches INBOX needs none.
        from cockpit_getmail.retriever import imap_list

        listed = imap_list.list_folders(self._opened, patterns)
        self._tell_capabilities()
        return listed

    def add_statuses(self, listed: Sequence[Listed]) -> list[Listed]:
        from cockpit_getmail.retriever import imap_list

        return imap_list.add_statuses(self._opened, listed)

    def find_prefix(self) -> str:
        from cockpit_getmail.retriever import imap_list

        return imap_list.find_prefix(self._opened)

    def select(self, folder: Listed = INBOX) -> Folder:
        self._existing, self._before, self._expected = (), 0, None
        self._listed = folder
        self._folder = self._select(folder, "EXAMINE")
        # It has answered in good order.
        self._mid_answer = False
        self._tell_capabilities()
        return self._folder

    def list_since(
        self, known: Mapping[tuple[str, int], int], since: Seen, *, bare: bool = False
    ) -> list[Remote] | None:
        # What was fetched may be beyond the first message that was not.
        self.check_uids(max((since.uid_next - 1, *(int(uid) for uid, _ in known))))
        # What comes from now on is the next run's.
        first, last = since.uid_next, self._folder.uid_next - 1
        found: dict[int, Remote] = {}
        uids: Collection[int] = ()
        if first <= last:
            found = self._describe("" if bare else f"{first}:{last}")
            uids = self._search(("ALL",), f"{first}:{last}") if bare else found
        listed = sorted(uid for uid in uids if first <= uid <= last)
        if not self._folder.uid_next or since.messages + len(listed) != self._folder.messages:
            return None
        self._existing, self._before = listed, since.messages
        return [found.get(uid) or Remote(str(uid), 0) for uid in listed if (str(uid), 0) not in known]

    def list_new(
        self, known: Mapping[tuple[str, int], int], *, bare: bool = False
    ) -> tuple[list[Remote], set[tuple[str, int]]]:
        self.check_uids(max((int(uid) for uid, _ in known), default=0))
        self._existing, self._before = (), 0
        if not self._folder.messages:
            return [], set()
        fetcher = self._fetcher()
        self._existing = fetcher.search_all(self._folder.messages, extended=self._is_extended)
        # Not the other way round: a mailbox of a million messages is a hundred MB of keys.
        present = {key for key in known if contains(self._existing, int(key[0]))}
        self._check_removed({int(key[0]): ~known[key] for key in present if known[key] < 0})
        new = [uid for uid in self._existing if (str(uid), 0) not in present]
        found = self._describe("" if bare else self._ranges(new))
        return [found.get(uid) or Remote(str(uid), 0) for uid in new], present

    def check_uids(self, largest: int) -> None:
        """See that UIDs only grow (RFC 3501 section 2.3.1.1); where a backup was restored they may not."""
        if not largest or not 0 < self._folder.uid_next <= largest:
            return
        server = self._endpoint.server
        if messages := self._folder.messages:
            uids = self._fetcher().search_all(messages, extended=self._is_extended)[:messages]
            if uids and uids[-1] >= self._folder.uid_next:
                wrong = (
                    f"{server} says that the next UID is {self._folder.uid_next}, and it has UID {uids[-1]}"
                )
                raise FolderProblem("mailbox", f"{wrong}: nobody can tell what is new. It needs repair.")
        raise self._renumbered()

    def expect(self, message: Remote) -> None:
        self._expected = message

    def describe(self, messages: Sequence[Remote]) -> list[Remote]:
        uids = [int(message.uid) for message in messages if not message.size and message.date is None]
        found = self._fetcher().describe(self._ranges(uids))
        return [found.get(int(message.uid), message) for message in messages]

    def identify(self, messages: Sequence[Remote]) -> dict[str, bytes]:
        from cockpit_getmail.retriever.imap_identify import identify

        return identify(self._opened, [int(message.uid) for message in messages])

    def search(self, criteria: "Pieces", messages: Sequence[Remote]) -> list[Remote]:
        if not messages:
            return []
        matching = self._search(criteria, f"{messages[0].uid}:{messages[-1].uid}")
        return [message for message in messages if contains(matching, int(message.uid))]

    def count_before(self, uid: int) -> int:
        return self._before + bisect_left(self._existing, uid)

    def retrieve(self, wanted: Sequence[Remote]) -> Iterator[Part]:
        self._mid_answer = True
        yield from self._fetcher().retrieve(wanted, self._ranges)
        self._mid_answer = False

    def mark_seen(self, delivered: Sequence[Remote]) -> None:
        try:
            may = self._reopen(rb"\seen")
        except Problem as problem:
            if problem.cause != "mailbox":
                raise
            self.notes.append(f"Nothing is marked as seen: {problem.message}")
            return
        name = printable(self._folder.name)
        refusal = "" if may else f"{self._endpoint.server} gives no right to do so in {name}."
        for start in range(0, len(delivered), STORE_BATCH):
            if not refusal:
                uids = ",".join(message.uid for message in delivered[start : start + STORE_BATCH])
                answer = self._opened.ask(f"UID STORE {uids} +FLAGS.SILENT (\\Seen)")
                refusal = "" if answer.status == "OK" else self._shown(answer.text)
        if refusal:
            self.notes.append(f"Nothing is marked as seen: {refusal}")

    def delete(self, doomed: Sequence[Remote]) -> set[tuple[str, int]]:
        if not self._reopen(rb"\deleted"):
            right = f"to delete in {printable(self._folder.name)}"
            raise FolderProblem("mailbox", f"{self._endpoint.server} gives no right {right}.")
        removed: set[tuple[str, int]] = set()
        for start in range(0, len(doomed), STORE_BATCH):
            removed |= self._delete_batch(doomed[start : start + STORE_BATCH])
        return removed

    def close(self, *, orderly: bool = True) -> None:
        if self._connection is None:
            return
        self._connection.limit_time(LEAVE_SECONDS)
        # Whoever logs out is told BYE.
        with suppress(Problem):
            if self._session is not None and not self._mid_answer:
                self._session.ask("LOGOUT")
        self._connection.close()

    def _delete_batch(self, doomed: Sequence[Remote]) -> set[tuple[str, int]]:
        found = self._fetcher().describe(",".join(message.uid for message in doomed))
        same = [message for message in doomed if _is_same(message, found.get(int(message.uid)))]
        if len(same) < len(doomed):
            other = len(doomed) - len(same)
            self.notes.append(
                f"{other} messages due for deletion are gone or not what was delivered: left alone."
            )
        if not same:
            return set()
        session = self._opened
        uids = ",".join(message.uid for message in same)
        session.demand(f"UID STORE {uids} +FLAGS.SILENT (\\Deleted)")
        if "UIDPLUS" not in session.capabilities():
            self.notes.append(
                f"{len(same)} messages are marked as deleted; the server has no UIDPLUS (RFC 4315), "
                "so that just these cannot be removed."
            )
            return set()
        session.demand(f"UID EXPUNGE {uids}")
        left = self._fetcher().sizes(uids)
        return {(message.uid, 0) for message in same if int(message.uid) not in left}

    def _describe(self, uid_set: str) -> dict[int, Remote]:
        """Return the messages of a set, and with them look at the one that is expected."""
        expected, self._expected = self._expected, None
        if not expected:
            return self._fetcher().describe(uid_set)
        found = self._fetcher().describe(f"{expected.uid},{uid_set}".rstrip(","))
        there = found.get(int(expected.uid), expected)
        # Servers may tell another size of a message, or its date in another zone: none tells both.
        if there.size != expected.size and there.date not in (None, expected.date):
            raise self._renumbered()
        return found

    def _check_removed(self, sizes: Mapping[int, int]) -> None:
        """See that what was deleted and is there all the same is what it was, by its size."""
        found = self._fetcher().sizes(self._ranges(sorted(sizes))) if sizes else {}
        if any(found.get(uid, size) != size for uid, size in sizes.items()):
            raise self._renumbered()

    def _renumbered(self) -> Renumbered:
        server = self._endpoint.server
        return Renumbered(
            f"{server} hands out UIDs anew under the old UIDVALIDITY, as after a restored backup"
        )

    @property
    def session(self) -> Session:
        """The session once open(), for what is asked of the mailbox beside fetching."""
        return self._opened

    @property
    def _opened(self) -> Session:
        if self._session is None:
            raise RuntimeError("open() goes first")
        return self._session

    def _secure(self, session: Session, logged_in: bool) -> None:
        if self._connector.implicit_tls:
            return
        offered = not logged_in and "STARTTLS" in session.capabilities()
        policy = find_policy(self._connector.tls, self._endpoint)
        if choose_tls(policy, seen=self._tls_seen, offered=offered, server=self._endpoint.server):
            session.start_tls()

    def _tell_capabilities(self) -> None:
        self.capabilities = sorted(printable(name) for name in self._opened.capabilities())

    def _select(self, listed: Listed, command: str) -> Folder:
        opened = imap_select.select(self._opened, listed, command, self._not_connected)
        self._settable = opened.settable
        return opened.folder

    def _reopen(self, flag: bytes) -> bool:
        """Open the folder to write in it; return whether a flag can be set there, and stays."""
        if self._select(self._listed, "SELECT").validity != self._folder.validity:
            changed = f"UIDVALIDITY of {printable(self._folder.name)} changed during the run"
            raise FolderProblem("mailbox", f"{changed}: nothing is changed.")
        return flag in self._settable

    def _not_connected(self, answer: Answer) -> Problem | None:
        """Return the Problem of who may sign in and has no mail there, as Microsoft tells it."""
        from cockpit_getmail.oauth import hints

        said = self._shown(answer.text)
        if not self._connector.uses_oauth or hints.about_login(said) != hints.NOT_CONNECTED:
            return None
        message = f"{self._endpoint.server} does not open INBOX: {said}"
        return failure("credentials", message, hint=hints.NOT_CONNECTED)

    def _fetcher(self) -> "Fetcher":
        # A run that finds nothing new is over without it.
        from cockpit_getmail.retriever.imap_fetch import Fetcher

        return Fetcher(self._opened)

    def _search(self, criteria: "Pieces", uid_set: str) -> Sequence[int]:
        return self._fetcher().search(criteria, uid_set, self._folder.messages, extended=self._is_extended)

    @property
    def _is_extended(self) -> bool:
        return "ESEARCH" in self._opened.capabilities()

    def _ranges(self, uids: Iterable[int]) -> str:
        return format_uid_set(uids, self._existing)

    def _shown(self, text: bytes) -> str:
        connector = self._connector
        return echo.shown(text, connector.username, connector.password, connector.access_token)


def _is_same(message: Remote, found: Remote | None) -> bool:
    """Whether what has the UID of a message is as large, and came when that did if both are known."""
    if found is None or found.size != message.size:
        return False
    return message.date is None or found.date is None or found.date == message.date
