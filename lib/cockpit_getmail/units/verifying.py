# SPDX-License-Identifier: LGPL-2.1-or-later
"""Verifications as transient units: with a run's sandbox, but without secrets, and the Maildir read-only."""

from cockpit_getmail.connector import Connector, verification_unit
from cockpit_getmail.problem import printable
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import credentials
from cockpit_getmail.units.place import locate
from cockpit_getmail.units.sandbox import hiding_properties, quote
from cockpit_getmail.units.systemd import (
    TASK_FIELD,
    require_units,
    run_properties,
    shell_word,
    start,
    start_argv,
    state_directory,
)


def start_verification(connector: Connector, settings: Settings, token: str) -> tuple[str, bool]:
    """Start a verification of a connector; return its unit without `.service`, and whether it was running.

    Raises Problem: cause internal without root or systemd; settings or delivery as it may be.
    """
    unit = verification_unit(connector.name)
    foreground = (
        f"verify it in the foreground: cockpit-getmail verify --foreground {shell_word(connector.name)}"
    )
    require_units(foreground)
    state = state_directory(settings)
    place = locate(connector, settings)
    fixed = [f"LogExtraFields={TASK_FIELD}={token}", *hiding_properties(settings, place)]
    if place.maildir:
        # One that is not there is what the verification has to tell.
        fixed.append(f"BindReadOnlyPaths=-{quote(place.maildir, 1)}")
    with credentials.written(without_secrets(connector), settings, token) as files:
        properties = [*run_properties(place._replace(maildir=None), state, files), *fixed]
        argv = start_argv(unit, f"Verification of {printable(connector.name)}", properties, "verify")
        return unit, start(unit, argv, foreground)


def without_secrets(connector: Connector) -> Connector:
    """Return what a verification needs of a connector."""
    props = {prop: value for prop, value in connector.props.items() if prop != "CAFile"}
    return Connector(connector.name, props)
