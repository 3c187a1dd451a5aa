# SPDX-License-Identifier: LGPL-2.1-or-later
"""What may be said of a remote mailbox: what is in it, and what is to be changed there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.command import acting, mailbox
from cockpit_getmail.command.complete import complete_files
from cockpit_getmail.command.options import NAME, add_command, add_name

if TYPE_CHECKING:
    import argparse
    from typing import Any

QUESTIONS = ("capabilities", "namespace", "quota", "rights", "certificate")


def add_reading(commands: Any) -> None:
    """Add the commands that look into a mailbox."""
    for name, handler, summary in (
        ("folders", mailbox.folders, "show the folders at the server, and which are fetched"),
        ("preview", mailbox.preview, "show what a connector would fetch"),
    ):
        add_name(add_command(commands, name, handler, summary, f"cockpit-getmail {name} {NAME}"))
    parser = add_command(
        commands,
        "messages",
        mailbox.messages,
        "show the newest messages of a folder at the server",
        f"cockpit-getmail messages {NAME} --search UNSEEN",
    )
    add_name(parser)
    _add_folder(parser)
    parser.add_argument("--search", metavar="CRITERIA", help="only what matches, such as FROM anna")
    parser.add_argument("--limit", type=int, metavar="N", help="so many at most (50)")
    parser.add_argument("--before", metavar="UID", help="only older ones than this")
    parser = _add_of_message(commands, "message", mailbox.message, "show a message at the server as text")
    parser.add_argument("--headers", action="store_true", help="with the whole header")
    parser.add_argument("--html", action="store_true", help="its HTML, as it is")
    parser = _add_of_message(commands, "files", mailbox.files, "show the files of a message at the server")
    parser.add_argument("--all", action="store_true", help="also pictures of signatures and winmail.dat")
    parser = _add_of_message(
        commands, "file", mailbox.file, "write a file of a message to a file here", "2 report.pdf"
    )
    parser.add_argument("file", metavar="ID", help="as the command files shows it")
    output = parser.add_argument("output", metavar="FILE", help="a new file; - is standard output")
    output.completer = complete_files  # type: ignore[attr-defined]
    parser = add_command(
        commands,
        "server",
        mailbox.server,
        "show what a server tells of itself and of the account",
        f"cockpit-getmail server {NAME} quota",
    )
    add_name(parser)
    parser.add_argument("what", choices=QUESTIONS, help="what to ask for")
    _add_folder(parser)


def add_acting(commands: Any) -> None:
    """Add the commands that change something in a mailbox."""
    parser = _add_of_messages(commands, "mark", acting.mark, "mark messages at the server", "4711 --seen")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seen", action="store_true", help="as seen")
    which.add_argument("--unseen", action="store_true", help="as not seen")
    which.add_argument("--flag", action="append", metavar="FLAG", help=r"with a flag, such as \Flagged")
    which.add_argument("--unflag", action="append", metavar="FLAG", help="no longer with it")
    parser = _add_of_messages(
        commands, "delete-messages", acting.delete_messages, "delete messages at the server for good", "4711"
    )
    parser.add_argument("--yes", "-y", action="store_true", help="do not ask")
    for name, handler in (("copy", acting.copy), ("move", acting.move)):
        parser = _add_of_messages(
            commands, name, handler, f"{name} messages into another folder at the server", "4711 --to Archive"
        )
        parser.add_argument("--to", dest="target", required=True, metavar="FOLDER", help="that folder")
    parser = add_command(
        commands,
        "append",
        acting.append,
        "put a message into a folder at the server",
        f"cockpit-getmail append {NAME} message.eml",
    )
    add_name(parser)
    file = parser.add_argument("file", metavar="FILE", help="the message; - is standard input")
    file.completer = complete_files  # type: ignore[attr-defined]
    _add_folder(parser)
    parser.add_argument("--flag", action="append", metavar="FLAG", help=r"with a flag, such as \Seen")
    parser.add_argument("--date", type=int, metavar="SECONDS", help="when it came, since 1970")
    _add_of_folder(commands)


def _add_of_folder(commands: Any) -> None:
    parser = add_command(
        commands,
        "folder",
        acting.folder,
        "create, rename, subscribe to or delete a folder at the server",
        f"cockpit-getmail folder {NAME} Archive --create",
    )
    add_name(parser)
    parser.add_argument("which", metavar="FOLDER", help="its name, as the command folders shows it")
    parser.add_argument("--force", action="store_true", help="with --delete: with the messages in it")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--create", action="store_true", help="make it")
    what.add_argument("--delete", action="store_true", help="remove it if it is empty")
    what.add_argument("--rename", metavar="FOLDER", help="give it another name")
    for flag, value in (("--subscribe", True), ("--unsubscribe", False)):
        what.add_argument(
            flag,
            dest="subscribed",
            action="store_const",
            const=value,
            help=f"let mail programs show it{'' if value else ' no longer'}",
        )


def _add_folder(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--folder", help="of this folder at the server (INBOX)")


def _add_of_message(
    commands: Any, name: str, handler: Any, summary: str, more: str = ""
) -> argparse.ArgumentParser:
    example = f"cockpit-getmail {name} {NAME} 4711 {more}".rstrip()
    parser = add_command(commands, name, handler, summary, example)
    add_name(parser)
    parser.add_argument("uid", metavar="UID", help="as the command messages shows it")
    _add_folder(parser)
    return parser


def _add_of_messages(
    commands: Any, name: str, handler: Any, summary: str, more: str
) -> argparse.ArgumentParser:
    parser = add_command(commands, name, handler, summary, f"cockpit-getmail {name} {NAME} {more}")
    add_name(parser)
    parser.add_argument("uids", metavar="UID", nargs="+", help="as the command messages shows them")
    _add_folder(parser)
    parser.add_argument(
        "--uidvalidity", type=int, metavar="N", help="only if the folder has this UIDVALIDITY still"
    )
    return parser
