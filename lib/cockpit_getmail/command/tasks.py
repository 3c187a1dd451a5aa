# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands that start, follow and end long tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.command.follow import follow
from cockpit_getmail.command.session import SUCCESS, Told
from cockpit_getmail.problem import failure, printable
from cockpit_getmail.report import count

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cockpit_getmail.command.session import Answer, Session
    from cockpit_getmail.problem import Problem

SOME_FAILED = 65


def run(session: Session) -> int:
    """Start a run; with --follow show it until it ends."""
    if session.options.follow:
        return _end(session, follow(session, "run"))
    answer = session.call("execute", "run", **session.named)
    if not session.show_json(answer):
        what = "It runs already" if answer.get("running") else "Started"
        session.screen.say(f"{what}: unit {answer['unit']}.")
        session.screen.say(f"To follow it: {session.advise('run --follow', session.options.name)}.")
    return SUCCESS


def baseline(session: Session) -> int:
    """Mark all that is in a connector's mailbox as seen, after a question to a person, and show that."""
    return _end(session, follow(session, "baseline")) if agrees_to_baseline(session) else SUCCESS


def agrees_to_baseline(session: Session) -> bool:
    """Return whether all may be marked as seen: what a person says, if there is one to ask."""
    if not session.is_interactive or session.options.yes:
        return True
    name = printable(session.options.name)
    agrees = session.confirm(f"Never fetch any message that {name} has at its server now?")
    if not agrees:
        session.screen.complain("Nothing is marked.")
    return agrees


def verify(session: Session) -> int:
    """Look whether all delivered mail is there; show how far it is, and what is missing."""
    status = follow(session, "verify")
    result = status.get("result")
    if status["statusCode"] != "succeeded" or not result:
        return _end(session, status)
    if not session.show_json(status):
        _show_result(session, result)
    return SUCCESS if result["sound"] and not result["missing_count"] else SOME_FAILED


def _show_result(session: Session, result: Mapping[str, Any]) -> None:
    screen = session.screen
    moved, elsewhere = result["moved"], result["elsewhere"]
    screen.say(
        f"{count(result['checked'], 'message')} checked: {result['present']} where they were put, "
        f"{moved} moved{f', {elsewhere} delivered elsewhere' if elsewhere else ''}, "
        f"{result['missing_count']} missing."
    )
    for problem in result["problems"]:
        screen.say((problem, "red"))
    if result["missing"]:
        rows = [
            [message["folder"], str(message["uid"]), message.get("message_id") or ""]
            for message in result["missing"]
        ]
        screen.table(("FOLDER", ">UID", "MESSAGE-ID"), rows)
    more = result["missing_count"] - len(result["missing"])
    if more > 0:
        screen.say(f"... and {more} more.")
    if result["sound"] and not result["missing_count"]:
        screen.say(("All is well.", "green"))


def _end(session: Session, status: Answer) -> int:
    """Tell how a task ended. Raises Problem, or Told with --json, unless it succeeded."""
    is_told = session.show_json(status)
    if status["statusCode"] == "succeeded":
        return SOME_FAILED if (status.get("result") or {}).get("failed") else SUCCESS
    problem = _find_problem(status)
    raise Told(problem) if is_told else problem


def _find_problem(status: Answer) -> Problem:
    error = status.get("error")
    if status["statusCode"] == "cancelled" or not error:
        return failure("running", "It was cancelled.", hint="What was delivered stays; the next run goes on.")
    hint = {"hint": error["hint"]} if error.get("hint") else {}
    return failure(error.get("cause") or "internal", error["message"], **hint)


def cancel(session: Session) -> int:
    """End the task of a connector."""
    fields = {"token": session.options.token} if session.options.token else session.named
    answer = session.call("execute", "cancel", **fields)
    if "unit" not in answer or "@authorize-" in answer["unit"]:
        return session.done(answer, "The sign-in is cancelled.")
    return session.done(answer, f"{printable(answer['unit'])} ends after the message it is at.")
