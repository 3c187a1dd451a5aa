# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is on record of one folder: messages fetched, given up or about to be delivered, and failures."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Literal, NamedTuple

from cockpit_getmail.destination.base import Refusal, Staged
from cockpit_getmail.matching import There
from cockpit_getmail.retriever.base import Remote, Seen
from cockpit_getmail.state_file import FORGET_FAILURE, ONE_MESSAGE, OpenState

DAY = 86400
_NONE: Mapping[str, Refusal] = {}
_NO_NAMES: Mapping[tuple[str, int], str | None] = {}
KEEP_MISSING = 30 * DAY
PATIENCE = 2 * DAY
"""Credited seconds since the first failure before a message is set aside: outages and rate limits pass."""


class Intent(NamedTuple):
    """A message about to be delivered under the name of `staged`; `exact` as in retriever.base.Part."""

    message: Remote
    exact: bool
    staged: Staged
    message_id: str | None = None


class FolderState:
    """The records of one folder under one UIDVALIDITY.

    It is `stale` until what is there is matched with what is on record under another one, in use since.
    `number` is what its records bear, `clock` that of its mailbox.
    """

    def __init__(
        self, state: OpenState, number: int, reopened: int, stale: int, clock: float, *, uids_return: bool
    ) -> None:
        self.number = number
        self.stale = bool(stale)
        self.clock = clock
        self._state = state
        self._reopened = reopened
        self._uids_return = uids_return

    def transaction(self) -> AbstractContextManager[sqlite3.Connection]:
        """Write what the block writes, or nothing. Raises Problem (internal, quota)."""
        return self._state.transaction()

    def rows(self, query: str, values: Mapping[str, Any] | tuple[Any, ...] = ()) -> list[Any]:
        """Return what the state has to a query. Raises Problem (internal, quota)."""
        return self._state.rows(query, values)

    def number_anew(self) -> None:
        """Begin anew under the same UIDVALIDITY, as under another one: no UID on record means what it did."""
        query = "SELECT mailbox, name, validity FROM folder WHERE id = ?"
        mailbox, name, validity = self._state.row(query, (self.number,))
        with self._state.transaction() as db:
            # To a UIDVALIDITY that no server has.
            db.execute(RETIRE, (self.number,))
            added = db.execute(OPEN_FOLDER, (mailbox, name, validity, mailbox, name))
        self.number, self._reopened, self.stale = added.lastrowid or 0, 0, True

    @property
    def seen(self) -> Seen | None:
        """The folder as it was when each message was accounted for; None if it must be listed whole.

        That is once a day at least: there may be servers on whose UIDNEXT nobody can rely.
        """
        query = "SELECT uid_next, messages, listed FROM folder WHERE id = ?"
        uid_next, messages, listed = self._state.row(query, (self.number,))
        return Seen(uid_next, messages) if uid_next and 0 <= self.clock - listed < DAY else None

    @property
    def highest(self) -> int:
        """The largest UIDNEXT that was recorded; see account()."""
        return int(self._state.row("SELECT highest FROM folder WHERE id = ?", (self.number,))[0])

    def account(self, seen: Seen, *, whole: bool, uid_next: int = 0) -> None:
        """Record that each message is accounted for, after a listing of the `whole` or of what was new.

        `uid_next` is UIDNEXT where that is beyond it: it never gets smaller. Not if a message was taken out
        of the quarantine since this run began: the next one lists the folder.
        """
        with self._state.transaction() as db:
            db.execute(
                "UPDATE folder SET uid_next = ?, messages = ?, listed = CASE WHEN ? THEN ? ELSE listed END, "
                "highest = max(highest, ?) WHERE id = ? AND reopened = ?",
                (*seen, whole, self.clock, max(seen.uid_next, uid_next), self.number, self._reopened),
            )

    def is_unknown(self) -> bool:
        """Whether nothing is recorded of this folder."""
        return not self._state.rows("SELECT 1 FROM message WHERE folder = ? LIMIT 1", (self.number,))

    def known(self, first: int | None = None) -> dict[tuple[str, int], int]:
        """Return size by (uid, ordinal) of the messages that are not to be fetched again; see list_new().

        With `first`, which is for IMAP, only of those whose UID is not smaller.
        """
        query = "SELECT uid, ordinal, size, state FROM message WHERE folder = ?"
        later = "" if first is None else f" AND CAST(uid AS INTEGER) >= {first:d}"
        return {
            (uid, ordinal): ~size if state == "removed" else size
            for uid, ordinal, size, state in self._state.rows(query + later, (self.number,))
        }

    def newest(self) -> Remote | None:
        """Return the message that came last of those delivered and still there; over POP3 None.

        At what was not delivered a session may end.
        """
        query = (
            "SELECT uid, size, ordinal, 0, date FROM message WHERE folder = ? AND state = 'delivered' "
            "AND date IS NOT NULL AND missing IS NULL ORDER BY CAST(uid AS INTEGER) DESC LIMIT 1"
        )
        return next((Remote(*row) for row in self._state.rows(query, (self.number,))), None)

    def set_aside(self) -> int:
        """Return how many messages are set aside."""
        query = "SELECT count(*) FROM message WHERE folder = ? AND state = 'quarantined'"
        return int(self._state.row(query, (self.number,))[0])

    def attempts(self) -> dict[tuple[str, int], int]:
        """Return the number of failed attempts by (uid, ordinal), those first that are to be tried first."""
        query = "SELECT uid, ordinal, attempts FROM failure WHERE folder = ? ORDER BY attempts, since"
        return {(uid, ordinal): count for uid, ordinal, count in self._state.rows(query, (self.number,))}

    def saw(self, known: Mapping[tuple[str, int], int], present: set[tuple[str, int]]) -> None:
        """Note which known messages the server has; forget those that it has not had for 30 days.

        So are those on record under another UIDVALIDITY that were not there when it came to be this one.
        Over POP3 one that was deleted there and is gone indeed is forgotten at once: from then on another may
        have its UIDL. If one is still or again there, nobody knows which it is: it is let alone.
        """
        here = self.number
        query = "SELECT uid, ordinal FROM message WHERE folder = ? AND missing IS NOT NULL"
        back = {(uid, ordinal) for uid, ordinal in self._state.rows(query, (here,))}
        gone = [key for key in known if key not in present and key not in back]
        with self._state.transaction() as db:
            db.executemany(_SET_MISSING, ((self.clock, here, *key) for key in gone))
            db.executemany(_SET_MISSING, ((None, here, *key) for key in back & present))
            db.execute(
                "DELETE FROM message WHERE folder = ? AND missing IS NOT NULL "
                "AND (state = 'removed' AND ? OR ? - missing > ?)",
                (here, self._uids_return, self.clock, KEEP_MISSING),
            )
            db.execute(_FORGET_FORMER, (self.clock, KEEP_MISSING, here))

    def intend(self, location: str, batch: Iterable[Intent]) -> None:
        """Record in one transaction that the batch before is delivered and this one is about to be."""
        with self._state.transaction() as db:
            deliver(db)
            db.execute("INSERT OR IGNORE INTO place (location) VALUES (?)", (location,))
            place = db.execute("SELECT id FROM place WHERE location = ?", (location,)).fetchone()[0]
            db.executemany(
                "INSERT INTO intent VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (
                        self.number,
                        m.uid,
                        m.ordinal,
                        m.size,
                        exact,
                        place,
                        staged.name,
                        staged.size,
                        message_id,
                        m.date,
                        m.same,
                    )
                    for m, exact, staged, message_id in batch
                ),
            )

    def delivered(self, refused: Mapping[str, Refusal] = _NONE) -> None:
        """Record that all intents are delivered, but for those `refused`, by name of what was staged.

        Who is refused for good is set aside at once; the others are fetched again.
        """
        with self._state.transaction() as db:
            for name, refusal in refused.items():
                row = db.execute(_TAKE_BACK, (name,)).fetchone()
                db.execute("DELETE FROM intent WHERE name = ?", (name,))
                if refusal.tried:
                    self._count_failure(db, row[:2], refusal.reason)
                if refusal.for_good:
                    uid, ordinal, size, date, same, message_id = row
                    message = Remote(uid, size, ordinal, date=date, same=same)
                    self._keep(db, There(message, message_id), "quarantined")
            deliver(db)

    def failed(self, message: Remote, reason: str, quarantine_after: int | None) -> bool:
        """Count a failed attempt; return whether the message is now set aside.

        That takes so many attempts, over PATIENCE at least.
        """
        key = (message.uid, message.ordinal)
        with self._state.transaction() as db:
            attempts, since = self._count_failure(db, key, reason)
            tried = quarantine_after is not None and attempts >= quarantine_after
            aside = tried and self.clock - since >= PATIENCE
            if aside:
                self._keep(db, There(message), "quarantined")
        return aside

    def postpone(self, message: Remote, reason: str) -> None:
        """Let others be tried before a message, which has done nothing wrong yet."""
        with self._state.transaction() as db:
            db.execute(_POSTPONE, (self.number, message.uid, message.ordinal, reason, self.clock))

    def hold(
        self,
        dropped: Iterable[Remote],
        aside: Iterable[tuple[Remote, str]],
        names: Mapping[tuple[str, int], str | None] = _NO_NAMES,
    ) -> None:
        """Record what filters held back: these are never fetched again, those set aside for a reason.

        `names` are Message-IDs by (uid, ordinal).
        """
        with self._state.transaction() as db:
            for message, reason in aside:
                key = message.uid, message.ordinal
                self._count_failure(db, key, reason)
                self._keep(db, There(message, names.get(key)), "quarantined")
            for message in dropped:
                key = message.uid, message.ordinal
                self._keep(db, There(message, names.get(key)), "dropped")
                db.execute(FORGET_FAILURE, (self.number, *key))

    def pass_by(self, messages: Iterable[There], state: Literal["baselined", "duplicate"]) -> None:
        """Record that these are not to come from here: they are never fetched, nor deleted on the server."""
        with self._state.transaction() as db:
            for there in messages:
                self._keep(db, there, state)
                db.execute(FORGET_FAILURE, (self.number, there.message.uid, there.message.ordinal))

    def _count_failure(self, db: sqlite3.Connection, key: tuple[str, int], reason: str) -> tuple[int, float]:
        """Count a failed attempt; return how many there were, and when the first was."""
        db.execute(_COUNT_FAILURE, (self.number, *key, reason, self.clock))
        query = f"SELECT attempts, since FROM failure {ONE_MESSAGE}"  # noqa: S608 (constants only)
        attempts, since = db.execute(query, (self.number, *key)).fetchone()
        return attempts, since

    def _keep(self, db: sqlite3.Connection, there: There, state: str) -> None:
        message = there.message
        what = message.uid, message.ordinal, message.size, message.date, message.same, there.message_id
        db.execute(_KEEP, (self.number, *what, state, self.clock))

    def due(self, days: int) -> list[Remote]:
        """Return the messages that were delivered at least so many credited days ago and may be deleted."""
        query = (
            "SELECT uid, size, ordinal, 0, date FROM message WHERE folder = ? AND state = 'delivered' "
            "AND exact AND missing IS NULL AND ? - clock >= ?"
        )
        return [Remote(*row) for row in self._state.rows(query, (self.number, self.clock, days * DAY))]

    def removed(self, keys: Iterable[tuple[str, int]]) -> None:
        """Record that the server has deleted these."""
        with self._state.transaction() as db:
            db.executemany(_SET_REMOVED, ((self.clock, self.number, *key) for key in keys))


def deliver(db: sqlite3.Connection) -> None:
    """End all intents as delivered."""
    db.execute(
        f"INSERT OR REPLACE INTO message ({_DELIVERED}) "  # noqa: S608 (constants only)
        "SELECT folder, uid, ordinal, size, exact, 'delivered', place, intent.name, clock, message_id, date, "
        "same "
        "FROM intent JOIN folder ON folder.id = intent.folder JOIN mailbox ON mailbox.id = folder.mailbox"
    )
    db.execute(
        "DELETE FROM failure WHERE (folder, uid, ordinal) IN (SELECT folder, uid, ordinal FROM intent)"
    )
    db.execute("DELETE FROM intent")


_DELIVERED = "folder, uid, ordinal, size, exact, state, place, name, clock, message_id, date, same"
# Where there was no failed attempt yet, there is no first one to count from.
_ANEW = "reason = excluded.reason, since = CASE attempts WHEN 0 THEN excluded.since ELSE since END"
_FAILURE = "INSERT INTO failure VALUES (?, ?, ?, {}, ?, ?) ON CONFLICT DO UPDATE SET attempts = attempts + {}"
_COUNT_FAILURE = f"{_FAILURE.format(1, 1)}, {_ANEW}"
_POSTPONE = f"{_FAILURE.format(0, '(attempts > 0)')}, {_ANEW}"
_TAKE_BACK = "SELECT uid, ordinal, size, date, same, message_id FROM intent WHERE name = ?"
_KEEP = (
    "INSERT OR REPLACE INTO message "
    "(folder, uid, ordinal, size, date, same, message_id, exact, state, clock) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?)"
)
OPEN_FOLDER = (
    "INSERT OR IGNORE INTO folder (mailbox, name, validity, stale) "
    "SELECT ?, ?, ?, EXISTS (SELECT 1 FROM folder WHERE mailbox = ? AND name = ?)"
)
RETIRE = "UPDATE folder SET validity = -id, stale = 1, uid_next = NULL WHERE id = ?"
_FORGET_FORMER = (
    "DELETE FROM message WHERE missing IS NOT NULL AND ? - missing > ? AND folder IN ("
    "SELECT f.id FROM folder AS f JOIN folder AS here USING (mailbox, name) "
    "WHERE here.id = ? AND f.id <> here.id)"
)
_SET_MISSING = f"UPDATE message SET missing = ? {ONE_MESSAGE}"  # noqa: S608 (constants only)
_SET_REMOVED = f"UPDATE message SET state = 'removed', missing = ? {ONE_MESSAGE}"  # noqa: S608
