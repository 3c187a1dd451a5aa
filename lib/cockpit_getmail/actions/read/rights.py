# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people may do in a remote folder."""

from __future__ import annotations

from cockpit_getmail.actions.remote import ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return the rights to a folder.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    return ask(data, settings, {"about": "rights", "folder": data.get("folder", "INBOX")}, only_imap=True)
