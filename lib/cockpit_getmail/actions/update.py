# SPDX-License-Identifier: LGPL-2.1-or-later
"""update: update, enable, disable."""

from collections.abc import Callable, Mapping
from typing import Any

from cockpit_getmail import database
from cockpit_getmail.actions import check_whole, event, merged, require
from cockpit_getmail.settings import Settings

Props = Mapping[str, str]


def update(data: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Change the props given and keep the others."""

    def change(props: Props) -> Props:
        changed = merged(props, data)
        check_whole(changed)
        return changed

    return _change(data["name"], settings, change)


def enable(data: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Switch a connector on."""
    return _change(data["name"], settings, lambda props: {**props, "status": "enabled"})


def disable(data: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Switch a connector off. A run under way goes on to its end."""
    return _change(data["name"], settings, lambda props: {**props, "status": "disabled"})


def _change(name: str, settings: Settings, change: Callable[[Props], Props]) -> dict[str, Any]:
    with database.transaction(settings.connectors_db) as connectors:
        connectors.put(name, "getmail", change(require(connectors, name).props))
    return event(name)


ACTIONS = {"update": update, "enable": enable, "disable": disable}
