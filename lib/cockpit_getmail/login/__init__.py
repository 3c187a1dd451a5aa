# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a connector logs in with, found out before a run begins by who starts it: for units that is root."""

from __future__ import annotations

import time

from cockpit_getmail.connector import ACCESS_TOKEN, CLIENT_PEM, EXPIRES, Connector
from cockpit_getmail.problem import Problem, failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from cockpit_getmail.settings import Settings

    Ready: TypeAlias = tuple[Connector, Problem | None]

RUN_SECRETS = ("Password",)
"""What a run may be told of the secrets that are stored."""


def resolve(connector: Connector, settings: Settings) -> Ready:
    """Return the connector with the secret that it logs in with and no other, and why there is none.

    That Problem is the run's to record, as a log-in that failed. Raises Problem (NotFound) if the connector
    was deleted meanwhile.
    """
    bare = Connector(connector.name, connector.props)
    try:
        require_allowed(connector, settings)
        proof = _find_certificate(connector)
        if connector.uses_oauth:
            found = _with_token(connector, settings)
            return Connector(found.name, found.props, {**found.secrets, **proof}), None
        secrets = {prop: value for prop, value in connector.secrets.items() if prop in RUN_SECRETS}
        sealed = {prop: value for prop, value in connector.sealed.items() if prop in RUN_SECRETS}
        if password := _find_password(connector, settings):
            secrets, sealed = password, {}
        return Connector(connector.name, connector.props, {**secrets, **proof}, sealed), None
    except Problem as problem:
        if problem.type == "NotFound":
            raise
        return bare, problem


def resolve_in_clear(connector: Connector, settings: Settings) -> Ready:
    """Return what resolve() does, for a run without a unit: nothing is sealed."""
    found, problem = resolve(connector, settings)
    if found.sealed:
        from cockpit_getmail.login.sealed import opened

        try:
            return opened(found), problem
        except Problem as trouble:
            return Connector(found.name, found.props), trouble
    return found, problem


def explain(connector: Connector, trouble: Problem) -> Problem:
    """Return why a secret of the connector does not open, where that kept its unit from starting.

    Else return the `trouble` that this met.
    """
    if connector.sealed and trouble.cause == "internal":
        from cockpit_getmail.login.sealed import find_trouble

        return find_trouble(connector) or trouble
    return trouble


def _find_password(connector: Connector, settings: Settings) -> dict[str, str]:
    if not {"PasswordFile", "PasswordCommand"} & connector.props.keys():
        return {}
    from cockpit_getmail.login.password import find_password

    password = find_password(connector, settings)
    return {} if password is None else {"Password": password}


def require_allowed(connector: Connector, settings: Settings) -> None:
    """Raise Problem (settings) for a Tunnel where no connector may have one."""
    if connector.tunnel and not settings.allow_tunnel:
        message = "Tunnel is not allowed: ALLOW_TUNNEL=yes in this server's settings allows it."
        raise failure("settings", message, setting="ALLOW_TUNNEL", parameter="Tunnel")


def _find_certificate(connector: Connector) -> dict[str, str]:
    if not connector.props.get("ClientCert"):
        return {}
    from cockpit_getmail.login import client_certificate

    pem = client_certificate.read(connector.props)
    return {CLIENT_PEM: pem} if pem else {}


def _with_token(connector: Connector, settings: Settings) -> Connector:
    from cockpit_getmail.oauth import broker

    refused_at = _find_refusal(connector, settings)
    token = broker.access_token(connector, settings, refused_at=refused_at)
    props = {**connector.props, EXPIRES: str(token.expires_at)}
    return Connector(connector.name, props, {ACCESS_TOKEN: token.access_token})


def _find_refusal(connector: Connector, settings: Settings) -> float:
    """Return when the last run was refused, 0 if it was not: the server may know more than the clock."""
    from cockpit_getmail import status_file
    from cockpit_getmail.connector import folder_name

    report = status_file.read(f"{settings.state_dir}/{folder_name(connector.name)}", with_log=False)
    if report is None or report["cause"] != "credentials":
        return 0.0
    # The report is in the hands of the run's user.
    return min(report["ended"] or report["started"], time.time())
