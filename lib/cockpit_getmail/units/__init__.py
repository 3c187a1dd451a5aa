# SPDX-License-Identifier: LGPL-2.1-or-later
"""The only door to systemd: runs and checks as transient units, and what they need of this machine.

Who fetches, starts a unit or only asks for a name imports no more of it than that.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cockpit_getmail.units.asking import answer_stdin, ask
    from cockpit_getmail.units.credentials import read_ca
    from cockpit_getmail.units.foreground import read_request, run_as_user
    from cockpit_getmail.units.inside import is_confined, read_credentials
    from cockpit_getmail.units.journal import read_journal, read_journal_of_task
    from cockpit_getmail.units.place import Place, locate, prepare
    from cockpit_getmail.units.relaying import relay
    from cockpit_getmail.units.sandbox import program
    from cockpit_getmail.units.systemd import (
        cancel,
        find_token,
        is_available,
        is_running,
        running,
        start_run,
        stop,
    )
    from cockpit_getmail.units.verifying import start_verification, without_secrets
    from cockpit_getmail.units.visiting import check, checks_in_unit, visit

_MODULES = {
    "Place": "place",
    "answer_stdin": "asking",
    "ask": "asking",
    "cancel": "systemd",
    "check": "visiting",
    "checks_in_unit": "visiting",
    "find_token": "systemd",
    "is_available": "systemd",
    "is_confined": "inside",
    "is_running": "systemd",
    "locate": "place",
    "prepare": "place",
    "program": "sandbox",
    "read_ca": "credentials",
    "read_credentials": "inside",
    "read_journal": "journal",
    "read_journal_of_task": "journal",
    "read_request": "foreground",
    "relay": "relaying",
    "run_as_user": "foreground",
    "running": "systemd",
    "start_run": "systemd",
    "start_verification": "verifying",
    "stop": "systemd",
    "visit": "visiting",
    "without_secrets": "verifying",
}

__all__ = [
    "Place",
    "answer_stdin",
    "ask",
    "cancel",
    "check",
    "checks_in_unit",
    "find_token",
    "is_available",
    "is_confined",
    "is_running",
    "locate",
    "prepare",
    "program",
    "read_ca",
    "read_credentials",
    "read_journal",
    "read_journal_of_task",
    "read_request",
    "relay",
    "run_as_user",
    "running",
    "start_run",
    "start_verification",
    "stop",
    "visit",
    "without_secrets",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _MODULES:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
