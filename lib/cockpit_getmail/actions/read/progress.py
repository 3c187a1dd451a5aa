# SPDX-License-Identifier: LGPL-2.1-or-later
"""How far a run or a verification is, or how it ended."""

from __future__ import annotations

from cockpit_getmail.actions.tasks import find_task, tell

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return a task in MailStore's fields, with what it logged after a version. Raises Problem (NotFound)."""
    token = data["token"]
    return tell(token, find_task(token, settings).report(), data.get("version", 0))
