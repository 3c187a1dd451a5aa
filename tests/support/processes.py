# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the kernel tells of processes (proc(5))."""

from pathlib import Path


def find_children(pid: int) -> list[int]:
    """Return the processes that one has begun and that have not ended, none if it has ended itself."""
    return [int(child) for child in read_proc(f"/proc/{pid}/task/{pid}/children").split()]


def read_proc(path: str) -> str:
    """Return the text of a file, nothing if its process has ended."""
    try:
        return Path(path).read_text()
    except OSError:
        return ""
