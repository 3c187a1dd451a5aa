# SPDX-License-Identifier: LGPL-2.1-or-later
"""Removing a folder of a remote account."""

from __future__ import annotations

from cockpit_getmail.actions.acting import act_on_folder, refuse_inbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Remove a folder, if it is empty or that is forced.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    refuse_inbox(data, "removed")
    return act_on_folder("remove-folder", data, settings, force=data.get("force", False))
