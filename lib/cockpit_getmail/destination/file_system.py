# SPDX-License-Identifier: LGPL-2.1-or-later
"""syncfs(2): all that is written to a file system brought to its disk in one go.

For a batch of messages that is two to five times as fast as one fsync after the other. It is used only where
it is known to be as safe: it tells of all failures since Linux 5.17, and some file systems do not take part.
"""

import os
import re
import sys
from functools import cache
from typing import Any

LINUX = (5, 17)
TRUSTED = {0xEF53: "ext4", 0x58465342: "XFS", 0x9123683E: "Btrfs"}
"""By what statfs(2) calls f_type."""
_STATFS_OCTETS = 256


def can_sync(descriptor: int) -> bool:
    """Whether sync() of the file system that an open file lies on can be relied on."""
    return _kernel() >= LINUX and _kind(descriptor) in TRUSTED


def sync(descriptor: int) -> None:
    """Wait until all that was written to the file system of an open file is on disk.

    Raises OSError, also for what failed to be written since the file was opened.
    """
    _call("syncfs", descriptor)


def _kernel() -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", os.uname().release)
    return tuple(map(int, found.groups())) if found else ()


def _kind(descriptor: int) -> int:
    try:
        # Where memory may never be made executable, it cannot be imported on every processor.
        import ctypes

        buffer = ctypes.create_string_buffer(_STATFS_OCTETS)
        _call("fstatfs", descriptor, buffer)
    except (ImportError, MemoryError, OSError):
        return 0
    return int.from_bytes(buffer.raw[: ctypes.sizeof(ctypes.c_long)], sys.byteorder)


def _call(name: str, *arguments: Any) -> None:
    import ctypes

    if getattr(_library(), name)(*arguments):
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


@cache
def _library() -> Any:
    import ctypes

    return ctypes.CDLL(None, use_errno=True)
