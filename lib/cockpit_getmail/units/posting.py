# SPDX-License-Identifier: LGPL-2.1-or-later
"""The unit that sends callbacks. What it may do stands in systemd/cockpit-getmail@callback.service.d."""

from pathlib import Path

from cockpit_getmail.problem import failure
from cockpit_getmail.settings import Settings
from cockpit_getmail.units.process import run
from cockpit_getmail.units.sandbox import (
    UNIT_FOLDERS,
    hiding_properties,
    require_hiding,
    require_installation,
)
from cockpit_getmail.units.systemd import START_SECONDS, is_running, start_argv

UNIT = "cockpit-getmail@callback"
DROP_IN = f"{UNIT}.service.d/10-callback.conf"


def run_unit(request: bytes, settings: Settings, seconds: float, limit: int) -> bytes:
    """Hand a request to the unit; return its answer, which is not to be believed: empty if it failed.

    Raises Problem (internal, settings) if the unit cannot be started, as while another one runs. It is given
    so many seconds, and octets of answer.
    """
    require_installation()
    require_hiding(settings)
    if not any(Path(folder, DROP_IN).exists() for folder in UNIT_FOLDERS):
        raise failure("internal", "The sandbox of callbacks is not installed: `make install`.")
    argv = start_argv(UNIT, "Callbacks", hiding_properties(settings), "callback", "--pipe", "--wait")
    done = run(argv, stdin=request, timeout=START_SECONDS + seconds, output_limit=limit)
    # The unit has a say in what is complained of.
    if b"already loaded" in done.errors and is_running(UNIT):
        raise failure("internal", "Another process is sending callbacks.")
    return done.output if done.status == 0 else b""
