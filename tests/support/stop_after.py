# SPDX-License-Identifier: LGPL-2.1-or-later
"""A fetch that stops, fails or waits after any of its steps.

    with Driver() as driver:
        outcome = driver.fetch(Plan(props, mail, state, stop=17))
        assert outcome.killed

As a program it takes plans on stdin, a line of JSON each, and carries out each in a process of its own,
forked so that modules are loaded once. A step is what outlives the process: a call that changes files or
makes them durable, a commit, a command to the server. The product knows nothing of this.
"""

import errno
import itertools
import json
import os
import resource
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from cockpit_getmail import baseline, criteria, filtering, folders, rematch, run
from cockpit_getmail.connector import Connector, make_token
from cockpit_getmail.destination import file_system, lmtp, maildir
from cockpit_getmail.filter import clamd, rspamd
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever import (
    imap,
    imap_fetch,
    imap_identify,
    imap_list,
    internal_date,
    pop3,
    pop3_fetch,
)
from cockpit_getmail.settings import Settings
from cockpit_getmail.stop import Stop, Stopped
from cockpit_getmail.transport import Connection

# A run imports these where it needs them: each fork would do so anew.
LOADED = (baseline, criteria, filtering, folders, rematch, clamd, rspamd)
LOADED_TO_RETRIEVE = (imap, imap_fetch, imap_identify, imap_list, internal_date, pop3, pop3_fetch)
COMMITS = ("COMMIT", "PRAGMA journal_mode = WAL")
HOLE = bytes(65536)


@dataclass(frozen=True)
class Plan:
    """One run, and what is to go wrong with it.

    `mail` is the Maildir, `state` the state folder, `settings` has other settings by field. `stop` is the
    number of the last step. Then the files of `copies` are copied, from and to, as they are, and the process
    kills itself, or with `pause` waits for Driver.go_on(). Without `stop` they are copied at the end. `ask`
    has the numbers of the steps after which a signal asks for an end. `fail` is the number of a step that
    fails, with the error named by `error`: it is not made, or with `fail_late` it is and this is not said.
    `skip` names a kind of step (as in Outcome.steps) that is left out. `batch` bounds a batch in messages and
    octets.
    `clock` is added to the wall clock, in seconds. With `lazy_database` SQLite does not sync,
    with `sync_together` messages are synced with their file system. With `junk` every other message goes to
    the folder Junk, as a filter may have it. With `baseline` all is marked as seen instead.
    """

    props: Mapping[str, str]
    mail: str
    state: str
    ca_pem: str | None = None
    stop: int | None = None
    pause: bool = False
    ask: list[int] = field(default_factory=list)
    copies: list[tuple[str, str]] = field(default_factory=list)
    fail: int | None = None
    fail_late: bool = False
    error: str = "EIO"
    skip: str | None = None
    batch: tuple[int, int] | None = None
    clock: float = 0.0
    lazy_database: bool = False
    sync_together: bool = False
    junk: bool = False
    baseline: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What came of a plan. `steps` names each step, `synced` the path of each file that was to be synced.

    `peak` is the most memory the process had, in octets.
    """

    killed: bool = False
    cancelled: bool = False
    paused: bool = False
    cause: str | None = None
    message: str = ""
    result: Mapping[str, int] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)
    synced: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    peak: int = 0

    @property
    def synced_mail(self) -> list[str]:
        """The files in tmp/ of the Maildir that were to be synced."""
        return [path for path in self.synced if "/tmp/" in path]

    @property
    def ok(self) -> bool:
        """Whether the run came to its end and nothing went wrong."""
        return bool(self.result)


def check_stopped(outcome: Outcome, step: int, steps: int, folders: int = 1) -> None:
    """See that a run was killed after a step, if it is a step of every run.

    A writer that has to wait for a slow machine's server commits once more than another, in each folder.
    """
    assert outcome.killed or (outcome.ok and step > steps - 3 * folders), outcome


class Driver:
    """The program in a process of its own. One plan at a time."""

    def __enter__(self) -> "Driver":
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.stop_after"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def fetch(self, plan: Plan) -> Outcome:
        return self._tell(json.dumps(asdict(plan)))

    def go_on(self) -> Outcome:
        """Let a run that was paused go on, to its end."""
        return self._tell("go on")

    def _tell(self, line: str) -> Outcome:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the driver has ended"
        return Outcome(**json.loads(answer))


class Steps:
    """Counts the steps, one at a time, and stops at the one planned."""

    def __init__(self, plan: Plan) -> None:
        self.names: list[str] = []
        self.synced: list[str] = []
        self._plan = plan
        self._lock = threading.Lock()

    def count(self, name: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
        with self._lock:
            self.names.append(name)
            if name.startswith(("fsync", "syncfs")):
                self.synced.append(os.readlink(f"/proc/self/fd/{args[0]}"))
            fails = len(self.names) == self._plan.fail
            left_out = self._plan.skip == name or (fails and not self._plan.fail_late)
            result = None if left_out else call(*args, **named)
            if fails:
                raise make_error(name, self._plan.error)
            if len(self.names) in self._plan.ask:
                os.kill(os.getpid(), signal.SIGTERM)
            if len(self.names) == self._plan.stop:
                self._stop()
            return result

    def _stop(self) -> None:
        make_copies(self._plan)
        if self._plan.pause:
            say(Outcome(paused=True, steps=self.names))
            sys.stdin.readline()
        else:
            os.kill(os.getpid(), signal.SIGKILL)


class Log:
    """A Reporter that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def begin(self, messages: int, octets: int) -> None:
        self.said.append(f"{messages} new, {octets} octets")

    def advance(self, messages: int, octets: int) -> None:
        self.said.append(f"{messages} delivered, {octets} octets")

    def note(self, text: str) -> None:
        self.said.append(text)

    def warn(self, text: str) -> None:
        self.said.append(text)


def main() -> None:
    for line in iter(sys.stdin.readline, ""):
        child = os.fork()
        if not child:
            carry_out(Plan(**json.loads(line)))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            say(Outcome(killed=True))
        elif status:
            sys.exit(f"A run ended with status {status}.")


def carry_out(plan: Plan) -> None:
    steps, log = Steps(plan), Log()
    nowhere = Path("/nonexistent")
    settings = Settings(nowhere, nowhere, f"maildir:{plan.mail}", "nobody", 10.0, **plan.settings)
    connector = Connector.from_record("someone@server", plan.props)
    change_batches(plan)
    hook(plan, steps)
    if plan.junk:
        call_junk()
    ended: dict[str, Any]
    stop = Stop()
    stop.watch()
    try:
        token = make_token(connector.name)
        state, ca_pem = Path(plan.state), plan.ca_pem
        result = run.run(
            connector, settings, state, ca_pem, log, token=token, baseline=plan.baseline, stop=stop
        )
        ended = {"result": result._asdict()}
        if plan.stop is None:
            make_copies(plan)
    except Stopped:
        ended = {"cancelled": True}
    except Problem as problem:
        ended = {"cause": problem.cause, "message": problem.message}
    say(Outcome(**ended, steps=steps.names, synced=steps.synced, log=log.said, peak=peak_memory()))


def change_batches(plan: Plan) -> None:
    if plan.batch is None:
        return
    for name, module in sys.modules.items():
        if name.startswith("cockpit_getmail."):
            for constant, value in zip(("BATCH_MESSAGES", "BATCH_BYTES"), plan.batch, strict=True):
                if hasattr(module, constant):
                    setattr(module, constant, value)
    for destination in (maildir.Maildir, lmtp.Lmtp):
        destination.batch_messages = plan.batch[0]


def hook(plan: Plan, steps: Steps) -> None:
    def counted(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **named: steps.count(name, call, *args, **named)

    for name in ("write", "rename", "unlink", "mkdir"):
        setattr(os, name, counted(name, getattr(os, name)))
    Connection.write = counted("send", Connection.write)  # type: ignore[method-assign]
    really_open, really_fsync = os.open, os.fsync

    def open_counted(path: Any, flags: int, *args: Any, **named: Any) -> int:
        if not flags & os.O_CREAT:
            return really_open(path, flags, *args, **named)
        opened: int = steps.count("create", really_open, path, flags, *args, **named)
        return opened

    def fsync_counted(fd: Any) -> None:
        kind = "fsync folder" if stat.S_ISDIR(os.fstat(fd).st_mode) else "fsync"
        steps.count(kind, really_fsync, fd)

    os.open, os.fsync = open_counted, fsync_counted
    file_system.sync = counted("syncfs", file_system.sync)
    file_system.can_sync = lambda descriptor: plan.sync_together
    maildir.SYNC_TOGETHER = 1
    if plan.skip:
        # It begins what a sync waits for.
        os.posix_fadvise = lambda *_: None
    hook_sqlite(plan, steps)
    really_time = time.time
    time.time = lambda: really_time() + plan.clock


def call_junk() -> None:
    numbers = itertools.count()
    stage = maildir.Maildir.stage

    def stage_one(box: maildir.Maildir, folder: str | None = None) -> maildir.MaildirStaging:
        return stage(box, "Junk" if next(numbers) % 2 else folder)

    maildir.Maildir.stage = stage_one  # type: ignore[assignment,method-assign]


def hook_sqlite(plan: Plan, steps: Steps) -> None:
    class Counted(sqlite3.Connection):
        def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
            if plan.lazy_database and sql == "BEGIN IMMEDIATE":
                super().execute("PRAGMA synchronous = OFF")
            if sql not in COMMITS:
                return super().execute(sql, *args)
            cursor: sqlite3.Cursor = steps.count("commit", super().execute, sql, *args)
            return cursor

        def close(self) -> None:
            steps.count("close", super().close)

    connect = sqlite3.connect
    sqlite3.connect = lambda *args, **named: connect(*args, **named, factory=Counted)  # type: ignore[assignment]


def make_error(step: str, name: str) -> Exception:
    """Return what the caller of a step gets when it fails."""
    number = getattr(errno, name)
    if step == "send":
        return failure("network", f"The connection broke: {os.strerror(number)}.")
    if step not in ("commit", "close"):
        return OSError(number, os.strerror(number))
    full = number == errno.ENOSPC
    error = sqlite3.OperationalError("database or disk is full" if full else "disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL if full else sqlite3.SQLITE_IOERR
    return error


def make_copies(plan: Plan) -> None:
    for source, target in plan.copies:
        copy_sparse(source, target)


def copy_sparse(source: str, target: str) -> None:
    with open(source, "rb") as image, open(target, "wb") as copy:
        while block := image.read(len(HOLE)):
            if block == HOLE:
                copy.seek(len(block), os.SEEK_CUR)
            else:
                copy.write(block)
        copy.truncate(image.tell())


def peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def say(outcome: Outcome) -> None:
    sys.stdout.write(json.dumps(asdict(outcome)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
