# SPDX-License-Identifier: LGPL-2.1-or-later
"""read: list, check-credentials."""

from typing import Any

from cockpit_getmail import database
from cockpit_getmail.connector import SECRETS, Connector, account_group
from cockpit_getmail.settings import Settings


def list_(data: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return all connectors by the account that gets their mail, and the broken lines of the database."""
    found = database.read(settings.connectors_db)
    connectors: dict[str, list[dict[str, Any]]] = {}
    for record in found.records:
        if record.type == "getmail":
            props = _redacted(record.props) if data.get("redact") else record.props
            group = connectors.setdefault(account_group(record.props.get("Account", "")), [])
            group.append({"name": record.key, "type": "getmail", "props": {**props, "type": "getmail"}})
    if not found.broken:
        return {"connectors": connectors}
    broken = [{"line": line.line, "reason": line.reason} for line in found.broken]
    return {"connectors": connectors, "broken": broken}


def check_credentials(data: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Return what the server says after a log-in with these values. Nothing is fetched, nothing stored."""
    from cockpit_getmail import units
    from cockpit_getmail.actions import stored_props

    name = data.get("name") or f"{data['Username']}@{data['Server']}"
    connector = Connector.from_record(name, {"Account": "", **stored_props(data)})
    return {"state": "success", **units.check(connector, settings)}


def _redacted(props: dict[str, str]) -> dict[str, str]:
    kept = {prop: value for prop, value in props.items() if prop not in SECRETS}
    return {**kept, "Password": ""} if props.get("Password") else kept


ACTIONS = {"list": list_, "check-credentials": check_credentials}
