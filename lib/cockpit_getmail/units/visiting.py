# SPDX-License-Identifier: LGPL-2.1-or-later
"""Checks of a log-in, and visits to a mailbox (cockpit_getmail.remote); as root, in the sandbox of a run."""

import os
import time
from collections.abc import Mapping
from typing import Any

from cockpit_getmail.connector import UNIT_PREFIX, Connector
from cockpit_getmail.problem import failure, printable, with_status
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import credentials, wire
from cockpit_getmail.units.place import find_fetch_user
from cockpit_getmail.units.process import OUTPUT_LIMIT
from cockpit_getmail.units.sandbox import hiding_properties, require_hiding, require_installation
from cockpit_getmail.units.systemd import is_available, reason, run_to_answer

SLACK_SECONDS = 1.0
VISIT_LIMIT = 24 << 20
"""Octets of the answer of a visit."""


def check(connector: Connector, settings: Settings) -> dict[str, Any]:
    """Return what retriever.check() finds, within CHECK_TIMEOUT; as root, in the sandbox that a run has.

    Outside of that (checks_in_unit) no secret may be sealed. Raises the Problem it met.
    """
    ca_pem = credentials.read_ca(connector)
    timeout = settings.check_timeout
    if checks_in_unit():
        request = wire.Request(connector, ca_pem, time.monotonic() + timeout)
        found = wire.parse_answer(_answer_in_unit(request, settings, timeout, "Check of a mail server"))
        return _require(found)
    from cockpit_getmail import retriever

    return retriever.check(connector, ca_pem, timeout)


def visit(connector: Connector, settings: Settings, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return what remote.answer() finds, checked, within REMOTE_TIMEOUT; as root, in the sandbox of a run.

    Outside of that (checks_in_unit) no secret may be sealed. Raises the Problem it met.
    """
    from cockpit_getmail import remote

    ca_pem = credentials.read_ca(connector)
    timeout = settings.remote_timeout
    if not checks_in_unit():
        return _require(_checked(request, remote.answer(connector, ca_pem, timeout, request)))
    asked = wire.Request(connector, ca_pem, time.monotonic() + timeout, request)
    answer = _answer_in_unit(asked, settings, timeout, "Visit to a mailbox", VISIT_LIMIT)
    return _require(wire.parse_answer(answer, lambda found: _checked(request, found)))


def checks_in_unit() -> bool:
    """Whether check() works in a unit, where systemd opens what is sealed."""
    return os.geteuid() == 0 and is_available()


def _answer_in_unit(
    request: wire.Request, settings: Settings, timeout: float, what: str, answer_limit: int = OUTPUT_LIMIT
) -> bytes:
    """Return what `cockpit-getmail check --unit` answers a request. Raises Problem."""
    connector = request.connector
    require_installation()
    require_hiding(settings)
    unit = f"{UNIT_PREFIX}:check-{os.urandom(8).hex()}"
    properties = [f"User={find_fetch_user(settings).pw_name}", *hiding_properties(settings)]
    sealed = Connector(connector.name, {}, {}, connector.sealed)
    with credentials.secrets_written(sealed) as files:
        properties += credentials.loading(files)
        done = run_to_answer(
            unit,
            what,
            properties,
            "check",
            wire.format_request(request),
            timeout=timeout + SLACK_SECONDS,
            output_limit=answer_limit,
        )
    if done.status is None:
        message = f"{printable(connector.server)} did not answer within {timeout:g} seconds."
        raise with_status(failure("network", message))
    if not done.output:
        raise failure("internal", f"It ended without an answer: {reason(done, -1)}")
    return done.output


def _checked(request: Mapping[str, Any], found: Any) -> dict[str, Any] | None:
    from cockpit_getmail import remote

    try:
        return remote.check(request, found)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _require(found: dict[str, Any] | None) -> dict[str, Any]:
    if found is None:
        raise failure("internal", "It ended without an answer that can be believed.")
    return found
