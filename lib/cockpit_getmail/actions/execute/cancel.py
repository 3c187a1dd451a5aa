# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ending a run, a verification or a sign-in."""

from __future__ import annotations

from cockpit_getmail import database, units
from cockpit_getmail.actions import SUCCESS, require_connector, sign_in
from cockpit_getmail.actions.tasks import find_task
from cockpit_getmail.connector import unit_name, verification_unit
from cockpit_getmail.problem import failure, printable
from cockpit_getmail.signin.unit import unit_name as unit_name_of_sign_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Ask a task to end after the message it is at; return at once. Without a token, a run goes first.

    A sign-in goes last.

    Raises Problem (NotFound; Conflict if nothing runs).
    """
    wanted = data.get("token")
    if wanted:
        name = find_task(wanted, settings).connector.name
    else:
        name = require_connector(database.read(settings.connectors_db), data).key
    if units.is_available():
        for unit in (unit_name(name), verification_unit(name)):
            token = units.find_token(unit)
            if token is not None and wanted in (None, token):
                units.cancel(unit)
                return {**SUCCESS, "unit": unit, "token": token}
    waiting = sign_in.find_under_way(wanted, name, settings)
    if waiting:
        sign_in.cancel(waiting, settings)
        unit_of_it = {"unit": unit_name_of_sign_in(name)} if waiting.has_unit else {}
        return {**SUCCESS, **unit_of_it, "token": waiting.token}
    what = "This task" if wanted else f"The connector {printable(name)}"
    message = f"{what} has no unit that runs. What runs in the foreground ends with Ctrl-C there."
    raise failure("connector", message, kind="Conflict")
