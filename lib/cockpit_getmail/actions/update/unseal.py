# SPDX-License-Identifier: LGPL-2.1-or-later
"""Storing the secrets in clear that are stored sealed."""

from __future__ import annotations

from cockpit_getmail.actions.sealing import unseal_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Open the secrets of all connectors, or of some. Raises Problem (settings, internal)."""
    return unseal_all(data, settings)
