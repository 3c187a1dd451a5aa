# SPDX-License-Identifier: LGPL-2.1-or-later
"""Two programs in turn, A B A B, each as a whole process: seconds, memory, and the ratio pair by pair.

A machine's speed drifts; the ratio of two runs next to each other drifts less than either of them.
"""

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple, Protocol


@dataclass(frozen=True)
class Usage:
    """What one run took: seconds by the clock, seconds of the processor, octets of the largest process."""

    seconds: float
    cpu: float
    peak: int


class Failed(Exception):
    """A run that did not do its work; the words are shown in the table."""


class Contender(Protocol):
    """A program at one piece of work."""

    name: str
    version: str

    def prepare(self) -> None:
        """Make everything as it is before a run: not timed."""

    def run(self) -> Usage:
        """Do the work once. Raises Failed."""

    def check(self) -> None:
        """See that the work was done: not timed. Raises Failed."""


class Spread(NamedTuple):
    """The middle, the least and the most of some figures."""

    median: float
    minimum: float
    maximum: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> "Spread":
        return cls(median(figures), min(figures), max(figures))


@dataclass(frozen=True)
class Pairs:
    """What both took, run by run. `failure` says why the peer has no figures, and is empty if it has."""

    ours: Sequence[Usage]
    peer: Sequence[Usage]
    failure: str = ""

    @property
    def ratio(self) -> Spread | None:
        """Seconds of ours divided by seconds of the peer's; None if the peer failed."""
        if self.failure or not self.peer:
            return None
        return Spread.of([a.seconds / b.seconds for a, b in zip(self.ours, self.peer, strict=True)])


def compare(ours: Contender, peer: Contender, pairs: int = 5, warm_up: int = 1) -> Pairs:
    """Run two contenders in turn. A peer that fails is told, ours may not fail: Raises Failed."""
    runs: tuple[list[Usage], list[Usage]] = ([], [])
    failure = ""
    for number in range(warm_up + pairs):
        usages = [once(ours)]
        if not failure:
            try:
                usages.append(once(peer))
            except Failed as failed:
                failure = str(failed) or "failed"
        if number >= warm_up:
            for found, usage in zip(runs, usages, strict=False):
                found.append(usage)
    return Pairs(runs[0], [] if failure else runs[1], failure)


def once(contender: Contender) -> Usage:
    """Run a contender once. Raises Failed."""
    contender.prepare()
    usage = contender.run()
    contender.check()
    return usage


def measure(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    user: str | None = None,
    timeout: float = 900.0,
    accept: Sequence[int] = (0,),
) -> Usage:
    """Run a command to its end and return what it took, its children included. Raises Failed."""
    with open(os.memfd_create("input"), "w+b") as source, open(os.memfd_create("output"), "w+b") as output:
        source.write(stdin)
        source.seek(0)
        begun = time.perf_counter()
        process = subprocess.Popen(
            argv,
            stdin=source,
            stdout=output,
            stderr=output,
            env=env,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            start_new_session=True,
        )
        # Whoever hangs is ended with all that it has started.
        signal.signal(signal.SIGALRM, lambda *_: os.killpg(process.pid, signal.SIGKILL))
        signal.setitimer(signal.ITIMER_REAL, timeout)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
        signal.setitimer(signal.ITIMER_REAL, 0)
        process.returncode = code = os.waitstatus_to_exitcode(status)
        if code not in accept:
            output.seek(0)
            words = output.read().decode(errors="replace").strip().splitlines()
            what = f"no end in {timeout:.0f} s" if code == -signal.SIGKILL else f"exit status {code}"
            raise Failed(f"{what}: {words[-1][:200]}" if words else what)
    return Usage(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss << 10)
