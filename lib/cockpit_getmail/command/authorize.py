# SPDX-License-Identifier: LGPL-2.1-or-later
"""Signing in at the provider of a connector's tokens: what a person is shown, waited for and asked."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from cockpit_getmail.command.session import SUCCESS, Told
from cockpit_getmail.command.words import explain
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.stop import SIGNALS, Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cockpit_getmail.command.session import Answer, Session

PAUSE_SECONDS = 1.0
ASK_SECONDS = 2.0
"""How far it is, is asked so often at most; what is left of the time is shown more often."""


def authorize(session: Session) -> int:
    """Begin a sign-in and bring it to its end, or complete one that was begun. Raises Problem, Told."""
    options = session.options
    if options.complete:
        return _end(session, _complete(session))
    status = session.call("execute", "authorize", **session.named, flow=options.flow)
    # Whoever reads JSON goes on by itself.
    if session.show_json(status):
        return SUCCESS
    _show(session, status)
    return _end(session, _wait(session, status) if "code" in status else _complete(session))


def _show(session: Session, status: Answer) -> None:
    say = session.screen.say
    if "code" not in status:
        say("Open this address in a browser and sign in there:")
        say(f"  {status['address']}")
        say("At the end the browser is sent to an address that it most often cannot reach. Copy that one.")
    else:
        say("Open this address in a browser, on any device, and enter the code there:")
        say(f"  {status['address']}")
        say((f"  {status['code']}", "bold"))
        if "address_with_code" in status:
            say(f"Or open the address with the code in it: {status['address_with_code']}")
    session.screen.out.flush()


def _wait(session: Session, status: Answer) -> Answer:
    """Return the last status of a sign-in with a code. Raises Problem, and Stopped: then it goes on."""
    try:
        with _countdown(session, status["expires"]) as show:
            asked = time.monotonic()
            while status["statusCode"] == "running":
                show()
                time.sleep(PAUSE_SECONDS)
                if time.monotonic() - asked >= ASK_SECONDS:
                    status = session.client.get_status(status)
                    asked = time.monotonic()
            return status
    except Stopped:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        if "unit" in status:
            advice = session.advise("cancel", session.options.name)
            session.screen.complain(f"It goes on waiting. {advice} ends it.")
        raise


def _complete(session: Session) -> Answer:
    """Return the last status of a sign-in, told where the browser was sent to. Raises Problem, EOFError."""
    while True:
        redirect = _read_redirect(session)
        try:
            return session.call("execute", "authorize-complete", **session.named, redirect=redirect)
        except Problem as problem:
            attributes = problem.attributes if isinstance(problem.attributes, dict) else {}
            if not session.is_interactive or attributes.get("parameter") != "redirect":
                raise
            for line in explain(problem):
                session.screen.complain(line)


def _read_redirect(session: Session) -> str:
    if session.is_interactive:
        # Unseen: what stands in it is a secret until it is used.
        return session.ask_password("That address").strip()
    redirect = session.read_secret("-").strip()
    if not redirect:
        raise EOFError
    return redirect


def _end(session: Session, status: Answer) -> int:
    is_told = session.show_json(status)
    if status["statusCode"] == "succeeded":
        if not is_told:
            session.screen.say(("Signed in. Its mail is fetched from now on.", "green"))
        return SUCCESS
    error = status.get("error")
    if status["statusCode"] == "cancelled" or not error:
        problem = failure("running", "The sign-in was cancelled.")
    else:
        problem = failure(error["cause"], error["message"], hint=error["hint"])
    raise Told(problem) if is_told else problem


@contextmanager
def _countdown(session: Session, expires: int) -> Iterator[Callable[[], None]]:
    """Give what shows how long there is still, where a person looks."""
    if not session.screen.is_terminal:
        yield lambda: None
        return
    from rich.progress import Progress, SpinnerColumn, TextColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False))
    with Progress(*columns, console=session.screen.console, transient=True) as progress:
        task = progress.add_task("")
        yield lambda: progress.update(task, description=_tell_left(expires - time.time()))


def _tell_left(seconds: float) -> str:
    left = max(0, int(seconds))
    return f"Waiting for the sign-in, {left // 60}:{left % 60:02} left"
