# SPDX-License-Identifier: LGPL-2.1-or-later
"""The remote mailbox of a connector, for programs: its messages, and IMAPClient for all the rest.

What speaks to the server is `cockpit-getmail imap`, on the machine that has the connector. It logs in: no
secret comes here.
"""

from __future__ import annotations

import imaplib
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from imapclient import IMAPClient

from cockpit_getmail import criteria
from cockpit_getmail.client.session import END_SECONDS, Imap4, Process
from cockpit_getmail.problem import failure, not_valid, printable
from cockpit_getmail.remote import mime
from cockpit_getmail.retriever.imap_client import MALFORMED
from cockpit_getmail.retriever.uid_set import UID_LIMIT

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from types import TracebackType
    from typing import Self

    from cockpit_getmail.client.channel import Channel

DELETED, SEEN = rb"\Deleted", rb"\Seen"


class Mailbox:
    """One session with a mailbox, which close() or the end of a `with` ends. Nothing is marked as seen by it.

    `imap` is an imapclient.IMAPClient that is logged in, with all its methods; a folder that they select is
    left alone by get() only while that runs.
    """

    def __init__(self, channel: Channel, name: str, account: str | None = None) -> None:
        """Log in, as Client.mailbox() does. Raises Problem."""
        named = ["--of", account] if account is not None else []
        self._process = Process(channel, ["imap", *named, "--", name])
        try:
            self.imap = _Client(self._process)
        except BaseException:
            self._process.end()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        else:
            # Where a command was broken off there is no more to say.
            self._end()

    @property
    def imap4(self) -> imaplib.IMAP4:
        """The imaplib session below `imap`, for commands that IMAPClient does not have."""
        found: imaplib.IMAP4 = self.imap._imap
        return found

    def close(self) -> None:
        """Log out. Messages that are only marked as deleted stay. Never raises."""
        with suppress(Exception):
            # There may be half a command, of which the server awaits the rest.
            self.imap.socket().settimeout(END_SECONDS)
            self.imap.logout()
        self._end()

    def _end(self) -> None:
        with suppress(OSError):
            # What imaplib has of the socket would stay open.
            self.imap4.file.close()
        self._process.end()

    def get(
        self, search: str | Sequence[Any] | None = None, folder: str = "INBOX"
    ) -> Iterator[tuple[int, Message]]:
        """Yield UID and message of each message of a folder, oldest first: all, or those of a search.

        A search is a text as IMAP has it (RFC 3501 section 6.4.4), such as `UNSEEN FROM "ann"`, or a list as
        IMAPClient.search() takes it. Raises Problem: NotValid for a text that is none, protocol for answers
        that are no IMAP; and what IMAPClient raises.
        """
        opened = self.imap.open_folder(folder)
        for uid in self.imap.find(search):
            data = self.imap.read(opened, uid)
            # One that is gone meanwhile is none.
            if data is not None:
                yield uid, Message(self.imap, opened, uid, data)


class Message:
    """A message of a mailbox. `octets` are all of it, `data` is what Zato tells of it.

    That is body (`plain` and `html`, lists of texts), headers (each with Name and Value), date, subject,
    sent_from and sent_to (each with name and email), and message_id.
    """

    def __init__(self, imap: _Client, opened: _Opened, uid: int, octets: bytes) -> None:
        self._imap = imap
        self._opened = opened
        self.uid = uid
        self.octets = octets
        self.data: dict[str, Any] = mime.describe(octets)

    def mark_seen(self) -> None:
        """Mark it as seen on the server. Raises Problem."""
        self._imap.return_to(self._opened, SEEN)
        with self._imap.by_uid():
            self._imap.add_flags(self.uid, [SEEN], silent=True)

    def delete(self) -> bool:
        """Remove it on the server, and no other. Returns False where it can only be marked as deleted.

        Raises Problem.
        """
        self._imap.return_to(self._opened, DELETED)
        with self._imap.by_uid():
            self._imap.add_flags(self.uid, [DELETED], silent=True)
            if not self._imap.has_capability("UIDPLUS"):
                return False
            self._imap.uid_expunge([self.uid])
            # Without the right to, some servers remove nothing and say OK.
            return self.uid not in self._imap.search(["UID", str(self.uid)])


class _Opened:
    """A folder as it was opened: its UIDs mean these messages only while UIDVALIDITY stays."""

    def __init__(self, folder: str, found: Mapping[bytes, Any], *, is_writable: bool) -> None:
        self.folder = folder
        self.validity: int = found.get(b"UIDVALIDITY", 0)
        self.is_writable = is_writable
        self._kept: Collection[bytes] | None = found.get(b"PERMANENTFLAGS")

    def keeps(self, flag: bytes) -> bool:
        """Whether a system flag can be given to messages here (RFC 3501 section 7.1)."""
        kept = self._kept is None or flag.lower() in {each.lower() for each in self._kept}
        return self.is_writable and kept


class _Client(IMAPClient):  # type: ignore[misc]
    """IMAPClient on a process, that knows which folder is selected."""

    use_uid: bool

    def __init__(self, process: Process) -> None:
        self._process = process
        self._selected: tuple[str, bool, int] | None = None
        super().__init__("cockpit-getmail", ssl=False)
        # To ask for them in the middle of a command, as version 3 does, is too late.
        self._cached_capabilities = tuple(name.encode() for name in self._imap.capabilities)

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return Imap4(self._process)

    def select_folder(self, folder: str, readonly: bool = False) -> dict[bytes, Any]:
        self._selected = None
        found: dict[bytes, Any] = super().select_folder(folder, readonly)
        self._selected = (folder, readonly, self._imap.selections)
        return found

    def unselect_folder(self) -> Any:
        self._selected = None
        return super().unselect_folder()

    def close_folder(self) -> Any:
        self._selected = None
        return super().close_folder()

    @contextmanager
    def by_uid(self) -> Iterator[None]:
        """Name messages by UID meanwhile, whatever the program has chosen for itself."""
        chosen, self.use_uid = self.use_uid, True
        try:
            yield
        finally:
            self.use_uid = chosen

    def open_folder(self, folder: str) -> _Opened:
        """Select a folder, if it may only be read for that."""
        with _explained():
            try:
                found, is_writable = self.select_folder(folder), True
            except imaplib.IMAP4.readonly:
                found, is_writable = self.select_folder(folder, readonly=True), False
        return _Opened(folder, found, is_writable=is_writable)

    def return_to(self, opened: _Opened, flag: bytes | None = None) -> None:
        """Have a folder selected again, to give a message a flag.

        Raises Problem: Conflict if its UIDs are others by now.
        """
        if flag and not opened.keeps(flag):
            raise failure("mailbox", f"There is no right to change {printable(opened.folder)}.")
        # Who speaks on imap4 may have selected another one.
        if self._selected == (opened.folder, not opened.is_writable, self._imap.selections):
            return
        # Without UIDVALIDITY nobody knows.
        if self.open_folder(opened.folder).validity != opened.validity or not opened.validity:
            message = f"UIDVALIDITY of {printable(opened.folder)} has changed: a UID means another message."
            raise failure("mailbox", message, kind="Conflict")

    def find(self, search: str | Sequence[Any] | None) -> list[int]:
        """Return the UIDs of a search, ascending."""
        if not isinstance(search, str):
            with self.by_uid():
                return sorted(self.search(search or "ALL", _find_charset(search)))
        try:
            pieces = criteria.parse(search)
        except ValueError as error:
            fault = {"parameter": "search", "value": printable(search), "error": "format"}
            raise not_valid([fault]) from error
        charset = ["CHARSET", "UTF-8"] if len(pieces) > 1 else []
        # By turns words, and texts that IMAPClient sends as literals.
        args = [piece if index % 2 else piece.strip(" ") for index, piece in enumerate(pieces)]
        octets = [each.encode() for each in (*charset, *args) if each]
        with _explained(), self.by_uid():
            found = self._raw_command_untagged(b"SEARCH", octets)
            uids = sorted({int(uid) for line in found if line for uid in line.split()})
            if uids and not 0 < uids[0] <= uids[-1] < UID_LIMIT:
                raise ValueError("a UID that is none")
        return uids

    def read(self, opened: _Opened, uid: int) -> bytes | None:
        """Return a message whole, None if it is gone."""
        self.return_to(opened)
        with _explained(), self.by_uid():
            octets = self.fetch([uid], ["BODY.PEEK[]"]).get(uid, {}).get(b"BODY[]")
            if isinstance(octets, bytes | None):
                return octets
            # IMAPClient makes a number of what looks like one.
            raise ValueError("a message that is no string")


@contextmanager
def _explained() -> Iterator[None]:
    """Make a Problem of what comes of an answer that IMAPClient cannot make sense of."""
    try:
        yield
    except MALFORMED as error:
        raise failure("protocol", f"The server sent what is not IMAP: {printable(str(error))}") from error


def _find_charset(search: Sequence[Any] | None) -> str | None:
    return None if search is None or str(search).isascii() else "UTF-8"
