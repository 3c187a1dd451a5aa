# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a connector would fetch."""

from __future__ import annotations

from cockpit_getmail.actions.remote import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return what of a mailbox is wanted, as if nothing had been fetched yet.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    return ask(data, settings, {"about": "preview"})
