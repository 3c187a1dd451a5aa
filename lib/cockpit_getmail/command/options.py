# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the commands take in common: a connector's name, its props, filters, and how to answer."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from cockpit_getmail.command import props
from cockpit_getmail.command.complete import complete_names
from cockpit_getmail.command.words import CONDITIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

    from cockpit_getmail.command.session import Session

    Handler = Callable[[Session], int]

WRONG_USE = 64
NAME = "giacomo@imap.example.com"
"""The connector of examples."""


class Parser(argparse.ArgumentParser):
    """Takes nothing shortened, and ends with WRONG_USE."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(WRONG_USE, f"{self.prog}: error: {message}\n")


def add_common(parser: argparse.ArgumentParser, **defaults: object) -> None:
    """Add what may stand before the command or after it; what has no default leaves what was said before."""
    parser.add_argument(
        "--json",
        action="store_true",
        help="print the answer as one JSON object",
        **_default(defaults, "json"),
    )
    parser.add_argument(
        "--host",
        metavar="HOST",
        help="do it on another machine, as ssh is told it",
        **_default(defaults, "host"),
    )


def _default(defaults: dict[str, object], name: str) -> dict[str, Any]:
    return {"default": defaults.get(name, argparse.SUPPRESS)}


def add_command(
    commands: Any, name: str, handler: Handler, summary: str, example: str
) -> argparse.ArgumentParser:
    """Add a command that a function handles, and return its parser."""
    parser = add_parser(commands, name, summary, example)
    parser.set_defaults(handler=handler)
    add_common(parser)
    return parser


def add_parser(commands: Any, name: str, summary: str, example: str) -> argparse.ArgumentParser:
    """Add a command with its help, and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=f"example:\n  {example}"
    )
    return parser


def add_name(parser: argparse.ArgumentParser, *, optional: bool = False, as_account: bool = True) -> None:
    """Add the options that name a connector; with `as_account`, --account says what --of does."""
    named = parser.add_argument(
        "name",
        metavar="NAME",
        nargs="?" if optional else None,
        help="its name or label; 0 with --of is an account's first; after -- if it begins with a dash",
    )
    named.completer = complete_names  # type: ignore[attr-defined]
    flags = ("--of", "--account") if as_account else ("--of",)
    parser.add_argument(
        *flags, dest="of", metavar="ACCOUNT", help="of this account, where a label is of several"
    )


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Add what lists can be reduced by, but for the account."""
    parser.add_argument("--label", help="only those with this label")
    status = parser.add_argument(
        "--status", metavar="STATUS", type=str.upper, help="only those with it: OK, INVALID_CREDENTIALS ..."
    )
    status.completer = lambda **_: CONDITIONS  # type: ignore[attr-defined]
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--ok", dest="status_ok", action="store_const", const=1, help="only those that work, or are new"
    )
    which.add_argument(
        "--failing", dest="status_ok", action="store_const", const=0, help="only those that do not"
    )


def add_props(parser: argparse.ArgumentParser, only: Sequence[str] | None = None) -> None:
    """Add an option for each prop, or for these, and those for secrets."""
    group = parser.add_argument_group("the connector")
    props.add_options(group, only)
    if only is None:
        props.add_secrets(group)
    group.add_argument("--password", action="store_true", help="ask for the password")
    group.add_argument("--password-stdin", action="store_true", help="read the password from standard input")


def add_state(parser: argparse.ArgumentParser) -> None:
    """Add what else changes a connector, and --dry-run."""
    which = parser.add_mutually_exclusive_group()
    for value in ("enabled", "disabled"):
        which.add_argument(
            f"--{value}", dest="status", action="store_const", const=value, help=f"it is {value}"
        )
    parser.add_argument("--dry-run", action="store_true", help="only tell whether this would be taken")
