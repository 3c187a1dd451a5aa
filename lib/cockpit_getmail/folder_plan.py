# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which folders a run goes through, and where the mail of each goes (props Folders and FolderMap)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from cockpit_getmail.copies import KNOWS_COPIES
from cockpit_getmail.problem import failure, quoted
from cockpit_getmail.retriever.base import ALL, INBOX, Listed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.report import Reporter
    from cockpit_getmail.retriever.base import Retriever


class Plan(NamedTuple):
    """The folders in their order. For the special uses of `unused` there is none.

    `there` are the names of all folders of the account, None if it was not asked for all.
    """

    folders: Sequence[Listed]
    unused: Sequence[str] = ()
    there: frozenset[str] | None = None


def make(connector: Connector, retriever: Retriever, report: Reporter) -> Plan:
    """Return what a run goes through. Nobody asks the server for its folders if that is INBOX only.

    Raises Problem: connector for Folders that cannot be understood, mailbox where there is no such folder.
    """
    if connector.folders.upper() == INBOX.name:
        return Plan([INBOX])
    # Not every run has to wait for it.
    from cockpit_getmail import folder_list, folders

    try:
        items = folder_list.parse(connector.folders)
    except ValueError as error:
        # What create accepts always can be; a database may have been written by hand.
        raise failure("connector", f"Folders of this connector cannot be understood. {error}") from error
    if folder_list.is_only_inbox(items):
        return Plan([INBOX])
    patterns = folders.find_patterns(items)
    listed = retriever.list_folders(patterns)
    if tuple(patterns) != ALL and folders.find_missing(items, listed):
        # It may be there as people read it, or hidden; then how levels are parted is seen from others.
        patterns = ALL
        listed = retriever.list_folders(patterns)
    choice = folders.choose(items, listed, knows_copies=KNOWS_COPIES in retriever.capabilities)
    for double in choice.doubles:
        name = quoted(double.name)
        report.note(f"{name} shows messages of other folders, too: it is fetched only if Folders names it.")
    if not (choice.folders or choice.unused):
        raise failure("mailbox", f"{connector.server} has no folder that Folders means.")
    chosen = choice.folders
    if len(chosen) > 1 and any(folder.status is None for folder in chosen):
        chosen = retriever.add_statuses(chosen)
    there = frozenset(folder.name for folder in listed) if tuple(patterns) == ALL else None
    return Plan(chosen, choice.unused, there)


def find_places(connector: Connector, retriever: Retriever, listed: Sequence[Listed]) -> dict[str, str]:
    """Return by name to which folders of the account the mail goes; all others to the connector's own.

    It may take to ask the server. Raises Problem.
    """
    if not connector.keeps_folders or listed == [INBOX]:
        return {}
    from cockpit_getmail import folders

    has_levels = any(folder.separator and folder.separator in folder.name for folder in listed)
    prefix = retriever.find_prefix() if has_levels else ""
    places = folders.name_locally(listed, prefix, connector.folder)
    places.pop(INBOX.name, None)
    return places
