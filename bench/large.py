# SPDX-License-Identifier: LGPL-2.1-or-later
"""One message that is larger than any memory it should take. It is made, and looked at, piece by piece."""

import base64
import hashlib
import os
import pwd
import random
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from bench import BUILD, peak, table
from bench.fetchers import Fetcher
from bench.mailboxes import Mailbox
from bench.pairs import Failed, Usage, once
from bench.peers import OURS, PASSWORD, Protocol, Source
from bench.place import CONFIGURATION
from tests.support.dovecot import OWNER, Dovecot

USER = "large"
FOLDER = BUILD / "large"
PIECE = 1 << 20
PEAK_LIMIT = 80 << 20
PROTOCOLS: tuple[Protocol, ...] = ("IMAP", "POP3")


class _Fetcher(Fetcher):
    def __init__(self, protocol: Protocol, dovecot: Dovecot, expected: bytes) -> None:
        source = Source(protocol, dovecot.imap if protocol == "IMAP" else dovecot.pop3, USER)
        super().__init__(OURS, source, Mailbox(USER), FOLDER / protocol)
        self._expected = expected
        self.measure = peak.measure

    def check(self) -> None:
        """Raises Failed unless the message is there, octet by octet but for CR."""
        found = [*self._mail()]
        if len(found) != 1 or digest_lines(read_pieces(found[0])) != self._expected:
            raise Failed("the message is not what the server has")


def section(octets: int) -> table.Section:
    head = ("protocol", "seconds", "MiB/s", "peak memory")
    found = table.Section(f"One message of {octets >> 20} MiB, first fetch", head)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    try:
        with Dovecot({USER: PASSWORD}, extra=CONFIGURATION) as dovecot:
            expected = _add(dovecot, octets)
            for protocol in PROTOCOLS:
                found.rows.append(_make_row(protocol, octets, once(_Fetcher(protocol, dovecot, expected))))
    finally:
        shutil.rmtree(FOLDER)
    return found


def make_pieces(octets: int) -> Iterator[bytes]:
    """Yield a message of about so many octets, with CRLF."""
    yield b"From: sender@example.com\r\nTo: giacomo@example.net\r\nSubject: Large\r\n\r\n"
    lines = base64.encodebytes(random.Random(1).randbytes(PIECE * 57 // 78)).replace(b"\n", b"\r\n")
    for number in range(max(1, octets // len(lines))):
        yield b"%d\r\n" % number
        yield lines


def digest_lines(pieces: Iterable[bytes]) -> bytes:
    """Return the same for pieces with CRLF and with LF, wherever they are cut."""
    found = hashlib.blake2b()
    for piece in pieces:
        found.update(piece.replace(b"\r", b""))
    return found.digest()


def read_pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece


def _add(dovecot: Dovecot, octets: int) -> bytes:
    """Have Dovecot take over the message from a Maildir; return its digest."""
    path = dovecot.maildir(USER) / "cur" / "1600000000.1.bench:2,"
    with path.open("wb") as file:
        file.writelines(make_pieces(octets))
    owner = pwd.getpwnam(OWNER)
    os.chown(path, owner.pw_uid, owner.pw_gid)
    dovecot.doveadm("import", "-u", USER, f"maildir:{dovecot.maildir(USER)}", "", "mailbox", "INBOX", "ALL")
    path.unlink(missing_ok=True)
    return digest_lines(make_pieces(octets))


def _make_row(protocol: Protocol, octets: int, usage: Usage) -> table.Row:
    speed = f"{(octets >> 20) / usage.seconds:.0f}"
    cells = [table.show_seconds(usage.seconds), speed, table.show_octets(usage.peak)]
    return table.Row(protocol, cells, f"< {PEAK_LIMIT >> 20} MiB", usage.peak < PEAK_LIMIT)
