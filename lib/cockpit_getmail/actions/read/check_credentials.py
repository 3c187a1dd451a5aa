# SPDX-License-Identifier: LGPL-2.1-or-later
"""Finding out whether a log-in works."""

from __future__ import annotations

from cockpit_getmail import units
from cockpit_getmail.actions import SUCCESS
from cockpit_getmail.actions.log_in import find, log_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Log in and return what was found. Raises Problem (NotValid, Conflict), and the one that was met."""
    return {**SUCCESS, **log_in(find(data, settings), settings, units.check)}
