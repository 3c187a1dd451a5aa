# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether create would take an input. Nothing is stored."""

from __future__ import annotations

from cockpit_getmail import database
from cockpit_getmail.actions import SUCCESS, make_props, refuse_command
from cockpit_getmail.actions.delivering import refuse_target
from cockpit_getmail.actions.trusting import refuse_certificate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return success. Raises Problem (NotValid)."""
    refuse_command(data, settings)
    props = make_props(database.read(settings.connectors_db), data)
    refuse_target(props, settings)
    refuse_certificate(props)
    return SUCCESS
