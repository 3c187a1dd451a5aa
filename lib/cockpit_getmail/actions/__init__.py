# SPDX-License-Identifier: LGPL-2.1-or-later
"""A package per verb, in it a module per action, as in schemas/.

Each has `answer()`, which takes the checked input and the settings and returns the answer. Here is what they
share: a connector's record found, made and changed.
"""

from __future__ import annotations

from cockpit_getmail import database, schema
from cockpit_getmail.connector import (
    DEFAULTS,
    SEALED,
    SEALED_AS,
    SECRETS,
    Connector,
    account_group,
    is_same_person,
)
from cockpit_getmail.formats import is_command
from cockpit_getmail.problem import failure, not_valid, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, TypeAlias

    from cockpit_getmail.database import Database, Record
    from cockpit_getmail.problem import Problem
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.words import Fault

    Answer: TypeAlias = dict[str, Any]

TYPE = "getmail"
NUMBERS = ("Delete", "MaxMessages", "MaxSize", "Port", "Time")
SUCCESS: Answer = {"state": "success"}
PERIODS: Mapping[str | None, str | None] = {None: None, "1h": "60", "4h": "240", "12h": "720", "24h": "1440"}
"""What a SyncPeriod is as Time."""
CONTEXT_IO: Mapping[str, str] = {"provider_token": "RefreshToken", "provider_consumer_key": "ClientId"}
"""Context.IO's names for props."""
PASSWORDS = ("Password", "PasswordFile", "PasswordCommand")
"""Where a password comes from: one of these."""
OF_PROVIDER = ("ClientSecret", "RefreshToken")
"""Secrets that are of one provider."""
GRANT = ("Provider", "Tenant", "TokenUrl", "ClientId", *OF_PROVIDER, "Scope", "Grant", "KeyFile")
"""What tokens come from."""
LOG_IN = (
    *("Server", "Port", "Username", "Retriever", "TLS", "CAFile", "Fingerprint", *PASSWORDS),
    *("Auth", "ClientCert", "ClientKey", "Tunnel", *GRANT),
)
"""What a log-in depends on: when one of these changes, it may succeed where it failed before."""
FIRST = "0"
"""Context.IO's alias for the first connector of an account."""
_NO_PROPS = ("action", "name", "exact", "account", "type", "SyncPeriod")
_SHOWN = 5


def find(content: Database, name: str) -> Record | None:
    """Return the connector with this name, None if there is none."""
    record = content.get(name)
    return record if record and record.type == TYPE else None


def require(content: Database, name: str) -> Record:
    """Return the connector with this name. Raises Problem (NotFound)."""
    record = find(content, name)
    if record is None:
        raise failure("connector", f"There is no connector {printable(name)}.", kind="NotFound")
    return record


def find_connector(content: Database, data: Mapping[str, Any]) -> Record | None:
    """Return the connector that `name` and `account` of an input mean, None if there is none.

    `name` is a key, or else, unless it is `exact`, a Label; FIRST with `account` means the account's first in
    the database's order.
    `account` leaves only the connectors of an account; its whole Account comes before what is up to the `@`.
    Raises Problem (Conflict) if several are meant.
    """
    name, account = data["name"], data.get("account")
    record = find(content, name)
    if record and is_of_account(record, account):
        return record
    if data.get("exact"):
        return None
    is_first = name == FIRST and account is not None
    found = [
        each
        for each in select(content)
        if is_of_account(each, account) and (is_first or each.props.get("Label") == name)
    ]
    found = [each for each in found if each.props.get("Account") == account] or found
    if len(found) > 1 and not is_first:
        raise _ambiguous(name, found)
    return found[0] if found else None


def require_connector(content: Database, data: Mapping[str, Any]) -> Record:
    """Return the connector that an input means (see find_connector). Raises Problem (NotFound, Conflict)."""
    record = find_connector(content, data)
    if record is None:
        where = f" of account {printable(data['account'])}" if data.get("account") is not None else ""
        message = f"There is no connector {printable(data['name'])}{where}."
        raise failure("connector", message, kind="NotFound")
    return record


def select(content: Database) -> Iterator[Record]:
    """Yield the connectors in the order of the database."""
    return (record for record in content.records if record.type == TYPE)


def is_of_account(record: Record, account: str | None) -> bool:
    """Whether a connector's Account is this one, given whole or up to its first `@`; None is any."""
    own = record.props.get("Account", "")
    return account is None or account in (own, account_group(own))


def require_runnable(content: Database, name: str) -> Connector:
    """Return the connector with this key, enabled and valid.

    Raises Problem (NotFound, Conflict, NotValid).
    """
    record = require(content, name)
    if not Connector.from_record(record.key, record.props).enabled:
        message = f"The connector {printable(name)} is disabled: enable it first."
        raise failure("connector", message, kind="Conflict")
    return require_valid(content, name)


def require_valid(content: Database, name: str) -> Connector:
    """Return the connector with this key. Raises Problem (NotFound, NotValid).

    Databases come from elsewhere and are edited by hand.
    """
    record = require(content, name)
    # Old databases have words in Delete and Time; Connector knows what they mean. No run needs a Label.
    harmless = {(prop, "integer") for prop in ("Delete", "Time")}
    faults = [fault for fault in _check(record.props) if fault["parameter"] != "Label"]
    refuse([fault for fault in faults if (fault["parameter"], fault["error"]) not in harmless])
    return Connector.from_record(record.key, record.props)


def make_props(content: Database, data: Mapping[str, Any]) -> dict[str, str]:
    """Return the props of a new connector. Raises Problem (NotValid)."""
    props = {**DEFAULTS, **merge_props({}, data)}
    refuse(_check_loop(props) + _check_label(content, props))
    return props


def change_props(content: Database, record: Record, data: Mapping[str, Any]) -> dict[str, str]:
    """Return the props of a connector after an update. Raises Problem (NotValid).

    What the update does not touch is not judged, but for what it must have, and must not have together.
    """
    props = merge_props(record.props, data)
    faults = [
        fault
        for fault in _check(props)
        if fault["error"] in ("required", "conflict") or fault["parameter"] in data
    ]
    if any(props.get(prop) != record.props.get(prop) for prop in ("Label", "Account")):
        faults += _check_label(content, props, record.key)
    refuse(faults + _check_loop(props))
    return props


def refuse_change(data: Mapping[str, Any]) -> None:
    """Raise Problem (NotValid) if an update cannot be right, whatever connector it changes."""
    refuse(_check_loop(merge_props({}, data)))


def refuse_taken_label(content: Database, props: Mapping[str, str]) -> None:
    """Raise Problem (NotValid) if a connector of the same Account has the Label already."""
    refuse(_check_label(content, props))


def format_props(data: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the props in an input as they are stored; None is one that is to be removed."""
    props = {
        CONTEXT_IO.get(prop, prop): str(int(value)) if value is not None and prop in NUMBERS else value
        for prop, value in data.items()
        if prop not in _NO_PROPS
    }
    if data.get("Provider") or data.get("provider_token"):
        # Who logs in with tokens has none.
        props.pop("Password", None)
    return {**props, "Time": PERIODS[data["SyncPeriod"]]} if "SyncPeriod" in data else props


def event(name: str) -> Answer:
    """Return the answer to a change: success, and NethServer's standard event."""
    return {"state": "success", "event": "cockpit-getmail-save", "status": "success", "name": name}


def refuse_command(data: Mapping[str, Any], settings: Settings) -> None:
    """Raise Problem (NotValid) for a program that this server does not allow a connector, or that is none."""
    allowed = {"PasswordCommand": settings.allow_commands, "Tunnel": settings.allow_tunnel}
    faults: list[Fault] = []
    for prop, is_allowed in allowed.items():
        if command := data.get(prop):
            word = "format" if not is_command(command) else "" if is_allowed else "disallowed"
            faults += [{"parameter": prop, "value": schema.show(command), "error": word}] if word else []
    refuse(faults)


def set_status(status: str, data: Mapping[str, Any], settings: Settings) -> Answer:
    """Enable a connector, or disable it and end its run. Raises Problem (NotFound, Conflict, internal)."""
    with database.transaction(settings.connectors_db) as content:
        record = require_connector(content, data)
        content.put(record.key, record.type, {**record.props, "status": status})
    if status == "disabled":
        from cockpit_getmail.actions.at_once import end_run

        end_run(record.key)
    return event(record.key)


def merge_props(stored: Mapping[str, str], data: Mapping[str, Any]) -> dict[str, str]:
    """Return the props that are stored, changed by an input. An empty secret keeps the one that is stored.

    Where the password comes from now, it comes from nowhere else; with a Provider there is none. What one
    provider gave is not sent to another.
    """
    given = format_props(data)
    provider = stored.get("Provider")
    if data.get("provider_token"):
        given = {"Provider": provider or "google", **given}
    replaced: tuple[str, ...] = PASSWORDS if any(map(given.get, ("Provider", *PASSWORDS))) else ()
    if provider and given.get("Provider") not in (None, provider):
        replaced += OF_PROVIDER
    props = {prop: value for prop, value in stored.items() if SEALED.get(prop, prop) not in replaced}
    for prop, value in given.items():
        if value is None:
            props.pop(prop, None)
            props.pop(SEALED_AS.get(prop, prop), None)
            props |= {prop: DEFAULTS[prop]} if prop in DEFAULTS else {}
        elif value or prop not in SECRETS:
            props.pop(SEALED_AS.get(prop, prop), None)
            props[prop] = value
    return props


def _check(props: Mapping[str, str]) -> list[Fault]:
    """Return the faults of a record. In old databases an empty prop is not set, and some nobody knows."""
    shape = schema.load("create/create.input.json")
    known = shape["properties"].keys() - set(_NO_PROPS)
    has_other = props.get("Auth") == "external" or any(map(props.get, ("Provider", "Tunnel", *PASSWORDS[1:])))
    needed = known.intersection((*shape["required"], *(() if has_other else PASSWORDS[:1])))
    data = {prop: value for prop, value in as_in_clear(props).items() if prop in (known if value else needed)}
    return schema.check("create", "create", data)


def as_in_clear(props: Mapping[str, str], word: str = "sealed") -> dict[str, str]:
    """Return the props of a record as if all of it were stored in clear; a word stands for what is sealed."""
    if SEALED.keys().isdisjoint(props):
        return dict(props)
    sealed = {SEALED[prop]: word for prop, value in props.items() if prop in SEALED and value}
    plain = {prop: value for prop, value in props.items() if prop not in SEALED}
    return plain | {prop: word for prop, word in sealed.items() if not plain.get(prop)}


def _check_loop(props: Mapping[str, str]) -> list[Fault]:
    """Return a fault if an account of this host would be pulled into itself."""
    user, account, server = (props.get(prop, "") for prop in ("Username", "Account", "Server"))
    if not (user and account and is_same_person(user, account)):
        return []
    from cockpit_getmail.actions.this_host import is_this_host

    return [{"parameter": "Server", "value": server, "error": "self"}] if is_this_host(server) else []


def _check_label(content: Database, props: Mapping[str, str], key: str = "") -> list[Fault]:
    """Return a fault if another connector of the Account than the one with this key has the Label."""
    label, account = props.get("Label"), props.get("Account")
    taken = label is not None and any(
        (each.props.get("Label"), each.props.get("Account")) == (label, account)
        for each in select(content)
        if each.key != key
    )
    return [{"parameter": "Label", "value": label, "error": "conflict"}] if taken else []


def _ambiguous(name: str, found: list[Record]) -> Problem:
    named = [f"{each.key} ({each.props.get('Account', '')})" for each in found[:_SHOWN]]
    more = " and others" if len(found) > _SHOWN else ""
    message = (
        f"Several connectors have the label {printable(name)}: add account with the whole Account of one, or "
        f"give its name: {printable(', '.join(named))}{more}."
    )
    return failure("connector", message, kind="Conflict")


def refuse(faults: list[Fault]) -> None:
    """Raise Problem (NotValid) if there are faults."""
    if faults:
        raise not_valid(faults)
