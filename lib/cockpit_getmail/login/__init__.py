# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a connector logs in with, found out before a run begins by whoever starts it: for units that is root."""

from __future__ import annotations

from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from cockpit_getmail.settings import Settings

    Ready: TypeAlias = tuple[Connector, Problem | None]

RUN_SECRETS = ("Password",)
"""What a run may be told of the secrets that are stored."""


def resolve(connector: Connector, settings: Settings) -> Ready:
    """Return the connector with the secret that it logs in with and no other, and why there is none.

    That Problem is the run's to record, as a log-in that failed.
    """
    secrets = {prop: value for prop, value in connector.secrets.items() if prop in RUN_SECRETS}
    try:
        password = _find_password(connector, settings)
    except Problem as problem:
        return Connector(connector.name, connector.props, secrets), problem
    return Connector(connector.name, connector.props, secrets | password), None


def _find_password(connector: Connector, settings: Settings) -> dict[str, str]:
    if not {"PasswordFile", "PasswordCommand"} & connector.props.keys():
        return {}
    from cockpit_getmail.login.password import find_password

    password = find_password(connector, settings)
    return {} if password is None else {"Password": password}
