# SPDX-License-Identifier: LGPL-2.1-or-later
"""A verification from its lock to its record: is all that was delivered there, and is the state sound?

It goes on beside runs, and writes nothing but its own report.
"""

from __future__ import annotations

import os
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING

from cockpit_getmail import destination as destinations
from cockpit_getmail.destination.maildir_folders import find_subfolders, format_subfolder, is_inbox
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.record import Record
from cockpit_getmail.search import Search
from cockpit_getmail.soundness import find_problems
from cockpit_getmail.sqlite import transaction
from cockpit_getmail.state_file import VERIFY_LOCK, explained, lock, opened
from cockpit_getmail.stop import Stop, Stopped

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from typing import TypeAlias, TypedDict

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.destination import Target
    from cockpit_getmail.report import Reporter
    from cockpit_getmail.search import Missing
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.state_file import StrPath

    Begin: TypeAlias = Callable[[], AbstractContextManager[sqlite3.Connection]]

    class Result(TypedDict):
        """Counts of messages, see Search: `checked` are all but those elsewhere, `missing` the first of them.

        What keeps the record from being `sound` is in `problems`, a sentence each.
        """

        checked: int
        present: int
        moved: int
        elsewhere: int
        missing: list[Missing]
        missing_count: int
        sound: bool
        problems: list[str]


LOGGED = 20
"""So many missing messages are named in the log."""
_STEPS = 100_000
"""So many steps SQLite takes, some milliseconds, until it looks for a signal."""


def run(
    connector: Connector,
    settings: Settings,
    folder: StrPath,
    report: Reporter,
    *,
    token: str,
    stop: Stop | None = None,
) -> Result:
    """Verify a connector whose state is in `folder`; return what was found, which is recorded there too.

    Missing messages are a result and no failure. Raises Problem (running: another verification is under way;
    delivery: the Maildir cannot be read) and Stopped.
    """
    stop = stop or Stop()
    with stop.shielded(), ExitStack() as stack:
        with explained(folder):
            stack.callback(os.close, lock(folder, VERIFY_LOCK))
        record = Record(folder, "verify", token, report, days=settings.history_days)
        begin: Begin | None = None
        try:
            target = destinations.find_target(connector, settings)
            if not target.maildir:
                message = (
                    "Only what is delivered into a Maildir can be verified, and this mail goes elsewhere."
                )
                raise failure("connector", message, kind="Conflict")
            db = stack.enter_context(opened(folder))
            if db:
                begin = _recording(db, folder)
                _settle(record, begin)
            looking = partial(_look, target.location, _find_subfolders(target, connector, settings), record)
            result = _verify(db, folder, looking, stop)
        except Problem as problem:
            record.end("failed", begin, problem)
            raise
        except Stopped:
            record.end("cancelled", begin, text="Cancelled.")
            raise
        except Exception as error:
            bug = failure("internal", f"This is a bug in cockpit-getmail ({type(error).__name__}).")
            record.end("failed", begin, bug)
            raise
        report.note(tell(result))
        record.end("succeeded", begin, text=tell(result), result=dict(result))
        return result


def tell(result: Result) -> str:
    """Return what came of it, as a sentence."""
    errors = []
    if result["missing_count"]:
        errors.append(f"Missing messages: {result['missing_count']}.")
    if not result["sound"]:
        errors.append("The record of what was fetched is not sound.")
    return " ".join(("Finished.", *(errors or ["No errors have been found."])))


def _recording(db: sqlite3.Connection, folder: StrPath) -> Begin:
    @contextmanager
    def begin() -> Iterator[sqlite3.Connection]:
        with explained(folder), transaction(db):
            yield db

    return begin


def _settle(record: Record, begin: Begin) -> None:
    if record.is_cut_off:
        with begin() as db:
            record.settle(db)


def _find_subfolders(target: Target, connector: Connector, settings: Settings) -> set[str]:
    """Return the subfolders of its Maildir that a connector's mail is delivered into.

    Where it keeps the folders of the server, these are all that are in it, or below its own folder.
    """
    folders = [target.folder, *([settings.junk_folder] if connector.filters else [])]
    found = {format_subfolder(folder) for folder in folders if not is_inbox(folder)}
    if connector.keeps_folders:
        root = format_subfolder(target.folder)
        with suppress(OSError):
            found.update(name for name in find_subfolders(target.place) if f"{name}.".startswith(f"{root}."))
    return found


def _verify(
    db: sqlite3.Connection | None, folder: StrPath, look: Callable[[sqlite3.Connection], Result], stop: Stop
) -> Result:
    """Return what is found; without `db`, nothing was ever delivered."""
    if db is None:
        return _result(None, [])
    db.set_progress_handler(lambda: 0, _STEPS)
    try:
        with stop.at_once(), explained(folder):
            return look(db)
    except Problem:
        # SQLite turns a signal that comes while it works into an error of its own.
        stop.check()
        raise
    finally:
        db.set_progress_handler(None, 0)


def _look(location: str, subfolders: set[str], record: Record, db: sqlite3.Connection) -> Result:
    record.note("Creating a list of messages to be verified...")
    search = Search(db, location, record.progress, subfolders)
    search.search()
    for message in search.listed[:LOGGED]:
        named = f", Message-ID {message['message_id']}" if message["message_id"] else ""
        record.warn(f"Missing: {message['folder']}, UID {message['uid']}{named}.")
    record.note("Checking the record of what was fetched...")
    problems = find_problems(db)
    if search.unnamed:
        problems.append(f"There are messages that say of no file where they are: {search.unnamed}.")
    if search.repeated:
        problems.append(f"There are messages with a file that another has, too: {search.repeated}.")
    for problem in problems:
        record.warn(problem)
    return _result(search, problems)


def _result(search: Search | None, problems: list[str]) -> Result:
    present, moved, missing, elsewhere = (
        (search.present, search.moved, search.missing, search.elsewhere) if search else (0, 0, 0, 0)
    )
    return {
        "checked": present + moved + missing,
        "present": present,
        "moved": moved,
        "elsewhere": elsewhere,
        "missing": search.listed if search else [],
        "missing_count": missing,
        "sound": not problems,
        "problems": problems,
    }
