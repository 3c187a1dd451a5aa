# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a mail server says it can do."""

from __future__ import annotations

from cockpit_getmail.actions.remote import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Log in and return the server's capabilities.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    return ask(data, settings, {"about": "capabilities"})
