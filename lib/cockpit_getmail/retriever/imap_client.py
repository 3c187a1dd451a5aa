# SPDX-License-Identifier: LGPL-2.1-or-later
"""IMAPClient over a session of ours, for what is done in a mailbox beside fetching.

Connecting, TLS, logging in and all reading from the network stay ours: what a hostile server sends is bounded
before imaplib, which knows no limits, puts it into memory.
"""

import imaplib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from imapclient import IMAPClient
from imapclient.exceptions import ProtocolError
from imapclient.response_parser import parse_response

from cockpit_getmail import imap_utf7
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever.imap_session import Session, response_code

LINE_LIMIT = 8 << 20
"""The UIDs of a million messages, as the answer to SEARCH has them, are one line."""
LINES_LIMIT = 12 << 20
"""Octets of all lines: a word of two letters in them costs IMAPClient some twenty times that in memory."""
LITERAL_LIMIT = 24 << 20
TOTAL_LIMIT = 64 << 20
"""Octets a server may send to one client in all."""
LINE_COST = 256
"""A short line costs us as much memory as so many octets: imaplib keeps all of an answer."""
_LOOSE_END = re.compile(rb"^([A-P]{4}\d+ )(OK|NO|BAD)(?: |$)", re.IGNORECASE)
"""The end of a command as servers may send it: imaplib wants capitals, and text after them."""
_BAD = re.compile(r"""^(?:.* command error: BAD )?\[?b(['"])(.*)\1\]?$""")
"""The server's own words in what imaplib and IMAPClient make of a BAD."""
_ESCAPED = re.compile(rb"""\\(?:x([0-9a-f]{2})|([\\'"]))""")
MALFORMED = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
)
"""What imaplib and IMAPClient raise, beside their own errors, where an answer is not what they expect."""


class Refused(imaplib.IMAP4.error):
    """The server said NO. `code` is its response code (RFC 5530) in capitals, empty for none."""

    def __init__(self, command: str, text: bytes) -> None:
        super().__init__(command)
        self.command = command
        self.text = text
        self.code = response_code(text)


class Client(IMAPClient):  # type: ignore[misc]
    """IMAPClient, logged in already. Where a server says NO, its methods raise Refused."""

    def __init__(self, session: Session) -> None:
        self._session = session
        super().__init__(session.server, ssl=False)
        # Else each line, and each message, would be formatted for a log that nobody writes.
        self._imap.debug = 0
        self._cached_capabilities = tuple(name.encode() for name in self._imap.capabilities)

    def _create_IMAP4(self) -> imaplib.IMAP4:
        return _Imap4(self._session)

    def quote(self, folder: str | bytes) -> bytes:
        """Return the name of a folder as an argument of a command: as people read it, or octets as they are.

        Raises Problem (mailbox) for a name that no folder of a decent server has.
        """
        try:
            octets = folder if isinstance(folder, bytes) else imap_utf7.encode(folder)
        except ValueError:
            octets = b"\0"
        if any(octet in octets for octet in b"\0\r\n"):
            raise failure("mailbox", "No folder can be asked for by such a name.")
        return b'"' + octets.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'

    def my_rights(self, folder: str) -> str:
        """MYRIGHTS (RFC 4314 section 3.5)."""
        _, rights = parse_response(self._command_and_check("myrights", self.quote(folder)))
        return told(rights)

    def access_list(self, folder: str) -> list[tuple[str, str]]:
        """GETACL (RFC 4314 section 3.3): who, and their rights. Unlike getacl() it takes off the quotes."""
        _, *words = parse_response(self._command_and_check("getacl", self.quote(folder)))
        return [(told(who), told(rights)) for who, rights in zip(words[::2], words[1::2], strict=True)]

    def _normalise_folder(self, folder_name: str | bytes) -> bytes:
        return self.quote(folder_name)

    def _set_read_timeout(self) -> None:
        """The connection has limits of its own."""

    def _check_resp(self, expected: str, command: Any, typ: str, data: Any) -> None:
        if typ == "NO" and expected != typ:
            name = command.decode("ascii", "replace") if isinstance(command, bytes) else command
            raise Refused(name.upper(), _text(data))
        super()._check_resp(expected, command, typ, data)


class _Imap4(imaplib.IMAP4):
    """imaplib over a session, which looks to it like one where the server knows who we are (PREAUTH)."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._greeting = b"* PREAUTH ready\r\n"
        self._room = TOTAL_LIMIT
        self._room_for_lines = LINES_LIMIT
        self._in_literal = False
        super().__init__()

    def open(self, host: str = "", port: int = 0, timeout: float | None = None) -> None:
        self.host = self._session.server
        self.port = 0

    def read(self, size: int) -> bytes:
        if size > LITERAL_LIMIT:
            raise failure("protocol", f"{self.host} sends {size} octets at once.")
        self._spend(size)
        self._in_literal = True
        return self._session.connection.read(size)

    def readline(self) -> bytes:
        if self._greeting:
            line, self._greeting = self._greeting, b""
            return line
        line = self._session.connection.read_line(LINE_LIMIT)
        self._room_for_lines -= len(line)
        self._spend(max(len(line), LINE_COST))
        # What announces octets and is no number would be taken for text.
        self._session.literal(line)
        # Anything else is of the literal still: the announced size is wrong.
        if self._in_literal and not line.startswith((b")", b" ", b"\r", b"\n")):
            self._session.refuse(line)
        self._in_literal = False
        return _LOOSE_END.sub(_tighten, line.removesuffix(b"\n").removesuffix(b"\r")) + b"\r\n"

    def send(self, data: Any) -> None:
        self._session.connection.write(bytes(data))

    def shutdown(self) -> None:
        self._session.connection.close()

    def _get_capabilities(self) -> None:
        self.capabilities = tuple(sorted(self._session.capabilities()))

    def _check_bye(self) -> None:
        if bye := self.untagged_responses.get("BYE"):
            raise failure("network", f"{self.host} ended the session: {self._session.shown(_text(bye))}")

    def _spend(self, octets: int) -> None:
        self._room -= octets
        if min(self._room, self._room_for_lines) < 0:
            most = TOTAL_LIMIT if self._room < 0 else LINES_LIMIT
            raise failure("protocol", f"{self.host} sent more than {most >> 20} MiB.")


def _tighten(end: re.Match[bytes]) -> bytes:
    return end[1] + end[2].upper() + b" "


def _text(data: Sequence[Any]) -> bytes:
    """Return the last of what imaplib kept of a response; what has a literal in it is a pair."""
    return data[-1] if data and isinstance(data[-1], bytes) else b""


def _octets(error: Exception) -> bytes:
    """Return what an error tells, with octets of the server as these came: so a secret in them is known."""
    words = _BAD.sub(r"\2", str(error).partition("\n")[0]).encode("utf-8", "replace")
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()) if found[1] else found[2], words)


def told(word: Any) -> str:
    """Return a word of an answer as text; what looks like a number, IMAPClient has made one."""
    return word.decode("utf-8", "replace") if isinstance(word, bytes) else "" if word is None else str(word)


def attach(session: Session) -> Client:
    """Return IMAPClient on a session that is logged in. Meanwhile nothing else is to speak on it.

    Its methods raise Refused and Problem; what else they may raise, explained() makes Problems of.
    """
    with explained(session):
        return Client(session)


@contextmanager
def explained(session: Session) -> Iterator[None]:
    """Make Problems of the errors of imaplib and IMAPClient: mailbox for NO, protocol for all others."""
    server = session.server
    try:
        yield
    except Problem:
        raise
    except Refused as error:
        said = session.shown(error.text)
        raise failure("mailbox", f"{server} refuses {error.command}: {said}") from error
    except imaplib.IMAP4.readonly as error:
        raise failure("mailbox", f"{server} gives no right to change anything there.") from error
    except (imaplib.IMAP4.error, *MALFORMED) as error:
        said = session.shown(_octets(error))
        is_nonsense = isinstance(error, (imaplib.IMAP4.abort, ProtocolError, *MALFORMED))
        what = "sent what is not IMAP" if is_nonsense else "does not do what it was asked"
        raise failure("protocol", f"{server} {what}: {said}") from error
