# SPDX-License-Identifier: LGPL-2.1-or-later
"""Made mailboxes on the bench's Dovecot: the same ones, octet by octet, each time."""

import base64
import hashlib
import os
import pwd
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.support.dovecot import OWNER, Dovecot

EPOCH = 1_600_000_000
LEAST, MOST = 1 << 10, 60 << 10
SETTLE_SECONDS = 40.0
"""So long does ext4 without a journal go around the inodes of files that were removed."""


@dataclass
class Mailbox:
    """The INBOX of a user: what a fetch has to deliver. `digests` are those of the messages with LF."""

    user: str
    octets: int = 0
    digests: Counter[bytes] = field(default_factory=Counter)
    _sizes: list[int] = field(default_factory=list)

    @property
    def count(self) -> int:
        return len(self._sizes)

    def messages(self) -> Iterator[bytes]:
        return (make_message(number, size) for number, size in enumerate(self._sizes, 1))

    def add(self, dovecot: Dovecot, sizes: Sequence[int]) -> None:
        """Have Dovecot take over messages of these sizes from a Maildir."""
        maildir = dovecot.maildir(self.user)
        owner = pwd.getpwnam(OWNER)
        for number, size in enumerate(sizes, self.count + 1):
            message = make_message(number, size)
            path = maildir / "cur" / f"{EPOCH + number}.{number}.bench,S={len(message)},W={len(message)}:2,"
            path.write_bytes(message)
            os.chown(path, owner.pw_uid, owner.pw_gid)
            self.octets += len(message)
            self.digests[digest(message)] += 1
        self._sizes += sizes
        dovecot.doveadm("import", "-u", self.user, f"maildir:{maildir}", "", "mailbox", "INBOX", "ALL")
        for path in maildir.rglob("*"):
            if path.is_file():
                path.unlink()


def digest(message: bytes) -> bytes:
    """Return the same for a message with CRLF and with LF."""
    return hashlib.blake2b(message.replace(b"\r\n", b"\n"), digest_size=16).digest()


def mixed_sizes(count: int) -> list[int]:
    """Return sizes as of ordinary mail, 1 to 60 KiB: many are small, few are large, 11 KB in the mean."""
    source = random.Random(count)
    return [min(MOST, max(LEAST, round(source.lognormvariate(8.93, 0.9)))) for _ in range(count)]


def make_message(number: int, size: int) -> bytes:
    """Return a message of about so many octets, with CRLF: a header, and an attachment in base64."""
    head = (
        f"Return-Path: <sender{number % 97}@example.com>\r\n"
        f"Received: from mx{number % 7}.example.com (mx{number % 7}.example.com [192.0.2.{number % 250}])\r\n"
        f"\tby mail.example.net with ESMTPS id {number:08x}\r\n"
        f"\tfor <giacomo@example.net>; Mon, 2 Nov 2026 10:{number // 60 % 60:02}:{number % 60:02} +0000\r\n"
        f"From: Sender {number % 97} <sender{number % 97}@example.com>\r\nTo: giacomo@example.net\r\n"
        f"Subject: Message {number}\r\nMessage-ID: <{number}.{size}@example.com>\r\n"
        f"Date: Mon, 2 Nov 2026 10:{number // 60 % 60:02}:{number % 60:02} +0000\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    ).encode()
    octets = random.Random(number).randbytes(max(0, size - len(head)) * 57 // 78)
    return head + base64.encodebytes(octets).replace(b"\n", b"\r\n")
