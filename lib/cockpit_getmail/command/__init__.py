# SPDX-License-Identifier: LGPL-2.1-or-later
"""The commands for people: thin callers of the helpers, of this machine or another one.

What is valid, what a name means and what is done, the helpers decide.
"""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from cockpit_getmail.command.session import Session, Told
from cockpit_getmail.command.words import explain
from cockpit_getmail.problem import Problem

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from cockpit_getmail.words import Cause

NO_ANSWER = 1
NOBODY_READS = 128 + signal.SIGPIPE


def run(options: argparse.Namespace, statuses: Mapping[Cause, int]) -> int:
    """Run the command that `options.handler` is; return its exit status, of a Problem by its cause."""
    from cockpit_getmail.client import Client

    try:
        session = Session(options, Client(host=options.host))
    except Problem as problem:
        return _tell(problem, options, statuses)
    try:
        status: int = options.handler(session)
        session.screen.flush()
    except BrokenPipeError:
        session.screen.write_to_nobody()
        return NOBODY_READS
    except Problem as problem:
        return _tell(problem, options, statuses)
    except Told as told:
        return statuses[told.problem.cause]
    except EOFError:
        return NO_ANSWER
    return status


def _tell(problem: Problem, options: argparse.Namespace, statuses: Mapping[Cause, int]) -> int:
    from cockpit_getmail.command.screen import Screen
    from cockpit_getmail.helper import format_problem

    screen = Screen()
    if options.json:
        screen.json(format_problem(problem))
    else:
        first, *others = explain(problem)
        # Of a bug, its place.
        notes = getattr(problem, "__notes__", ()) if problem.type == "InternalError" else ()
        for line in (f"cockpit-getmail: {first}", *others, *notes):
            screen.complain(line)
    return statuses[problem.cause]
