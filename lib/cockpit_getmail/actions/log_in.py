# SPDX-License-Identifier: LGPL-2.1-or-later
"""Logging in at a server in an action: with what, and what it tells of a refusal."""

from __future__ import annotations

from cockpit_getmail import database, login, schema, units
from cockpit_getmail.actions import GRANT, LOG_IN, as_in_clear, find_connector, merge_props, refuse
from cockpit_getmail.connector import RETRIEVERS, SEALED, Connector
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

    Of one that is stored, the props `needed` count where the input has none; what is secret in them only
    for the place that it was stored for. Raises Problem (NotValid, Conflict).
    """
    record = find_connector(database.read(settings.connectors_db), data) if data.get("name") else None
    props = _complete(record, data, needed) if data.get("name") else merge_props({}, data)
    connector = Connector.from_record(record.key if record else "", {"Account": "", **props})
    if connector.uses_oauth:
        _require_saved(record, connector)
    if record is not None:
        _require_place(record, connector, data)
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


def _require_place(record: Record, connector: Connector, data: dict[str, Any]) -> None:
    """Raise Problem where what is stored would log in elsewhere than it was stored for.

    NotValid for a password, which can be given. Conflict for what else logs in: that place has to be saved.
    """
    stored = Connector.from_record(record.key, record.props)
    if connector.auth == "external" or not _is_elsewhere(stored, connector):
        return
    sources = [prop for prop in ("PasswordFile", "PasswordCommand") if connector.props.get(prop)]
    if connector.uses_oauth or any(_of(stored, prop) == _of(connector, prop) for prop in sources):
        message = "Save the connector before its log-in is checked: it logs in only where it is saved to."
        raise failure("connector", message, kind="Conflict")
    if _of(connector, "Password") and not data.get("Password"):
        refuse([{"parameter": "Password", "value": None, "error": "required"}])


def _is_elsewhere(stored: Connector, connector: Connector) -> bool:
    """Whether a log-in goes to another host, port or Tunnel than is stored, or is less protected.

    The usual port of another Retriever is no other place, and whom to trust is what an administrator says.
    """
    if stored.props.get("Retriever") not in RETRIEVERS:
        return True
    hosts = {each.props.get("Server", "").lower().rstrip(".") for each in (stored, connector)}
    usual = RETRIEVERS[connector.props["Retriever"]][2]
    is_same_port = connector.port == usual or str(connector.port) == stored.props.get("Port")
    is_same_place = len(hosts) == 1 and is_same_port and stored.tunnel == connector.tunnel
    return not is_same_place or _protection(connector) < _protection(stored)


def _protection(connector: Connector) -> int:
    """Return the rank of the least that is done before a password is sent."""
    is_pinned = bool(connector.props.get("CAFile") or connector.props.get("Fingerprint"))
    if connector.implicit_tls or (is_pinned and connector.tls == "auto"):
        return 2
    return ("none", "auto", "required").index(connector.tls)


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
