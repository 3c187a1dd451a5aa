# SPDX-License-Identifier: LGPL-2.1-or-later
"""Limits on what a piece of a test may cost."""

import gc
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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


def memory(field: str) -> int:
    """Return a size of /proc/self/status in octets."""
    found = re.search(rf"^{field}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found
    return int(found[1]) << 10
