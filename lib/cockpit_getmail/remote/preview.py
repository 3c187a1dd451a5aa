# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a connector would fetch if nothing had been fetched yet: how much of each folder, and the newest."""

from __future__ import annotations

import heapq
import time
from typing import TYPE_CHECKING, NamedTuple

from cockpit_getmail import criteria, folder_plan, selection
from cockpit_getmail.remote.mail_shape import check_entry
from cockpit_getmail.retriever.base import FolderProblem
from cockpit_getmail.shape import folder_name, items, number

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from cockpit_getmail.criteria import Pieces
    from cockpit_getmail.problem import Problem
    from cockpit_getmail.remote import Found, Request
    from cockpit_getmail.remote.visit import Visit
    from cockpit_getmail.retriever.base import Listed

LIMIT = 2000
"""Folders that are looked into."""
SHOWN = 20
_COUNTS = ("messages", "wanted", "passed")


class Newest(NamedTuple):
    """A message that may be among those shown; the newest is the largest."""

    date: int
    uid: int
    place: int


def answer(visit: Visit, _request: Request) -> Found:
    """Return {"folders", "more", "wanted", "passed", "left", "messages"}. Raises Problem."""
    folders, more, messages = (_preview_maildrop if visit.protocol == "pop3" else _preview_folders)(visit)
    wanted, passed = (sum(folder[name] for folder in folders) for name in ("wanted", "passed"))
    most = visit.connector.max_messages
    left = 0 if most is None else max(0, wanted - most)
    return {
        "folders": folders,
        "more": more,
        "wanted": wanted,
        "passed": passed,
        "left": left,
        "messages": messages,
    }


def check(_request: Request, found: Any) -> Found:
    """Return the answer in its shape."""
    return {
        "folders": items(_check_folder, found["folders"], LIMIT),
        **{name: number(found[name]) for name in ("more", "wanted", "passed", "left")},
        "messages": items(_check_message, found["messages"], SHOWN),
    }


def _check_folder(folder: Any) -> Found:
    return {"name": folder_name(folder["name"]), **{name: number(folder[name]) for name in _COUNTS}}


def _check_message(message: Any) -> Found:
    checked = check_entry({**message, "headers": []})
    del checked["headers"]
    return {**checked, "folder": folder_name(message["folder"])}


def _preview_maildrop(visit: Visit) -> tuple[list[Found], int, list[Found]]:
    from cockpit_getmail.remote.mail_pop3 import Pop3Mail

    mail = Pop3Mail(visit)
    most = visit.connector.max_size
    wanted = [message for message in mail.listed if most is None or message.size <= most]
    entries = mail.entries(wanted[-SHOWN:][::-1])
    told = _tell("INBOX", len(mail.listed), len(wanted))
    return [told], 0, [_shown(entry.tell(), "INBOX") for entry in entries]


def _preview_folders(visit: Visit) -> tuple[list[Found], int, list[Found]]:
    """Look into each folder that is fetched, as far as there is time for it."""
    plan = folder_plan.make(visit.connector, visit.retriever, _Unheard())
    wanted = _find_criteria(visit)
    places = plan.folders
    until = visit.deadline - visit.timeout / 2
    told: list[Found] = []
    newest: list[Newest] = []
    trouble: Problem | None = None
    for place, listed in enumerate(places[:LIMIT]):
        if told and time.monotonic() > until:
            break
        try:
            folder, found = _look(visit, listed, wanted, place)
        except FolderProblem as problem:
            trouble = trouble or problem
            continue
        told.append(folder)
        newest = heapq.nlargest(SHOWN, (*newest, *found))
    if trouble and not told:
        raise trouble
    more = len(places) + len(plan.unused) - len(told)
    return told, more, _read(visit, places, newest)


def _find_criteria(visit: Visit) -> Pieces:
    """Return what a server is asked for; it knows the sizes, too."""
    pieces = selection.find_criteria(visit.connector) or criteria.ALL
    most = visit.connector.max_size
    # Numbers have 32 bits (RFC 3501 section 9), those of a message's octets too.
    if most is None or most + 1 >= criteria.NUMBER_LIMIT:
        return pieces
    return (*pieces[:-1], f"{pieces[-1]} SMALLER {most + 1}")


def _look(visit: Visit, listed: Listed, wanted: Pieces, place: int) -> tuple[Found, list[Newest]]:
    from cockpit_getmail.retriever.imap_fetch import Fetcher

    opened = visit.retriever.select(listed)
    if not opened.messages:
        return _tell(listed.name, 0, 0), []
    fetcher = Fetcher(visit.session)
    extended = "ESEARCH" in visit.session.capabilities()
    uids = fetcher.search(wanted, "1:*", opened.messages, extended=extended)
    described = fetcher.describe(",".join(map(str, uids[-SHOWN:])))
    newest = [Newest(message.date or 0, uid, place) for uid, message in described.items()]
    return _tell(listed.name, opened.messages, min(len(uids), opened.messages)), newest


def _read(visit: Visit, places: Sequence[Listed], newest: Sequence[Newest]) -> list[Found]:
    """Return these messages in their order, each folder's read at once."""
    from cockpit_getmail.remote.mail_imap import ImapMail

    found: dict[tuple[int, str], Found] = {}
    for place in dict.fromkeys(message.place for message in newest):
        name = places[place].name
        uids = [message.uid for message in newest if message.place == place]
        for entry in ImapMail(visit, name).entries(uids):
            found[place, entry.uid] = _shown(entry.tell(), name)
    keys = [(message.place, str(message.uid)) for message in newest]
    return [found[key] for key in keys if key in found]


def _tell(name: str, messages: int, wanted: int) -> Found:
    return {"name": name, "messages": messages, "wanted": wanted, "passed": messages - wanted}


def _shown(entry: Found, folder: str) -> Found:
    return {**{name: value for name, value in entry.items() if name != "headers"}, "folder": folder}


class _Unheard:
    """A Reporter for nobody."""

    def begin(self, messages: int, octets: int) -> None: ...

    def advance(self, messages: int, octets: int) -> None: ...

    def note(self, text: str) -> None: ...

    def warn(self, text: str) -> None: ...
