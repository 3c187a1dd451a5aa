# SPDX-License-Identifier: LGPL-2.1-or-later
"""How each program is told to fetch one mailbox into a Maildir and to keep the mail on the server.

Each has what its manual has for speed and, where it can, for safe delivery.
"""

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from bench import PREFIX, VENV
from bench.pairs import Failed

Protocol = Literal["IMAP", "POP3"]
PASSWORD = "Nethesis,1234"
ACCOUNT = "bench"


@dataclass(frozen=True)
class Source:
    """Where the mail is: on a clear channel, or behind TLS if there is an authority to believe."""

    protocol: Protocol
    port: int
    user: str
    authority: Path | None = None

    @property
    def host(self) -> str:
        # mbsync does not find an address in a certificate.
        return "localhost" if self.authority else "127.0.0.1"


@dataclass(frozen=True)
class Recipe:
    """A program for one mailbox. `files` and `maildir` are below the folder it was made for."""

    argv: Sequence[str]
    files: Mapping[str, str]
    maildir: str
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Program:
    """A name for the table, the command that tells a version, and what makes the recipe."""

    name: str
    ask: Sequence[str]
    recipe: Callable[[Source, Path], Recipe]

    @property
    def version(self) -> str:
        """The first word with a dot and a digit that the program says of itself. Raises Failed."""
        try:
            done = subprocess.run(self.ask, check=False, capture_output=True, text=True)
        except OSError as error:
            raise Failed(f"{self.ask[0]}: {error.strerror}") from error
        words = f"{done.stdout} {done.stderr}".split()
        return next((word for word in words if "." in word and word[0].isdigit()), "").strip(",;:")


def _ours(source: Source, folder: Path, more: Mapping[str, str] = MappingProxyType({})) -> Recipe:
    props = {
        **more,
        "Account": ACCOUNT,
        "Password": PASSWORD,
        "Port": str(source.port),
        "Retriever": f"Simple{source.protocol}{'SSL' if source.authority else ''}Retriever",
        "Server": source.host,
        "Username": source.user,
    }
    props |= {"CAFile": str(source.authority)} if source.authority else {"TLS": "none"}
    name = f"{source.user}@{source.host}"
    record = "|".join(f"{key}|{value}" for key, value in sorted(props.items()))
    # A settings file would cost every run what importing its parser takes; most machines have none.
    env = {
        "COCKPIT_GETMAIL_CONNECTORS_DB": f"{folder}/connectors",
        "COCKPIT_GETMAIL_STATE_DIR": f"{folder}/state",
        "COCKPIT_GETMAIL_DESTINATION": f"maildir:{folder}/mail/{{account}}",
        "COCKPIT_GETMAIL_FETCH_USER": "nobody",
    }
    argv = [str(PREFIX / "sbin" / "cockpit-getmail"), "fetch", name]
    return Recipe(argv, {"connectors": f"{name}=getmail|{record}\n"}, f"mail/{ACCOUNT}", env)


def _mbsync(sync: str, source: Source, folder: Path, store: str = "", channel: str = "") -> Recipe:
    tls = f"SSLType IMAPS\nCertificateFile {source.authority}" if source.authority else "SSLType None"
    configuration = f"""
FSync yes
IMAPAccount server
Host {source.host}
Port {source.port}
User {source.user}
Pass {PASSWORD}
{tls}
AuthMechs LOGIN

IMAPStore server
Account server

MaildirStore here
{store or f"Path {folder}/mail/"}
Inbox {folder}/mail/INBOX

Channel all
Far :server:
Near :here:
Create Near
Expunge None
Sync {sync}
SyncState *
{channel}
"""
    argv = ["mbsync", "--quiet", "--config", f"{folder}/mbsyncrc", "all"]
    return Recipe(argv, {"mbsyncrc": configuration, "mail/": ""}, "mail/INBOX")


def _getmail(source: Source, folder: Path) -> Recipe:
    configuration = f"""
[retriever]
type = Simple{source.protocol}Retriever
server = {source.host}
port = {source.port}
username = {source.user}
password = {PASSWORD}

[destination]
type = Maildir
path = {folder}/mail/

[options]
read_all = false
delete = false
verbose = 0
"""
    argv = [str(VENV / "bin" / "getmail"), f"--getmaildir={folder}", "--rcfile=getmailrc"]
    return Recipe(argv, {"getmailrc": configuration, **_maildir("mail")}, "mail")


def _mpop(source: Source, folder: Path) -> Recipe:
    tls = f"tls on\ntls_starttls off\ntls_trust_file {source.authority}" if source.authority else "tls off"
    configuration = f"""
account all
host {source.host}
port {source.port}
user {source.user}
password {PASSWORD}
auth user
{tls}
keep on
delivery maildir {folder}/mail
uidls_file {folder}/uidls
"""
    argv = ["mpop", "--quiet", f"--file={folder}/mpoprc", "all"]
    return Recipe(argv, {"mpoprc": configuration, **_maildir("mail")}, "mail")


def _fetchmail(source: Source, folder: Path) -> Recipe:
    # Without fetchall it leaves what has been read; safecat delivers durably and does nothing else.
    configuration = f"""
set no syslog
poll {source.host} port {source.port} protocol {source.protocol} auth password {_uidl(source)}
  user "{source.user}" password "{PASSWORD}" sslproto "" {_all(source)} keep
  mda "safecat {folder}/mail/tmp {folder}/mail/new"
"""
    argv = ["fetchmail", "--silent", "--nodetach", "--fetchmailrc", f"{folder}/fetchmailrc"]
    argv += ["--idfile", f"{folder}/uids", "--pidfile", f"{folder}/pid"]
    return Recipe(argv, {"fetchmailrc": configuration, **_maildir("mail")}, "mail")


def _uidl(source: Source) -> str:
    return "uidl" if source.protocol == "POP3" else ""


def _all(source: Source) -> str:
    return "" if source.protocol == "POP3" else "fetchall"


def _fdm(source: Source, folder: Path) -> Recipe:
    cache = f'new-only cache "{folder}/cache"' if source.protocol == "POP3" else ""
    configuration = f"""
set lock-file "{folder}/lock"
action "keep" maildir "{folder}/mail"
account "all" {source.protocol.lower()} server "{source.host}" port {source.port}
  user "{source.user}" pass "{PASSWORD}" {cache} insecure
match all action "keep"
"""
    argv = ["fdm", "-q", "-k", "-f", f"{folder}/fdm.conf", "fetch"]
    return Recipe(argv, {"fdm.conf": configuration, **_maildir("mail")}, "mail")


def _floor(source: Source, folder: Path) -> Recipe:
    argv = [
        "/usr/bin/python3",
        "-I",
        str(Path(__file__).parent / "floor.py"),
        str(source.port),
        f"{folder}/mail",
    ]
    return Recipe(argv, _maildir("mail"), "mail")


def _maildir(name: str) -> dict[str, str]:
    return {f"{name}/{folder}/": "" for folder in ("tmp", "new", "cur")}


def _debian(package: str) -> Sequence[str]:
    return ["dpkg-query", "--show", "--showformat=${Version}", package]


def _mbsync_folders(sync: str, source: Source, folder: Path) -> Recipe:
    return _mbsync(sync, source, folder, "SubFolders Maildir++", "Patterns *")


OURS = Program("cockpit-getmail", [str(PREFIX / "sbin" / "cockpit-getmail"), "--version"], _ours)
# Pull takes over flags and deletions too; PullNew only looks for new messages, as all others here do.
MBSYNC = Program("mbsync PullNew", _debian("isync"), partial(_mbsync, "PullNew"))
MBSYNC_PULL = Program("mbsync Pull", _debian("isync"), partial(_mbsync, "Pull"))
# All folders, each into a local one of its name; no other program here does that.
OURS_FOLDERS = replace(OURS, recipe=partial(_ours, more={"Folders": "*", "FolderMap": "keep"}))
MBSYNC_FOLDERS = replace(MBSYNC, recipe=partial(_mbsync_folders, "PullNew"))
GETMAIL = Program("getmail6", [str(VENV / "bin" / "getmail"), "--version"], _getmail)
MPOP = Program("mpop", _debian("mpop"), _mpop)
FETCHMAIL = Program("fetchmail", _debian("fetchmail"), _fetchmail)
FDM = Program("fdm", _debian("fdm"), _fdm)
FLOOR = Program("the floor", ["/usr/bin/python3", "--version"], _floor)
