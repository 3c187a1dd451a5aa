# SPDX-License-Identifier: LGPL-2.1-or-later
"""Making, changing and removing folders of a remote mailbox (RFC 3501 sections 6.3.3 to 6.3.7)."""

from __future__ import annotations

from cockpit_getmail.problem import failure, printable
from cockpit_getmail.remote.acting import explain
from cockpit_getmail.report import count
from cockpit_getmail.retriever.imap_client import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from cockpit_getmail.problem import Problem
    from cockpit_getmail.remote import Found, Request
    from cockpit_getmail.remote.visit import Visit

_UNSELECTABLE = {rb"\noselect", rb"\nonexistent"}


def answer(visit: Visit, request: Request) -> Found:
    """Do what the request is `about` with its `folder`. Returns {}. Raises Problem."""
    try:
        _ACTS[request["about"]](visit, request)
    except Refused as refused:
        raise _explain(visit, request, refused) from refused
    return {}


def check(_request: Request, found: Any) -> Found:
    """Return the answer in its shape."""
    if found != {}:
        raise ValueError
    return {}


def _create(visit: Visit, request: Request) -> None:
    visit.imap.create_folder(request["folder"])


def _change(visit: Visit, request: Request) -> None:
    folder, imap = request["folder"], visit.imap
    if request["rename"] is not None:
        imap.rename_folder(folder, request["rename"])
        folder = request["rename"]
    if request["subscribed"] is not None:
        (imap.subscribe_folder if request["subscribed"] else imap.unsubscribe_folder)(folder)


def _remove(visit: Visit, request: Request) -> None:
    folder, imap = request["folder"], visit.imap
    if not request["force"]:
        _require_empty(visit, folder)
    imap.delete_folder(folder)


def _require_empty(visit: Visit, folder: str) -> None:
    """Raise Problem (Conflict; NotFound) for a folder with something in it."""
    listed = {name: (flags, separator) for flags, separator, name in visit.imap.list_folders()}
    if folder not in listed:
        raise explain(visit, Refused("DELETE", b"[NONEXISTENT]"), folder)
    flags, separator = listed[folder]
    below = f"{folder}{separator.decode('utf-8', 'replace')}" if separator else None
    if below and any(str(name).startswith(below) for name in listed):
        raise _keep(folder, "has folders below it, which stay")
    if _UNSELECTABLE.isdisjoint(flag.lower() for flag in flags):
        messages = visit.imap.folder_status(folder, ["MESSAGES"])[b"MESSAGES"]
        if messages:
            raise _keep(folder, f"has {count(messages, 'message')}")


def _keep(folder: str, reason: str) -> Problem:
    message = f"The folder {printable(folder)} {reason}: it is removed only if it is forced."
    return failure("mailbox", message, kind="Conflict")


def _explain(visit: Visit, request: Request, refused: Refused) -> Problem:
    if refused.code == "ALREADYEXISTS":
        folder = request.get("rename") or request["folder"]
        message = f"There is a folder {printable(folder)} already."
        return failure("mailbox", message, kind="Conflict")
    return explain(visit, refused, request["folder"])


_ACTS = {"create-folder": _create, "change-folder": _change, "remove-folder": _remove}
