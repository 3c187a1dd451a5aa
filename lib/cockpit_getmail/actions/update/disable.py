# SPDX-License-Identifier: LGPL-2.1-or-later
"""Disabling a connector."""

from __future__ import annotations

from cockpit_getmail.actions import set_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Disable a connector and end its run. Raises Problem (NotFound, Conflict, internal)."""
    return set_status("disabled", data, settings)
