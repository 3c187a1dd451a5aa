# SPDX-License-Identifier: LGPL-2.1-or-later
"""One function per action. Each takes the checked input and the settings and returns its answer.

ACTIONS of a module has them by name. Here is what several of them need.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from cockpit_getmail import schema
from cockpit_getmail.connector import DEFAULTS, Connector, is_same_person
from cockpit_getmail.database import Database, Record
from cockpit_getmail.problem import Fault, failure, not_valid, printable

NUMBERS = ("Delete", "Time", "Port")
NOT_PROPS = ("action", "name", "type", "redact")
WHOLE = ("conflict", "required")
"""Faults that concern a connector as a whole; others in a stored prop are not of this change."""


def stored_props(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the props of a checked input as they are stored: strings, numbers without leading zeros."""
    return {
        prop: str(int(value)) if prop in NUMBERS else value
        for prop, value in data.items()
        if prop not in NOT_PROPS and value is not None
    }


def completed(data: Mapping[str, Any]) -> dict[str, str]:
    """Return the props of a new connector, with the defaults."""
    return {**DEFAULTS, **stored_props(data)}


def merged(props: Mapping[str, str], data: Mapping[str, Any]) -> dict[str, str]:
    """Return a record's props after an update: an empty secret keeps the stored one, null removes."""
    changed = {prop: value for prop, value in stored_props(data).items() if prop != "Password" or value}
    removed = {prop for prop, value in data.items() if value is None}
    return {prop: value for prop, value in {**props, **changed}.items() if prop not in removed}


def check_whole(props: Mapping[str, str]) -> None:
    """Raise Problem (NotValid) for props that are valid one by one but not together."""
    faults: list[Fault] = []
    if {"Retriever", "Server", "Username", "Account"} <= props.keys():
        known = {prop: value for prop, value in props.items() if prop in _props()}
        found = schema.check("create", "create", {"action": "create", **known})
        faults = [fault for fault in found if fault["error"] in WHOLE]
        if is_same_person(props["Username"], props["Account"]) and is_this_host(props["Server"]):
            faults.append({"parameter": "Server", "value": props["Server"], "error": "self"})
    if faults:
        raise not_valid(faults)


def require(connectors: Database, name: str) -> Record:
    """Return the connector of this name. Raises Problem (NotFound)."""
    record = connectors.get(name)
    if record is None or record.type != "getmail":
        raise failure("connector", f"There is no connector {printable(name)}.", kind="NotFound")
    return record


def require_runnable(connectors: Database, name: str) -> Connector:
    """Return the connector of this name, switched on and with nothing in it that is not valid.

    Raises Problem: NotFound, NotValid, or Conflict for one that is disabled.
    """
    record = require(connectors, name)
    connector = Connector.from_record(name, record.props)
    if not connector.enabled:
        message = f"The connector {printable(name)} is disabled; enable it first."
        raise failure("connector", message, kind="Conflict")
    # Old databases have props of their own, and words in Delete that Connector reads as never.
    known = {prop: value for prop, value in record.props.items() if prop in _props() and prop != "Delete"}
    if faults := schema.check("create", "create", {"action": "create", **known}):
        raise not_valid(faults)
    return connector


def is_this_host(server: str) -> bool:
    """Whether a server is this machine, as far as can be told without asking a name server."""
    import socket

    name = server.rstrip(".").casefold()
    own = socket.gethostname().casefold()
    if name in ("localhost", own, own.partition(".")[0]) or name.endswith(".localhost"):
        return True
    family = socket.AF_INET6 if ":" in name else socket.AF_INET
    try:
        address = socket.inet_pton(family, name)
    except OSError:
        return False
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            # Only an address of this machine can be bound.
            probe.bind((socket.inet_ntop(family, address), 0))
        except OSError:
            return False
    return True


def event(name: str) -> dict[str, Any]:
    """Return the answer of what changes a connector: success, and NethServer's standard event."""
    return {"state": "success", "event": "cockpit-getmail-save", "status": "success", "name": name}


@cache
def _props() -> frozenset[str]:
    return frozenset(schema.load("create/create.input.json")["properties"]).difference(NOT_PROPS)
