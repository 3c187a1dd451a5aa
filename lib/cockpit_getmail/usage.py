# SPDX-License-Identifier: LGPL-2.1-or-later
"""What people may say to `cockpit-getmail`, and the help they get."""

from __future__ import annotations

import argparse
import os
from typing import TYPE_CHECKING

from cockpit_getmail import __version__
from cockpit_getmail.command import connectors, props, records, sealing, tasks
from cockpit_getmail.command.authorize import authorize
from cockpit_getmail.command.complete import complete, complete_names
from cockpit_getmail.command.mailbox_options import add_acting, add_reading
from cockpit_getmail.command.options import (
    NAME,
    Parser,
    add_command,
    add_common,
    add_filters,
    add_name,
    add_parser,
    add_props,
    add_state,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

COMPLETION = "_ARGCOMPLETE"
"""The variable that is set when a shell asks for completions."""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Return `command` and its options; `handler` is what runs it, but for fetch, imap and schedule.

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
        case "edit" if not (
            props.read(options)
            or props.find_secret_files(options)
            or options.password
            or options.password_stdin
        ):
            return "edit needs something to change (see edit --help)"
        case "fetch" | "schedule" | "imap" if options.json or options.host:
            return f"{options.command} knows neither --json nor --host"
        case "verify" | "baseline" if options.foreground and (options.json or options.host):
            return f"{options.command} --foreground knows neither --json nor --host"
    return None


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = Parser(
        prog="cockpit-getmail",
        description="Connectors pull remote POP3 and IMAP accounts into local ones.",
        epilog="`cockpit-getmail COMMAND --help` has an example of each command.\n\n"
        "exit status: 0 done, 1 no answer to a question, 64 wrong use, 65 some messages failed or are\n"
        "missing, 66 mailbox, 69 network, 70 bug, 73 delivery, 75 running already or cancelled, 76 TLS or\n"
        "protocol, 77 credentials, 78 configuration.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    add_common(parser, json=False, host=None)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    _add_connectors(commands)
    _add_tasks(commands)
    _add_records(commands)
    add_reading(commands)
    add_acting(commands)
    _add_local(commands)
    return parser


def _add_connectors(commands: Any) -> None:
    parser = add_command(
        commands, "list", connectors.list_connectors, "show all connectors", "cockpit-getmail list --failing"
    )
    parser.add_argument("--account", help="only those of this account")
    add_filters(parser)
    parser = add_command(
        commands,
        "show",
        connectors.show,
        "show all that is stored of a connector",
        f"cockpit-getmail show {NAME}",
    )
    add_name(parser)
    parser = add_command(
        commands,
        "add",
        connectors.add,
        "add a connector; what is missing is asked for",
        "cockpit-getmail add --retriever imaps --server imap.example.com --user giacomo --account giacomo",
    )
    add_props(parser)
    add_state(parser)
    parser.add_argument(
        "--check",
        action=argparse.BooleanOptionalAction,
        help="try the log-in first, as is done on a terminal anyway",
    )
    parser = add_command(
        commands,
        "edit",
        connectors.edit,
        "change what is given of a connector; an empty value removes it",
        f"cockpit-getmail edit {NAME} --time 60 --label work",
    )
    add_name(parser, as_account=False)
    add_props(parser)
    add_state(parser)
    parser.add_argument("--check", action="store_true", help="try the log-in first")
    parser = add_command(
        commands,
        "remove",
        connectors.remove,
        "remove a connector and its records, never mail",
        f"cockpit-getmail remove {NAME}",
    )
    add_name(parser)
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    for name, handler, summary in (
        ("enable", connectors.enable, "let a connector run"),
        ("disable", connectors.disable, "let a connector run no more; a run under way ends"),
        ("reset", connectors.reset, "forget a connector's failures and try it at once"),
    ):
        add_name(add_command(commands, name, handler, summary, f"cockpit-getmail {name} {NAME}"))
    parser = add_command(
        commands,
        "check",
        connectors.check,
        "try a connector's log-in, or one that is given; nothing is fetched",
        "cockpit-getmail check --retriever imaps --server imap.example.com --user giacomo --password",
    )
    add_name(parser, optional=True)
    add_props(parser, props.LOGIN)


def _add_tasks(commands: Any) -> None:
    parser = add_command(commands, "run", tasks.run, "fetch now", f"cockpit-getmail run --follow {NAME}")
    add_name(parser)
    parser.add_argument(
        "--follow", "-f", action="store_true", help="show it until it ends; Ctrl-C leaves it running"
    )
    parser = add_command(
        commands,
        "baseline",
        tasks.baseline,
        "mark all that is there now as seen, so that it is never fetched",
        f"cockpit-getmail baseline {NAME}",
    )
    add_name(parser)
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    parser.add_argument("--foreground", action="store_true", help="without systemd")
    parser = add_command(
        commands,
        "cancel",
        tasks.cancel,
        "end a run or verification after the message it is at, or a sign-in",
        f"cockpit-getmail cancel {NAME}",
    )
    add_name(parser, optional=True)
    parser.add_argument("--token", help="the task with this token")
    parser = add_command(
        commands,
        "verify",
        tasks.verify,
        "look whether all delivered mail is still there",
        f"cockpit-getmail verify {NAME}",
    )
    add_name(parser)
    parser.add_argument("--foreground", action="store_true", help="without systemd")
    parser = add_command(
        commands,
        "authorize",
        authorize,
        "sign in at the provider of a connector that logs in by OAuth2",
        f"cockpit-getmail authorize {NAME}",
    )
    add_name(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--flow",
        choices=("device", "code"),
        help="with a code to enter anywhere, or with an address that the browser is sent to at the end",
    )
    which.add_argument(
        "--complete",
        action="store_true",
        help="only take the address, from the terminal or standard input, for a sign-in that was begun",
    )


def _add_records(commands: Any) -> None:
    parser = add_command(
        commands,
        "status",
        records.status,
        "show how connectors are, problems first, and what to do",
        "cockpit-getmail status --failing",
    )
    add_name(parser, optional=True)
    add_filters(parser)
    parser = add_command(
        commands, "history", records.history, "show past runs", f"cockpit-getmail history {NAME}"
    )
    add_name(parser)
    parser.add_argument("--limit", type=int, metavar="N", help="so many at most (100)")
    parser = add_command(
        commands, "log", records.log, "show what its runs logged", f"cockpit-getmail log {NAME}"
    )
    add_name(parser, optional=True)
    parser.add_argument("--token", help="only of the task with this token")
    parser.add_argument("--lines", "-n", type=int, metavar="N", help="so many at most (100)")
    _add_quarantine(commands)
    add_command(commands, "accounts", connectors.accounts, "show local accounts", "cockpit-getmail accounts")
    add_command(commands, "info", records.info, "show version, settings and counts", "cockpit-getmail info")
    for name, handler, summary in (
        ("seal", sealing.seal, "seal all stored secrets by this machine's key (systemd-creds)"),
        ("unseal", sealing.unseal, "store all sealed secrets in clear again"),
    ):
        add_command(commands, name, handler, summary, f"cockpit-getmail {name}")


def _add_quarantine(commands: Any) -> None:
    parser = add_command(
        commands,
        "quarantine",
        records.quarantine,
        "show messages that were set aside",
        f"cockpit-getmail quarantine {NAME}",
    )
    add_name(parser)
    for name, handler, summary in (
        ("retry", records.retry, "fetch messages that were set aside again"),
        ("skip", records.skip, "give up messages that were set aside"),
    ):
        parser = add_command(commands, name, handler, summary, f"cockpit-getmail {name} {NAME} --uid 4711")
        add_name(parser)
        parser.add_argument("--uid", help="only this one")
        parser.add_argument("--folder", help="only those of this folder")


def _add_local(commands: Any) -> None:
    parser = add_parser(
        commands,
        "fetch",
        "fetch what is new, in the foreground and without systemd",
        f"cockpit-getmail fetch {NAME}",
    )
    name = parser.add_argument("name", metavar="NAME", help="its name; after -- if it begins with a dash")
    name.completer = complete_names  # type: ignore[attr-defined]
    parser = add_parser(
        commands,
        "imap",
        "log in, and let a program speak IMAP on standard input and output; see docs/imap.md",
        f"cockpit-getmail imap {NAME}",
    )
    add_name(parser)
    summary = "start what is due, as the timer does each minute"
    add_parser(commands, "schedule", summary, "cockpit-getmail schedule")
