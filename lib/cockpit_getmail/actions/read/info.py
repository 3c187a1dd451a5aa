# SPDX-License-Identifier: LGPL-2.1-or-later
"""What this installation is, and how its connectors are in all."""

from __future__ import annotations

from cockpit_getmail import __version__, database
from cockpit_getmail.actions import select
from cockpit_getmail.actions.conditions import watch
from cockpit_getmail.actions.sealing import count_secrets
from cockpit_getmail.status import STATUSES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return version, settings in force without the secret, and counts. Raises Problem (GenericError)."""
    by_status = dict.fromkeys(STATUSES, 0)
    running = 0
    records = list(select(database.read(settings.connectors_db)))
    for _, condition in watch(records, settings):
        by_status[condition["status"]] += 1
        running += condition["running"]
    connectors = sum(by_status.values())
    return {
        "version": __version__,
        "settings": {name.upper(): value for name, value in sorted(settings.to_json().items())},
        "counts": {
            "connectors": connectors,
            "enabled": connectors - by_status["DISABLED"],
            "running": running,
            "by_status": by_status,
        },
        "secrets": count_secrets(records),
    }
