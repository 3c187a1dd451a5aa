# SPDX-License-Identifier: LGPL-2.1-or-later
"""Delivery by a program, such as dovecot-lda: one message after the other on its standard input.

Its exit status says what becomes of a message, as sysexits.h and Postfix's pipe(8) have it. Lines end with LF
alone, as they do for a program that a mail server of this host calls: with CRLF many would store the CR. No
envelope is told: Return-Path stays in the header as it came.

A program is run without a shell, and knows nothing of intents: what a run that was cut off had given to it
comes again, and so it is given one message at a time.
"""

from __future__ import annotations

import os
import re
import secrets
from typing import TYPE_CHECKING, NamedTuple

from cockpit_getmail.destination import program
from cockpit_getmail.destination.base import POSTPONED, REFUSED, Refusal, Staged
from cockpit_getmail.destination.line_ends import LineEnds
from cockpit_getmail.destination.maildir_folders import INBOX, format_subfolder, is_inbox
from cockpit_getmail.problem import Problem, failure, printable, quoted
from cockpit_getmail.spool import Spool
from cockpit_getmail.target import find_fault

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cockpit_getmail.destination import Target
    from cockpit_getmail.durable import StrPath
    from cockpit_getmail.settings import Settings

LATER = 75
"""EX_TEMPFAIL."""
CANNOT = (126, 127)
"""What a shell, and other programs that run programs, end with if there is no such program."""
BY_SIGNAL = 128
"""More than that is what a shell ends with whose program was ended by a signal."""


def make(target: Target, settings: Settings, token: str, state_folder: StrPath) -> Command:
    """Return the program that is a connector's target. Raises Problem (settings, delivery)."""
    return Command(target, settings, state_folder)


def parse_command(command: str, account: str, folder: str) -> list[str]:
    """Return program and arguments of a command for an account and one of its folders.

    {account} {user} {domain} {folder} are replaced by value inside each argument. Raises Problem (settings,
    delivery), also if a value would be an option.
    """
    from shlex import split

    if fault := find_fault(f"command:{command}"):
        raise failure("settings", f"The destination {fault}.", setting="DESTINATION")
    format_subfolder(folder)
    user, _, domain = account.partition("@")
    folder = INBOX if is_inbox(folder) else folder
    values = {"account": account, "user": user, "domain": domain, "folder": folder}
    words = split(command)
    return [words[0], *(_fill_in(word, values) for word in words[1:])]


def require_program(path: str) -> None:
    """Raise Problem (delivery) if there is no such program, or this user may not run it."""
    if not os.path.isfile(path):
        reason = "is no program" if os.path.exists(path) else "does not exist, or cannot be seen from here"
    elif not os.access(path, os.X_OK):
        reason = "may not be run by this user"
    else:
        return
    raise failure("delivery", f"{printable(path)} {reason}. See the destination command:PROGRAM.")


class Command:
    """The mail of one account by a program. Large messages wait in `state_folder`."""

    batch_messages = 1
    remembers = False

    def __init__(self, target: Target, settings: Settings, state_folder: StrPath) -> None:
        self.location = target.location
        self.trouble: Problem | None = None
        self._target = target
        self._seconds = settings.command_timeout
        self._state_folder = state_folder
        self._messages: dict[str, Message] = {}
        self._delivered = self._postponed = self._refused = 0
        self._program, *_ = self.find_argv(None)
        require_program(self._program)
        program.require_lasting()
        if not is_inbox(target.folder):
            self._require_name(quoted(target.folder))

    def require_folders(self) -> None:
        self._require_name("folders")

    def stage(self, folder: str | None = None) -> CommandStaging:
        return CommandStaging(self, self.find_argv(folder), Spool(self._state_folder))

    def sync(self, batch: Sequence[Staged]) -> None:
        """Nothing of it has to outlive this process: what was not taken comes again."""

    def discard(self, batch: Sequence[Staged]) -> None:
        for staged in batch:
            if message := self._messages.pop(staged.name, None):
                message.spool.close()

    def publish(self, batch: Sequence[Staged]) -> Mapping[str, Refusal]:
        refused: dict[str, Refusal] = {}
        for staged in batch:
            if refusal := self._deliver(self._messages[staged.name]):
                refused[staged.name] = refusal
        self.discard(batch)
        return refused

    def recover(self, open_intents: Iterable[Staged]) -> set[str]:
        """Nothing is known of what a run delivered that was cut off."""
        return set()

    def close(self) -> None:
        for name in list(self._messages):
            self.discard([Staged(name, 0)])

    def find_argv(self, folder: str | None) -> list[str]:
        folder = self._target.folder if folder is None else folder
        return parse_command(self._target.place, self._target.account, folder)

    def _require_name(self, what: str) -> None:
        if "{folder}" not in self._target.place:
            message = f"To deliver into {what}, the destination's command needs {{folder}}."
            raise failure("connector", message)

    def take(self, message: Message) -> Staged:
        """Take in a message that is whole."""
        name = secrets.token_hex(16)
        self._messages[name] = message
        return Staged(name, message.spool.size)

    def _deliver(self, message: Message) -> Refusal | None:
        if self.trouble:
            return Refusal(self.trouble.message, for_good=False)
        try:
            ended = self._run(message)
        except OSError as error:
            reason = error.strerror or str(error)
            return self._stop(failure("delivery", f"{self._name} cannot be started: {printable(reason)}."))
        except Problem as problem:
            return self._stop(problem)
        return self._judge(ended)

    def _run(self, message: Message) -> program.Ended:
        descriptor = message.spool.open()
        try:
            return program.run(message.argv, descriptor, self._seconds)
        finally:
            os.close(descriptor)

    def _judge(self, ended: program.Ended) -> Refusal | None:
        """Return why a message is not delivered, None if it is, and see whether there is use in going on."""
        if ended.status == 0:
            self._delivered += 1
            self._postponed = self._refused = 0
            return None
        refusal = Refusal(self._tell(ended), for_good=not _is_to_wait(ended.status))
        self._postponed = 0 if refusal.for_good else self._postponed + 1
        self._refused += refusal.for_good
        if self._postponed == POSTPONED or (self._refused == REFUSED and not self._delivered):
            self.trouble = failure("delivery", f"No message is delivered: {refusal.reason}")
        return refusal

    def _stop(self, problem: Problem) -> Refusal:
        self.trouble = problem
        return Refusal(problem.message, for_good=False)

    def _tell(self, ended: program.Ended) -> str:
        words = " ".join(ended.words.decode("utf-8", "backslashreplace").split())
        if ended.status is None:
            how = f"did not end within {self._seconds:g} seconds"
        elif ended.status < 0:
            how = f"was ended by signal {-ended.status}"
        else:
            how = f"ended with status {ended.status}"
        return printable(f"{self._name} {how}{f': {words}' if words else '.'}")

    @property
    def _name(self) -> str:
        return printable(os.path.basename(self._program))


class Message(NamedTuple):
    """A whole message, and the command that it is for."""

    argv: list[str]
    spool: Spool


class CommandStaging:
    """One message on its way in."""

    def __init__(self, destination: Command, argv: list[str], spool: Spool) -> None:
        self._destination = destination
        self._argv = argv
        self._spool = spool
        self._line_ends = LineEnds()

    def write(self, data: bytes) -> None:
        self._spool.write(self._line_ends.convert(data))

    def finish(self) -> Staged:
        self._spool.write(self._line_ends.finish())
        return self._destination.take(Message(self._argv, self._spool))

    def abort(self) -> None:
        self._spool.close()


def _is_to_wait(status: int | None) -> bool:
    """Whether it is not the message that is at fault."""
    return status is None or status < 0 or status in (LATER, *CANNOT) or status > BY_SIGNAL


def _fill_in(word: str, values: Mapping[str, str]) -> str:
    filled = re.sub(r"\{(account|user|domain|folder)\}", lambda match: _find_value(match[1], values), word)
    if filled.startswith("-") and not word.startswith("-"):
        raise failure("delivery", f"{printable(filled)} would be an option of the command: it is not run.")
    return filled


def _find_value(name: str, values: Mapping[str, str]) -> str:
    value = values[name]
    if value in ("", ".", "..") or "\0" in value or ("/" in value and name != "folder"):
        message = f"The account {printable(values['account'])} has no {name} that a command could be given."
        raise failure("delivery", message)
    return value
