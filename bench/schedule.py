# SPDX-License-Identifier: LGPL-2.1-or-later
"""The schedule of many connectors in a booted machine: with nothing due, and with what is due each minute."""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

from bench import BUILD, table
from bench.accounts import HOST, INSIDE
from bench.mailboxes import SETTLE_SECONDS, Mailbox
from bench.pairs import Failed
from bench.peers import PASSWORD
from bench.place import CONFIGURATION
from cockpit_getmail.connector import folder_name
from cockpit_getmail.schedule import next_run
from tests.support.dovecot import Dovecot
from tests.support.installed import PYTHON, Installed
from tests.support.machine import Machine

FOLDER = BUILD / "schedule"
USER = "stock"
SIZE = 2000
MESSAGES = 20
TIME = 30
MINUTE = 60.0
FEW, IDLE_TICKS = 10, 5
WARM_UP = 1.8 * MINUTE
"""After the first tick: shortly before the third one, when what the second one found has been started."""
PATIENCE = 2 * MINUTE
TEMPLATE = "template"
PUT = """
import json, sys
from cockpit_getmail import ledger, settings
with ledger.Ledger(settings.load()) as opened:
    opened._db.execute("BEGIN")
    opened._db.execute("DELETE FROM start")
    for name, at in json.load(sys.stdin).items():
        opened.started(name, at)
    opened._db.execute("COMMIT")
"""
GET = """
import json
from cockpit_getmail import ledger, settings
with ledger.Ledger(settings.load()) as opened:
    print(json.dumps({name: start.at for name, start in opened.starts().items()}))
"""
TICK = "TIMEFORMAT='%R %U %S'; time cockpit-getmail schedule"


@dataclass(frozen=True)
class Scale:
    connectors: int = 10_000
    minutes: int = 6


QUICK = Scale(1_000, 1)


def sections(quick: bool) -> Iterator[table.Section]:
    scale = QUICK if quick else Scale()
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    try:
        with (
            Dovecot({USER: PASSWORD}, extra=CONFIGURATION) as dovecot,
            Machine({str(INSIDE): FOLDER}) as machine,
        ):
            machine.install()
            Mailbox(USER).add(dovecot, [SIZE] * MESSAGES)
            bench = _Bench(machine, dovecot.imap)
            yield bench.idle([FEW, scale.connectors])
            if not quick:
                time.sleep(SETTLE_SECONDS)
            yield bench.hold(scale)
    finally:
        shutil.rmtree(FOLDER)


class _Bench:
    def __init__(self, machine: Machine, port: int) -> None:
        self._machine = machine
        self._port = port
        self._write_connectors([TEMPLATE])
        installed = Installed(machine)
        installed.run(TEMPLATE)
        if len(installed.mail(TEMPLATE)) != MESSAGES:
            raise Failed("the first run has not delivered all")

    def idle(self, sizes: Sequence[int]) -> table.Section:
        """Measure ticks that find nothing to start."""
        found = table.Section(
            "A tick of the schedule with nothing due", ("connectors", "seconds", "processor")
        )
        for size in sizes:
            names = _make_names(size)
            self._write_connectors(names)
            self._put({name: time.time() for name in names})
            ticks = [self._tick() for _ in range(IDLE_TICKS)]
            seconds, used = (median(figures) for figures in zip(*ticks, strict=True))
            found.rows.append(table.Row(f"{size:,}", [table.show_seconds(seconds), table.show_seconds(used)]))
        return found

    def hold(self, scale: Scale) -> table.Section:
        """Let the timer work for some minutes."""
        names = _make_names(scale.connectors)
        self._write_connectors(names)
        span = scale.minutes * MINUTE
        soon = time.time() + WARM_UP + span + 2 * PATIENCE
        self._copy_state([name for name in names if _next(name, time.time()) <= soon])
        now = time.time()
        due = {name: _next(name, now) for name in names}
        self._put({name: at - TIME * MINUTE for name, at in due.items()})
        with self._timer():
            self._wait_for_tick()
            time.sleep(WARM_UP)
            load, begun = _Load(self._machine), time.time()
            time.sleep(span)
            load.stop()
            return _show(scale, due, self._get(), begun, load)

    @contextmanager
    def _timer(self) -> Iterator[None]:
        self._machine.run(["systemctl", "start", "cockpit-getmail.timer"])
        try:
            yield
        finally:
            self._machine.run(["systemctl", "stop", "cockpit-getmail.timer", "cockpit-getmail.service"])

    def _wait_for_tick(self) -> None:
        deadline = time.monotonic() + PATIENCE
        ask = ["systemctl", "show", "--property=LastTriggerUSec", "--value", "cockpit-getmail.timer"]
        while not self._machine.run(ask).stdout.strip():
            if time.monotonic() > deadline:
                raise Failed("the timer does nothing")
            time.sleep(1)

    def _write_connectors(self, names: Sequence[str]) -> None:
        props = (
            f"Password|{PASSWORD}|Port|{self._port}|Retriever|SimpleIMAPRetriever|Server|{HOST}|TLS|none|"
            f"Time|{TIME}|Username|{USER}"
        )
        file = FOLDER / "connectors"
        file.write_text("".join(f"{name}=getmail|Account|{name}|{props}\n" for name in names))
        file.chmod(0o600)

    def _copy_state(self, names: Sequence[str]) -> None:
        """Let these connectors have fetched the mailbox before."""
        owner = (FOLDER / "state" / TEMPLATE).stat()
        for name in names:
            for folder, target in (("state", folder_name(name)), ("mail", name)):
                copy = FOLDER / folder / target
                if folder == "state":
                    shutil.copytree(FOLDER / folder / TEMPLATE, copy)
                else:
                    for part in ("cur", "new", "tmp"):
                        (copy / part).mkdir(parents=True)
                for path in (copy, *copy.iterdir()):
                    os.chown(path, owner.st_uid, owner.st_gid)
                copy.chmod(0o700)
        os.sync()

    def _put(self, starts: Mapping[str, float]) -> None:
        self._machine.run([PYTHON, "-I", "-c", PUT], input=json.dumps(starts))

    def _get(self) -> dict[str, float]:
        found: dict[str, float] = json.loads(self._machine.run([PYTHON, "-I", "-c", GET]).stdout)
        return found

    def _tick(self) -> tuple[float, float]:
        """Return the seconds that a tick took, and those of the processor."""
        done = self._machine.run(["bash", "-c", TICK])
        seconds, user, system = map(float, done.stderr.split())
        return seconds, user + system


class _Load:
    """The share of the processor that was used meanwhile: by the machine, and by all."""

    def __init__(self, machine: Machine) -> None:
        self._file = machine.root / "sys/fs/cgroup/cpu.stat"
        self.machine = self.all = 0.0
        self._before = self._read()

    def stop(self) -> None:
        here, busy, total = (after - before for after, before in zip(self._read(), self._before, strict=True))
        self.machine, self.all = here / total, busy / total

    def _read(self) -> tuple[float, float, float]:
        """Return seconds of the machine, of all that runs here, and of all processors."""
        own = float(self._file.read_text().split()[1]) / 1e6
        ticks = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
        per_second = os.sysconf("SC_CLK_TCK")
        idle = ticks[3] + ticks[4]
        return own, (sum(ticks) - idle) / per_second, sum(ticks) / per_second


def _make_names(count: int) -> list[str]:
    return [f"user{number:05}@mail.example.com" for number in range(count)]


def _next(name: str, now: float) -> float:
    """Return a connector's next place in its interval."""
    return next_run(name, TIME, now, 0, 0, now)


def _show(
    scale: Scale, due: Mapping[str, float], starts: Mapping[str, float], begun: float, load: _Load
) -> table.Section:
    ended = begun + scale.minutes * MINUTE
    is_due = sum(begun <= at < ended for at in due.values())
    late = [
        starts[name] - at for name, at in due.items() if at <= starts[name] and begun <= starts[name] < ended
    ]
    waiting = sum(ended - at > PATIENCE for name, at in due.items() if starts[name] < at)
    if len(late) < 2:
        raise Failed("the timer started nothing")
    tenths = quantiles(late, n=10)
    figures = {
        "due": f"{is_due / scale.minutes:.0f} a minute",
        "started": f"{len(late) / scale.minutes:.0f} a minute",
        "later than due, the median": f"{median(late):.0f} s",
        "of nine in ten, at most": f"{tenths[-1]:.0f} s",
        "the latest": f"{max(late):.0f} s",
        "processors used by the machine": f"{load.machine:.0%} of {os.cpu_count()}",
        "and with the server and all else here": f"{load.all:.0%}",
    }
    found = table.Section(
        f"{scale.connectors:,} connectors, every {TIME} minutes, nothing new ({scale.minutes} minutes)",
        ("", "measured"),
        remarks=["The timer looks each minute: half a minute is the mean with no work at all."],
    )
    found.rows.extend(table.Row(what, [figure]) for what, figure in figures.items())
    found.rows.append(
        table.Row(f"due for {PATIENCE:.0f} s at the end, not started", [str(waiting)], "0", waiting == 0)
    )
    return found
