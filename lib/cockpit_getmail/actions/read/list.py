# SPDX-License-Identifier: LGPL-2.1-or-later
"""Listing the connectors there are."""

from __future__ import annotations

import time

from cockpit_getmail import database
from cockpit_getmail.actions import as_in_clear
from cockpit_getmail.actions.conditions import find_conditions
from cockpit_getmail.connector import SECRETS, account_group
from cockpit_getmail.days import day_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings


def answer(data: dict[str, Any], settings: Settings) -> Answer:
    """Return the connectors, grouped by account, and the lines of the database that are no record."""
    content = database.read(settings.connectors_db)
    redact = data.get("redact", False)
    more: Answer = {}
    groups: dict[str, list[Answer]] = {}
    for record, condition in find_conditions(content, data, settings):
        props = _redact(record.props) if redact else as_in_clear(record.props, word="")
        listed = {"props": {**props, "type": record.type}, "name": record.key, "type": record.type}
        groups.setdefault(account_group(props.get("Account", "")), []).append({**listed, **condition})
        if "days" in condition and not more:
            more["today"] = day_of(time.time())
    if content.broken:
        more["broken"] = [{"line": broken.line, "reason": broken.reason} for broken in content.broken]
    return {"connectors": groups, **more}


def _redact(props: Mapping[str, str]) -> dict[str, str]:
    """Leave out the secrets; empty, one that is set stands for itself."""
    return {
        prop: "" if prop in SECRETS else value
        for prop, value in as_in_clear(props).items()
        if value or prop not in SECRETS
    }
