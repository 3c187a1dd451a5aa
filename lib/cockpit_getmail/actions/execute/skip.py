# SPDX-License-Identifier: LGPL-2.1-or-later
"""No more of messages that are set aside."""

from __future__ import annotations

from cockpit_getmail.actions.aside import decide

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Let no run fetch them; return how many. Raises Problem (NotFound, Conflict, NotValid, GenericError)."""
    return decide("skip", data, settings)
