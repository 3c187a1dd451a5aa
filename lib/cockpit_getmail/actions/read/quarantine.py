# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages that are set aside."""

from __future__ import annotations

from cockpit_getmail.actions.aside import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return the messages that are set aside. Raises Problem (NotFound, Conflict, NotValid, GenericError)."""
    return ask("quarantine", data, settings)[1]
