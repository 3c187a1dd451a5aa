# SPDX-License-Identifier: LGPL-2.1-or-later
"""A person's sign-in at the provider of a connector's tokens: its begin, what is asked, its end."""

from __future__ import annotations

import hashlib
import json
import signal
import time
from contextlib import suppress

from cockpit_getmail import database
from cockpit_getmail.actions.at_once import forgive
from cockpit_getmail.connector import Connector, make_token
from cockpit_getmail.problem import STATUS, Problem, failure, printable
from cockpit_getmail.settings import Settings
from cockpit_getmail.signin import record, unit
from cockpit_getmail.signin.record import SignIn
from cockpit_getmail.stop import SIGNALS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.oauth.flows import Grant
    from cockpit_getmail.oauth.providers import Provider

    Way = Literal["device", "code"]

LONGEST_SECONDS = 1800
"""A sign-in that was begun is to come to its end within so many seconds, or the provider's fewer."""
SLOWER_SECONDS = 5
"""So much longer one waits after `slow_down` (RFC 8628 section 3.5), or where there was no answer."""
EXPIRED = "Nobody signed in within the time that there was for it."
AGAIN = "Sign in again (authorize)."
CANCELLED = "Cancelled."
CUT_OFF = "Waiting for the sign-in was cut off."
_POLL_SECONDS = 0.25


def begin(connector: Connector, settings: Settings, way: Way | None) -> SignIn:
    """Begin a sign-in, in the place of one that was under way; root's unit then waits for its end.

    Without a `way` it is by device code where the provider has that. Raises Problem.
    """
    from cockpit_getmail.oauth import providers

    _require_person(connector)
    provider = providers.find(connector)
    if not provider.client_id:
        message = "ClientId is missing: the provider knows this program by it."
        raise failure("connector", message, parameter="ClientId")
    is_device = way == "device" or (way is None and bool(provider.device_url))
    make = _begin_device if is_device else _begin_code
    sign_in = make(connector, provider, settings)
    with record.alone(connector.name, settings):
        # Not before: a sign-in under way goes on if there can be no other.
        unit.stop_waiting(connector.name, at_once=False)
        record.begin(sign_in, settings)
        if sign_in.has_unit:
            unit.start_waiting(sign_in, settings)
    return sign_in


def complete(sign_in: SignIn, redirect: str, settings: Settings) -> None:
    """End a sign-in with the address that the browser was sent to; how it ended is recorded.

    Raises Problem, and then it is still under way: for an address that is none of this sign-in, for a
    provider that cannot be reached.
    """
    # By two at once the code would be used twice, which may cost all that it brings (RFC 6749 section 4.1.2).
    with record.alone(sign_in.name, settings):
        if current(sign_in, settings).state == "running":
            _complete(sign_in, redirect, settings)


def _complete(sign_in: SignIn, redirect: str, settings: Settings) -> None:
    from cockpit_getmail.oauth import flows, providers
    from cockpit_getmail.oauth.exchange import ask

    asked = flows.Authorization(sign_in.address, **sign_in.secrets)
    now = time.time()
    try:
        connector = _require_same(sign_in, settings)
        provider = providers.find(connector)
        request = flows.complete(provider, asked, redirect, _client_secret(connector))
        granted = flows.read_grant(ask(connector, request, settings), provider, now, request)
    except Problem as problem:
        if problem.cause != "credentials":
            raise
        _fail(sign_in, settings, problem)
        return
    _store(sign_in, connector, settings, granted)


def ask_once(sign_in: SignIn, settings: Settings) -> float | None:
    """Ask the provider whether a person has signed in; None: it is over, and recorded how it ended.

    Otherwise by how many seconds to wait longer than before, from now on. Raises Problem (internal).
    """
    from cockpit_getmail.oauth import flows, providers
    from cockpit_getmail.oauth.exchange import ask

    try:
        connector = _require_same(sign_in, settings)
        provider = providers.find(connector)
        request = flows.poll_device(provider, sign_in.secrets["device_code"], _client_secret(connector))
        found = flows.read_poll(ask(connector, request, settings), provider, time.time(), request)
    except Problem as problem:
        if problem.cause == "network":
            return SLOWER_SECONDS
        _fail(sign_in, settings, problem)
        return None
    if found == "pending":
        return 0.0
    if found == "slow_down":
        return SLOWER_SECONDS
    _store(sign_in, connector, settings, found)
    return None


def wait_in_unit(prefix: str) -> int:
    """Wait for a person to sign in at the connector whose tokens begin so; return 0.

    A signal counts only between two questions: an answer that is on its way is stored.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    sign_in = record.find_by_prefix(prefix, Settings())
    if sign_in is None or sign_in.state != "running":
        return 0
    settings = Settings.from_json(sign_in.settings)
    interval = float(sign_in.interval)
    while (left := sign_in.expires - time.time()) > 0:
        if signal.sigtimedwait(SIGNALS, min(interval, left)):
            record.end(sign_in, settings, "cancelled", CANCELLED)
            return 0
        if time.time() >= sign_in.expires:
            break
        longer = ask_once(sign_in, settings)
        if longer is None:
            return 0
        interval += longer
    _expire(sign_in, settings)
    return 0


def wait_for(sign_in: SignIn, settings: Settings, seconds: float) -> SignIn:
    """Wait so long for the end of a sign-in, and return how it is then. Raises Problem.

    By a code where no unit does so, the provider is asked here: at least once.
    """
    deadline = time.monotonic() + seconds
    is_asking = bool(sign_in.code) and not sign_in.has_unit
    interval = float(sign_in.interval) if is_asking else _POLL_SECONDS
    while True:
        time.sleep(max(0.0, min(interval, deadline - time.monotonic())))
        if is_asking and current(sign_in, settings).state == "running":
            interval += ask_once(sign_in, settings) or 0
        found = record.find_by_token(sign_in.token, settings)
        if not found or found.state != "running" or time.monotonic() >= min(deadline, _end_of(found)):
            return current(sign_in, settings)


def current(sign_in: SignIn, settings: Settings) -> SignIn:
    """Return how a sign-in is now. Raises Problem (NotFound if another one has begun, internal)."""
    found = record.find_by_token(sign_in.token, settings)
    if found is None:
        raise failure("connector", "Another sign-in has begun, or this one is long over.", kind="NotFound")
    if found.state != "running":
        return found
    if time.time() >= found.expires:
        if not found.has_unit:
            # Nobody else does, and what is secret in it is of no use any more.
            _expire(found, settings)
            found = record.find_by_token(sign_in.token, settings) or found
        if found.state == "running":
            return found.changed(state="failed", cause="credentials", message=EXPIRED, hint=AGAIN)
        return found
    if found.has_unit and not unit.is_waiting(found):
        # It may have ended since it was looked at.
        found = record.find_by_token(sign_in.token, settings) or found
        if found.state == "running":
            return found.changed(state="failed", cause="internal", message=CUT_OFF, hint=AGAIN)
    return found


def _end_of(sign_in: SignIn) -> float:
    """Return when a sign-in expires, by the clock that nobody sets."""
    return time.monotonic() + sign_in.expires - time.time()


def find_under_way(token: str | None, name: str, settings: Settings) -> SignIn | None:
    """Return the sign-in of this token, or else of this connector, if it is under way."""
    found = record.find_by_token(token, settings) if token else record.find(name, settings)
    return found if found and current(found, settings).state == "running" else None


def cancel(sign_in: SignIn, settings: Settings) -> None:
    """Ask a sign-in to end. Raises Problem (internal)."""
    if sign_in.has_unit:
        unit.stop_waiting(sign_in.name)
    else:
        record.end(sign_in, settings, "cancelled", CANCELLED)


def forget(name: str, settings: Settings) -> None:
    """End a connector's sign-in and remove what is known of it, for one that is deleted. Raises Problem."""
    if record.find(name, settings):
        unit.stop_waiting(name, at_once=False)
        record.forget(name, settings)


def tell(sign_in: SignIn, version: int = 0) -> Answer:
    """Return a sign-in in MailStore's fields, with the log lines after a version."""
    log = [*sign_in.log, *([sign_in.message] if sign_in.message and not sign_in.ended else [])]
    new = "".join(f"{line}\n" for line in log[version:])
    error = {"message": sign_in.message, "cause": sign_in.cause, "hint": sign_in.hint}
    return {
        "token": sign_in.token,
        "statusVersion": len(log),
        "statusCode": sign_in.state,
        "percentProgress": 100 if sign_in.state == "succeeded" else None,
        "statusText": log[-1] if log else None,
        "logOutput": new or None,
        "result": None,
        "error": error if sign_in.state == "failed" else None,
    }


def _begin_device(connector: Connector, provider: Provider, settings: Settings) -> SignIn:
    from cockpit_getmail.oauth import flows
    from cockpit_getmail.oauth.exchange import ask

    request = flows.start_device(provider, _client_secret(connector))
    found = flows.read_device(ask(connector, request, settings), provider, request)
    return _make(
        connector,
        settings,
        f"Waiting for the sign-in at {found.address} with code {found.user_code}.",
        address=found.address,
        address_with_code=found.address_with_code,
        code=found.user_code,
        expires=int(time.time()) + min(found.expires_in, LONGEST_SECONDS),
        interval=found.interval,
        has_unit=unit.can_wait(),
        secrets={"device_code": found.device_code},
    )


def _begin_code(connector: Connector, provider: Provider, settings: Settings) -> SignIn:
    from cockpit_getmail.oauth import flows

    asked = flows.authorize(provider, connector.username)
    return _make(
        connector,
        settings,
        "Waiting for the address that the browser shows after the sign-in.",
        address=asked.url,
        expires=int(time.time()) + LONGEST_SECONDS,
        secrets={
            name: value
            for name, value in asked._asdict().items()
            if name in ("state", "verifier", "redirect_url")
        },
    )


def _make(connector: Connector, settings: Settings, line: str, **fields: Any) -> SignIn:
    return SignIn(
        token=make_token(connector.name),
        name=connector.name,
        grant=_digest(connector),
        settings=settings.to_json(),
        log=[line],
        **fields,
    )


def _require_person(connector: Connector) -> None:
    """Raise Problem (connector) where nobody signs in."""
    from cockpit_getmail.oauth import providers

    if not connector.uses_oauth:
        message = "This connector logs in with a password: set its Provider first."
        raise failure("connector", message, parameter="Provider")
    if providers.grant_of(connector) != "refresh":
        message = "This connector's tokens are an application's own: nobody signs in for them."
        raise failure("connector", message, parameter="Grant")


def _require_same(sign_in: SignIn, settings: Settings) -> Connector:
    """Return the connector of a sign-in. Raises Problem if that is not what it was at the begin."""
    found = database.read(settings.connectors_db).get(sign_in.name)
    connector = Connector.from_record(found.key, found.props) if found else None
    if connector is None or _digest(connector) != sign_in.grant:
        message = "The connector was changed meanwhile: sign in again."
        raise failure("credentials", message, hint=AGAIN)
    return connector


def _digest(connector: Connector) -> str:
    """Return what is another one if the provider is, or the account there."""
    from cockpit_getmail.oauth import providers

    # In clear: it may be sealed meanwhile.
    secret = _client_secret(connector)
    told = [*providers.find(connector), connector.username, connector.props.get("Grant", ""), secret]
    return hashlib.sha256(json.dumps(told).encode("utf-8", "surrogatepass")).hexdigest()


def _client_secret(connector: Connector) -> str:
    from cockpit_getmail.login.sealed import open_secret

    return open_secret(connector, "ClientSecret")


def _store(sign_in: SignIn, connector: Connector, settings: Settings, granted: Grant) -> None:
    """Store what was granted, and let the connector be due at once. What keeps it from that is recorded."""
    from cockpit_getmail.oauth import broker

    try:
        broker.sign_in(connector, settings, granted)
    except Problem as problem:
        _fail(sign_in, settings, problem)
        return
    record.end(sign_in, settings, "succeeded", "Signed in.")
    with suppress(Problem):
        forgive(sign_in.name, settings)


def _fail(sign_in: SignIn, settings: Settings, problem: Problem) -> None:
    attributes = problem.attributes if isinstance(problem.attributes, dict) else {}
    if attributes.get("error") == "expired_token":
        _expire(sign_in, settings)
        return
    cause = problem.cause
    hint = str(attributes.get("hint") or STATUS[cause][1])
    message = printable(problem.message)
    record.end(sign_in, settings, "failed", message, cause=cause, message=message, hint=hint)


def _expire(sign_in: SignIn, settings: Settings) -> None:
    record.end(sign_in, settings, "failed", EXPIRED, cause="credentials", message=EXPIRED, hint=AGAIN)
