# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the kernel tells of processes (proc(5))."""

import time
from pathlib import Path

PATIENCE = 20.0


def find_children(pid: int) -> list[int]:
    """Return the processes that one has begun and that have not ended, none if it has ended itself."""
    return [int(child) for child in read_proc(f"/proc/{pid}/task/{pid}/children").split()]


def is_alive(pid: int) -> bool:
    """Whether a process has not ended; one whose parent has not heard of it has."""
    return read_proc(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] not in ([], ["Z"])


def wait_until_gone(pid: int) -> None:
    """Wait until a process has ended, which takes a moment after it was killed."""
    deadline = time.monotonic() + PATIENCE
    while is_alive(pid):
        assert time.monotonic() < deadline, f"process {pid} goes on"
        time.sleep(0.01)


def read_proc(path: str) -> str:
    """Return the text of a file, nothing if its process has ended."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""
