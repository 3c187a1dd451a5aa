# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages of a mailbox that are set aside: what they are, another try, or never mind.

All of it works beside a run, which keeps what it began with: the next one knows (see FolderState.account()).
`db` is what state_file.opened() gives, `mailbox` is Connector.mailbox. What the file meets is raised as
sqlite3.Error.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from cockpit_getmail.problem import printable
from cockpit_getmail.sqlite import transaction
from cockpit_getmail.state_file import FORGET_FAILURE, ONE_MESSAGE

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from typing import TypedDict

    class Entry(TypedDict):
        """A message, its size in octets as the server tells it, and how often and why it failed.

        `since` is when it was set aside, in seconds since 1970: counted back from the last run by credited
        time, so it was earlier if there was no run for days. None if even that cannot be told.
        """

        folder: str
        uid: str
        size: int
        reason: str
        attempts: int
        since: int | None


_ASIDE = """
FROM mailbox AS b JOIN folder AS f ON f.mailbox = b.id JOIN message AS m INDEXED BY aside ON m.folder = f.id
LEFT JOIN failure AS e ON (e.folder, e.uid, e.ordinal) = (m.folder, m.uid, m.ordinal)
WHERE m.state = 'quarantined' AND b.identity = ?
"""
_LISTING = f"""
SELECT f.name, m.uid, m.size, coalesce(e.reason, ''), coalesce(e.attempts, 0),
    b.last_tick - max(b.clock - m.clock, 0) {_ASIDE} ORDER BY f.id, m.clock, m.uid, m.ordinal LIMIT ?
"""
_KEYS = f"SELECT f.name, b.clock, m.folder, m.uid, m.ordinal {_ASIDE}"
_FORGET = f"DELETE FROM message {ONE_MESSAGE}"  # noqa: S608 (constants only)
_SKIP = f"UPDATE message SET state = 'skipped' {ONE_MESSAGE}"  # noqa: S608
# A message that has failed is fetched after the untried ones: it may end the session.
_BEGIN_ANEW = f"UPDATE failure SET attempts = 0, since = ? {ONE_MESSAGE}"  # noqa: S608
_REOPEN = "UPDATE folder SET uid_next = NULL, reopened = reopened + 1 WHERE id = ?"


def listing(db: sqlite3.Connection, mailbox: str, limit: int) -> list[Entry]:
    """Return so many of the messages that are set aside, by folder, the oldest first."""
    return [
        {
            "folder": printable(folder),
            "uid": printable(uid),
            "size": size,
            "reason": printable(reason),
            "attempts": attempts,
            "since": None if since is None else max(0, int(since)),
        }
        for folder, uid, size, reason, attempts, since in db.execute(_LISTING, (mailbox, limit))
    ]


def retry(db: sqlite3.Connection, mailbox: str, folder: str | None = None, uid: str | None = None) -> int:
    """Let the next run fetch messages set aside: all, or those of a folder, of a UID. Return how many.

    They are set aside again only after the usual number of attempts and patience.
    """
    with _chosen(db, mailbox, folder, uid) as chosen:
        keys = [key for _, key in chosen]
        db.executemany(_FORGET, keys)
        db.executemany(_BEGIN_ANEW, ((clock, *key) for clock, key in chosen))
        db.executemany(_REOPEN, {(here,) for here, _, _ in keys})
        return len(keys)


def skip(db: sqlite3.Connection, mailbox: str, folder: str | None = None, uid: str | None = None) -> int:
    """Let no run fetch messages set aside, nor tell of them again. Return how many; see retry().

    They stay on the server: only what was delivered is ever deleted there.
    """
    with _chosen(db, mailbox, folder, uid) as chosen:
        keys = [key for _, key in chosen]
        db.executemany(_SKIP, keys)
        db.executemany(FORGET_FAILURE, keys)
        return len(keys)


@contextmanager
def _chosen(
    db: sqlite3.Connection, mailbox: str, folder: str | None, uid: str | None
) -> Iterator[list[tuple[float, tuple[int, str, int]]]]:
    """Give the mailbox's clock and the key of each message that is meant, in a transaction."""
    with transaction(db):
        # Names are meant as they are listed.
        yield [
            (clock, (here, number, ordinal))
            for name, clock, here, number, ordinal in db.execute(_KEYS, (mailbox,))
            if folder in (None, printable(name)) and uid in (None, printable(number))
        ]
