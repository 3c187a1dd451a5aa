# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is on record of a folder under other UIDVALIDITYs, found by what its messages have in common.

Each record that is of a message there is moved to its present UID, and keeps all else that it has.
"""

from collections.abc import Iterable, Sequence

from cockpit_getmail.folder_state import FolderState
from cockpit_getmail.matching import Known, Matched, There
from cockpit_getmail.retriever.base import Remote
from cockpit_getmail.state_file import FORGET_FAILURE, ONE_MESSAGE

_FOLDERS = "SELECT f.id FROM folder AS f JOIN folder AS here USING (mailbox, name) WHERE here.id = :here"
_OTHERS = f"folder IN ({_FOLDERS} AND f.id <> here.id)"
# It is in memory, for as long as it is needed: no run pays for keeping it but one that matches.
_FIND_ALL = f"""
CREATE TEMP TABLE former AS SELECT size, date, digest(message_id) AS digest, folder, uid, ordinal FROM message
WHERE date IS NOT NULL AND message_id IS NOT NULL AND folder IN ({_FOLDERS})
"""  # noqa: S608 (constants only)
_KNOWN = "m.folder, m.uid, m.ordinal, m.size, m.date, m.message_id, m.same, m.state, m.missing IS NOT NULL"
_ALIKE = f"""
SELECT {_KNOWN} FROM temp.former AS f
JOIN message AS m ON (m.folder, m.uid, m.ordinal) = (f.folder, f.uid, f.ordinal)
WHERE f.size = ? AND f.date = ? AND f.digest = ?
"""  # noqa: S608
_SAME = f"SELECT {_KNOWN} FROM message AS m WHERE m.same = :same AND m.folder IN ({_FOLDERS})"  # noqa: S608
_MOVE = f"UPDATE message SET folder = ?, uid = ?, ordinal = 0, missing = NULL {ONE_MESSAGE}"  # noqa: S608
_MOVE_FAILURE = f"UPDATE failure SET folder = ?, uid = ?, ordinal = 0 {ONE_MESSAGE}"  # noqa: S608
_MOVE_MARK = f"UPDATE OR REPLACE unmarked SET folder = ?, uid = ?, ordinal = 0 {ONE_MESSAGE}"  # noqa: S608
_LET_ALONE = f"UPDATE message SET exact = 0 {ONE_MESSAGE}"  # noqa: S608
_END = (
    # What was set aside and is not matched comes to be known by another UID.
    f"DELETE FROM message WHERE state = 'quarantined' AND {_OTHERS}",  # noqa: S608
    f"DELETE FROM failure WHERE {_OTHERS}",  # noqa: S608
    f"DELETE FROM unmarked WHERE {_OTHERS}",  # noqa: S608
    f"UPDATE message SET missing = :clock WHERE missing IS NULL AND {_OTHERS}",  # noqa: S608
    f"DELETE FROM folder WHERE id IN ({_FOLDERS} AND f.id <> here.id) "  # noqa: S608
    "AND NOT EXISTS (SELECT 1 FROM message WHERE message.folder = folder.id)",
    "UPDATE folder SET stale = 0 WHERE id = :here",
)


class Former:
    """The records of a stale folder, until end(). Its methods raise Problem (internal, quota)."""

    def __init__(self, folder: FolderState) -> None:
        self._folder = folder
        self._here = {"here": folder.number}
        folder.rows("PRAGMA temp_store = MEMORY")
        folder.rows("DROP TABLE IF EXISTS temp.former")
        with folder.transaction() as db:
            # Of many messages that came in one second, as into a new server, the Message-ID finds one.
            db.create_function("digest", 1, hash, deterministic=True)
            db.execute(_FIND_ALL, self._here)
            db.execute("CREATE INDEX temp.alike ON former (size, date, digest)")

    def resembling(self, messages: Iterable[Remote]) -> list[Remote]:
        """Return those that a record may be of, which their Message-ID would tell."""
        query = "SELECT 1 FROM temp.former WHERE size = ? AND date = ? LIMIT 1"
        return [
            message
            for message in messages
            if not message.same and self._folder.rows(query, (message.size, message.date))
        ]

    def find(self, messages: Sequence[There]) -> list[Known]:
        """Return all records that have a key of these messages."""
        keys = {message.key for message in messages if message.key}
        rows: list[tuple[object, ...]] = []
        for kind, value, size, date in keys:
            if kind == "id":
                rows += self._folder.rows(_ALIKE, (size, date, hash(value)))
            else:
                rows += self._folder.rows(_SAME, {**self._here, "same": value})
        found = {record.row: record for record in map(Known._make, rows) if not keys.isdisjoint(record.keys)}
        return list(found.values())

    def move(self, matched: Matched) -> list[Remote]:
        """Record what was matched; return the messages that no record is of, oldest first."""
        here = self._folder.number
        left = [there.message for there in matched.left]
        with self._folder.transaction() as db:
            for there, record in matched.pairs:
                message = there.message
                if not db.execute(_MOVE, (here, message.uid, *record.row)).rowcount:
                    # Somebody lets it be fetched once more.
                    left.append(message)
                    continue
                db.execute(FORGET_FAILURE, (here, message.uid, 0))
                db.execute(_MOVE_FAILURE, (here, message.uid, *record.row))
                db.execute(_MOVE_MARK, (here, message.uid, *record.row))
                row = message.size, message.date, hash(there.message_id), here, message.uid
                db.execute("INSERT INTO temp.former VALUES (?, ?, ?, ?, ?, 0)", row)
            db.executemany(_LET_ALONE, ((here, uid, 0) for uid in matched.doubtful))
        return sorted(left, key=lambda message: int(message.uid))

    def end(self) -> None:
        """Record that all messages there are matched with what was on record."""
        with self._folder.transaction() as db:
            for statement in _END:
                db.execute(statement, {**self._here, "clock": self._folder.clock})
        self._folder.stale = False
        self._folder.rows("DROP TABLE temp.former")
