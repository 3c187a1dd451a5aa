# SPDX-License-Identifier: LGPL-2.1-or-later
"""How much there may be in a remote mailbox."""

from __future__ import annotations

from cockpit_getmail.actions.remote import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return the quotas that count for a folder.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    return ask(data, settings, {"about": "quota", "folder": data.get("folder", "INBOX")}, only_imap=True)
