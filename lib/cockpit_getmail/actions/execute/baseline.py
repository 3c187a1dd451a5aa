# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starting a run that marks all as seen."""

from __future__ import annotations

from cockpit_getmail import database
from cockpit_getmail.actions import require_connector, require_valid
from cockpit_getmail.actions.tasks import started
from cockpit_getmail.launch import launch, stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Start a baseline of a connector as a unit, or find the one under way; `wait` for its end if asked to.

    Raises Problem (NotFound, Conflict while a run fetches, NotValid, GenericError).
    """
    read_at = stamp(settings)
    content = database.read(settings.connectors_db)
    connector = require_valid(content, require_connector(content, data).key)
    unit, token, running = launch(connector, settings, read_at, baseline=True)
    return started(unit, token, data, settings, running=running)
