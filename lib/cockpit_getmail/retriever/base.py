# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run needs of a remote mailbox, whatever its protocol."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol

from cockpit_getmail.problem import Problem

if TYPE_CHECKING:
    from cockpit_getmail.criteria import Pieces
    from cockpit_getmail.words import Cause

BATCH_BYTES = 4 << 20
"""Messages are asked for in batches of at most this many octets; a larger message comes in parts of it."""
BATCH_MESSAGES = 250


class Status(NamedTuple):
    """A folder as a listing tells of it (RFC 5819): UIDVALIDITY, UIDNEXT, and how many messages it has."""

    validity: int
    uid_next: int
    messages: int


class Listed(NamedTuple):
    """A folder of the account. `name` is as people read it, `wire` as the server has it.

    `separator` is between the levels of its name, empty where there are none. `attributes` are in lower case
    (RFC 3501 section 7.2.2, RFC 6154). `status` is None where the listing does not tell it.
    """

    name: str
    wire: bytes
    separator: str = ""
    attributes: frozenset[str] = frozenset()
    status: Status | None = None

    @property
    def is_selectable(self) -> bool:
        """Whether there may be messages in it (RFC 3501 section 7.2.2, RFC 5258 section 3)."""
        return self.attributes.isdisjoint(("\\noselect", "\\nonexistent"))


INBOX = Listed("INBOX", b"INBOX")
ALL = (b"*",)
"""The pattern that means all folders (RFC 3501 section 6.3.8)."""


class FolderProblem(Problem):
    """What went wrong with one folder: the session can go on to another."""

    def __init__(self, cause: "Cause", message: str) -> None:
        super().__init__("GenericError", message, {"cause": cause})


class Folder(NamedTuple):
    """A folder once opened. `validity` is UIDVALIDITY (RFC 3501 section 2.3.1.1), 0 for POP3.

    `uid_next` is UIDNEXT, 0 where the server does not say it.
    """

    name: str
    validity: int
    messages: int
    uid_next: int = 0


class Seen(NamedTuple):
    """A folder as it was when each of its messages was accounted for: UIDNEXT, and how many messages it had.

    UIDs only grow: while both are the same, so are the messages. A listing from UIDNEXT on that makes up the
    number of messages there are now shows that none is gone.
    """

    uid_next: int
    messages: int


class Remote(NamedTuple):
    """A message on the server.

    `uid` is an IMAP UID in digits, or a POP3 UIDL (its octets as latin-1). `size` is in octets, as the server
    lists it. `ordinal` tells apart the messages of one listing that bear the same UIDL: 0 for an only one.
    `number` is the POP3 message number of this session. `date` is INTERNALDATE in seconds since 1970, None if
    it is not known. `same` is what all copies of one message bear in the account (X-GM-MSGID), empty if
    there is no such thing.
    """

    uid: str
    size: int
    ordinal: int = 0
    number: int = 0
    date: int | None = None
    same: str = ""


class Part(NamedTuple):
    """A piece of a message, as octets with CRLF. The parts of one message follow each other without a gap.

    `last` is set only when the message is whole: as many octets as its transfer announced, or ended as the
    protocol ends it. `exact` tells whether these are as many as the listing said; a message that is not stays
    on the server. `failure` says why this message (and no other) could not be read: what came of it is void.
    """

    message: Remote
    data: bytes
    last: bool = True
    exact: bool = True
    failure: str | None = None


class Renumbered(Exception):
    """The server hands out UIDs anew under the old UIDVALIDITY: those on record mean something else now."""


class Retriever(Protocol):
    """One session with one account. What follows select() is of that folder.

    Methods raise Problem with a cause; then only close() may follow, and after a FolderProblem select().
    """

    capabilities: Sequence[str]
    tls: str | None
    """TLS version in use (`TLSv1.3`), None on a clear channel."""
    notes: list[str]
    """Sentences for the run's log."""
    leaves_mail: bool
    """Whether the server keeps what was retrieved when the session ends in good order.

    A POP3 server may delete it then (RFC 1939 section 8).
    """

    def open(self) -> None:
        """Connect, secure and log in."""

    def list_folders(self, patterns: Sequence[bytes] = ALL) -> list[Listed]:
        """Return the folders that patterns of IMAP mean, or more of them; over POP3 INBOX is all there is."""

    def add_statuses(self, listed: Sequence[Listed]) -> list[Listed]:
        """Return folders with the status that the listing did not tell, where the server does so if asked."""

    def find_prefix(self) -> str:
        """Return what the names of the account's own folders begin with, such as `INBOX.`; often nothing."""

    def select(self, folder: Listed = INBOX) -> Folder:
        """Open a folder for reading only."""

    def list_since(
        self, known: Mapping[tuple[str, int], int], since: Seen, *, bare: bool = False
    ) -> list[Remote] | None:
        """Return the messages not known, oldest first, if it is enough to look at what came after `since`.

        None: it is not, for some may be gone. `known` needs to hold only what came after it; see list_new().
        Raises Renumbered, as does that; then any method may follow.
        """

    def list_new(
        self, known: Mapping[tuple[str, int], int], *, bare: bool = False
    ) -> tuple[list[Remote], set[tuple[str, int]]]:
        """Return the messages not known, oldest first, and the (uid, ordinal) of known ones still there.

        `known` holds the sizes recorded, by (uid, ordinal), of this folder and validity: `size`, or `~size`
        (which is negative) of a message that was deleted there by us. If they are to be `bare`, what is to
        be asked for beside UIDs may be missing.
        """

    def check_uids(self, largest: int) -> None:
        """See that the folder goes on beyond the largest UID that it had. Raises Renumbered, and Problem."""

    def expect(self, message: Remote) -> None:
        """Let the next listing look whether a known message, if it is there, is still the one on record.

        It is another one if it has another size and came at another time: then that raises Renumbered.
        """

    def describe(self, messages: Sequence[Remote]) -> list[Remote]:
        """Return these messages with what is missing of them where they were listed bare."""

    def identify(self, messages: Sequence[Remote]) -> dict[str, bytes]:
        """Return by UID the header field Message-ID, as it stands, of those that have one; none over POP3."""

    def search(self, criteria: "Pieces", messages: Sequence[Remote]) -> list[Remote]:
        """Return those of these messages, which were listed, that match."""

    def count_before(self, uid: int) -> int:
        """Return how many messages of the folder have a smaller UID, as it was when it was listed last."""

    def retrieve(self, wanted: Sequence[Remote]) -> Iterator[Part]:
        """Yield the wanted messages in order, without marking them seen."""

    def mark_seen(self, delivered: Sequence[Remote]) -> None:
        """Mark exactly these as seen; where the server does not let us, that is a note and no more."""

    def delete(self, doomed: Sequence[Remote]) -> set[tuple[str, int]]:
        """Delete exactly these; return the (uid, ordinal) the server has confirmed as removed.

        A message whose listed size is not that of the record, or which came at another time, or is not the
        only one with its UIDL, is left alone.
        """

    def close(self, *, orderly: bool = True) -> None:
        """Leave without expunging anything else; if not `orderly`, the server keeps all. Never raises."""


def split_batches(messages: Sequence[Remote]) -> Iterator[list[Remote]]:
    """Yield the messages in order, at most BATCH_MESSAGES and BATCH_BYTES at once; a larger one alone."""
    batch: list[Remote] = []
    octets = 0
    for message in messages:
        if batch and (octets + message.size > BATCH_BYTES or len(batch) == BATCH_MESSAGES):
            yield batch
            batch, octets = [], 0
        batch.append(message)
        octets += message.size
    if batch:
        yield batch
