# SPDX-License-Identifier: LGPL-2.1-or-later
"""Enabling a connector."""

from __future__ import annotations

from cockpit_getmail.actions import set_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Enable a connector. Raises Problem (NotFound, Conflict)."""
    return set_status("enabled", data, settings)
