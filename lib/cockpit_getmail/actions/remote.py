# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reading and acting in the remote mailbox of a connector (cockpit_getmail.remote)."""

from __future__ import annotations

from cockpit_getmail import database, units
from cockpit_getmail.actions import LOG_IN, refuse, require_connector, require_valid
from cockpit_getmail.actions.log_in import find, log_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.connector import Connector
    from cockpit_getmail.settings import Settings

SELECTION = ("Folders", "FolderMap", "Search", "Since", "MaxSize", "MaxMessages")
"""What is fetched of a mailbox."""


def ask(
    data: Mapping[str, Any], settings: Settings, request: Mapping[str, Any], *, only_imap: bool = False
) -> Answer:
    """Return what comes of a request in the mailbox that an input means.

    Its connector is the one that `name` means, or for one that is not saved what `form` describes. Raises
    Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    connector = find_mailbox(data, settings)
    if connector.protocol == "pop3":
        _refuse_pop3(data, only_imap)
    return log_in(connector, settings, lambda ready, _: units.visit(ready, settings, request))


def find_mailbox(data: Mapping[str, Any], settings: Settings) -> Connector:
    """Return the connector of an input; it may be disabled. Raises Problem (NotFound, Conflict, NotValid)."""
    if "form" in data:
        return find(data["form"], settings, (*LOG_IN, *SELECTION))
    content = database.read(settings.connectors_db)
    return require_valid(content, require_connector(content, data).key)


def _refuse_pop3(data: Mapping[str, Any], only_imap: bool) -> None:
    """Raise Problem (NotValid) for what POP3 does not have: folders but for INBOX, and searches."""
    found = {
        name: data.get(name)
        for name in ("folder", "search", "target")
        if data.get(name) and (name != "folder" or data[name].upper() != "INBOX")
    }
    if only_imap:
        found = (
            {"form.Retriever": data["form"].get("Retriever")} if "form" in data else {"name": data["name"]}
        )
    refuse([{"parameter": name, "value": value, "error": "conflict"} for name, value in found.items()])
