# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tick of the schedule: what is due is started, what waits longest first, at most MAX_RUNS at once."""

import fcntl
import os
import time
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, TextIO

from cockpit_getmail import database, units
from cockpit_getmail.actions import require_runnable, select
from cockpit_getmail.actions.conditions import watch
from cockpit_getmail.connector import UNIT_PREFIX, Connector, unit_name
from cockpit_getmail.database import Database, Record
from cockpit_getmail.launch import launch, stamp
from cockpit_getmail.ledger import Ledger, Start
from cockpit_getmail.problem import Problem, failure, printable, sentence
from cockpit_getmail.report import Lines
from cockpit_getmail.schedule import next_run
from cockpit_getmail.settings import Settings
from cockpit_getmail.units.place import RUN_FOLDER, find_fetch_user, provide_run_folder
from cockpit_getmail.units.sandbox import require_hiding, require_installation
from cockpit_getmail.units.systemd import state_directory

if TYPE_CHECKING:
    from cockpit_getmail.launch import Stamp
    from cockpit_getmail.status import Condition

STARTERS = 4
"""So many starts overlap: most of the time one waits for systemd."""
LOOK_SECONDS = 10.0
"""Who has started all that was due does not look again for each that becomes due meanwhile."""
CHANGED_SECONDS = 1.0
"""So soon a change of the connectors counts: they may be created by the hundred."""
STALE_SECONDS = 60.0
"""While something waits for a place, it is looked again after so long, also for what callbacks tell of."""
STAY_SECONDS = 900.0
"""The timer starts the next tick at once, and that with the settings as they are then."""
PAUSES = (0.05, 1.0)
"""The least and the greatest time between two questions to systemd while no place is free."""
TASK_PREFIX = f"{UNIT_PREFIX}:"
"""How units begin that are no runs: connector.unit_name() escapes a colon."""
_LOCK = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class _Due(NamedTuple):
    since: float
    name: str


def run_due(settings: Settings, say: Lines) -> int:
    """Start what is due until nothing is; return 0. What runs by then runs on.

    A connector that cannot be started is told and recorded, and waits as after a run that failed. Raises
    Problem for what stops all of them, and without root or systemd.
    """
    _require_ready(settings)
    with _only_tick() as memory:
        if memory is None:
            say.note("Another process is at the schedule.")
            return 0
        with _open_ledger(settings, say) as opened:
            tick = _Tick(settings, opened, say)
            tick.tell_broken_lines(memory)
            tick.run()
    return 0


class _Tick:
    """What one process knows while it starts runs."""

    def __init__(self, settings: Settings, opened: Ledger, say: Lines) -> None:
        self._settings = settings
        self._ledger = opened
        self._say = say
        self._queue: deque[_Due] = deque()
        self._starting: dict[Future[tuple[str, str, bool]], str] = {}
        self._running: set[str] = set()
        self._unrecorded: set[str] = set()
        self._pause = PAUSES[0]
        self._looked = -STALE_SECONDS
        self._read_at: Stamp = stamp(settings)
        self._looked_at: Stamp = ()
        self._content = database.read(settings.connectors_db)

    def run(self) -> None:
        end = time.monotonic() + STAY_SECONDS
        # Not in a `with`: when a signal ends this, no receiver is waited for.
        self._caller = ThreadPoolExecutor(1)
        self._callbacks = self._call_back()
        # Also if a signal ends this: the starts under way come to their end.
        with ThreadPoolExecutor(STARTERS) as pool:
            while time.monotonic() < end and self._has_work():
                self._start_some(pool)
                self._wait()
        self._settle(self._starting)
        self._callbacks.result()

    def tell_broken_lines(self, memory: TextIO) -> None:
        """Tell of lines that are no record, once for each change of the database."""
        seen = repr(self._read_at)
        if memory.read() == seen:
            return
        for line in self._content.broken:
            where = f"{printable(self._settings.connectors_db)}, line {line.line}"
            self._say.warn(f"{where} is left out: {line.reason}.")
        memory.seek(0)
        memory.truncate()
        memory.write(seen)
        memory.flush()

    def _has_work(self) -> bool:
        if time.monotonic() - self._looked >= self._valid():
            self._look()
        is_busy = bool(self._queue or self._starting)
        if is_busy and self._callbacks.done() and time.monotonic() - self._called >= STALE_SECONDS:
            self._callbacks.result()
            self._callbacks = self._call_back()
        return is_busy or not self._callbacks.done()

    def _call_back(self) -> Future[None]:
        """Begin to tell what has changed."""
        self._called = time.monotonic()
        return self._caller.submit(_call_back, self._read(), self._settings, self._say)

    def _valid(self) -> float:
        """Return how long what was found to be due stays good."""
        if stamp(self._settings) != self._looked_at:
            return CHANGED_SECONDS
        return STALE_SECONDS if self._queue else LOOK_SECONDS

    def _read(self) -> Database:
        """Return the database as it is now."""
        read_at = stamp(self._settings)
        if read_at != self._read_at:
            self._content = database.read(self._settings.connectors_db)
            self._read_at = read_at
        return self._content

    def _look(self) -> None:
        """Find what is due."""
        self._looked = time.monotonic()
        starts = self._ledger.starts()
        candidates = list(find_candidates(select(self._read()), starts, time.time()))
        self._looked_at = self._read_at
        self._queue.clear()
        if candidates:
            self._ask_systemd()
            self._queue.extend(sorted(self._find_due(candidates, starts)))

    def _find_due(self, candidates: Iterable[Record], starts: dict[str, Start]) -> Iterator[_Due]:
        for record, condition in watch(candidates, self._settings):
            now, due = time.time(), condition["next_run"]
            is_running = condition["running"] or unit_name(record.key) in self._running
            if due is None or due > now or is_running or record.key in self._unrecorded:
                continue
            start = starts.get(record.key)
            # Else what is overdue would always come before what has no time of its own.
            has_time = start is not None and start.at is not None and start.at <= now
            yield _Due(due if has_time else 0.0, record.key)

    def _ask_systemd(self) -> None:
        runs = {unit for unit in units.running() if not unit.startswith(TASK_PREFIX)}
        self._running = runs.union(map(unit_name, self._starting.values()))

    def _start_some(self, pool: ThreadPoolExecutor) -> None:
        limit = self._settings.max_runs
        if self._queue and len(self._running) >= limit:
            self._ask_systemd()
        while self._queue and len(self._starting) < STARTERS and len(self._running) < limit:
            self._pause = PAUSES[0]
            self._start(self._queue.popleft().name, pool)

    def _start(self, name: str, pool: ThreadPoolExecutor) -> None:
        content = self._read()
        try:
            connector = require_runnable(content, name)
        except Problem as problem:
            self._refuse(name, problem)
            return
        self._running.add(unit_name(name))
        self._starting[pool.submit(_launch, connector, self._settings, self._read_at)] = name

    def _wait(self) -> None:
        """Wait for the end of a start, but not for long: the end of a run makes a place free, too."""
        if self._starting:
            self._settle(wait(self._starting, self._pause, FIRST_COMPLETED).done)
        elif self._queue:
            time.sleep(self._pause)
        else:
            wait([self._callbacks], CHANGED_SECONDS)
        self._pause = min(2 * self._pause, PAUSES[1])

    def _settle(self, done: Iterable[Future[tuple[str, str, bool]]]) -> None:
        for future in list(done):
            name = self._starting.pop(future)
            try:
                future.result()
            except Problem as problem:
                self._running.discard(unit_name(name))
                self._refuse(name, problem)

    def _refuse(self, name: str, problem: Problem) -> None:
        if problem.type in ("NotFound", "Conflict"):
            # Deleted or disabled since it was found to be due.
            return
        self._say.warn(f"{printable(name)} cannot be started: {sentence(problem)}")
        try:
            self._ledger.refused(name, time.time(), problem)
        except Problem as trouble:
            # As on a full disk. Without a record it would be due again at once, before all others.
            self._unrecorded.add(name)
            self._say.error(trouble.message)


def find_candidates(records: Iterable[Record], starts: dict[str, Start], now: float) -> Iterator[Record]:
    """Yield what is due unless it runs or has failed: for that its files must be read."""
    for record in records:
        connector = Connector.from_record(record.key, record.props)
        start = starts.get(record.key)
        at = start.at if start else None
        # A run that ended with its token goes on at once, and that only its files tell.
        may_go_on = connector.uses_oauth
        if connector.enabled and (may_go_on or next_run(record.key, connector.minutes, at, 0, 0, now) <= now):
            yield record


def _launch(connector: Connector, settings: Settings, read_at: "Stamp") -> tuple[str, str, bool]:
    try:
        return launch(connector, settings, read_at)
    except Problem:
        raise
    except Exception as error:
        # A bug that one connector brings to light does not stop the others.
        message = f"This is a bug in cockpit-getmail ({type(error).__name__})."
        raise failure("internal", message) from error


def _call_back(content: Database, settings: Settings, say: Lines) -> None:
    """Tell what has changed since the last time to those who want to be told."""
    from cockpit_getmail import callbacks

    wanted = [record for record in select(content) if callbacks.are_wanted(record.props)]
    connectors = [Connector.from_record(record.key, record.props) for record in wanted]

    @cache
    def find_conditions() -> dict[str, "Condition"]:
        return {record.key: condition for record, condition in watch(wanted, settings)}

    try:
        # Not found out before what was noted last is read: another process may note what is newer.
        callbacks.observe(settings, connectors, lambda connector: find_conditions()[connector.name], say)
        callbacks.send_due(settings, time.time(), say)
    except Problem as problem:
        say.error(problem.message)


def _require_ready(settings: Settings) -> None:
    """Raise Problem (internal, settings) if no unit at all can be started here."""
    if os.geteuid() != 0 or not units.is_available():
        message = "The schedule takes root and systemd. Without them: cockpit-getmail fetch NAME, from cron."
        raise failure("internal", message)
    require_installation()
    state_directory(settings)
    find_fetch_user(settings)
    require_hiding(settings)


@contextmanager
def _only_tick() -> Iterator[TextIO | None]:
    """Give the file that ticks leave to each other until the next boot; None if another one is under way."""
    provide_run_folder()
    with open(os.open(f"{RUN_FOLDER}/schedule", _LOCK, 0o600), "r+", encoding="utf-8") as memory:
        try:
            fcntl.flock(memory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield memory


@contextmanager
def _open_ledger(settings: Settings, say: Lines) -> Iterator[Ledger]:
    """Give the ledger; a new one in the place of one that is damaged, or no fetch would start any more."""
    try:
        with Ledger(settings) as opened:
            opened.starts()
    except Problem as problem:
        if not isinstance(problem.attributes, dict) or "damaged" not in problem.attributes:
            raise
        say.error(f"{problem.message} This one is kept as {Ledger.set_aside(settings)}.")
    with Ledger(settings) as opened:
        yield opened
