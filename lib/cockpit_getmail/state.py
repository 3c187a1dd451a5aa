# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a connector remembers between runs, in SQLite: messages seen, intents, credited time, past runs.

Records belong to a mailbox (protocol, server, port, user name) and in it to a folder with its UIDVALIDITY.
Ages are counted on the mailbox's own clock, which only runs add to: a jump of the wall clock cannot make a
message old.
"""

import re
import time
from collections.abc import Container, Iterable

from cockpit_getmail.destination.base import Staged
from cockpit_getmail.durable import sync_folder
from cockpit_getmail.folder_state import OPEN_FOLDER, RETIRE, FolderState, deliver
from cockpit_getmail.problem import failure
from cockpit_getmail.retriever.base import Folder
from cockpit_getmail.state_file import OpenState, explained, find_tls


class State(OpenState):
    """The open state of one connector."""

    @property
    def token(self) -> str:
        """Sixteen hexadecimal digits that mark this connector's files. Raises Problem (internal)."""
        token = str(self.row("SELECT token FROM token")[0])
        if not re.fullmatch("[0-9a-f]{16}", token):
            # It becomes a part of file names.
            raise failure("internal", f"State in {self.folder}: the token is damaged.")
        return token

    def begin(self, identity: str, limit: float) -> "MailboxState":
        """Return the state of a mailbox; credit it the time since the last run, at most `limit` seconds.

        It is recorded together with what is recorded first: a poll has one transaction, at its end.
        """
        now = time.time()
        query = "SELECT id, clock, last_tick FROM mailbox WHERE identity = ?"
        found = self.rows(query, (identity,))
        if not found:
            with self.transaction() as db:
                db.execute("INSERT INTO mailbox (identity, last_tick) VALUES (?, ?)", (identity, now))
            found = self.rows(query, (identity,))
        [(mailbox, clock, last_tick)] = found
        clock += min(max(now - last_tick, 0.0), limit)
        self.tick = clock, now, mailbox
        # The names of the database and its log are on disk before anything is said to be recorded.
        with explained(self.folder):
            sync_folder(self.folder)
        return MailboxState(self, mailbox, identity, clock)

    def open_intents(self) -> dict[str, list[Staged]]:
        """Return what a run that was cut off was about to deliver, by location."""
        found: dict[str, list[Staged]] = {}
        query = "SELECT location, name, stored FROM intent JOIN place ON place.id = intent.place"
        for location, name, stored in self.rows(query):
            found.setdefault(location, []).append(Staged(str(name), stored))
        return found

    def settle(self, delivered: Iterable[str]) -> None:
        """End all open intents: those of these names as delivered, the others as never begun."""
        done = set(delivered)
        with self.transaction() as db:
            undone = [row for row in db.execute("SELECT name FROM intent") if row[0] not in done]
            db.executemany("DELETE FROM intent WHERE name = ?", undone)
            deliver(db)


class MailboxState:
    """The records of one mailbox."""

    def __init__(self, state: State, mailbox: int, identity: str, clock: float) -> None:
        self._state = state
        self._mailbox = mailbox
        self._identity = identity
        self._clock = clock

    @property
    def tls_seen(self) -> bool:
        """Whether its server was ever reached over TLS. Raises Problem (internal, quota)."""
        return bool(self._state.rows(*find_tls(self._identity)))

    def saw_tls(self) -> None:
        """Record that it was reached over TLS. Raises Problem (internal, quota)."""
        with self._state.transaction() as db:
            db.execute("UPDATE mailbox SET tls_seen = 1 WHERE id = ?", (self._mailbox,))

    def knows(self, name: str) -> bool:
        """Whether there are records of a folder of this name."""
        query = "SELECT 1 FROM folder WHERE mailbox = ? AND name = ? LIMIT 1"
        return bool(self._state.rows(query, (self._mailbox, name)))

    def rename(self, folder: Folder, there: Container[str]) -> str | None:
        """Take a folder of a new name for the only one of its UIDVALIDITY that is not `there` any more.

        What is in it is matched with what is on record. Return the former name; None if there is no such one.
        """
        if self.knows(folder.name):
            return None
        rows = self._state.rows(_OF_VALIDITY, (self._mailbox, folder.validity))
        gone = [row for row in rows if row[1] not in there]
        if len(gone) != 1:
            return None
        [(number, name)] = gone
        with self._state.transaction() as db:
            db.execute(RETIRE, (number,))
            db.execute(_RENAME, (folder.name, self._mailbox, name))
        return str(name)

    def folder(self, folder: Folder) -> "FolderState":
        """Return the state of a folder, which is made if there is none. Raises Problem (internal, quota)."""
        key = (self._mailbox, folder.name, folder.validity)
        query = "SELECT id, reopened, stale FROM folder WHERE mailbox = ? AND name = ? AND validity = ?"
        rows = self._state.rows(query, key)
        if not rows or rows[0][2]:
            with self._state.transaction() as db:
                db.execute(OPEN_FOLDER, (*key, *key[:2]))
                # Should one of these come back, what is on record by then has other UIDs there.
                db.execute(_MAKE_OTHERS_STALE, key)
        # Without UIDVALIDITY there is no promise that a UID is not used again (RFC 1939 section 7).
        number, reopened, stale = self._state.row(query, key)
        uids_return = folder.validity == 0
        return FolderState(self._state, number, reopened, stale, self._clock, uids_return=uids_return)


_MAKE_OTHERS_STALE = (
    "UPDATE folder SET stale = 1, uid_next = NULL WHERE mailbox = ? AND name = ? AND validity <> ?"
)
# INBOX is always there (RFC 3501 section 5.1).
_OF_VALIDITY = "SELECT id, name FROM folder WHERE mailbox = ? AND validity = ? AND name <> 'INBOX'"
_RENAME = "UPDATE folder SET name = ? WHERE mailbox = ? AND name = ?"
