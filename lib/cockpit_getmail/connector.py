# SPDX-License-Identifier: LGPL-2.1-or-later
"""A connector as a value, and the names made from it: database key, unit, folders."""

from __future__ import annotations

import os
import re

from cockpit_getmail.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

SECRETS = ("Password", "ClientSecret", "RefreshToken", "provider_token_secret")
"""Props that are stored and never shown."""
SEALED_AS: Mapping[str, str] = {prop: f"Sealed{prop}" for prop in SECRETS}
"""As what prop each of them is stored by ENCRYPT_SECRETS: sealed (login/sealed.py), in base64."""
SEALED: Mapping[str, str] = {name: prop for prop, name in SEALED_AS.items()}
"""The same the other way round."""
ACCESS_TOKEN = "AccessToken"  # noqa: S105 (the name of one)
"""The secret of a run that logs in by OAuth2: it is made for a while, and never stored."""
CLIENT_PEM = "ClientPem"
"""The secret of a run that shows the server a certificate: what is in ClientCert and ClientKey."""
EXPIRES = "AccessTokenExpires"
"""The prop by which such a run is told until when its token is good, in seconds since 1970."""
UNTOLD = ("CallbackUrl", "StatusCallbackUrl", "PasswordFile", "PasswordCommand", "KeyFile")
"""Props that no run is told: they may have secrets in them, and a run's user may read what it is told."""
DEFAULTS = {"Delete": "-1", "Time": "30", "status": "enabled"}
RETRIEVERS: Mapping[str, tuple[Literal["imap", "pop3"], bool, int]] = {
    "SimpleIMAPRetriever": ("imap", False, 143),
    "SimpleIMAPSSLRetriever": ("imap", True, 993),
    "SimplePOP3Retriever": ("pop3", False, 110),
    "SimplePOP3SSLRetriever": ("pop3", True, 995),
}
OAUTH = ("xoauth2", "oauthbearer")
"""What Auth names where it is a token that logs in."""
NAME_LIMIT = 170
UNIT_PREFIX = "cockpit-getmail-"
UNIT_TYPES = (
    *("service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice"),
    "scope",
)


class Connector(Value):
    """One record of the database: `props` as stored, `secrets` apart so that neither is shown by accident.

    `sealed` are the secrets that are not known in clear, by the same names.
    """

    __slots__ = ("name", "props", "sealed", "secrets")

    def __init__(
        self,
        name: str,
        props: Mapping[str, str],
        secrets: Mapping[str, str] | None = None,
        sealed: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self.props = props
        self.secrets = secrets or {}
        self.sealed = sealed or {}

    @classmethod
    def from_record(cls, name: str, props: Mapping[str, str]) -> Connector:
        sealed: dict[str, str] = {}
        if not SEALED.keys().isdisjoint(props):
            # Nothing of ours stores both: one in clear was put there since, by what knows no other.
            blobs = {prop: props.get(name) for prop, name in SEALED_AS.items() if not props.get(prop)}
            sealed = {prop: blob for prop, blob in blobs.items() if blob}
            props = {prop: value for prop, value in props.items() if not (prop in SEALED or prop in sealed)}
        return cls(
            name,
            {prop: value for prop, value in props.items() if prop not in SECRETS},
            {prop: value for prop, value in props.items() if prop in SECRETS},
            sealed,
        )

    @property
    def told_props(self) -> dict[str, str]:
        """The props that a run is told."""
        return {prop: value for prop, value in self.props.items() if prop not in UNTOLD}

    @property
    def protocol(self) -> Literal["imap", "pop3"]:
        return RETRIEVERS[self.props["Retriever"]][0]

    @property
    def implicit_tls(self) -> bool:
        return RETRIEVERS[self.props["Retriever"]][1]

    @property
    def tls(self) -> Literal["auto", "required", "none"]:
        value = self.props.get("TLS", "auto")
        return "required" if value == "required" else "none" if value == "none" else "auto"

    @property
    def server(self) -> str:
        return self.props["Server"]

    @property
    def port(self) -> int:
        return int(self.props.get("Port") or RETRIEVERS[self.props["Retriever"]][2])

    @property
    def username(self) -> str:
        return self.props["Username"]

    @property
    def password(self) -> str:
        return self.secrets.get("Password", "")

    @property
    def access_token(self) -> str:
        return self.secrets.get(ACCESS_TOKEN, "")

    @property
    def auth(self) -> str:
        """The way to log in: `auto`, or what the prop names."""
        return self.props.get("Auth") or "auto"

    @property
    def uses_oauth(self) -> bool:
        """Whether it logs in with a token and not with a password."""
        return self.auth in OAUTH or (self.auth == "auto" and bool(self.props.get("Provider")))

    @property
    def tunnel(self) -> str:
        """The program that is the connection, with its arguments; empty for none."""
        return self.props.get("Tunnel", "")

    @property
    def account(self) -> str:
        return self.props["Account"]

    @property
    def destination(self) -> str:
        """Where its mail goes, as DESTINATION has it; empty for that setting."""
        return self.props.get("Destination", "")

    @property
    def folder(self) -> str:
        """The folder of the account that its mail goes to, empty for the inbox."""
        return self.props.get("Folder", "")

    @property
    def folders(self) -> str:
        """Which folders are fetched (folder_list.py)."""
        return self.props.get("Folders") or "INBOX"

    @property
    def keeps_folders(self) -> bool:
        """Whether the mail of each folder goes into a local one of that name."""
        return self.props.get("FolderMap") == "keep"

    @property
    def search(self) -> str:
        """What messages are fetched, as criteria of an IMAP search (criteria.py)."""
        return self.props.get("Search") or "ALL"

    @property
    def since(self) -> str:
        """The first day, as in `2026-01-31`, of which messages are fetched; empty for all."""
        return self.props.get("Since", "")

    @property
    def max_size(self) -> int | None:
        """How many octets the messages that are fetched have at most."""
        return _parse_number(self.props.get("MaxSize", ""), 12)

    @property
    def max_messages(self) -> int | None:
        """How many messages a run fetches at most."""
        return _parse_number(self.props.get("MaxMessages", ""))

    @property
    def marks_seen(self) -> bool:
        """Whether what was delivered is marked as seen on the server."""
        return self.props.get("MarkSeen") == "seen"

    @property
    def enabled(self) -> bool:
        return self.props.get("status", "enabled") == "enabled"

    @property
    def delete_after(self) -> int | None:
        """Days after delivery until a message is deleted on the server; None is never.

        Anything but a whole number means never: old databases hold `enabled`, `disabled` and an empty value.
        """
        return _parse_number(self.props.get("Delete", ""))

    @property
    def minutes(self) -> int:
        """Minutes between runs."""
        minutes = _parse_number(self.props.get("Time", ""))
        return int(DEFAULTS["Time"]) if minutes is None else minutes

    @property
    def mailbox(self) -> str:
        """What the records of messages belong to: another one of these is another mailbox."""
        return "\n".join((self.protocol, self.server.lower().rstrip("."), str(self.port), self.username))

    @property
    def is_loop(self) -> bool:
        """Whether this would pull an account into itself if the server is this host."""
        return is_same_person(self.username, self.account)

    @property
    def filters(self) -> list[str]:
        """The filters switched on, by prop name."""
        return [
            prop for prop in ("FilterCheck", "SpamCheck", "VirusCheck") if self.props.get(prop) == "enabled"
        ]


def make_name(username: str, server: str) -> str:
    """Return the database key `username@server`; what a key cannot carry becomes `_`."""
    name = re.sub(r"[=\x00-\x1f\x7f]", "_", f"{username}@{server}")
    return re.sub(r"^[\s#]|\s$", "_", name)


def account_group(account: str) -> str:
    """Return the name under which list groups an account: up to its first `@`."""
    return account.partition("@")[0]


def is_same_person(username: str, account: str) -> bool:
    """Whether a log-in and a local account are one, if both are of this host."""
    user, account = username.casefold(), account.casefold()
    return user == account or (
        ("@" in user) != ("@" in account) and account_group(user) == account_group(account)
    )


def unit_name(name: str) -> str:
    """Return a connector's unit without `.service`: `cockpit-getmail-` and the name, escaped one to one."""
    escaped = _escape(name, r"\x{:02x}")
    # systemd 252 applies no drop-in of a prefix to a unit with nothing between the prefix and its first `@`.
    if escaped.startswith("@"):
        escaped = rf"\x40{escaped[1:]}"
    # A unit whose name ends with its first `@` would be a template.
    if escaped.endswith("@") and escaped.count("@") == 1:
        escaped = rf"{escaped[:-1]}\x40"
    # systemctl takes a name that ends in a type for the name of a whole unit.
    stem, dot, ending = escaped.rpartition(".")
    if dot and ending in UNIT_TYPES:
        escaped = rf"{stem}\x2e{ending}"
    return UNIT_PREFIX + _shorten(name, escaped)


def verification_unit(name: str) -> str:
    """Return the unit that verifies a connector, without `.service`. No connector's own begins so."""
    return f"{UNIT_PREFIX}:verify-{token_prefix(name)}"


def folder_name(name: str) -> str:
    """Return the folder of a connector: its name, escaped one to one, never empty, `.`, `..` or hidden."""
    escaped = _escape(name, "={:02X}") or "="
    return _shorten(name, "=2E" + escaped[1:] if escaped.startswith(".") else escaped)


def token_prefix(name: str) -> str:
    """Return how the tokens of a connector's tasks begin: 16 hexadecimal digits that lead back to it."""
    import hashlib

    return hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def make_token(name: str) -> str:
    """Return the token of a new task of a connector: 32 hexadecimal digits that no other task has."""
    return token_prefix(name) + os.urandom(8).hex()


def _parse_number(text: str, digits: int = 9) -> int | None:
    return int(text) if re.fullmatch(f"[0-9]{{1,{digits}}}", text) else None


def _escape(name: str, form: str) -> str:
    def replace(match: re.Match[bytes]) -> bytes:
        return form.format(match[0][0]).encode()

    return re.sub(rb"[^A-Za-z0-9@._-]", replace, name.encode("utf-8", "surrogateescape")).decode()


def _shorten(name: str, escaped: str) -> str:
    # A name that looks like a shortened one is shortened too, or it could be given to take another's unit.
    if len(escaped) <= NAME_LIMIT and not re.fullmatch(r".{120}\.[0-9a-f]{16}", escaped):
        return escaped
    return f"{escaped[:120]}.{token_prefix(name)}"
