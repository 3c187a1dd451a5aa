# SPDX-License-Identifier: LGPL-2.1-or-later
"""An account with many folders: all of it for the first time, and then with nothing new in it."""

from collections.abc import Iterator

from bench import table
from bench.mailboxes import mixed_sizes
from bench.matches import HEAD, ROUND_TRIPS, list_versions, make_row, name_work
from bench.pairs import compare
from bench.peers import MBSYNC_FOLDERS, OURS_FOLDERS
from bench.place import Place
from bench.polling import settle

USER = "folders"
LIMIT = 1.0


def sections(quick: bool) -> Iterator[table.Section]:
    folders, each, pairs = (5, 8, 1) if quick else (50, 40, 5)
    with Place({USER: mixed_sizes(folders * each)}, "folders") as place:
        mailbox = place.mailboxes[USER]
        place.spread(USER, [f"Lists/{number:02}" for number in range(1, folders + 1)])
        title = f"{folders} folders of {each} messages, {table.show_octets(mailbox.octets)}"
        remarks = [list_versions([OURS_FOLDERS, MBSYNC_FOLDERS])]
        section = table.Section(title, HEAD, remarks=remarks)
        for round_trip in ROUND_TRIPS:
            ours = place.fetcher(OURS_FOLDERS, "IMAP", USER, round_trip)
            theirs = place.fetcher(MBSYNC_FOLDERS, "IMAP", USER, round_trip)
            first, poll = (name_work(work, round_trip) for work in ("first fetch", "nothing new"))
            section.rows.append(make_row(first, MBSYNC_FOLDERS, compare(ours, theirs, pairs), LIMIT))
            settle(ours)
            settle(theirs)
            # On loopback nothing is left to measure but what it takes to start an interpreter.
            limit = LIMIT if round_trip else None
            section.rows.append(make_row(poll, MBSYNC_FOLDERS, compare(ours, theirs, pairs), limit))
        yield section
