# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folders and files that are made. That they outlast a power cut: tests/mail/test_power_cut.py."""

import fcntl
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from cockpit_getmail.durable import make_folder, make_private


def test_make_makes_what_is_missing(tmp_path: Path) -> None:
    make_folder(str(tmp_path / "a/b"))
    make_folder(str(tmp_path / "a/b"))
    assert [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "a", tmp_path / "a/b")] == [0o700] * 2


def test_what_is_no_folder_is_not_taken_for_one(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    for name in ("file", "link"):
        with pytest.raises(FileExistsError):
            make_folder(str(tmp_path / name))


def test_private_file_is_made_whatever_the_umask(tmp_path: Path) -> None:
    path = tmp_path / "file"
    before = os.umask(0)
    try:
        make_private(str(path))
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_text("kept")
    make_private(str(path))
    assert path.read_text() == "kept"


def test_locks_of_a_file_that_is_open_are_kept(tmp_path: Path) -> None:
    """To close a descriptor of a file frees all locks that the process has on it (fcntl_locking(2))."""
    path = tmp_path / "file"
    make_private(str(path))
    with path.open("r+b") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        make_private(str(path))
        code = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'r+b'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
        assert subprocess.run([sys.executable, "-c", code, path], capture_output=True, check=False).returncode


@pytest.mark.parametrize("kind", ["link", "fifo", "folder"])
def test_what_is_no_file_is_let_alone(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "file"
    if kind == "link":
        path.symlink_to(tmp_path / "other")
    elif kind == "fifo":
        os.mkfifo(path)
    else:
        path.mkdir()
    with pytest.raises(OSError, match="exists"):
        make_private(str(path))
    assert not (tmp_path / "other").exists()
