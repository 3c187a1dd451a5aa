# SPDX-License-Identifier: LGPL-2.1-or-later
"""What every command works with: the helpers, the screen, and the person if there is one."""

from __future__ import annotations

import getpass
import shlex
import sys
from typing import TYPE_CHECKING

from cockpit_getmail.command.screen import Screen
from cockpit_getmail.problem import failure, printable

if TYPE_CHECKING:
    import argparse
    from typing import Any, TypeAlias

    from cockpit_getmail.client import Client
    from cockpit_getmail.problem import Problem

    Answer: TypeAlias = dict[str, Any]

SUCCESS = 0
PASSWORD_LIMIT = 1 << 20


class Told(Exception):
    """Ends a command with the exit status of a Problem that the person knows of."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.problem = problem


class Session:
    """One command: `options` as parsed, helpers by call(), and `screen`."""

    def __init__(self, options: argparse.Namespace, client: Client, screen: Screen | None = None) -> None:
        self.options = options
        self.client = client
        self.screen = screen or Screen()
        self.is_interactive = sys.stdin.isatty() and sys.stderr.isatty()

    @property
    def named(self) -> Answer:
        """The fields that name a connector."""
        account = self.options.of
        return {"name": self.options.name} | ({"account": account} if account is not None else {})

    def advise(self, command: str, name: str) -> str:
        """Return what may be typed next about a connector."""
        host = f"--host {self.options.host} " if self.options.host else ""
        dashes = "-- " if name.startswith("-") else ""
        return f"`cockpit-getmail {host}{command} {dashes}{shlex.quote(printable(name))}`"

    def call(self, verb: str, action: str, **fields: Any) -> Answer:
        """Return the answer of a helper; fields that are None are left out. Raises Problem."""
        return self.client.call(
            verb, action, **{key: item for key, item in fields.items() if item is not None}
        )

    def show_json(self, answer: Answer) -> bool:
        """Write an answer as it is if that is asked for; return whether it is."""
        if self.options.json:
            self.screen.json(answer)
        return bool(self.options.json)

    def done(self, answer: Answer, sentence: str) -> int:
        """Write an answer as it is, or this sentence."""
        if not self.show_json(answer):
            self.screen.say(sentence)
        return SUCCESS

    def ask(self, question: str, default: str = "") -> str:
        """Return what a person answers, not empty. Raises EOFError if there is no answer to come."""
        while True:
            sys.stderr.write(f"{printable(question)}{f' [{default}]' if default else ''}: ")
            sys.stderr.flush()
            line = sys.stdin.readline()
            if not line:
                sys.stderr.write("\n")
                raise EOFError
            if answer := line.strip() or default:
                return answer

    def confirm(self, question: str) -> bool:
        """Return whether a person says yes."""
        sys.stderr.write(f"{printable(question)} [y/N] ")
        sys.stderr.flush()
        return sys.stdin.readline().strip().lower() in ("y", "yes")

    def ask_password(self, question: str) -> str:
        """Return a password that a person types unseen."""
        return getpass.getpass(f"{printable(question)}: ")

    def read_secret(self, file: str) -> str:
        """Return the first line of a file, or of stdin for `-`. Raises Problem (connector)."""
        try:
            with open(
                sys.stdin.fileno() if file == "-" else file, encoding="utf-8", closefd=file != "-"
            ) as lines:
                return lines.readline(PASSWORD_LIMIT).removesuffix("\n")
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
            raise failure("connector", f"{printable(file)} cannot be read: {reason}.") from error

    def read_password(self) -> str:
        """Return the password on stdin, without the end of its line."""
        text = sys.stdin.read(PASSWORD_LIMIT)
        return text.removesuffix("\n").removesuffix("\r")
