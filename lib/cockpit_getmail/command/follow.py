# SPDX-License-Identifier: LGPL-2.1-or-later
"""Showing a long task until it ends: its log, and on a terminal a bar."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cockpit_getmail.problem import printable
from cockpit_getmail.stop import SIGNALS, Stopped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress

    from cockpit_getmail.command.session import Answer, Session

FIRST_WAIT = 200
"""Milliseconds until the first status of a task, which is then asked for again and again."""


def follow(session: Session, action: str) -> Answer:
    """Start a task, or join the one under way; return its last status. A verification's log is not shown.

    Raises Problem, and Stopped if a signal ends the following: the task goes on.
    """
    client = session.client
    start = {"run": client.run, "baseline": client.baseline, "verify": client.verify}[action]
    with _viewer(session, has_log=action != "verify") as viewer:
        session.client.callback_status = viewer.show
        try:
            return start(
                session.options.name, account=session.options.of, wait=FIRST_WAIT, auto_handle_token=True
            )
        except Stopped:
            # Who presses Ctrl-C twice would else break off this, too.
            for number in SIGNALS:
                signal.signal(number, signal.SIG_IGN)
            viewer.close()
            session.screen.complain(f"It goes on. {session.advise('cancel', session.options.name)} ends it.")
            raise


class Viewer:
    """Shows each status of a task; this one shows nothing, as is right with --json."""

    def show(self, status: Answer) -> None:
        pass

    def close(self) -> None:
        pass


class Lines(Viewer):
    """The log, line for line."""

    def __init__(self, session: Session) -> None:
        self.screen = session.screen

    def show(self, status: Answer) -> None:
        for line in _new_lines(status):
            self.screen.say(line)
        self.screen.out.flush()


class Bar(Viewer):
    """A bar, below the log if that is wanted."""

    def __init__(self, progress: Progress, *, has_log: bool) -> None:
        self.progress = progress
        self.has_log = has_log
        self.task = progress.add_task("Starts", total=None)

    def show(self, status: Answer) -> None:
        from rich.text import Text

        for line in _new_lines(status) if self.has_log else ():
            self.progress.console.print(Text(printable(line)))
        percent = status.get("percentProgress")
        self.progress.update(
            self.task,
            description=printable(status.get("statusText") or ""),
            total=None if percent is None else 100,
            completed=percent or 0,
        )

    def close(self) -> None:
        self.progress.stop()


def _new_lines(status: Answer) -> list[str]:
    """Return the lines of the log to show; why a task failed is told at its end."""
    reason = (status.get("error") or {}).get("message")
    return [line for line in (status.get("logOutput") or "").splitlines() if line != reason]


@contextmanager
def _viewer(session: Session, *, has_log: bool) -> Iterator[Viewer]:
    if session.options.json or not (has_log or session.screen.is_terminal):
        yield Viewer()
    elif not session.screen.is_terminal:
        yield Lines(session)
    else:
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

        columns = (
            BarColumn(),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}", markup=False),
        )
        with Progress(*columns, console=session.screen.console, transient=True) as progress:
            yield Bar(progress, has_log=has_log)
