# SPDX-License-Identifier: LGPL-2.1-or-later
"""The unit that waits for a person to sign in, and asks the provider until then.

It is root's: it reads and writes what only root does. What a provider answers is read in sandboxes of its own
(oauth.exchange). No drop-in of a prefix reaches a unit with an `@`, so that all stands here.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

from cockpit_getmail.connector import token_prefix
from cockpit_getmail.problem import printable
from cockpit_getmail.units.sandbox import quote, require_installation
from cockpit_getmail.units.systemd import (
    TASK_FIELD,
    cancel,
    find_token,
    is_available,
    is_running,
    start,
    start_argv,
    stop,
)

if TYPE_CHECKING:
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.signin.record import SignIn

LONGEST_SECONDS = 3600
SLACK_SECONDS = 120
"""So long after the code has expired the unit is ended, if it has not ended."""
_PROPERTIES = (
    *("Slice=cockpit-getmail.slice", "SyslogIdentifier=cockpit-getmail", "TimeoutStopSec=60s"),
    # A core dump would hold secrets.
    *("LimitCORE=0", "UMask=0077", "MemoryMax=256M", "TasksMax=64"),
    # The database may be anybody's, and secrets sealed by a TPM2 chip.
    *("CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER", "NoNewPrivileges=yes"),
    *("PrivateDevices=yes", "DevicePolicy=closed", "BindPaths=-/dev/tpmrm0", "DeviceAllow=char-tpm rw"),
    *("ProtectSystem=full", "ProtectHome=read-only", "PrivateTmp=yes", "PrivateIPC=yes", "ProtectClock=yes"),
    *("ProtectHostname=yes", "ProtectKernelTunables=yes", "ProtectKernelModules=yes"),
    *("ProtectKernelLogs=yes", "ProtectControlGroups=yes", "KeyringMode=private", "RestrictNamespaces=yes"),
    *("RestrictRealtime=yes", "RestrictSUIDSGID=yes", "LockPersonality=yes", "MemoryDenyWriteExecute=yes"),
    # It talks to systemd alone, which starts those who talk to a provider.
    *("RestrictAddressFamilies=AF_UNIX", "SystemCallArchitectures=native"),
    *("SystemCallFilter=@system-service", "SystemCallErrorNumber=EPERM"),
)


def unit_name(name: str) -> str:
    """Return the unit of a connector's sign-in, without `.service`."""
    return f"cockpit-getmail@authorize-{token_prefix(name)}"


def can_wait() -> bool:
    """Whether a unit can be started here."""
    return os.geteuid() == 0 and is_available()


def start_waiting(sign_in: SignIn, settings: Settings) -> None:
    """Let a unit wait for the end of a sign-in that is recorded. Raises Problem (internal)."""
    unit = unit_name(sign_in.name)
    require_installation()
    description = f"Sign-in for {printable(sign_in.name)}"
    argv = start_argv(unit, description, make_properties(sign_in, settings, time.time()), "authorize")
    start(unit, [*argv, token_prefix(sign_in.name)], "try again.")


def make_properties(sign_in: SignIn, settings: Settings, now: float) -> list[str]:
    """Return what the unit of a sign-in bears."""
    seconds = min(LONGEST_SECONDS, max(0, sign_in.expires - int(now))) + SLACK_SECONDS
    return [
        *_PROPERTIES,
        f"LogExtraFields={TASK_FIELD}={sign_in.token}",
        f"RuntimeMaxSec={seconds}s",
        f"ReadWritePaths=-{quote(os.path.dirname(settings.connectors_db), 1)}",
        f"ReadWritePaths=-{quote(settings.state_dir, 1)}",
    ]


def stop_waiting(name: str, *, at_once: bool = True) -> None:
    """End the unit that waits for a connector's sign-in, if there is one; unless `at_once`, wait for its end.

    Raises Problem (internal).
    """
    if can_wait() and is_running(unit_name(name)):
        (cancel if at_once else stop)(unit_name(name))


def is_waiting(sign_in: SignIn) -> bool:
    """Whether a unit waits for the end of this sign-in. Raises Problem (internal)."""
    return is_available() and find_token(unit_name(sign_in.name)) == sign_in.token
