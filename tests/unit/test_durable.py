# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folders that are made. That they outlast a power cut: tests/mail/test_power_cut.py."""

import stat
from pathlib import Path

import pytest

from cockpit_getmail.durable import make_folder


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
