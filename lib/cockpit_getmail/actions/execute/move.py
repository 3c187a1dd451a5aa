# SPDX-License-Identifier: LGPL-2.1-or-later
"""Moving messages within a remote account."""

from __future__ import annotations

from cockpit_getmail.actions import refuse
from cockpit_getmail.actions.acting import INBOX, act_on_messages, is_inbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Move messages to another folder; tell which, which are only copied, and which are not there.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    target, folder = data["target"], data.get("folder", INBOX)
    if target == folder or (is_inbox(target) and is_inbox(folder)):
        # They would come out of it with other UIDs, and be fetched again.
        refuse([{"parameter": "target", "value": target, "error": "conflict"}])
    return {**act_on_messages("move", data, settings, target=target), "target": target}
