# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits on what a piece of a test may cost."""

import gc
import math
import re
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

QUICK, ENOUGH, LONG = 0.4, 5.0, 25.0
"""Seconds that a visit may take: to a server that does not answer, that does, and that does without end."""
SLACK_SECONDS = 0.3
SOON_SECONDS = 8.0


@contextmanager
def bounded(*, seconds: float, mebibytes: int) -> Iterator[None]:
    """Fail if this takes longer, or if this process grows by more at any moment of it."""
    gc.collect()
    # Sets the high-water mark VmHWM back to what there is (proc(5)); tracemalloc would slow it all down.
    Path("/proc/self/clear_refs").write_text("5")
    before = memory("VmRSS")
    start = time.monotonic()
    yield
    took = time.monotonic() - start
    grown = memory("VmHWM") - before
    assert took < seconds, f"took {took:.1f} s"
    assert grown < mebibytes << 20, f"grew by {grown >> 20} MiB"


@contextmanager
def soon() -> Iterator[None]:
    """Fail if this takes as long as where a test's limit of a second or two is not kept: 10 seconds or more.

    That is CHECK_TIMEOUT where nobody sets it. A busy machine adds less to the limit.
    """
    start = time.monotonic()
    yield
    took = time.monotonic() - start
    assert took < SOON_SECONDS, f"took {took:.1f} s"


@contextmanager
def waiting(*, seconds: float) -> Iterator[None]:
    """Fail if this thread begins a longer wait on a socket, or one that may end later than its first one.

    So a limit on the whole is tested to the point, whatever a busy machine adds. With 0 no wait may begin.
    """
    thread = threading.current_thread()
    waits: list[tuple[float, float]] = []
    set_limit = socket.socket.settimeout

    def note(sock: socket.socket, limit: float | None) -> None:
        # The ssl module hands on to its socket what the one below it has.
        if thread is threading.current_thread() and sys._getframe(1).f_globals is not vars(ssl):
            length = math.inf if limit is None else limit
            waits.append((length, time.monotonic() + length))
        set_limit(sock, limit)

    with mock.patch.object(socket.socket, "settimeout", note):
        yield
    assert bool(waits) == bool(seconds), waits
    assert all(length <= seconds for length, _ in waits), waits
    assert all(end <= waits[0][1] + SLACK_SECONDS for _, end in waits), waits


def memory(field: str) -> int:
    """Return a size of /proc/self/status in octets."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) << 10
