# SPDX-License-Identifier: LGPL-2.1-or-later
"""Making a folder in a remote account."""

from __future__ import annotations

from cockpit_getmail.actions.acting import act_on_folder

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Make a folder.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    return act_on_folder("create-folder", data, settings)
