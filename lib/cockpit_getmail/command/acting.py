# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands that change something in a remote mailbox: by UID, and nothing else."""

from __future__ import annotations

import base64
import sys
from typing import TYPE_CHECKING

from cockpit_getmail.command.session import SUCCESS
from cockpit_getmail.problem import failure, printable
from cockpit_getmail.report import count

if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.command.session import Answer, Session

NO_ANSWER = 1
STDIN = "-"
MESSAGE_LIMIT = 760 << 10
"""Octets that have room in what a helper takes, in base64 and beside the rest."""


def mark(session: Session) -> int:
    """Mark messages as seen or not, or set and remove flags."""
    options, fields = session.options, _messages(session)
    if options.seen:
        answer = session.call("update", "mark-seen", **fields)
    elif options.unseen:
        answer = session.call("update", "mark-unseen", **fields)
    elif options.unflag:
        answer = session.call("update", "flag", **fields, flags=options.unflag, remove=True)
    else:
        answer = session.call("update", "flag", **fields, flags=options.flag)
    return _tell(session, answer, "marked")


def delete_messages(session: Session) -> int:
    """Delete messages at the server for good."""
    number = len(session.options.uids)
    if not session.options.yes:
        if not session.is_interactive:
            session.screen.complain("Nothing is deleted without --yes.")
            return NO_ANSWER
        if not session.confirm(f"Delete {count(number, 'message')} at the server for good?"):
            session.screen.complain("Nothing is deleted.")
            return SUCCESS
    return _tell(session, session.call("delete", "messages", **_messages(session)), "deleted")


def copy(session: Session) -> int:
    """Copy messages into another folder of the account."""
    answer = session.call("execute", "copy", **_messages(session), target=session.options.target)
    return _tell(session, answer, "copied")


def move(session: Session) -> int:
    """Move messages into another folder of the account."""
    answer = session.call("execute", "move", **_messages(session), target=session.options.target)
    return _tell(session, answer, "moved")


def append(session: Session) -> int:
    """Put a message into a folder of the account."""
    options = session.options
    answer = session.call(
        "execute",
        "append",
        **session.named,
        folder=options.folder,
        message=base64.b64encode(_read(options.file)).decode(),
        flags=options.flag or None,
        date=options.date,
    )
    named = f" Its UID is {answer['uid']}." if answer["uid"] else ""
    return session.done(answer, f"It is in {printable(answer['folder'])}.{named}")


def folder(session: Session) -> int:
    """Create, rename, subscribe to or delete a folder of the account."""
    options = session.options
    fields = {**session.named, "folder": options.which}
    if options.create:
        answer = session.call("create", "folder", **fields)
    elif options.delete:
        answer = session.call("delete", "folder", **fields, force=options.force or None)
    else:
        answer = session.call(
            "update", "folder", **fields, rename=options.rename, subscribed=options.subscribed
        )
    return session.done(answer, f"Done: {printable(answer['folder'])}.")


def _messages(session: Session) -> dict[str, Any]:
    options = session.options
    return {
        **session.named,
        "folder": options.folder,
        "uids": options.uids,
        "uidvalidity": options.uidvalidity,
    }


def _tell(session: Session, answer: Answer, what: str) -> int:
    if session.show_json(answer):
        return SUCCESS
    missing = f", {len(answer['missing'])} not there" if answer["missing"] else ""
    session.screen.say(f"{count(len(answer['done']), 'message')} {what}{missing}.")
    if answer.get("message"):
        session.screen.say(answer["message"])
    return SUCCESS


def _read(file: str) -> bytes:
    try:
        with open(sys.stdin.fileno() if file == STDIN else file, "rb", closefd=file != STDIN) as stream:
            octets = stream.read(MESSAGE_LIMIT + 1)
    except OSError as error:
        raise failure("connector", f"{printable(file)} cannot be read: {error.strerror}.") from error
    if len(octets) > MESSAGE_LIMIT:
        size = f"more than {MESSAGE_LIMIT >> 10} KiB"
        raise failure("connector", f"{printable(file)} has {size}: from Python, Client().mailbox() takes it.")
    return octets
