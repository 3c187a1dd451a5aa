# SPDX-License-Identifier: LGPL-2.1-or-later
"""The props of a connector as options of the command line, made from the schema of create."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from cockpit_getmail import schema
from cockpit_getmail.command.complete import complete_files

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping
    from typing import Any

RETRIEVERS: Mapping[str, str] = {
    "imap": "SimpleIMAPRetriever",
    "imaps": "SimpleIMAPSSLRetriever",
    "pop3": "SimplePOP3Retriever",
    "pop3s": "SimplePOP3SSLRetriever",
}
"""What people call them."""
LOGIN = (
    *("Retriever", "Server", "Port", "TLS", "CAFile", "Fingerprint", "Username"),
    *("Password", "PasswordFile", "PasswordCommand", "Auth", "ClientCert", "ClientKey", "Tunnel"),
)
"""What it takes to log in at a server."""
SECRETS = {"ClientSecret": "client secret", "RefreshToken": "refresh token"}
"""Secrets beside the password, in words: a file has them."""
CONTEXT_IO = ("provider_token", "provider_token_secret", "provider_consumer_key")
"""Context.IO's names: of programs, not of people."""
APART = ("action", "name", "type", "Password", "status", *SECRETS, *CONTEXT_IO)
"""What is no option with a value: secrets never are, and status is two switches."""
FLAGS = {
    "Username": "--user",
    "Password": "--password",
    "status": "--enabled, --disabled",
    "ClientSecret": "--client-secret-from",
    "RefreshToken": "--refresh-token-from",
}
METAVARS = {
    "Retriever": "PROTOCOL",
    "Server": "HOST",
    "Username": "USER",
    "Delete": "DAYS",
    "Time": "MINUTES",
    "CAFile": "FILE",
    "Fingerprint": "SHA256",
    "SyncPeriod": "PERIOD",
    "CallbackUrl": "URL",
    "StatusCallbackUrl": "URL",
    "Auth": "WAY",
    "TokenUrl": "URL",
    "AuthorizationUrl": "URL",
    "DeviceUrl": "URL",
    "RedirectUrl": "URL",
    "ClientId": "ID",
    "KeyFile": "FILE",
    "PasswordFile": "FILE",
    "PasswordCommand": "COMMAND",
    "ClientCert": "FILE",
    "ClientKey": "FILE",
    "Tunnel": "COMMAND",
    "FolderMap": "WAY",
    "Search": "CRITERIA",
    "Since": "DAY",
    "MaxSize": "OCTETS",
    "MaxMessages": "NUMBER",
    "MarkSeen": "HOW",
    "FilterCheck": "STATE",
    "SpamCheck": "STATE",
    "VirusCheck": "STATE",
}
HELP = {
    "Retriever": "imaps or pop3s: TLS from the start; imap or pop3: STARTTLS where it is offered",
    "Server": "host name or IP address of the remote server",
    "Port": "if it is not the usual one",
    "Username": "the log-in at the server",
    "Account": "the local account that gets the mail",
    "Delete": "delete at the server so many days after delivery; 0 at once, -1 never (the default)",
    "Time": "minutes between runs, 5 or more (30)",
    "SyncPeriod": "the same in words: 1h, 4h, 12h or 24h",
    "Label": "a short name, free within its account",
    "TLS": "auto, required (never in clear) or none (never ask for STARTTLS)",
    "CAFile": "believe only these certificate authorities",
    "Fingerprint": "believe only this certificate",
    "CallbackUrl": "where to POST when the first complete run is done",
    "StatusCallbackUrl": "where to POST at each change of status",
    "Auth": "auto, plain, login, cram-md5, scram-sha-256, apop, xoauth2, oauthbearer or external",
    "Provider": "log in by OAuth2: google, microsoft or custom",
    "Tenant": "the organisation at Microsoft",
    "TokenUrl": "where a custom provider gives tokens",
    "AuthorizationUrl": "where a person signs in at a custom provider",
    "DeviceUrl": "where a custom provider gives device codes",
    "RedirectUrl": "where the browser ends after the sign-in, as it is registered",
    "ClientId": "as the provider calls this installation",
    "Scope": "what is asked for, if it is not the usual",
    "Grant": "refresh (a person's sign-in), client_credentials or jwt (an organisation's)",
    "KeyFile": "the key of a service account",
    "PasswordFile": "a file there whose first line is the password",
    "PasswordCommand": "a program there that prints the password",
    "ClientCert": "a certificate there that is shown to the server",
    "ClientKey": "its key, if it is in another file",
    "Tunnel": "a program there that is the connection",
    "Folders": "folders to fetch, with commas between; * is all, \\Sent the sent mail, !NAME is left out",
    "FolderMap": "inbox (all into one) or keep (into folders of the same names)",
    "Search": "fetch only what matches these IMAP criteria, such as UNSEEN",
    "Since": "fetch only what came on this day or later, such as 2026-01-31",
    "MaxSize": "pass over larger messages",
    "MaxMessages": "fetch so many in a run at most",
    "MarkSeen": "none, or seen: mark at the server what was delivered",
    "Destination": "maildir:PATH, lmtp:unix:PATH, lmtp:HOST:PORT or command:PROGRAM ARGUMENTS",
    "Folder": "the folder of the account that gets the mail",
    "FilterCheck": "enabled or disabled: scan with rspamd",
    "SpamCheck": "enabled or disabled: scan with rspamd",
    "VirusCheck": "enabled or disabled: scan with clamd",
}


@cache
def known() -> Mapping[str, Mapping[str, Any]]:
    """Return the props that are options with a value, and their schemas."""
    properties: Mapping[str, Mapping[str, Any]] = schema.load("create/create.input.json")["properties"]
    return {prop: shape for prop, shape in properties.items() if prop not in APART}


def rank(item: tuple[str, object]) -> tuple[int, str]:
    """Return by what a prop and its value are sorted: as the schema has them, what nobody knows last."""
    order = list(schema.load("create/create.input.json")["properties"])
    prop, _ = item
    return order.index(prop) if prop in order else len(order), prop


def flag(prop: str) -> str | None:
    """Return the option of a prop: `--ca-file` for CAFile; None for what has none."""
    if prop in FLAGS:
        return FLAGS[prop]
    words = re.sub("(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", prop)
    return f"--{words.lower()}" if prop in known() else None


def add_secrets(parser: argparse._ActionsContainer) -> None:
    """Give a parser an option for each of SECRETS."""
    for prop, title in SECRETS.items():
        option = parser.add_argument(
            FLAGS[prop],
            dest=f"file_{prop}",
            metavar="FILE",
            help=f"read the {title} from the first line of a file here, - is standard input",
        )
        option.completer = complete_files  # type: ignore[attr-defined]


def add_options(parser: argparse._ActionsContainer, props: Iterable[str] | None = None) -> None:
    """Give a parser an option for each prop, or for these."""
    for prop in known() if props is None else [prop for prop in props if prop in known()]:
        shape = known()[prop]
        summary = HELP.get(prop) or str(shape.get("description", shape.get("title", ""))).partition(". ")[0]
        option = parser.add_argument(
            flag(prop) or "",
            dest=f"prop_{prop}",
            metavar=METAVARS.get(prop, prop.upper()),
            help=summary.rstrip(".").replace("%", "%%"),
        )
        values = tuple(RETRIEVERS) if prop == "Retriever" else tuple(shape.get("enum", ()))
        # Not argparse's choices: what is valid the helpers say, all faults at once.
        completer = complete_files if METAVARS.get(prop) == "FILE" else lambda values=values, **_: values
        option.completer = completer  # type: ignore[attr-defined]


def read(options: argparse.Namespace) -> dict[str, Any]:
    """Return the props that were given, as an input of a helper has them."""
    found = {prop: getattr(options, f"prop_{prop}", None) for prop in known()}
    data: dict[str, Any] = {prop: value for prop, value in found.items() if value is not None}
    if "Retriever" in data:
        data["Retriever"] = RETRIEVERS.get(data["Retriever"].lower(), data["Retriever"])
    if getattr(options, "status", None):
        data["status"] = options.status
    return data


def find_secret_files(options: argparse.Namespace) -> dict[str, str]:
    """Return by prop the files of the SECRETS that were given."""
    found = {prop: getattr(options, f"file_{prop}", None) for prop in SECRETS}
    return {prop: file for prop, file in found.items() if file}


def read_changes(options: argparse.Namespace) -> dict[str, Any]:
    """Return the same for an update: an empty value removes a prop that may be missing."""
    shapes = schema.load("update/update.input.json")["properties"]
    return {
        prop: None if value == "" and {"type": "null"} in shapes[prop].get("anyOf", ()) else value
        for prop, value in read(options).items()
    }
