# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people may say to `cockpit-getmail`, and the help they get."""

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

from cockpit_getmail import __version__

WRONG_USE = 64


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(WRONG_USE, f"{self.prog}: error: {message}\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return `command` and `name`. Exits for --help, --version, and with WRONG_USE."""
    parser = _Parser(
        prog="cockpit-getmail",
        description="Fetch the mail of a connector.",
        epilog="Exit status: 0 done, 64 wrong use, 65 some messages failed, 66 mailbox, 69 network, 70 bug, "
        "73 delivery, 75 running already, 76 TLS or protocol, 77 credentials, 78 configuration.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    fetch = commands.add_parser("fetch", help="fetch what is new, in the foreground")
    fetch.add_argument("name", metavar="NAME", help="its name; after -- if it begins with a dash")
    return parser.parse_args(arguments)
