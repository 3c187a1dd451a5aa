# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the actions share that change a remote mailbox (cockpit_getmail.remote.acting)."""

from __future__ import annotations

from cockpit_getmail.actions import SUCCESS
from cockpit_getmail.actions.remote import ask
from cockpit_getmail.problem import failure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cockpit_getmail.actions import Answer
    from cockpit_getmail.settings import Settings

INBOX = "INBOX"
REMOVING = ("remove", "move")
"""What takes messages away from their folder."""


def act_on_messages(about: str, data: Mapping[str, Any], settings: Settings, **more: Any) -> Answer:
    """Return what came of it for the `uids` of an input: which were done, and which are not there.

    Raises Problem (NotFound, Conflict, NotValid), and the one that was met.
    """
    request = {
        "about": about,
        "folder": data.get("folder", INBOX),
        "uids": sorted({int(uid) for uid in data["uids"]}),
        "uidvalidity": data.get("uidvalidity"),
        **more,
    }
    found = ask(data, settings, request, only_imap=True)
    lists = ("done", "missing", *(("flagged",) if about in REMOVING else ()))
    uids = {name: [str(uid) for uid in found[name]] for name in lists}
    told = {} if found["message"] is None else {"message": found["message"]}
    return {**SUCCESS, "folder": request["folder"], "uidvalidity": found["uidvalidity"], **uids, **told}


def act_on_folder(about: str, data: Mapping[str, Any], settings: Settings, **more: Any) -> Answer:
    """Do something with the `folder` of an input. Raises Problem, as act_on_messages() does."""
    ask(data, settings, {"about": about, "folder": data["folder"], **more}, only_imap=True)
    return {**SUCCESS, "folder": more.get("rename") or data["folder"]}


def refuse_inbox(data: Mapping[str, Any], done: str) -> None:
    """Raise Problem (Conflict) for INBOX; `done` is what it never is."""
    if is_inbox(data["folder"]):
        raise failure("connector", f"INBOX is never {done}.", kind="Conflict")


def is_inbox(folder: str) -> bool:
    """Whether a name is that of INBOX, which has no case (RFC 3501 section 5.1)."""
    return folder.upper() == INBOX
