# SPDX-License-Identifier: LGPL-2.1-or-later
"""Acting on messages of a remote mailbox: by UID, and on no others.

A run takes what is done here for what any other mail program does there.
"""

from __future__ import annotations

import imaplib

from cockpit_getmail.problem import failure, printable
from cockpit_getmail.retriever.imap_client import Refused
from cockpit_getmail.retriever.uid_set import UID_LIMIT
from cockpit_getmail.shape import items, number, optional, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from typing import Any

    from cockpit_getmail.problem import Problem
    from cockpit_getmail.remote import Found, Request
    from cockpit_getmail.remote.visit import Visit

BATCH = 500
"""UIDs in one command: servers take lines of some KiB."""
DELETED = rb"\Deleted"
ANY_KEYWORD = rb"\*"
LISTS = ("done", "missing", "flagged")
NO_UIDPLUS = (
    "The server cannot remove just these (it has no UIDPLUS): they are marked as deleted, and gone once a "
    "mail program expunges the folder."
)
NOT_REMOVED = "The server has not removed all of them: the others are marked as deleted."


def answer(visit: Visit, request: Request) -> Found:
    """Do what the request is `about` to those messages of its `folder` that have one of its `uids`.

    Returns {"uidvalidity", "done", "missing", "flagged", "message"}: the UIDs that this was done to, those
    that are not there, those that are flagged as deleted and there, and what to tell a person, None if
    nothing. Raises Problem.
    """
    act = _Act(visit, request)
    uids = request["uids"]
    for start in range(0, len(uids), BATCH):
        try:
            act.do(uids[start : start + BATCH])
        except Refused as refused:
            if not act.done and not act.flagged:
                raise explain(visit, refused, request.get("target", request["folder"])) from refused
            said = visit.session.shown(refused.text)
            act.message = f"{visit.session.server} refuses the others: {said}"
            break
    return {"uidvalidity": act.validity, **{name: getattr(act, name) for name in (*LISTS, "message")}}


def check(request: Request, found: Any) -> Found:
    """Return the answer in its shape."""
    asked = set(request["uids"])

    def check_uid(uid: Any) -> int:
        if type(uid) is not int or uid not in asked:
            raise ValueError
        return uid

    return {
        "uidvalidity": number(found["uidvalidity"], UID_LIMIT),
        **{name: items(check_uid, found[name], len(asked)) for name in LISTS},
        "message": optional(text, found["message"]),
    }


def explain(visit: Visit, refused: Refused, folder: str) -> Problem:
    """Return the Problem of a command about a folder that the server refused."""
    server = visit.session.server
    if refused.code in ("TRYCREATE", "NONEXISTENT") or not (refused.code or visit.imap.folder_exists(folder)):
        message = f"There is no folder {printable(folder)} in this account at {server}."
        return failure("mailbox", message, kind="NotFound")
    said = visit.session.shown(refused.text)
    return failure("mailbox", f"{server} refuses {refused.command}: {said}")


class _Act:
    """What is done to messages of one folder, which is open for it."""

    def __init__(self, visit: Visit, request: Request) -> None:
        self._visit = visit
        self._request = request
        self._imap = visit.imap
        self.done: list[int] = []
        self.missing: list[int] = []
        self.flagged: list[int] = []
        self.message: str | None = None
        opened = self._open()
        self.validity = int(opened.get(b"UIDVALIDITY", 0))
        self._require_validity()
        self._require_flags(opened.get(b"PERMANENTFLAGS"))

    def do(self, uids: Sequence[int]) -> None:
        """Do it to those that are there. Raises Refused, and then it may be done to some."""
        present = self._find(uids)
        self.missing += [uid for uid in uids if uid not in present]
        there = [uid for uid in uids if uid in present]
        if there:
            _ACTS[self._request["about"]](self, there)

    def flag(self, uids: Sequence[int]) -> None:
        change = self._imap.remove_flags if self._request["remove"] else self._imap.add_flags
        change(uids, self._request["flags"], silent=True)
        self.done += uids

    def copy(self, uids: Sequence[int]) -> None:
        self._imap.copy(uids, self._request["target"])
        self.done += uids

    def move(self, uids: Sequence[int]) -> None:
        if "MOVE" not in self._visit.session.capabilities():
            self._imap.copy(uids, self._request["target"])
            self.remove(uids)
            return
        self._imap.move(uids, self._request["target"])
        self._sort(uids)

    def remove(self, uids: Sequence[int]) -> None:
        self._imap.add_flags(uids, [DELETED], silent=True)
        if "UIDPLUS" not in self._visit.session.capabilities():
            self.flagged += uids
            self.message = NO_UIDPLUS
            return
        self._imap.uid_expunge(uids)
        self._sort(uids)

    def _sort(self, uids: Sequence[int]) -> None:
        """Tell those that are gone from those that the server kept."""
        left = self._find(uids)
        self.done += [uid for uid in uids if uid not in left]
        self.flagged += [uid for uid in uids if uid in left]
        if left:
            self.message = NOT_REMOVED

    def _find(self, uids: Sequence[int]) -> Collection[int]:
        # Some servers cut what is larger to 32 bits: then it would be another one.
        asked = ",".join(str(uid) for uid in uids if uid < UID_LIMIT)
        return set(self._imap.search(f"UID {asked}")).intersection(uids) if asked else ()

    def _flags(self) -> Sequence[str]:
        """Return the flags that this takes."""
        about = self._request["about"]
        if about == "flag":
            flags: Sequence[str] = self._request["flags"]
            return flags
        is_two_steps = about == "move" and "MOVE" not in self._visit.session.capabilities()
        return [DELETED.decode()] if about == "remove" or is_two_steps else []

    def _open(self) -> dict[bytes, Any]:
        folder = self._request["folder"]
        try:
            opened: dict[bytes, Any] = self._imap.select_folder(folder, self._request["about"] == "copy")
        except Refused as refused:
            raise explain(self._visit, refused, folder) from refused
        except imaplib.IMAP4.readonly as error:
            message = f"{self._visit.session.server} gives no right to change {printable(folder)}."
            raise failure("mailbox", message) from error
        return opened

    def _require_validity(self) -> None:
        """Raise Problem where UIDs mean nothing, or (Conflict) other messages than when they were read."""
        server = self._visit.session.server
        if not 0 < self.validity < UID_LIMIT:
            raise failure("protocol", f"{server} gives no UIDVALIDITY: messages cannot be told apart.")
        expected = self._request["uidvalidity"]
        if expected is not None and expected != self.validity:
            message = (
                f"UIDVALIDITY of {printable(self._request['folder'])} is {self.validity} now, so these UIDs "
                "may be those of other messages: read the folder again."
            )
            raise failure("mailbox", message, kind="Conflict")

    def _require_flags(self, permanent: Collection[bytes] | None) -> None:
        """Raise Problem for a flag that the server would forget (RFC 3501 section 7.1)."""
        if permanent is None:
            return
        known = {flag.lower() for flag in permanent}
        for flag in self._flags():
            is_keyword = not flag.startswith("\\")
            if flag.lower().encode() not in known and not (is_keyword and ANY_KEYWORD in known):
                folder = printable(self._request["folder"])
                raise failure("mailbox", f"{self._visit.session.server} keeps no flag {flag} in {folder}.")


_ACTS = {"flag": _Act.flag, "copy": _Act.copy, "move": _Act.move, "remove": _Act.remove}
