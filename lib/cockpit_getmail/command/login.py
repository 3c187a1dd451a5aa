# SPDX-License-Identifier: LGPL-2.1-or-later
"""Trying a log-in before it is stored, and asking what to do if it does not work."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.command.session import Told
from cockpit_getmail.command.words import explain
from cockpit_getmail.problem import Problem
from cockpit_getmail.report import count

if TYPE_CHECKING:
    from cockpit_getmail.command.session import Answer, Session


def check_login(session: Session, data: Answer) -> Answer:
    """Return what a log-in with these props finds. Raises Problem."""
    # With None, which removes a prop that is stored.
    return session.client.call("read", "check-credentials", **data)


def check_first(session: Session, data: Answer) -> Answer:
    """Return the props with which a person wants to go on: that work, or that are to be stored all the same.

    Raises Problem where nobody can be asked, Told where the person declines.
    """
    try:
        found = check_login(session, data)
    except Problem as problem:
        if not session.is_interactive or not isinstance(problem.attributes, dict):
            raise
        return _ask(session, data, problem)
    if not session.options.json:
        session.screen.say((f"The log-in works: {count(found['messages'], 'message')} there.", "green"))
    return data


def _ask(session: Session, data: Answer, problem: Problem) -> Answer:
    for line in explain(problem):
        session.screen.complain(line)
    details = problem.attributes if isinstance(problem.attributes, dict) else {}
    fingerprint = details.get("fingerprint")
    if details.get("untrusted") and fingerprint and data.get("Fingerprint") != fingerprint:
        if session.confirm("Is this fingerprint the server's, and may it be trusted?"):
            return check_first(session, {**data, "Fingerprint": fingerprint})
    elif session.confirm("Store it all the same?"):
        return data
    raise Told(problem)
