# SPDX-License-Identifier: LGPL-2.1-or-later
"""The folders of an account, what is in them, and which of them are fetched."""

from __future__ import annotations

import re
import time

from cockpit_getmail.shape import folder_name, items, number, optional, text, truth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
    from typing import Any, TypeAlias

    from cockpit_getmail.remote import Found, Request
    from cockpit_getmail.remote.visit import Visit
    from cockpit_getmail.retriever.base import Listed
    from cockpit_getmail.retriever.imap_session import Session

    Counts: TypeAlias = Mapping[bytes, int]

LIMIT = 2000
COUNTS = {"messages": b"MESSAGES", "unseen": b"UNSEEN", "size": b"SIZE", "uidvalidity": b"UIDVALIDITY"}
USES = ("\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Important", "\\Junk", "\\Sent", "\\Trash")
_SUBSCRIBED = re.compile(rb'LSUB \([^()]*\) +(?:NIL|"\\?[\x01-\x7f]") +', re.IGNORECASE)


def answer(visit: Visit, _request: Request) -> Found:
    """Return {"folders", "more"}: the folders there are, those that are fetched first. Raises Problem."""
    if visit.protocol == "pop3":
        return {"folders": [_tell_maildrop(visit)], "more": 0}
    there = visit.retriever.list_folders()
    local = _choose(visit, there)
    named = local.keys() - set(there)
    shown = [*local, *(folder for folder in there if folder not in local)][:LIMIT]
    counts = _count(visit, shown)
    subscribed = _find_subscribed(visit.session)
    told = [
        _tell(folder, counts.get(folder.wire, {}), folder.wire in subscribed, local.get(folder))
        for folder in shown
        # A server may hide some; those it knows nothing of are none.
        if folder not in named or folder.wire in counts
    ]
    return {"folders": told, "more": max(0, len(there) + len(named) - LIMIT)}


def check(_request: Request, found: Any) -> Found:
    """Return the answer in its shape."""
    return {"folders": items(_check_folder, found["folders"], LIMIT), "more": number(found["more"])}


def _check_folder(folder: Any) -> Found:
    return {
        "name": folder_name(folder["name"]),
        "separator": text(folder["separator"]),
        **{count: optional(number, folder[count]) for count in COUNTS},
        "special_use": optional(text, folder["special_use"]),
        **{fact: truth(folder[fact]) for fact in ("subscribed", "selectable", "chosen")},
        "local": optional(folder_name, folder["local"]),
    }


def _tell_maildrop(visit: Visit) -> Found:
    found = visit.retriever.select()
    return {
        "name": found.name,
        "separator": "",
        **dict.fromkeys(COUNTS),
        "messages": found.messages,
        "special_use": None,
        **dict.fromkeys(("subscribed", "selectable", "chosen"), True),
        "local": visit.connector.folder or found.name,
    }


def _choose(visit: Visit, there: Sequence[Listed]) -> dict[Listed, str]:
    """Return the folders that are fetched, in their order, and the local name of each."""
    from cockpit_getmail import folder_list, folders

    connector = visit.connector
    knows_copies = "X-GM-EXT-1" in visit.session.capabilities()
    wanted = folder_list.parse(connector.folders)
    chosen = folders.choose(wanted, there, knows_copies=knows_copies).folders
    if not connector.keeps_folders:
        return dict.fromkeys(chosen, connector.folder or "INBOX")
    names = folders.name_locally(chosen, visit.retriever.find_prefix(), connector.folder)
    return {folder: names[folder.name] for folder in chosen}


def _tell(folder: Listed, counts: Counts, is_subscribed: bool, local: str | None) -> Found:
    uses = [use for use in USES if use.lower() in folder.attributes]
    return {
        "name": folder.name,
        "separator": folder.separator,
        **{count: counts.get(word) for count, word in COUNTS.items()},
        "special_use": uses[0] if uses else None,
        "subscribed": is_subscribed,
        "selectable": folder.is_selectable,
        "chosen": local is not None,
        "local": local,
    }


def _count(visit: Visit, listed: Sequence[Listed]) -> dict[bytes, Counts]:
    """Return by name what the server counts in each folder, as far as there is time for it."""
    from cockpit_getmail.retriever.imap_list import LISTING_LIMIT
    from cockpit_getmail.retriever.imap_session import quote

    session = visit.session
    capabilities = session.capabilities()
    words = [word for word in COUNTS.values() if word != b"SIZE" or "STATUS=SIZE" in capabilities]
    what = b"(" + b" ".join(words) + b")"
    # What nobody asked for is not kept: a server may tell of any number of folders.
    wanted = {folder.wire for folder in listed}
    found: dict[bytes, Counts] = {}
    if "LIST-STATUS" in capabilities:
        told = session.ask(b'LIST "" "*" RETURN (STATUS ' + what + b")", limit=LISTING_LIMIT)
        found.update(_read_counts(session, told.untagged, wanted))
    until = visit.deadline - visit.timeout / 2
    waiting = [one for one in listed if one.wire not in found and one.is_selectable]
    for name in filter(None, (quote(folder.wire) for folder in waiting)):
        if time.monotonic() > until:
            break
        told = session.ask(b"STATUS " + name + b" " + what)
        found.update(_read_counts(session, told.untagged, wanted))
    return found


def _read_counts(
    session: Session, lines: Iterable[bytes], wanted: Container[bytes]
) -> Iterator[tuple[bytes, Counts]]:
    from cockpit_getmail.retriever.imap_list import take_counts

    for wire, counts in filter(None, (take_counts(session, line) for line in lines)):
        if wire in wanted:
            yield wire, _parse_counts(counts)


def _parse_counts(told: Mapping[bytes, bytes]) -> Counts:
    found = {word: told.get(word, b"") for word in COUNTS.values()}
    return {word: int(count) for word, count in found.items() if count.isdigit() and len(count) < 19}


def _find_subscribed(session: Session) -> set[bytes]:
    from cockpit_getmail.retriever.imap_list import LISTING_LIMIT, take_name

    lines = session.ask('LSUB "" "*"', limit=LISTING_LIMIT).untagged
    found = [(line, begin.end()) for line in lines if (begin := _SUBSCRIBED.match(line))]
    return {take_name(session, line, at)[0] for line, at in found}
