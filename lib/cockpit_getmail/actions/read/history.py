# SPDX-License-Identifier: LGPL-2.1-or-later
"""Past runs of a connector."""

from __future__ import annotations

from cockpit_getmail.actions.tasks import list_runs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings

LIMIT = 100


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return the last runs, newest first, and the one under way. Raises Problem (NotFound, Conflict)."""
    runs = []
    for report in list_runs(data, settings, data.get("limit", LIMIT)):
        run = {
            "token": report["token"],
            "start": int(report["started"]),
            "end": None if report["ended"] is None else int(report["ended"]),
            "result": report["state"],
            "messages": report["messages"],
            "bytes": report["bytes"],
            "passedOver": report["passed"],
            "left": report["left"],
            "baselined": report["baselined"],
        }
        if report["cause"]:
            run |= {"cause": report["cause"], "message": report["message"]}
            run |= {"hint": report["hint"]} if "hint" in report else {}
        runs.append(run)
    return {"runs": runs}
