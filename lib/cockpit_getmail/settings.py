# SPDX-License-Identifier: LGPL-2.1-or-later
"""The settings: one env file, overridden by the environment."""

from __future__ import annotations

import os
import re

from cockpit_getmail.problem import Problem, failure, printable, quoted
from cockpit_getmail.value import Value

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import Any, Literal

DEFAULT_FILE = "/etc/cockpit-getmail.env"
PREFIX = "COCKPIT_GETMAIL_"
FILE_VARIABLE = PREFIX + "ENV"
TIMEOUT_LIMIT = 600
COMMAND_TIMEOUT_LIMIT = 3600
RUNS_LIMIT = 1000
HISTORY_LIMIT = 36500
FOLDER_LIMIT = 200
_CONTROL = r"[\x00-\x1f\x7f]"


class Settings(Value):
    """What an administrator may set.

    Timeouts are in seconds. `destination` is a template, see destination.find_target(). `clamd_socket` is a
    path or host:port. `callback_secret` is for callbacks alone: no run gets it.
    """

    __slots__ = (
        "allow_commands",
        "allow_tunnel",
        "callback_allow_private",
        "callback_secret",
        "check_timeout",
        "clamd_socket",
        "command_timeout",
        "connectors_db",
        "destination",
        "encrypt_secrets",
        "fetch_user",
        "filter_timeout",
        "history_days",
        "junk_folder",
        "lmtp_ca_file",
        "lmtp_tls",
        "max_runs",
        "recipient_delimiter",
        "remote_timeout",
        "rspamd_url",
        "spam_reject",
        "state_dir",
    )

    def __init__(
        self,
        connectors_db: str | Path = "/var/lib/cockpit-getmail/connectors",
        state_dir: str | Path = "/var/lib/cockpit-getmail/state",
        destination: str = "maildir:/var/lib/cockpit-getmail/mail/{account}",
        fetch_user: str = "cockpit-getmail",
        check_timeout: float = 10.0,
        max_runs: int = 8,
        history_days: int = 90,
        callback_secret: str = "",
        callback_allow_private: bool = False,
        recipient_delimiter: str = "",
        lmtp_tls: Literal["auto", "required", "none"] = "auto",
        lmtp_ca_file: str = "",
        command_timeout: float = 300.0,
        rspamd_url: str = "http://127.0.0.1:11333",
        clamd_socket: str = "/run/clamav/clamd.ctl",
        filter_timeout: float = 60.0,
        spam_reject: Literal["junk", "drop"] = "junk",
        junk_folder: str = "Junk",
        encrypt_secrets: bool = False,
        allow_commands: bool = False,
        allow_tunnel: bool = False,
        remote_timeout: float = 60.0,
    ) -> None:
        self.connectors_db = os.fspath(connectors_db)
        self.state_dir = os.fspath(state_dir)
        self.destination = destination
        self.fetch_user = fetch_user
        self.check_timeout = check_timeout
        self.max_runs = max_runs
        self.history_days = history_days
        self.callback_secret = callback_secret
        self.callback_allow_private = callback_allow_private
        self.recipient_delimiter = recipient_delimiter
        self.lmtp_tls = lmtp_tls
        self.lmtp_ca_file = lmtp_ca_file
        self.command_timeout = command_timeout
        self.rspamd_url = rspamd_url
        self.clamd_socket = clamd_socket
        self.filter_timeout = filter_timeout
        self.spam_reject = spam_reject
        self.junk_folder = junk_folder
        self.encrypt_secrets = encrypt_secrets
        self.allow_commands = allow_commands
        self.allow_tunnel = allow_tunnel
        self.remote_timeout = remote_timeout

    def to_json(self) -> dict[str, Any]:
        """Return a plain object without the secret, for a unit's credential."""
        return {name: getattr(self, name) for name in self.__slots__ if name != "callback_secret"}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Settings:
        """Return the settings that to_json() was called on, without the secret."""
        return cls(**data)


class _Value:
    """The text of a setting and where it is set, in words; `exposed` tells why a secret must not be there."""

    def __init__(self, name: str, text: str, place: str, exposed: str = "") -> None:
        self.name = name
        self.text = text
        self.place = place
        self.exposed = exposed

    def refuse(self, reason: str) -> Problem:
        return _refuse(self.name, f"The setting {printable(self.name)} ({self.place}) {reason}.")


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of this process.

    They come from /etc/cockpit-getmail.env, which may be missing, or the file that COCKPIT_GETMAIL_ENV names,
    which may not; a variable COCKPIT_GETMAIL_<NAME> beats the line <NAME> of the file. Raises Problem (cause
    settings, with `setting`).
    """
    found: dict[str, _Value] = {}
    for value in (*_read_file(environ), *_read_environment(environ)):
        if value.name not in _PARSERS:
            raise value.refuse(f"is not known; the settings are {', '.join(_PARSERS)}")
        found[value.name] = value
    for value in found.values():
        if re.search(_CONTROL, value.text):
            raise value.refuse("has a control character in it")
    return Settings(**{name.lower(): _PARSERS[name](value) for name, value in found.items()})


def _read_environment(environ: Mapping[str, str]) -> Iterator[_Value]:
    for variable, text in environ.items():
        if variable.startswith(PREFIX) and variable != FILE_VARIABLE:
            name = variable.removeprefix(PREFIX)
            place = f"environment variable {printable(variable)}"
            yield _Value(name, text, place, "is a secret: put it into the settings file")


def _read_file(environ: Mapping[str, str]) -> Iterator[_Value]:
    name = environ.get(FILE_VARIABLE, DEFAULT_FILE)
    try:
        with open(name, encoding="utf-8") as file:
            text = file.read()
            private = not os.fstat(file.fileno()).st_mode & 0o077
    except FileNotFoundError as error:
        if FILE_VARIABLE not in environ:
            return
        message = f"{FILE_VARIABLE} names the settings file {quoted(name)}, which does not exist."
        raise _refuse(FILE_VARIABLE, message) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _refuse(FILE_VARIABLE, _explain(name, error)) from error
    exposed = "" if private else f"is a secret that others may read: chmod 600 {printable(name)}"
    yield from _parse_file(text, name, exposed)


def _parse_file(text: str, file: str, exposed: str) -> Iterator[_Value]:
    from io import StringIO

    from dotenv.parser import parse_stream  # the public functions drop a line they cannot parse

    for binding in parse_stream(StringIO(text)):
        original = binding.original.string
        number = binding.original.line + original[: len(original) - len(original.lstrip())].count("\n")
        place = f"{printable(file)}, line {number}"
        if binding.error:
            word = re.match(r"\s*(?:export\s+)?(\w*)", original)
            name = word[1] if word and word[1] in _PARSERS else FILE_VARIABLE
            raise _refuse(name, f"{place} is not of the form NAME=value.")
        if binding.key is not None:
            value = _Value(binding.key, binding.value or "", place, exposed)
            if binding.value is None:
                raise value.refuse("has no value; a line is NAME=value")
            yield value


def _parse_path(value: _Value) -> str:
    if not value.text.startswith("/"):
        raise value.refuse(f"must be an absolute path, not {quoted(value.text)}")
    return value.text


def _parse_destination(value: _Value) -> str:
    from cockpit_getmail.target import find_fault

    if fault := find_fault(value.text):
        raise value.refuse(fault)
    return value.text


def _parse_user(value: _Value) -> str:
    user = value.text
    if not user:
        raise value.refuse("must name the user who fetches, and is empty")
    if user == "root" or re.fullmatch("[+-]?0+", user):
        raise value.refuse("must not be root: mail is never fetched as root")
    if re.search(r"[\s:/]|^[-+]", user):
        raise value.refuse(f"must be the name of a user, not {quoted(user)}")
    return user


def _parse_timeout(value: _Value, most: int) -> float:
    seconds = float(value.text) if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9})?", value.text) else 0.0
    if not 0 < seconds <= most:
        limit = f"more than 0 and at most {most}"
        raise value.refuse(f"must be a number of seconds, {limit}, not {quoted(value.text)}")
    return seconds


def _parse_count(value: _Value, limit: int) -> int:
    number = int(value.text) if re.fullmatch("[0-9]{1,9}", value.text) else 0
    if not 0 < number <= limit:
        raise value.refuse(f"must be a whole number from 1 to {limit}, not {quoted(value.text)}")
    return number


def _parse_secret(value: _Value) -> str:
    if value.exposed:
        raise value.refuse(value.exposed)
    return value.text


def _parse_yes(value: _Value) -> bool:
    if value.text not in ("yes", "no"):
        raise value.refuse(f"must be yes or no, not {quoted(value.text)}")
    return value.text == "yes"


def _parse_choice(value: _Value, *words: str) -> str:
    if value.text not in words:
        raise value.refuse(f"must be {' or '.join(words)}, not {quoted(value.text)}")
    return value.text


def _parse_delimiter(value: _Value) -> str:
    if not re.fullmatch(r"[!#$%&*+/=?^_`|~.-]?", value.text):
        raise value.refuse(f"must be one character such as +, or nothing, not {quoted(value.text)}")
    return value.text


def _parse_url(value: _Value) -> str:
    if not re.fullmatch(r"https?://[^\s/@?#]+(/[!$&-.0-;=A-Z_a-z~/]*)?", value.text):
        raise value.refuse(f"must be an address such as http://127.0.0.1:11333, not {quoted(value.text)}")
    return value.text


def _parse_socket(value: _Value) -> str:
    from cockpit_getmail.target import parse_host_and_port

    if not value.text.startswith("/") and not parse_host_and_port(value.text):
        raise value.refuse(f"must be the path of a socket, or a host and a port, not {quoted(value.text)}")
    return value.text


def _parse_folder(value: _Value) -> str:
    # As prop Folder.
    parts = re.split("[/.]", value.text)
    if "" in parts or len(value.text) > FOLDER_LIMIT:
        raise value.refuse(f"must be the name of a folder such as Junk, not {quoted(value.text)}")
    return value.text


_PARSERS: Mapping[str, Callable[[_Value], Any]] = {
    "CONNECTORS_DB": _parse_path,
    "STATE_DIR": _parse_path,
    "DESTINATION": _parse_destination,
    "FETCH_USER": _parse_user,
    "CHECK_TIMEOUT": lambda value: _parse_timeout(value, TIMEOUT_LIMIT),
    "MAX_RUNS": lambda value: _parse_count(value, RUNS_LIMIT),
    "HISTORY_DAYS": lambda value: _parse_count(value, HISTORY_LIMIT),
    "CALLBACK_SECRET": _parse_secret,
    "CALLBACK_ALLOW_PRIVATE": _parse_yes,
    "RECIPIENT_DELIMITER": _parse_delimiter,
    "LMTP_TLS": lambda value: _parse_choice(value, "auto", "required", "none"),
    "LMTP_CA_FILE": _parse_path,
    "COMMAND_TIMEOUT": lambda value: _parse_timeout(value, COMMAND_TIMEOUT_LIMIT),
    "RSPAMD_URL": _parse_url,
    "CLAMD_SOCKET": _parse_socket,
    "FILTER_TIMEOUT": lambda value: _parse_timeout(value, TIMEOUT_LIMIT),
    "SPAM_REJECT": lambda value: _parse_choice(value, "junk", "drop"),
    "JUNK_FOLDER": _parse_folder,
    "ENCRYPT_SECRETS": _parse_yes,
    "ALLOW_COMMANDS": _parse_yes,
    "ALLOW_TUNNEL": _parse_yes,
    "REMOTE_TIMEOUT": lambda value: _parse_timeout(value, TIMEOUT_LIMIT),
}


def _explain(name: str, error: OSError | UnicodeDecodeError) -> str:
    reason = (error.strerror or str(error)) if isinstance(error, OSError) else "it is not UTF-8 text"
    advice = " Run this as root." if isinstance(error, PermissionError) else ""
    return f"The settings file {printable(name)} cannot be read: {reason}.{advice}"


def _refuse(name: str, message: str) -> Problem:
    return failure("settings", message, setting=printable(name))
