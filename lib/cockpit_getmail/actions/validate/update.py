# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whether update would take an input. Nothing is stored."""

from __future__ import annotations

from cockpit_getmail import database
from cockpit_getmail.actions import (
    SUCCESS,
    change_props,
    find_connector,
    merge_props,
    refuse_change,
    refuse_command,
)
from cockpit_getmail.actions.delivering import refuse_target
from cockpit_getmail.actions.trusting import refuse_certificate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return success, also for an unknown name: the props are what is judged.

    Raises Problem (NotValid, Conflict).
    """
    refuse_command(data, settings)
    content = database.read(settings.connectors_db)
    record = find_connector(content, data)
    if record is None:
        refuse_change(data)
        props = merge_props({}, data)
        refuse_target(props, settings)
        refuse_certificate(props)
    else:
        props = change_props(content, record, data)
        refuse_target(props, settings, record.props)
        refuse_certificate(props, record.props)
    return SUCCESS
