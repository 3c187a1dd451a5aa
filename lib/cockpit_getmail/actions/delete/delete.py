# SPDX-License-Identifier: LGPL-2.1-or-later
"""Removing a connector and what is known of its messages. Mail is never touched."""

from __future__ import annotations

from pathlib import Path

from cockpit_getmail import database
from cockpit_getmail.actions import event, find, require_connector
from cockpit_getmail.actions.at_once import end_tasks, forget
from cockpit_getmail.connector import folder_name
from cockpit_getmail.problem import Problem, printable
from cockpit_getmail.removal import is_left, removal
from cockpit_getmail.signin import record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Remove a connector's record, end its tasks and remove its state. Raises Problem (NotFound, Conflict).

    The state goes last: without it, a connector that is still there would fetch everything again. If it
    could not be removed, deleting the same name once more does so.
    """
    name = _find_name(data, settings)
    folder = Path(settings.state_dir, folder_name(name))
    is_gone = False
    try:
        with removal(folder):
            _remove_record(name, settings)
            is_gone = True
            # Not before: it could be started again.
            end_tasks(name)
            _end_sign_in(name, settings)
    except Problem as problem:
        if not is_gone:
            raise
        message = f"{printable(name)} is removed, but not the record of what it fetched: delete it once more."
        raise Problem(problem.type, f"{message} {problem.message}", problem.attributes) from problem
    forget(name, settings)
    return event(name)


def _end_sign_in(name: str, settings: Settings) -> None:
    if record.find(name, settings):
        from cockpit_getmail.actions import sign_in

        sign_in.forget(name, settings)


def _find_name(data: dict[str, Any], settings: Settings) -> str:
    """Return the key that is meant, also of a connector of which only state is left."""
    content = database.read(settings.connectors_db)
    name: str = data["name"]
    if not find(content, name) and is_left(Path(settings.state_dir, folder_name(name))):
        return name
    return require_connector(content, data).key


def _remove_record(name: str, settings: Settings) -> None:
    with database.transaction(settings.connectors_db) as content:
        if find(content, name):
            content.remove(name)
