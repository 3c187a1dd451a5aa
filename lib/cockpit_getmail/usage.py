# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people may say to `cockpit-getmail`, and the help they get."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from cockpit_getmail import __version__
from cockpit_getmail.command import connectors, props, records, tasks
from cockpit_getmail.command.complete import complete, complete_names

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, NoReturn

    from cockpit_getmail.command.session import Session

    Handler = Callable[[Session], int]

WRONG_USE = 64
NAME = "giacomo@imap.example.com"
COMPLETION = "_ARGCOMPLETE"
"""The variable that is set when a shell asks for completions."""


class _Parser(argparse.ArgumentParser):
    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(WRONG_USE, f"{self.prog}: error: {message}\n")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return `command` and its options; `handler` is what runs it, but for fetch and schedule.

    Exits for --help, --version, and with WRONG_USE.
    """
    parser = make_parser()
    if COMPLETION in os.environ:
        complete(parser)
    if any(argument.startswith("--password=") for argument in arguments):
        # Not even in an error of argparse's.
        parser.error("a password is no argument: --password asks for it, --password-stdin reads it")
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        hidden = "--password" in arguments
        parser.error("too many arguments" if hidden else f"unrecognized arguments: {' '.join(unknown)}")
    if missing := _find_missing(options):
        parser.error(missing)
    return options


def _find_missing(options: argparse.Namespace) -> str | None:
    """Return what a command wants that could stand in one place or another."""
    match options.command:
        case "check" if options.name is None and not props.read(options):
            return "check needs a NAME, or a server to log in at (see check --help)"
        case "cancel" | "log" if (options.name is None) == (options.token is None):
            return f"{options.command} needs a NAME or a --token"
        case "edit" if not (props.read(options) or options.password or options.password_stdin):
            return "edit needs something to change (see edit --help)"
        case "fetch" | "schedule" if options.json or options.host:
            return f"{options.command} knows neither --json nor --host"
    return None


def make_parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="cockpit-getmail",
        description="Connectors pull remote POP3 and IMAP accounts into local ones.",
        epilog="`cockpit-getmail COMMAND --help` has an example of each command.\n\n"
        "exit status: 0 done, 64 wrong use, 65 some messages failed or are missing, 66 mailbox, 69 network,\n"
        "70 bug, 73 delivery, 75 running already or cancelled, 76 TLS or protocol, 77 credentials,\n"
        "78 configuration.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    _add_common(parser, json=False, host=None)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=_Parser)
    _add_connectors(commands)
    _add_tasks(commands)
    _add_records(commands)
    _add_local(commands)
    return parser


def _add_common(parser: argparse.ArgumentParser, **defaults: object) -> None:
    """Options that may stand before the command or after it."""
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


def _add(commands: Any, name: str, handler: Handler, summary: str, example: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.", epilog=f"example:\n  {example}"
    )
    parser.set_defaults(handler=handler)
    _add_common(parser)
    return parser


def _add_name(parser: argparse.ArgumentParser, *, optional: bool = False, as_account: bool = True) -> None:
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


def _add_filters(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--label", help="only those with this label")
    parser.add_argument("--status", metavar="STATUS", help="only those with it: OK, INVALID_CREDENTIALS ...")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--ok", dest="status_ok", action="store_const", const=1, help="only those that work, or are new"
    )
    which.add_argument(
        "--failing", dest="status_ok", action="store_const", const=0, help="only those that do not"
    )


def _add_props(parser: argparse.ArgumentParser, only: Sequence[str] | None = None) -> None:
    group = parser.add_argument_group("the connector")
    props.add_options(group, only)
    group.add_argument("--password", action="store_true", help="ask for the password")
    group.add_argument("--password-stdin", action="store_true", help="read the password from standard input")


def _add_state(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    for value in ("enabled", "disabled"):
        which.add_argument(
            f"--{value}", dest="status", action="store_const", const=value, help=f"it is {value}"
        )
    parser.add_argument("--dry-run", action="store_true", help="only tell whether this would be taken")


def _add_connectors(commands: Any) -> None:
    parser = _add(
        commands, "list", connectors.list_connectors, "show all connectors", "cockpit-getmail list --failing"
    )
    parser.add_argument("--account", help="only those of this account")
    _add_filters(parser)
    parser = _add(
        commands,
        "show",
        connectors.show,
        "show all that is stored of a connector",
        f"cockpit-getmail show {NAME}",
    )
    _add_name(parser)
    parser = _add(
        commands,
        "add",
        connectors.add,
        "add a connector; what is missing is asked for",
        "cockpit-getmail add --retriever imaps --server imap.example.com --user giacomo --account giacomo",
    )
    _add_props(parser)
    _add_state(parser)
    parser.add_argument(
        "--check",
        action=argparse.BooleanOptionalAction,
        help="try the log-in first, as is done on a terminal anyway",
    )
    parser = _add(
        commands,
        "edit",
        connectors.edit,
        "change what is given of a connector; an empty value removes it",
        f"cockpit-getmail edit {NAME} --time 60 --label work",
    )
    _add_name(parser, as_account=False)
    _add_props(parser)
    _add_state(parser)
    parser.add_argument("--check", action="store_true", help="try the log-in first")
    parser = _add(
        commands,
        "remove",
        connectors.remove,
        "remove a connector and its records, never mail",
        f"cockpit-getmail remove {NAME}",
    )
    _add_name(parser)
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    for name, handler, summary in (
        ("enable", connectors.enable, "let a connector run"),
        ("disable", connectors.disable, "let a connector run no more; a run under way ends"),
        ("reset", connectors.reset, "forget a connector's failures and try it at once"),
    ):
        _add_name(_add(commands, name, handler, summary, f"cockpit-getmail {name} {NAME}"))
    parser = _add(
        commands,
        "check",
        connectors.check,
        "try a connector's log-in, or one that is given; nothing is fetched",
        "cockpit-getmail check --retriever imaps --server imap.example.com --user giacomo --password",
    )
    _add_name(parser, optional=True)
    _add_props(parser, props.LOGIN)


def _add_tasks(commands: Any) -> None:
    parser = _add(commands, "run", tasks.run, "fetch now", f"cockpit-getmail run --follow {NAME}")
    _add_name(parser)
    parser.add_argument(
        "--follow", "-f", action="store_true", help="show it until it ends; Ctrl-C leaves it running"
    )
    parser = _add(
        commands,
        "cancel",
        tasks.cancel,
        "end a run or verification after the message it is at",
        f"cockpit-getmail cancel {NAME}",
    )
    _add_name(parser, optional=True)
    parser.add_argument("--token", help="the task with this token")
    _add_name(
        _add(
            commands,
            "verify",
            tasks.verify,
            "look whether all delivered mail is still there",
            f"cockpit-getmail verify {NAME}",
        )
    )


def _add_records(commands: Any) -> None:
    parser = _add(
        commands,
        "status",
        records.status,
        "show how connectors are, problems first, and what to do",
        "cockpit-getmail status --failing",
    )
    _add_name(parser, optional=True)
    _add_filters(parser)
    parser = _add(commands, "history", records.history, "show past runs", f"cockpit-getmail history {NAME}")
    _add_name(parser)
    parser.add_argument("--limit", type=int, metavar="N", help="so many at most (100)")
    parser = _add(commands, "log", records.log, "show what its runs logged", f"cockpit-getmail log {NAME}")
    _add_name(parser, optional=True)
    parser.add_argument("--token", help="only of the task with this token")
    parser.add_argument("--lines", "-n", type=int, metavar="N", help="so many at most (100)")
    _add_quarantine(commands)
    _add(commands, "accounts", connectors.accounts, "show local accounts", "cockpit-getmail accounts")
    _add(commands, "info", records.info, "show version, settings and counts", "cockpit-getmail info")


def _add_quarantine(commands: Any) -> None:
    parser = _add(
        commands,
        "quarantine",
        records.quarantine,
        "show messages that were set aside",
        f"cockpit-getmail quarantine {NAME}",
    )
    _add_name(parser)
    for name, handler, summary in (
        ("retry", records.retry, "fetch messages that were set aside again"),
        ("skip", records.skip, "give up messages that were set aside"),
    ):
        parser = _add(commands, name, handler, summary, f"cockpit-getmail {name} {NAME} --uid 4711")
        _add_name(parser)
        parser.add_argument("--uid", help="only this one")
        parser.add_argument("--folder", help="only those of this folder")


def _add_local(commands: Any) -> None:
    fetch = commands.add_parser("fetch", help="fetch what is new, in the foreground and without systemd")
    name = fetch.add_argument("name", metavar="NAME", help="its name; after -- if it begins with a dash")
    name.completer = complete_names
    commands.add_parser("schedule", help="start what is due, as the timer does each minute")
