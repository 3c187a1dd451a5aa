# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real Dovecot that takes mail by LMTP as well, on a unix socket and a port, and files it with sieve.

    with DovecotLmtp({"giacomo": "Nethesis,1234", "anna": "secret"}) as dovecot:
        ...deliver to dovecot.socket or dovecot.host and dovecot.lmtp...
        assert dovecot.delivered("anna") == [b"..."]

With a certificate it offers STARTTLS. `user+Folder` goes to that folder.
"""

import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.support import need_programs
from tests.support.certificates import Certificate
from tests.support.dovecot import OWNER, Dovecot
from tests.support.ports import find_free_ports

CONFIGURATION = """
protocols = imap pop3 lmtp
recipient_delimiter = +
lmtp_save_to_detail_mailbox = yes
lda_mailbox_autocreate = yes
postmaster_address = postmaster@example.com
mail_plugins = $mail_plugins {quota}
service lmtp {{
  unix_listener {folder}/lmtp {{
    mode = 0666
  }}
  inet_listener lmtp {{
    port = {port}
  }}
}}
protocol lmtp {{
  mail_plugins = $mail_plugins sieve
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
plugin {{
  sieve = file:~/sieve;active=~/active.sieve
  sieve_quota_max_storage = 0
  quota = {backend}
  quota_rule = *:storage=0
  {plugin}
}}
"""
ADDED = re.compile(rb"Return-Path: [^\n]*\n(?:Delivered-To: [^\n]*\n)?Received: [^\n]*\n(?:[ \t][^\n]*\n)*")
"""What Dovecot puts on top."""


class DovecotLmtp(Dovecot):
    """`quota` is the octets that each account has room for."""

    def __init__(
        self,
        users: Mapping[str, str | bytes],
        *,
        certificate: Certificate | None = None,
        host: str = "127.0.0.1",
        quota: int | None = None,
        extra: str = "",
    ) -> None:
        super().__init__(users, certificate=certificate, host=host, extra=extra)
        self.lmtp = 0
        self._quota = quota

    @property
    def socket(self) -> Path:
        return self.folder / "lmtp"

    def set_sieve(self, user: str, script: str) -> None:
        """Give an account the script that files its mail."""
        path = self._home(user) / "active.sieve"
        path.write_text(script)
        shutil.chown(path, OWNER)
        path.chmod(0o600)

    def delivered(self, user: str, folder: str = "") -> list[bytes]:
        """Return what is in a folder of an account, oldest first, without the header that Dovecot adds.

        What was delivered by LMTP has an LF at the end of each line.
        """
        return [ADDED.sub(b"", stored, count=1) for stored in self.stored(user, folder)]

    def stored(self, user: str, folder: str = "") -> list[bytes]:
        """Return what a folder of an account holds oldest first, header and all."""
        maildir = self.maildir(user) / (f".{folder}" if folder else "")
        files = [*maildir.glob("new/*"), *maildir.glob("cur/*")]
        return [path.read_bytes() for path in sorted(files, key=_order)]

    def _start(self) -> None:
        need_programs("sievec")
        [self.lmtp] = find_free_ports(1, self.host)
        self._extra += CONFIGURATION.format(
            folder=self.folder,
            port=self.lmtp,
            quota="quota" if self._quota else "",
            backend="maildir:User quota" if self._quota else "",
            plugin=f"quota_rule2 = *:bytes={self._quota}" if self._quota else "",
        )
        super()._start()


def _order(path: Path) -> tuple[int, int]:
    """Return when a file was named by Dovecot, which is when it was delivered (seconds, microseconds)."""
    seconds, unique = path.name.split(".")[:2]
    found = re.match(r"M(\d+)P", unique)
    return int(seconds), int(found[1]) if found else 0
