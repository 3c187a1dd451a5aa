# SPDX-License-Identifier: LGPL-2.1-or-later
"""Passwords that the database does not have: of a file, or of a program that prints them.

Both are asked at the start of each run, by whoever starts it: for units that is root. The run gets the
password alone, as if it were stored.
"""

from __future__ import annotations

import re
import shlex

from cockpit_getmail import private_file
from cockpit_getmail.environment import identify
from cockpit_getmail.formats import is_command
from cockpit_getmail.problem import Problem, failure, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from cockpit_getmail.connector import Connector
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.units.process import Finished
    from cockpit_getmail.words import Cause

LIMIT = 8192
"""What a file may have, and what a password may be long."""
COMMAND_SECONDS = 30.0
_COMMAND_OUTPUT = 64 << 10
_TRY = "Run it by hand, and see what it prints."
_CONTROL = r"[\x00-\x1f\x7f-\x9f\u2028\u2029]"
"""As in connector.json: what no password may have."""


def find_password(connector: Connector, settings: Settings) -> str | None:
    """Return the password that the connector's PasswordFile or PasswordCommand gives, None if it has neither.

    Raises Problem: cause connector, settings, or credentials for a program that gives none.
    """
    if path := connector.props.get("PasswordFile"):
        return read_file(path)
    if command := connector.props.get("PasswordCommand"):
        return run_command(command, settings)
    return None


def read_file(path: str) -> str:
    """Return the first line of a PasswordFile (private_file.py). Raises Problem (cause connector)."""
    try:
        data = private_file.read(path, LIMIT)
    except ValueError as error:
        raise _refuse_file(path, str(error)) from error
    try:
        return _first_line(data)
    except ValueError as error:
        raise _refuse_file(path, f"its first line {error}") from error


def require_allowed(settings: Settings) -> None:
    """Raise Problem (cause settings) if no connector may have a PasswordCommand."""
    if not settings.allow_commands:
        message = "PasswordCommand is not allowed: ALLOW_COMMANDS=yes in this server's settings allows it."
        raise failure("settings", message, setting="ALLOW_COMMANDS", parameter="PasswordCommand")


def run_command(command: str, settings: Settings) -> str:
    """Return the first line that a PasswordCommand prints. Raises Problem.

    No shell reads it, though words are quoted as for one. It runs as whoever calls this, with an empty stdin
    and nothing of the caller's environment but who that is; after COMMAND_SECONDS it is ended with all that
    it started. What it complains of is told, what it prints never.
    """
    from cockpit_getmail.units import process

    require_allowed(settings)
    if not is_command(command):
        message = "PasswordCommand must be a program's absolute path, and arguments quoted as for a shell."
        raise failure("connector", message, parameter="PasswordCommand")
    argv = shlex.split(command)
    try:
        done = process.run(
            argv,
            timeout=COMMAND_SECONDS,
            output_limit=_COMMAND_OUTPUT,
            variables=identify(),
            own_group=True,
        )
    except Problem as problem:
        raise failure("connector", problem.message, parameter="PasswordCommand") from problem
    if done.status != 0:
        raise _refuse_command(argv[0], _explain_end(done), "credentials")
    try:
        return _first_line(done.output)
    except ValueError as error:
        raise _refuse_command(argv[0], f"the first line of what it prints {error}", "credentials") from error


def _explain_end(done: Finished) -> str:
    if done.status is None:
        is_much = _COMMAND_OUTPUT in (len(done.output), len(done.errors))
        return "it printed without end" if is_much else f"it did not end within {COMMAND_SECONDS:g} seconds"
    lines = done.errors.strip().splitlines()
    ended = f"signal {-done.status}" if done.status < 0 else f"exit status {done.status}"
    return f"{ended}, {printable(lines[-1]).rstrip('.')}" if lines else ended


def _first_line(data: bytes) -> str:
    """Return the first line without its end. Raises ValueError, which says what it is not."""
    line = data.partition(b"\n")[0].removesuffix(b"\r")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        # Its own words would quote a part of it.
        raise ValueError("is not UTF-8") from None
    if not text:
        raise ValueError("is empty")
    if re.search(_CONTROL, text):
        raise ValueError("has a control character in it")
    if len(text) > LIMIT:
        raise ValueError(f"has more than {LIMIT} characters")
    return text


def _refuse_file(path: str, reason: str) -> Problem:
    message = f"The PasswordFile {printable(path)} cannot be used: {reason}."
    return failure("connector", message, parameter="PasswordFile")


def _refuse_command(program: str, reason: str, cause: Cause) -> Problem:
    message = f"The PasswordCommand {printable(program)} gave no password: {reason}."
    return failure(cause, message, parameter="PasswordCommand", hint=_TRY)
