# SPDX-License-Identifier: LGPL-2.1-or-later
"""Logging in at a server in an action: with what, and what it tells of a refusal."""

from __future__ import annotations

from cockpit_getmail import database, login, schema, units
from cockpit_getmail.actions import GRANT, LOG_IN, as_in_clear, find_connector, merge_props, refuse
from cockpit_getmail.connector import SEALED, Connector
from cockpit_getmail.problem import Problem, failure, with_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.database import Record
    from cockpit_getmail.settings import Settings


def find(data: dict[str, Any], settings: Settings, needed: Collection[str] = LOG_IN) -> Connector:
    """Return the connector that an input of `read check-credentials` describes.

    Of one that is stored, the props `needed` count where the input has none. Raises Problem (NotValid,
    Conflict).
    """
    record = find_connector(database.read(settings.connectors_db), data) if data.get("name") else None
    props = _complete(record, data, needed) if data.get("name") else merge_props({}, data)
    connector = Connector.from_record(record.key if record else "", {"Account": "", **props})
    if connector.uses_oauth:
        _require_saved(record, connector)
    return connector


def log_in(connector: Connector, settings: Settings, then: Callable[[Connector, Settings], Answer]) -> Answer:
    """Return what `then` finds with the connector and the secret that it logs in with.

    That is a door to a server, such as units.check(). Raises Problem: the one that was met, or why there is
    no such secret.
    """
    resolve = login.resolve if units.checks_in_unit() else login.resolve_in_clear
    ready, problem = resolve(connector, settings)
    if problem:
        raise with_status(problem)
    try:
        return then(hold_to_tls(ready, settings), settings)
    except Problem as met:
        if ready.uses_oauth and met.cause == "credentials":
            from cockpit_getmail.oauth import cache

            # It may have been revoked: a run is not to try it again.
            cache.drop(ready.name, settings)
        trouble = login.explain(ready, met)
        if trouble is met:
            raise
        raise with_status(trouble) from met


def hold_to_tls(connector: Connector, settings: Settings) -> Connector:
    """Return the connector, with TLS required where `auto` was kept by runs so far.

    Who takes the offer of TLS out of what a server says does not get the password. Raises Problem.
    """
    if not connector.name or connector.implicit_tls or connector.tls != "auto":
        return connector
    question = {"about": "tls", "mailbox": connector.mailbox}
    if not units.ask(connector, settings, question)["seen"]:
        return connector
    props = {**connector.props, "TLS": "required"}
    return Connector(connector.name, props, connector.secrets, connector.sealed)


def _require_saved(record: Record | None, connector: Connector) -> None:
    """Raise Problem (Conflict) for a sign-in that is not stored: a provider may change the refresh token."""
    stored = Connector.from_record(record.key, record.props) if record else None
    # Whom a service account signs for, and what Microsoft's tokens are good for.
    also = {
        "Username": _of(connector, "Grant") == "jwt",
        "Retriever": _of(connector, "Provider") == "microsoft",
    }
    props = (*GRANT, *(prop for prop, counts in also.items() if counts))
    if stored is None or any(_of(stored, prop) != _of(connector, prop) for prop in props):
        message = "Save the connector before its log-in is checked: the provider may give it another token."
        raise failure("connector", message, kind="Conflict")


def _of(connector: Connector, prop: str) -> str:
    return connector.sealed.get(prop) or connector.secrets.get(prop) or connector.props.get(prop, "")


def _complete(record: Record | None, data: dict[str, Any], needed: Collection[str]) -> dict[str, str]:
    """Return the props that the connector would have after an update, as far as they are needed.

    Raises Problem (NotValid, also for what is stored).
    """
    if record is None:
        refuse(schema.check("read", "check-credentials", {**data, "name": None}))
        return merge_props({}, data)
    # In old databases an empty prop is not set.
    stored = {
        prop: value for prop, value in record.props.items() if SEALED.get(prop, prop) in needed and value
    }
    props = merge_props(stored, data)
    refuse(schema.check("read", "check-credentials", {"action": "check-credentials", **as_in_clear(props)}))
    return props
