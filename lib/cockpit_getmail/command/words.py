# SPDX-License-Identifier: LGPL-2.1-or-later
"""Answers of helpers in words for people: statuses, times, and what is wrong with an input."""

from __future__ import annotations

import time
from importlib import import_module
from typing import TYPE_CHECKING

from cockpit_getmail import schema
from cockpit_getmail.command.props import flag
from cockpit_getmail.problem import STATUS, printable
from cockpit_getmail.report import count, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from cockpit_getmail.command.screen import Cell
    from cockpit_getmail.problem import Problem
    from cockpit_getmail.words import Fault

CONDITIONS: Mapping[str, tuple[int, str, str]] = {
    "TEMP_DISABLED": (0, "log-in refused, tried daily", "red"),
    "INVALID_CREDENTIALS": (1, "log-in refused", "red"),
    "CONNECTION_IMPOSSIBLE": (2, "no connection", "red"),
    "NO_ACCESS_TO_ALL_MAIL": (3, "not all mail", "yellow"),
    "NEVER_RUN": (4, "never run", ""),
    "OK": (5, "ok", "green"),
    "DISABLED": (6, "disabled", "dim"),
}
"""Urgency, words and style of each status."""
WORKING = ("OK", "NEVER_RUN", "DISABLED")
"""With these there is nothing to do."""
RESULTS = {"succeeded": "green", "failed": "red", "cancelled": "yellow", "running": "cyan"}
SPANS = {86400: "day", 3600: "h", 60: "min", 1: "s"}
FAULTS: Mapping[str, str] = {
    "required": "is missing",
    "additionalProperties": "is not known",
    "type": "is of the wrong kind",
    "format": "cannot be used",
    "integer": "must be a whole number",
    "minLength": "must not be empty",
    "conflict": "contradicts another one",
    "self": "is this machine, and the account would be fetched into itself",
    "disallowed": "is not allowed by the settings of this server",
    "unknown": "is not known on this machine",
}
FORMATS: Mapping[str, str] = {
    "Server": "must be a host name or an IP address",
    "Fingerprint": "must be 64 hexadecimal digits, the SHA-256 of the certificate",
    "CAFile": "must be the absolute path of a file",
    "Account": "must be a user, or user@domain",
    "Destination": "must be maildir:PATH, lmtp:unix:PATH, lmtp:HOST:PORT or command:PROGRAM ARGUMENTS",
    "Folder": "must be the name of a folder, its levels parted by slashes",
    **dict.fromkeys(("KeyFile", "PasswordFile"), "must be the absolute path of a file"),
    **dict.fromkeys(
        ("PasswordCommand", "Tunnel"), "must be the absolute path of a program, and its arguments"
    ),
    "ClientCert": "must be the absolute path of a PEM file with a certificate, and its key or a ClientKey",
    "ClientKey": "must be the absolute path of a PEM file with the certificate's key, without a passphrase",
    "Since": "must be a day, such as 2026-01-31",
    **dict.fromkeys(("Search", "search"), "must be IMAP search criteria, such as UNSEEN FROM anna"),
    "Folders": "must be names of folders with commas between them, such as INBOX, \\Sent, Projects/*",
}
CONFLICTS: Mapping[str, str] = {
    "name": "is a connector over POP3, which has nothing like it",
    "folder": "is for IMAP: POP3 has INBOX alone",
    **dict.fromkeys(
        ("Folders", "Search", "search", "Since", "MarkSeen"), "is for IMAP: POP3 has nothing like it"
    ),
    "FolderMap": "is for IMAP and a destination with folders: for LMTP set RECIPIENT_DELIMITER, to a program "
    "give {folder}",
    "Folder": "is for a destination with folders: for LMTP set RECIPIENT_DELIMITER, to a program give "
    "{folder}",
    "Auth": "is no log-in of this protocol, or of this Provider",
    "ClientKey": "is the key of another certificate",
    "Label": "is that of another connector of this account",
    "TLS": "is for a channel that is not encrypted from the start",
    "target": "is the folder that they are in",
}
GRAMMARS: Mapping[str, str] = {"search": "criteria", "folders": "folder_list"}
"""The modules that read these."""
LIMITS: Mapping[str, str] = {
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "maxLength": "must have at most {} characters",
    "enum": "must be {}",
}


def condition(found: Mapping[str, Any]) -> Cell:
    """Return how a connector is."""
    _, words, style = CONDITIONS.get(found["status"], (0, found["status"], "red"))
    return (f"{words}, runs now", "cyan") if found.get("running") else (words, style)


def urgency(found: Mapping[str, Any]) -> int:
    """Return a number by which what needs somebody comes first."""
    return CONDITIONS.get(found["status"], (0, "", ""))[0]


def condition_rows(found: Mapping[str, Any], *, relative: bool) -> list[tuple[str, Cell]]:
    """Return all that is known of how a connector is, as names and values."""
    rows: list[tuple[str, Cell]] = [("Status", condition(found))]
    rows += [
        (name, found[key]) for name, key in (("What", "message"), ("Next step", "hint")) if found.get(key)
    ]
    rows += [("Failures", f"{found['failures']} in a row")] if found["failures"] else []
    rows += [
        ("Last run", moment(found["last_run"], relative=relative)),
        ("Next run", due(found["next_run"], relative=relative)),
        ("Delivered", f"{count(found['messages'], 'message')}, {size(found['bytes'])}"),
    ]
    return rows


def moment(when: float | None, *, relative: bool, now: float | None = None) -> str:
    """Return a time since 1970 as `5 min ago` or `in 2 h`, or as local date and time; `-` for none."""
    if when is None:
        return "-"
    if not relative:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(when))
    distance = when - (time.time() if now is None else now)
    if abs(distance) < 1:
        return "now"
    return f"in {span(distance)}" if distance > 0 else f"{span(-distance)} ago"


def due(when: float | None, *, relative: bool, now: float | None = None) -> str:
    """Return when the next run is; what is past comes as soon as it can."""
    now = time.time() if now is None else now
    return "now" if when is not None and when <= now else moment(when, relative=relative, now=now)


def clock(when: float) -> str:
    """Return a time since 1970 as local date and time, to the second."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(when))


def span(seconds: float) -> str:
    """Return a length of time in its largest unit: `40 s`, `5 min`, `3 h`, `2 days`."""
    return _in_unit(seconds, next(size for size in SPANS if seconds >= size or size == 1))


def interval(minutes: str) -> str:
    """Return a Time in the largest unit that leaves no remainder; what is no number as it is."""
    seconds = int(minutes) * 60 if minutes.isascii() and minutes.isdecimal() else 0
    return _in_unit(seconds, next(size for size in SPANS if seconds % size == 0)) if seconds else minutes


def _in_unit(seconds: float, size: int) -> str:
    number = int(seconds // size)
    return f"{number} {SPANS[size]}{'s' if SPANS[size] == 'day' and number != 1 else ''}"


def explain(problem: Problem) -> Iterator[str]:
    """Yield what went wrong and what to do next, a line each."""
    if isinstance(problem.attributes, list):
        yield "This cannot be done:"
        yield from (f"  {fault_in_words(fault)}" for fault in problem.attributes)
        return
    yield problem.message
    attributes = problem.attributes or {}
    yield from (
        f"  {name}: {attributes[name]}" for name in ("subject", "issuer", "fingerprint") if name in attributes
    )
    step = attributes.get("hint") or _next_step(problem)
    if step:
        yield str(step)


def fault_in_words(fault: Fault) -> str:
    """Return a fault as `Time (--time): must be at least 5, not 3`."""
    parameter, error, value = str(fault["parameter"]), str(fault["error"]), fault.get("value")
    named = f"{printable(parameter)} ({flag(parameter)})" if flag(parameter) else printable(parameter)
    wrong = f", not {printable(str(value))}" if value not in (None, "") and error in LIMITS else ""
    return f"{named}: {_fault(parameter, error)}{wrong}{_find_reason(fault)}"


def _find_reason(fault: Fault) -> str:
    """Return where what has a grammar departs from it."""
    parameter, value = fault["parameter"].lower(), fault.get("value")
    if fault["error"] != "format" or parameter not in GRAMMARS or not isinstance(value, str):
        return ""
    try:
        import_module(f"cockpit_getmail.{GRAMMARS[parameter]}").parse(value)
    except ValueError as error:
        return f" ({printable(str(error).rstrip('.'))})"
    return ""


def _fault(parameter: str, error: str) -> str:
    if error == "format" and parameter in FORMATS:
        return FORMATS[parameter]
    if error == "conflict" and parameter in CONFLICTS:
        return CONFLICTS[parameter]
    if error in LIMITS:
        limit = _find_limit(parameter, error)
        return LIMITS[error].format(limit) if limit else "is out of bounds"
    return FAULTS.get(error, printable(error))


def _find_limit(parameter: str, keyword: str) -> str | None:
    prop = schema.load("create/create.input.json")["properties"].get(parameter, {})
    limit = prop.get(keyword)
    return " or ".join(map(str, limit)) if isinstance(limit, list) else None if limit is None else str(limit)


def _next_step(problem: Problem) -> str | None:
    if problem.type == "NotFound":
        return "`cockpit-getmail list` shows what there is."
    return STATUS["running"][1] if problem.cause == "running" else None
