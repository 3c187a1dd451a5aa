# SPDX-License-Identifier: LGPL-2.1-or-later
"""IMAP sessions for programs (cockpit_getmail.relay), by root: in the sandbox that a run has."""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from subprocess import Popen, TimeoutExpired

from cockpit_getmail.connector import UNIT_PREFIX, Connector
from cockpit_getmail.problem import failure, printable
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import credentials
from cockpit_getmail.units.place import find_fetch_user
from cockpit_getmail.units.process import passing_through, run
from cockpit_getmail.units.sandbox import hiding_properties, require_hiding, require_installation
from cockpit_getmail.units.systemd import ASK_SECONDS, START_SECONDS, kill, start_argv

LOOK_AGAIN_SECONDS = 0.05
_NOT_STARTED = (1, *range(200, 256))
"""What systemd-run ends with if it, or what systemd does before the program, fails (systemd.exec(5))."""


def relay(connector: Connector, settings: Settings) -> int:
    """Have a session relayed on this process's stdin and stdout; return the exit status of its unit.

    These are handed on to the unit: no octet of the server passes through root. Raises Problem if no unit has
    greeted whoever is there.
    """
    require_installation()
    require_hiding(settings)
    unit = f"{UNIT_PREFIX}:imap-{os.urandom(8).hex()}"
    properties = [f"User={find_fetch_user(settings).pw_name}", *hiding_properties(settings)]
    description = f"IMAP session of {printable(connector.name)}"
    with credentials.written(connector, settings) as files:
        argv = start_argv(
            unit, description, [*properties, *credentials.loading(files)], "imap", "--pipe", "--wait"
        )
        with passing_through(argv) as child:
            try:
                status = _wait(child, unit, files.values())
            except BaseException:
                kill(unit)
                raise
    if status in _NOT_STARTED:
        raise failure("internal", "The unit of the session could not be started.", unit=unit)
    return status


def _wait(child: Popen[bytes], unit: str, files: Iterable[Path]) -> int:
    """Wait for the end of a unit; return its exit status. Its credentials are gone once it has them."""
    deadline = time.monotonic() + START_SECONDS
    while not _has_started(unit):
        with suppress(TimeoutExpired):
            return child.wait(LOOK_AGAIN_SECONDS)
        if time.monotonic() > deadline:
            raise failure("internal", "The unit of the session took too long to start.", unit=unit)
    for file in files:
        file.unlink(missing_ok=True)
    return child.wait()


def _has_started(unit: str) -> bool:
    argv = ["systemctl", "show", "--property=ActiveState", "--value", "--", f"{unit}.service"]
    return run(argv, timeout=ASK_SECONDS).output.strip() in (b"active", b"deactivating")
