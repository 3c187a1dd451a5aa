# SPDX-License-Identifier: LGPL-2.1-or-later
"""File systems of a test's own: ext4 images whose power can be cut, and small ones to fill.

An image that is copied while it is mounted is what a disk holds when its power is cut: what was written and
not yet synced is only in the kernel's memory. Mounting the copy replays its journal, as after a real cut.
"""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import missing, need_programs, need_root

MEBIBYTE = 1 << 20


def need_mounts() -> None:
    need_root()
    need_programs("mkfs.ext4", "mount", "umount")
    if not Path("/dev/loop-control").exists():
        missing("This test needs loop devices.")


def make_image(path: Path, size: int = 8 * MEBIBYTE) -> Path:
    """Make a file with an empty ext4 file system that does nothing of its own accord."""
    with path.open("wb") as image:
        image.truncate(size)
    run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0", str(path))
    return path


@contextmanager
def mounted(image: Path, point: Path) -> Iterator[None]:
    """Mount an ext4 image whose journal is written only when something asks for it."""
    with _mounted(point, "-t", "ext4", "-o", "loop,commit=600", str(image)):
        yield


@contextmanager
def small(point: Path, size: int) -> Iterator[None]:
    """Mount an empty file system in memory with room for so many octets."""
    with _mounted(point, "-t", "tmpfs", "-o", f"size={size}", "tmpfs"):
        yield


@contextmanager
def _mounted(point: Path, *what: str) -> Iterator[None]:
    point.mkdir(exist_ok=True)
    run("mount", *what, str(point))
    try:
        yield
    finally:
        # Lazy: for a moment the kernel still holds files of a process that was killed.
        run("umount", "--lazy", str(point))


def run(*argv: str) -> None:
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(argv)}: {done.stderr}"
