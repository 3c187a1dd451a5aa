# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sealing the secrets that are stored in clear."""

from __future__ import annotations

from cockpit_getmail.actions.sealing import seal_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Seal the secrets of all connectors, or of some. Raises Problem (settings, internal)."""
    return seal_all(data, settings)
