# SPDX-License-Identifier: LGPL-2.1-or-later
"""Questions about a connector's state (cockpit_getmail.inquiry), asked where root does not read it itself."""

import json
import os
import pwd
import stat
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from cockpit_getmail import inquiry
from cockpit_getmail.connector import UNIT_PREFIX, Connector, folder_name
from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import wire
from cockpit_getmail.units.place import Place
from cockpit_getmail.units.sandbox import (
    hiding_properties,
    program,
    quote,
    require_hiding,
    require_installation,
)

ANSWER_SECONDS = 30.0
ANSWER_LIMIT = 24 << 20
"""Room for as many runs as `read history` gives, each with the longest message."""


def ask(connector: Connector, settings: Settings, question: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answer to a question about the connector's state, checked; where there is none, nothing().

    As root, it is answered by the owner of the state, in a sandbox if there is systemd. Raises the Problem
    that was met.
    """
    folder = os.path.join(settings.state_dir, folder_name(connector.name))
    owner = _find_owner(folder)
    if owner is None:
        return inquiry.nothing(question)
    if os.geteuid() != 0:
        found = _check(question, inquiry.answer(folder, question))
    else:
        found = _ask_owner(owner, settings, question)
    if found is None:
        raise failure("internal", "The record of what was fetched gave no answer.")
    return found


def answer_stdin() -> None:
    """Answer the question on stdin, on stdout."""
    import signal

    request = json.loads(sys.stdin.buffer.read())
    # Whoever asked may be gone: the kernel ends what does not end itself.
    signal.setitimer(signal.ITIMER_REAL, max(1.0, request["deadline"] - time.monotonic()))
    sys.stdout.buffer.write(_answer(request["folder"], request["question"]))


def _find_owner(folder: str) -> Place | None:
    try:
        found = os.lstat(folder)
    except OSError:
        return None
    if not stat.S_ISDIR(found.st_mode):
        return None
    name, home = str(found.st_uid), "/"
    with suppress(KeyError):
        user = pwd.getpwuid(found.st_uid)
        name, home = user.pw_name, user.pw_dir
    return Place(name, found.st_uid, found.st_gid, home, folder, None)


def _ask_owner(owner: Place, settings: Settings, question: Mapping[str, Any]) -> dict[str, Any] | None:
    if owner.uid == 0:
        folder = printable(owner.state_folder)
        message = f"The state folder {folder} is root's: no run has made it, and nobody reads it."
        raise failure("settings", message)
    from cockpit_getmail.units import systemd

    asked = _ask_unit if systemd.is_available() else _ask_child
    return wire.parse_answer(asked(owner, settings, question), lambda told: _check(question, told))


def _ask_unit(owner: Place, settings: Settings, question: Mapping[str, Any]) -> bytes:
    from cockpit_getmail.units.systemd import run_to_answer

    require_installation()
    if owner.user == settings.fetch_user:
        require_hiding(settings)
    # Not StateDirectory=: a state that was removed meanwhile is not made again.
    bound = f"BindPaths={quote(owner.state_folder, 1)}"
    done = run_to_answer(
        f"{UNIT_PREFIX}:ask-{os.urandom(8).hex()}",
        "Question about fetched mail",
        [f"User={owner.user}", bound, *hiding_properties(settings)],
        "ask",
        _format(owner, question),
        timeout=ANSWER_SECONDS,
        output_limit=ANSWER_LIMIT,
    )
    return done.output


def _ask_child(owner: Place, _settings: Settings, question: Mapping[str, Any]) -> bytes:
    """Have it answered by the owner, in a program started anew: this process's memory may hold passwords."""
    from cockpit_getmail.units.foreground import identify
    from cockpit_getmail.units.process import run

    done = run(
        [*program(), "ask", "--child"],
        stdin=_format(owner, question),
        timeout=ANSWER_SECONDS,
        output_limit=ANSWER_LIMIT,
        user=identify(owner),
    )
    if not done.output:
        complaint = printable(done.errors.strip().rpartition(b"\n")[2]) or "it gave no reason"
        raise failure("internal", f"{owner.user} cannot read what was fetched: {complaint}.")
    return done.output


def _format(owner: Place, question: Mapping[str, Any]) -> bytes:
    request = {
        "folder": owner.state_folder,
        "question": dict(question),
        "deadline": time.monotonic() + ANSWER_SECONDS,
    }
    return json.dumps(request).encode()


def _answer(folder: str, question: Mapping[str, Any]) -> bytes:
    try:
        return wire.format_answer(inquiry.answer(folder, question))
    except Problem as problem:
        return wire.format_answer(problem)


def _check(question: Mapping[str, Any], told: dict[str, Any]) -> dict[str, Any] | None:
    try:
        return inquiry.check(question, told)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
