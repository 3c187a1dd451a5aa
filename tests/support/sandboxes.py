# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is seen from outside of the units in which root has others talk to a mail server."""

from pathlib import Path

from tests.support.installed import Installed

TAKEN_OVER = """
import json, sys
from cockpit_getmail import settings, units
from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import Problem
from cockpit_getmail.units import systemd
start_argv = systemd.start_argv
def start_another(*arguments):
    argv = start_argv(*arguments)
    return [*argv[:argv.index("--") + 1], *sys.argv[1:]]
systemd.start_argv = start_another
connector = Connector.from_record("n", {"Server": "s", "Account": "a"})
try:
    answer = units.%s
except Problem as problem:
    answer = [problem.type, problem.message, problem.attributes]
json.dump(answer, sys.stdout)
"""
"""A program that calls a function of units with `connector`, in whose sandbox its own arguments are run."""


def find_checks(installed: Installed) -> list[str]:
    """Return the units of checks and visits that are loaded."""
    argv = ["systemctl", "list-units", "--all", "--plain", "--no-legend", "cockpit-getmail-:check-*"]
    return [
        line.split()[0].removesuffix(".service") for line in installed.machine.run(argv).stdout.splitlines()
    ]


def find_users_talking_to(port: int) -> set[int]:
    """Return the user ids of the sockets that are connected to a port of this host."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(fields[7]) for fields in lines if int(fields[2].partition(":")[2], 16) == port}
