# SPDX-License-Identifier: LGPL-2.1-or-later
"""Questions about messages that are set aside, and what people decide about them."""

from __future__ import annotations

import os

from cockpit_getmail import database, status_file, units
from cockpit_getmail.actions import SUCCESS, require_connector, require_valid
from cockpit_getmail.actions.at_once import forgive
from cockpit_getmail.connector import folder_name
from cockpit_getmail.problem import failure, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Literal

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def ask(about: str, data: Mapping[str, Any], settings: Settings) -> tuple[str, Answer]:
    """Ask about the messages set aside of the connector that an input means; return its key and the answer.

    Raises Problem (NotFound, Conflict, NotValid, GenericError).
    """
    content = database.read(settings.connectors_db)
    connector = require_valid(content, require_connector(content, data).key)
    uid = data.get("uid")
    question = {
        "about": about,
        "mailbox": connector.mailbox,
        "folder": data.get("folder"),
        "uid": uid if uid is None else str(uid),
    }
    return connector.name, units.ask(connector, settings, question)


def decide(about: Literal["retry", "skip"], data: Mapping[str, Any], settings: Settings) -> Answer:
    """Retry or skip messages set aside, and let the connector's status tell of it soon: it is due at once.

    Raises Problem (NotFound also for a UID that is not set aside).
    """
    name, found = ask(about, data, settings)
    if not found["messages"] and "uid" in data:
        message = f"No message {printable(str(data['uid']))} is set aside."
        raise failure("connector", message, kind="NotFound")
    if found["messages"] and (about == "retry" or not _fails(name, settings)):
        forgive(name, settings)
    return {**SUCCESS, "messages": found["messages"]}


def _fails(name: str, settings: Settings) -> bool:
    """Whether the last run did not end well: then there is more to forgive than what was set aside."""
    report = status_file.read(os.path.join(settings.state_dir, folder_name(name)), with_log=False)
    return report is None or report["failures"] > 0
