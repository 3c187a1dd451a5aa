# SPDX-License-Identifier: LGPL-2.1-or-later
"""A connector's access token, as it is needed: kept while it is good, refreshed by one process at a time.

A refresh token that a provider gives in the place of another is kept beside the access tokens at once, then
stored in the database, and only then is anything used that came with it. Where this ends in between, the next
one goes on from there: the refresh token of before may be void by then.
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from cockpit_getmail import database
from cockpit_getmail.connector import SEALED, Connector
from cockpit_getmail.oauth import cache, flows, key, providers
from cockpit_getmail.oauth.cache import Token
from cockpit_getmail.oauth.exchange import ask
from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.stop import SIGNALS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cockpit_getmail.oauth.flows import Grant, Request
    from cockpit_getmail.oauth.key import Key
    from cockpit_getmail.oauth.providers import Provider
    from cockpit_getmail.settings import Settings

REFRESH_TOKEN = "RefreshToken"  # noqa: S105 (the name of one)
_TRIES = 3
"""So often somebody may sign in anew while the token of before is refreshed."""


class _Replaced(Exception):
    """Somebody has signed in meanwhile: what was granted is of no use."""


def access_token(connector: Connector, settings: Settings, *, refused_at: float = 0.0) -> Token:
    """Return a token that the connector can log in with now.

    `refused_at` is when a server refused the last one, in seconds since 1970: none from before is used then.
    Raises Problem: credentials and others as the provider has it, connector for what is missing there,
    internal if a new refresh token cannot be stored; NotFound for a connector that is not saved.
    """
    kept = cache.find(connector.name, settings)
    if kept and kept.is_good(time.time(), _Grant(connector).fingerprint, refused_at):
        return kept
    with cache.locked(connector.name, settings):
        for _ in range(_TRIES):
            grant = _Grant(_settle(_read(connector.name, settings), settings))
            kept = cache.find(connector.name, settings)
            if kept and kept.is_good(time.time(), grant.fingerprint, refused_at):
                return kept
            try:
                return _obtain(grant, settings)
            except _Replaced:
                continue
    raise failure("internal", f"The sign-in of {printable(connector.name)} changes all the time: try again.")


def sign_in(connector: Connector, settings: Settings, granted: Grant) -> None:
    """Store what a person's sign-in has brought, in the place of what was before. Raises Problem.

    Cause credentials if the provider gave no refresh token, or if by now the connector has another one than
    this `connector`, whose provider was asked.
    """
    if not granted.refresh_token:
        message = "The provider gave no refresh token: it would be over within the hour."
        hint = "Ask for offline access: Scope may need offline_access, or consent be given anew."
        raise failure("credentials", message, hint=hint)
    with cache.locked(connector.name, settings), _uninterrupted():
        _store(connector, settings, granted.refresh_token, _require_same_provider)
        cache.forget(connector.name, settings)


class _Grant:
    """What a connector's tokens come from."""

    def __init__(self, connector: Connector) -> None:
        self.connector = connector
        self.kind = providers.grant_of(connector)
        self.key: Key | None = key.read(connector) if self.kind == "jwt" else None
        self.provider: Provider = providers.find(connector, self.key.token_url if self.key else "")

    @property
    def fingerprint(self) -> str:
        """What is another one when any of this changes; nobody can tell the secrets by it."""
        props = self.connector.props
        provider = self.provider
        told = [
            *(self.kind, provider.name, provider.token_url, provider.client_id, provider.scope),
            *(provider.refresh_scope, props.get("Username", ""), self.key),
            *(_stored(self.connector, name) for name in (REFRESH_TOKEN, "ClientSecret")),
        ]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()

    @property
    def needed(self) -> tuple[str, ...]:
        """The secrets that a token is got with."""
        if self.kind == "refresh":
            return REFRESH_TOKEN, "ClientSecret"
        return ("ClientSecret",) if self.kind == "client_credentials" else ()

    def request(self, opened: Connector, now: float) -> Request:
        """Return the request for a token, with the secrets of the connector `opened`. Raises Problem."""
        client_secret = opened.secrets.get("ClientSecret", "")
        if self.key:
            return flows.use_key(self.provider, self.key.issuer, self.key.pem, opened.username, now)
        if not self.provider.client_id:
            message = "ClientId is missing: the provider knows this program by it."
            raise failure("connector", message, parameter="ClientId")
        if self.kind == "client_credentials":
            return flows.use_client(self.provider, client_secret)
        refresh_token = opened.secrets.get(REFRESH_TOKEN, "")
        if not refresh_token:
            raise failure("credentials", "Nobody has signed in yet.", hint="Sign in (authorize).")
        return flows.refresh(self.provider, refresh_token, client_secret)


def _obtain(grant: _Grant, settings: Settings) -> Token:
    """Return a new token, whose refresh token is stored. Raises Problem and _Replaced."""
    from cockpit_getmail.login.sealed import opened

    name = grant.connector.name
    now = time.time()
    connector = opened(grant.connector, grant.needed)
    request = grant.request(connector, now)
    if grant.kind == "refresh":
        _require_storable(settings)
    # Before the answer is there: what a sealed one takes to open would come between it and its record.
    used = _digest(connector)
    with _uninterrupted():
        answer = ask(grant.connector, request, settings)
        granted = flows.read_grant(answer, grant.provider, now, request)
        is_new = granted.refresh_token not in ("", connector.secrets.get(REFRESH_TOKEN))
        if is_new and grant.kind == "refresh":
            grant = _Grant(_keep(grant.connector, settings, used, granted.refresh_token))
        token = Token(granted.access_token, granted.expires_at, now, grant.fingerprint)
        cache.keep(name, settings, token)
    return token


def _require_storable(settings: Settings) -> None:
    """Raise Problem (internal) where a new refresh token could not be stored: then none is asked for."""
    folder = os.path.dirname(os.path.realpath(settings.connectors_db))
    if not os.access(folder, os.W_OK):
        message = f"No token is asked for: a new refresh token could not be stored in {printable(folder)}."
        hint = (
            "Let that folder be written to; for the schedule, by ReadWritePaths= of cockpit-getmail.service."
        )
        raise failure("internal", message, hint=hint)


def _keep(connector: Connector, settings: Settings, used: str, refresh_token: str) -> Connector:
    """Store a new refresh token, in the place of the one that was `used` (_digest()).

    Returns the connector with it. Raises Problem and _Replaced.
    """
    name = connector.name
    # Without it, this is its only chance.
    with suppress(OSError):
        cache.keep_pending(name, settings, used, refresh_token)
    try:
        connector = _store(connector, settings, refresh_token, _require_same_token)
    except Problem as problem:
        if problem.type == "NotFound":
            cache.drop_pending(name, settings)
            raise
        message = f"The provider gave a new refresh token, and it cannot be stored: {problem.message}"
        hint = "Mend that before the next boot: until then it is kept in memory, and stored by the next run."
        raise failure("internal", message, hint=hint) from problem
    except _Replaced:
        cache.drop_pending(name, settings)
        raise
    cache.drop_pending(name, settings)
    return connector


def _settle(connector: Connector, settings: Settings) -> Connector:
    """Store the refresh token that another process received and could not store. Raises Problem."""
    if providers.grant_of(connector) != "refresh":
        return connector
    used = _digest(connector) if cache.has_pending(connector.name, settings) else ""
    pending = cache.find_pending(connector.name, settings, used)
    if not pending:
        # One may be left of what is stored by now, or of a sign-in of before.
        cache.drop_pending(connector.name, settings)
        return connector
    try:
        return _keep(connector, settings, used, pending)
    except _Replaced:
        return _read(connector.name, settings)


def _require_same_token(current: Connector, asked: Connector) -> None:
    """Raise _Replaced if the connector has another refresh token by now."""
    if not _is_same(current, asked):
        raise _Replaced


def _require_same_provider(current: Connector, asked: Connector) -> None:
    """Raise Problem (credentials) if what a provider gave would go to another one, or for another person."""
    told = [(providers.find(connector), connector.username) for connector in (current, asked)]
    if told[0] != told[1]:
        message = "The connector was changed meanwhile: sign in again."
        raise failure("credentials", message, hint="Sign in again (authorize).")


def _store(
    connector: Connector,
    settings: Settings,
    refresh_token: str,
    require: Callable[[Connector, Connector], None],
) -> Connector:
    """Write a refresh token into the database, in the place of the one that the connector has.

    Raises Problem, and what `require` does, which gets it as it is now and as it was.
    """
    from cockpit_getmail.login.sealed import put_sealed, seal_wanted

    sealed = seal_wanted({REFRESH_TOKEN: refresh_token}, settings)
    with database.transaction(settings.connectors_db) as content:
        record = content.get(connector.name)
        if record is None:
            raise _not_found(connector.name)
        current = Connector.from_record(record.key, record.props)
        require(current, connector)
        props = {name: value for name, value in record.props.items() if SEALED.get(name) != REFRESH_TOKEN}
        props = put_sealed({**props, REFRESH_TOKEN: refresh_token}, sealed)
        content.put(record.key, record.type, props)
        return Connector.from_record(record.key, props)


def _read(name: str, settings: Settings) -> Connector:
    record = database.read(settings.connectors_db).get(name)
    if record is None:
        raise _not_found(name)
    return Connector.from_record(record.key, record.props)


def _not_found(name: str) -> Problem:
    return failure("connector", f"There is no connector {printable(name)}.", kind="NotFound")


def _stored(connector: Connector, prop: str) -> str:
    """Return a secret as it is stored: sealed or in clear."""
    return connector.sealed.get(prop) or connector.secrets.get(prop, "")


def _is_same(one: Connector, other: Connector) -> bool:
    """Whether both have one refresh token. It may have been sealed or opened meanwhile."""
    stored = {_stored(connector, REFRESH_TOKEN) for connector in (one, other)}
    return len(stored) == 1 or _in_clear(one) == _in_clear(other)


def _in_clear(connector: Connector) -> str:
    """Return the refresh token. Raises Problem."""
    from cockpit_getmail.login.sealed import open_secret

    return open_secret(connector, REFRESH_TOKEN)


def _digest(connector: Connector) -> str:
    return hashlib.sha256(_in_clear(connector).encode("utf-8", "surrogatepass")).hexdigest()


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let signals wait: who ends between an answer and its record loses what no provider gives again."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
