# SPDX-License-Identifier: LGPL-2.1-or-later
"""The only door to systemd: runs and checks as transient units, and what they need of this machine."""

from cockpit_getmail.units.credentials import read as read_credentials
from cockpit_getmail.units.credentials import read_ca
from cockpit_getmail.units.foreground import read_request, run_as_user
from cockpit_getmail.units.place import Place, prepare
from cockpit_getmail.units.sandbox import is_confined, program
from cockpit_getmail.units.systemd import check, is_available, is_running, start_run, stop

__all__ = [
    "Place",
    "check",
    "is_available",
    "is_confined",
    "is_running",
    "prepare",
    "program",
    "read_ca",
    "read_credentials",
    "read_request",
    "run_as_user",
    "start_run",
    "stop",
]
