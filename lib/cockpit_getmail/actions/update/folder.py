# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changing a folder of a remote account."""

from __future__ import annotations

from cockpit_getmail.actions import refuse
from cockpit_getmail.actions.acting import act_on_folder, refuse_inbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Rename a folder, or subscribe to it or not; tell its name.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    rename, subscribed = data.get("rename"), data.get("subscribed")
    if rename is None and subscribed is None:
        refuse([{"parameter": "rename", "value": None, "error": "required"}])
    if rename is not None:
        # Its mail would go to the new folder (RFC 3501 section 6.3.5).
        refuse_inbox(data, "renamed")
    return act_on_folder("change-folder", data, settings, rename=rename, subscribed=subscribed)
