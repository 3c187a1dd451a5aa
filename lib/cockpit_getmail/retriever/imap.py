# SPDX-License-Identifier: LGPL-2.1-or-later
"""SimpleIMAPRetriever and SimpleIMAPSSLRetriever (RFC 3501, 9051): the session.

Log-in, folders and flags go through IMAPClient. What carries mail is read by imap_fetch, in bounded memory.
"""

import imaplib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from imapclient.exceptions import IMAPClientReadOnlyError

from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import Cause, Problem, failure, printable
from cockpit_getmail.retriever import echo
from cockpit_getmail.retriever.base import Folder, Part, Remote
from cockpit_getmail.retriever.imap_client import Client
from cockpit_getmail.retriever.imap_fetch import TEMPORARY, Fetcher, response_code
from cockpit_getmail.retriever.uid_set import contains, format_uid_set
from cockpit_getmail.transport import Connection, Endpoint, choose_tls, find_policy

DELETE_BATCH = 500
LEAVE_SECONDS = 5.0


class Imap:
    """One session with INBOX. See retriever.base for what the methods promise."""

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
        self._client: Client | None = None
        self._mid_answer = False
        self._existing: Sequence[int] = ()
        self._uid_next = 0
        self.capabilities: Sequence[str] = ()
        self.tls: str | None = None
        self.notes: list[str] = []

    def open(self) -> Folder:
        self._connection = Connection.open(
            self._endpoint,
            implicit_tls=self._connector.implicit_tls,
            timeout=self._timeout,
            deadline=self._deadline,
        )
        with self._translated("protocol"):
            self._client = client = Client(self._connection, self._endpoint)
            self._secure(client)
            self.tls = self._connection.tls
        if self._connection.peer_is_self and self._connector.is_loop:
            raise failure(
                "policy", "This connector would pull the account into itself: the server is this host."
            )
        if client.wire.state == "NONAUTH":
            self._log_in(client)
        with self._translated("mailbox"):
            self.capabilities = sorted(printable(name) for name in client.capabilities())
            self._folder = self._select(readonly=True)
        return self._folder

    def list_new(self, known: Mapping[tuple[str, int], int]) -> tuple[list[Remote], set[tuple[str, int]]]:
        self._check_uids(known)
        if not self._folder.messages:
            return [], set()
        fetcher = self._fetcher()
        self._existing = fetcher.search_all(self._folder.messages)
        # Not the other way round: a mailbox of a million messages is a hundred MB of keys.
        present = {key for key in known if contains(self._existing, int(key[0]))}
        new = [uid for uid in self._existing if (str(uid), 0) not in present]
        sizes = fetcher.sizes(self._ranges(new))
        return [Remote(str(uid), sizes.get(uid, 0)) for uid in new], present

    def retrieve(self, wanted: Sequence[Remote]) -> Iterator[Part]:
        self._mid_answer = True
        yield from self._fetcher().retrieve(wanted, self._ranges)
        self._mid_answer = False

    def delete(self, doomed: Sequence[Remote]) -> set[tuple[str, int]]:
        with self._translated("mailbox"):
            if self._select(readonly=False).validity != self._folder.validity:
                raise failure("mailbox", "UIDVALIDITY of INBOX changed during the run: nothing is deleted.")
        removed: set[tuple[str, int]] = set()
        for start in range(0, len(doomed), DELETE_BATCH):
            removed |= self._delete_batch(doomed[start : start + DELETE_BATCH])
        return removed

    def close(self) -> None:
        if self._connection is None:
            return
        self._connection.limit_time(LEAVE_SECONDS)
        with suppress(Problem), self._translated("network"):
            if self._client is not None and not self._mid_answer:
                self._client.logout()
        self._connection.close()

    def _delete_batch(self, doomed: Sequence[Remote]) -> set[tuple[str, int]]:
        sizes = self._fetcher().sizes(",".join(message.uid for message in doomed))
        same = [message for message in doomed if sizes.get(int(message.uid)) == message.size]
        if len(same) < len(doomed):
            other = len(doomed) - len(same)
            self.notes.append(
                f"{other} messages due for deletion are gone or not what was delivered: left alone."
            )
        if not same:
            return set()
        client = self._opened
        uids = [int(message.uid) for message in same]
        with self._translated("mailbox"):
            client.delete_messages(uids, silent=True)
            if not client.has_capability("UIDPLUS"):
                self.notes.append(
                    f"{len(uids)} messages are marked as deleted; the server has no UIDPLUS (RFC 4315), "
                    "so that just these cannot be removed."
                )
                return set()
            client.uid_expunge(uids)
        left = self._fetcher().sizes(",".join(map(str, uids)))
        return {(message.uid, 0) for message in same if int(message.uid) not in left}

    def _check_uids(self, known: Mapping[tuple[str, int], int]) -> None:
        """See that UIDs only grow (RFC 3501 section 2.3.1.1); where a backup was restored they may not."""
        if not known or not 0 < self._uid_next <= max(int(uid) for uid, _ in known):
            return
        server = self._endpoint.server
        anew = f"{server} hands out UIDs anew under the old UIDVALIDITY, as after a restored backup"
        if self._folder.messages:
            raise failure(
                "mailbox",
                f"{anew}: what was fetched cannot be told from what is new. "
                "Delete the connector and create it again to fetch everything.",
            )
        # Mail may come back as it was: then there is nothing to fetch twice.
        self.notes.append(f"INBOX is empty, and {anew}.")

    @property
    def _opened(self) -> Client:
        if self._client is None:
            raise RuntimeError("open() goes first")
        return self._client

    def _secure(self, client: Client) -> None:
        if self._connector.implicit_tls:
            return
        offered = client.wire.state == "NONAUTH" and client.has_capability("STARTTLS")
        policy = find_policy(self._connector.tls, self._endpoint)
        if choose_tls(policy, seen=self._tls_seen, offered=offered, server=self._endpoint.server):
            client.start_tls()

    def _log_in(self, client: Client) -> None:
        user, password = self._connector.username, self._connector.password
        if re.search("[\r\n\0]", user + password):
            raise failure("credentials", "A user name or password cannot hold line ends or NUL.")
        token = echo.plain(user, password)
        try:
            if client.has_capability("AUTH=PLAIN") and client.has_capability("SASL-IR"):
                kind, text = client.wire.ask("AUTHENTICATE", b"PLAIN", token)
            elif client.has_capability("AUTH=PLAIN"):
                kind, text = client.wire.ask("AUTHENTICATE", b"PLAIN", response=token)
            elif client.has_capability("LOGINDISABLED"):
                raise failure("tls", f"{self._endpoint.server} allows no log-in without TLS.")
            else:
                kind, text = client.wire.ask("LOGIN", echo.quoted(user), echo.quoted(password))
        except imaplib.IMAP4.error as error:
            cause: Cause = "network" if client.wire.said_bye else "protocol"
            said = self._shown(str(error))
            raise failure(cause, f"{self._endpoint.server} ended the log-in: {said}") from error
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise failure(
                "protocol", f"{self._endpoint.server} sent what is not IMAP during log-in."
            ) from error
        if kind != "OK":
            raise self._refused(kind, text)
        client.wire.state = "AUTH"

    def _refused(self, kind: str, text: bytes) -> Problem:
        server, said = self._endpoint.server, self._shown(text)
        code = response_code(text)
        if code == "PRIVACYREQUIRED":
            return failure("tls", f"{server} allows no log-in without TLS: {said}")
        if code == "AUTHORIZATIONFAILED":
            return failure("mailbox", f"{server} gives this user no access to the account: {said}")
        if code in TEMPORARY:
            return failure("mailbox", f"{server} cannot open the account now: {said}")
        if kind == "BAD":
            return failure("protocol", f"{server} does not understand the log-in: {said}")
        return failure("credentials", f"{server} refuses this user name and password: {said}")

    def _select(self, *, readonly: bool) -> Folder:
        try:
            found = self._opened.select_folder("INBOX", readonly=readonly)
        except IMAPClientReadOnlyError as error:
            raise failure("mailbox", f"{self._endpoint.server} gives no right to delete in INBOX.") from error
        validity = found.get(b"UIDVALIDITY")
        if not isinstance(validity, int) or not 0 < validity < 1 << 32:
            raise failure(
                "protocol", f"{self._endpoint.server} gives no UIDVALIDITY: messages cannot be told apart."
            )
        messages = found.get(b"EXISTS")
        if not isinstance(messages, int) or messages < 0:
            raise failure("protocol", f"{self._endpoint.server} does not say how many messages INBOX has.")
        if not readonly and b"\\Deleted" not in (found.get(b"PERMANENTFLAGS") or (b"\\Deleted",)):
            raise failure("mailbox", f"{self._endpoint.server} gives no right to delete in INBOX.")
        uid_next = found.get(b"UIDNEXT")
        self._uid_next = uid_next if isinstance(uid_next, int) else 0
        return Folder("INBOX", validity, messages)

    def _fetcher(self) -> Fetcher:
        return Fetcher(self._opened.connection, self._endpoint.server, self._shown)

    def _ranges(self, uids: Iterable[int]) -> str:
        return format_uid_set(uids, self._existing)

    def _shown(self, text: str | bytes) -> str:
        return echo.shown(text, self._connector.username, self._connector.password)

    @contextmanager
    def _translated(self, cause: Cause) -> Iterator[None]:
        """Turn what IMAPClient and imaplib raise into a Problem; a refusal (NO, BAD) gets `cause`."""
        server = self._endpoint.server
        try:
            yield
        except imaplib.IMAP4.abort as error:
            kind: Cause = "network" if self._client is not None and self._client.wire.said_bye else "protocol"
            raise failure(kind, f"{server} ended the session: {self._shown(str(error))}") from error
        except imaplib.IMAP4.error as error:
            raise failure(cause, f"{server}: {self._shown(str(error))}") from error
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            raise failure("protocol", f"{server} sent what is not IMAP.") from error
