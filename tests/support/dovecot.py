# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real Dovecot (2.3, Debian's packages) with a private configuration, on free ports of a loopback address.

    with Dovecot({"giacomo": "Nethesis,1234"}, certificate=authority.issue()) as dovecot:
        dovecot.fill("giacomo", 200)
        ...connect to dovecot.host and dovecot.imap, .imaps, .pop3 or .pop3s...
        assert dovecot.messages("giacomo") == []

Without a certificate it offers neither STARTTLS nor the ports imaps and pop3s. It ends with this process,
whatever ends that.
"""

import base64
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.support import missing, need_programs, need_root
from tests.support.certificates import Certificate
from tests.support.ports import find_free_ports

OWNER = "nobody"
START_SECONDS = 15.0
CONFIGURATION = """
base_dir = {folder}/run
state_dir = {folder}/run
log_path = {folder}/log
protocols = imap pop3
listen = {host}
mail_location = maildir:~/Maildir
mail_max_userip_connections = 1000
auth_mechanisms = plain login{token_mechanisms}
auth_username_chars =
auth_username_format = %u
auth_failure_delay = 0
disable_plaintext_auth = {disable_plaintext_auth}
ssl = {ssl}
{certificate}
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
{tokens}
userdb {{
  driver = passwd-file
  args = {folder}/users
}}
service anvil {{
  # Each wrong password would make the next log-in wait.
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
service stats {{
  process_min_avail = 0
}}
{features}
{extra}
"""


NAMESPACE = """
namespace inbox {{
  inbox = yes
  {separator}
  {prefix}
  {mailboxes}
}}
"""
MAILBOX = """
  mailbox "{name}" {{
    auto = subscribe
    special_use = {use}
  }}
"""
QUOTA = """
plugin {{
  quota = maildir:User quota
  quota_rule = *:storage={quota}
}}
"""
ACL = """
plugin {{
  acl = vfile
}}
namespace shared {{
  type = shared
  separator = {separator}
  prefix = shared{separator}%%u{separator}
  location = maildir:%%h/Maildir
  subscriptions = no
  list = children
}}
"""
TOKENS = """
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2
}}
"""


class Dovecot:
    """`extra` is more configuration, such as `imap_capability = IMAP4rev1` or `plugin {...}`. With `oauth2`,
    which is what dovecot-oauth2.conf.ext has, people can log in with access tokens, too.

    `separator` is between the levels of folders (`.`), and `prefix` before all but the INBOX. `special_uses`
    are folders that everybody has, such as {"Sent": "\\Sent"}. With a `quota` such as 10M there is one, and
    with `acl` people have rights to folders, and there is a namespace `shared`.

    `hashes` are users whose password is kept so, such as "{SHA512-CRYPT}$6$...". In `extra` FOLDER stands for
    the folder of this Dovecot, where `users` is a passwd-file.

    Dovecot takes a client that comes from its own address as trusted. With host 127.0.0.2 and
    disable_plaintext_auth it refuses a log-in on a clear channel.

    `place` is where it makes its folder, with all mail in it; without, where temporary files are.
    """

    def __init__(
        self,
        users: Mapping[str, str | bytes],
        *,
        certificate: Certificate | None = None,
        host: str = "127.0.0.1",
        disable_plaintext_auth: bool = False,
        oauth2: str = "",
        separator: str = ".",
        prefix: str = "",
        special_uses: Mapping[str, str] | None = None,
        quota: str = "",
        acl: bool = False,
        hashes: Mapping[str, str] | None = None,
        place: Path | None = None,
        extra: str = "",
    ) -> None:
        self.host = host
        self._place = place
        self.imap = self.imaps = self.pop3 = self.pop3s = 0
        self._hashes = dict(hashes or {})
        self._users: dict[str, str | bytes] = {**dict.fromkeys(self._hashes, ""), **users}
        self._certificate = certificate
        self._disable_plaintext_auth = disable_plaintext_auth
        self._oauth2 = oauth2
        self._features = _configure(separator, prefix, special_uses or {}, quota, acl=acl)
        self._extra = extra
        self._count = 0
        self._changes = 0
        self._paths: dict[str, str] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        _need_dovecot()
        # Its processes run as several users: below pytest's own folder they could not look in.
        self.folder = Path(tempfile.mkdtemp(prefix="dovecot-", dir=self._place))
        try:
            self.folder.chmod(0o755)
            owner = pwd.getpwnam(OWNER)
            for name in self._users:
                self._make_home(name, owner)
            self._write_users()
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process:
            # All its processes at once: asked kindly it takes its time.
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def add_user(self, user: str, password: str | bytes) -> None:
        self.add_users({user: password})

    def add_users(self, users: Mapping[str, str | bytes]) -> None:
        self._users.update(users)
        for user in users:
            self._make_home(user, pwd.getpwnam(OWNER))
        self._write_users()

    def set_password(self, user: str, password: str | bytes) -> None:
        self._users[user] = password
        self._write_users()

    def make_folder(self, user: str, *folders: str) -> None:
        """Make folders, named as people read them, and subscribe to them."""
        self.doveadm("mailbox", "create", "-s", "-u", user, "--", *folders)

    def add_message(self, user: str, message: bytes, folder: str = "INBOX") -> None:
        """Add a message to a folder; it is served with CRLF at the end of each line."""
        self._count += 1
        name = f"{1_600_000_000 + self._count}.{self._count}.test,S={len(message)}"
        place = self.maildir(user, folder)
        draft = place / "tmp" / name
        draft.write_bytes(message)
        shutil.chown(draft, OWNER)
        draft.rename(place / "new" / name)

    def fill(self, user: str, count: int, size: int = 2000, folder: str = "INBOX") -> list[bytes]:
        """Add so many different messages of so many octets each, and return them, with CRLF."""
        messages = [make_message(number, size) for number in range(1, count + 1)]
        for message in messages:
            self.add_message(user, message, folder)
        return messages

    def messages(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """Return the messages that are still in a folder, oldest first."""
        return [path.read_bytes() for path in self._files(user, folder)]

    def flags(self, user: str, folder: str = "INBOX") -> list[str]:
        """Return the Maildir flags of each message, such as S for seen, oldest first."""
        return [path.name.partition(":2,")[2] for path in self._files(user, folder)]

    def uids(self, user: str, folder: str = "INBOX") -> list[int]:
        lines = self.doveadm("-f", "flow", "fetch", "-u", user, "uid", "mailbox", folder)
        return [int(line.removeprefix("uid=")) for line in lines]

    def folders(self, user: str) -> list[str]:
        return self.doveadm("mailbox", "list", "-u", user)

    def expunge(self, user: str, uid: int, folder: str = "INBOX") -> None:
        self.doveadm("expunge", "-u", user, "mailbox", folder, "uid", str(uid))

    def set_uidvalidity(self, user: str, value: int, folder: str = "INBOX") -> None:
        """Give a folder another UIDVALIDITY; the UIDs stay the same, and now mean nothing."""
        self.doveadm("mailbox", "update", "-u", user, "--uid-validity", str(value), folder)

    def maildir(self, user: str, folder: str = "INBOX") -> Path:
        home = self._home(user)
        if folder == "INBOX":
            return home / "Maildir"
        # A folder's place in a home is that of its name. One that is not there may have another.
        if folder not in self._paths or not (home / self._paths[folder]).is_dir():
            path = self.doveadm("mailbox", "path", "-u", user, "--", folder)[0]
            self._paths[folder] = os.path.relpath(path, home)
        return home / self._paths[folder]

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def doveadm(self, *args: str) -> list[str]:
        """Run doveadm on this server; return the lines it prints."""
        argv = ["doveadm", "-c", str(self.folder / "dovecot.conf"), *args]
        done = subprocess.run(argv, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    def _files(self, user: str, folder: str) -> list[Path]:
        place = self.maildir(user, folder)
        found = [path for name in ("new", "cur") for path in (place / name).iterdir()]
        # Ours have a number, those of Dovecot several.
        return sorted(found, key=lambda path: [int(digits) for digits in re.findall("[0-9]+", path.name)[:3]])

    def _home(self, user: str) -> Path:
        return self.folder / "home" / user.encode().hex()

    def _make_home(self, user: str, owner: pwd.struct_passwd) -> None:
        assert not set(user) & set(":\r\n"), "Dovecot's passwd-file cannot hold this name"
        for folder in ("", "Maildir", "Maildir/new", "Maildir/cur", "Maildir/tmp"):
            path = self._home(user) / folder
            path.mkdir(mode=0o700, parents=True)
            os.chown(path, owner.pw_uid, owner.pw_gid)

    def _write_users(self) -> None:
        owner = pwd.getpwnam(OWNER)
        secrets = {user: "{PLAIN.b64}" + _base64(password) for user, password in self._users.items()}
        lines = [
            f"{user}:{secret}:{owner.pw_uid}:{owner.pw_gid}::{self._home(user)}::\n"
            for user, secret in {**secrets, **self._hashes}.items()
        ]
        draft = self.folder / "users.new"
        draft.write_text("".join(lines))
        draft.chmod(0o644)
        self._changes += 1
        os.utime(draft, (self._changes, self._changes))
        draft.rename(self.folder / "users")
        if self._process:
            # Dovecot looks at the file's time and size, once a second.
            time.sleep(1.1)

    def _start(self) -> None:
        tls = self._certificate
        ports = find_free_ports(4, self.host)
        self.imap, self.pop3, self.imaps, self.pop3s = ports if tls else (*ports[:2], 0, 0)
        (self.folder / "dovecot.conf").write_text(
            CONFIGURATION.format(
                folder=self.folder,
                host=self.host,
                disable_plaintext_auth="yes" if self._disable_plaintext_auth else "no",
                ssl="yes" if tls else "no",
                certificate=f"ssl_cert = <{tls.pem}\nssl_key = <{tls.key}" if tls else "",
                imap=self.imap,
                imaps=self.imaps,
                pop3=self.pop3,
                pop3s=self.pop3s,
                token_mechanisms=" xoauth2 oauthbearer" if self._oauth2 else "",
                tokens=TOKENS.format(folder=self.folder) if self._oauth2 else "",
                features=self._features,
                extra=self._extra.replace("FOLDER", str(self.folder)),
            )
        )
        (self.folder / "oauth2").write_text(self._oauth2)
        # The kernel ends it if this process is killed, and then its own processes end by themselves.
        argv = ["setpriv", "--pdeathsig", "KILL", "dovecot", "-F", "-c", str(self.folder / "dovecot.conf")]
        self._process = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, start_new_session=True
        )
        self._wait(self._process, [port for port in (self.imap, self.pop3, self.imaps, self.pop3s) if port])

    def _wait(self, process: subprocess.Popen[bytes], ports: list[int]) -> None:
        deadline = time.monotonic() + START_SECONDS
        for port in ports:
            while True:
                try:
                    socket.create_connection((self.host, port), 1).close()
                    break
                except OSError as error:
                    if process.poll() is not None or time.monotonic() > deadline:
                        log = self.log() if (self.folder / "log").exists() else ""
                        raise RuntimeError(f"Dovecot did not start: {log}") from error
                    time.sleep(0.01)


def _configure(separator: str, prefix: str, special_uses: Mapping[str, str], quota: str, *, acl: bool) -> str:
    plugins = [name for name, wanted in (("quota", quota), ("acl", acl)) if wanted]
    of_imap = " ".join([*plugins, *(f"imap_{name}" for name in plugins)])
    parts = [
        f"mail_plugins = {' '.join(plugins)}",
        f"protocol imap {{\n  mail_plugins = {of_imap}\n}}",
    ]
    if acl or prefix or special_uses or separator != ".":
        mailboxes = "".join(MAILBOX.format(name=name, use=use) for name, use in special_uses.items())
        parts.append(
            NAMESPACE.format(
                separator=f"separator = {separator}", prefix=f"prefix = {prefix}", mailboxes=mailboxes
            )
        )
    if quota:
        parts.append(QUOTA.format(quota=quota))
    if acl:
        parts.append(ACL.format(separator=separator))
    return "\n".join(parts if plugins else parts[2:])


def make_message(number: int, size: int) -> bytes:
    """Return a message of so many octets (at least its header's), unlike that of any other number."""
    head = (
        f"From: Sender {number} <sender{number}@example.com>\r\nTo: giacomo@example.com\r\n"
        f"Subject: Message {number}\r\nMessage-ID: <{number}.{size}@example.com>\r\n"
        f"Date: Mon, 02 Nov 2026 10:00:00 +0000\r\n\r\n"
    ).encode()
    line = (f"{number} ".encode() * 40)[:76] + b"\r\n"
    room = max(0, size - len(head))
    body = (line * (room // len(line) + 1))[: max(0, room - 2)]
    # The cut may fall between CR and LF.
    return head + body.removesuffix(b"\r").ljust(max(0, room - 2), b".") + (b"\r\n" if room >= 2 else b"")


def _need_dovecot() -> None:
    need_root()
    need_programs("dovecot", "doveadm", "setpriv")
    version = subprocess.run(["dovecot", "--version"], check=True, capture_output=True, text=True).stdout
    if not version.startswith("2.3."):
        missing(f"These tests configure Dovecot 2.3, and this is {version.strip()}.")


def _base64(password: str | bytes) -> str:
    octets = password.encode() if isinstance(password, str) else password
    return base64.b64encode(octets).decode()
