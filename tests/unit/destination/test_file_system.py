# SPDX-License-Identifier: LGPL-2.1-or-later
"""Where syncfs can be relied on. That it keeps mail over a power cut: tests/mail/test_power_cut.py."""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from cockpit_getmail.destination import file_system
from tests.support import disks


@pytest.fixture
def here(tmp_path: Path) -> Iterator[int]:
    descriptor = os.open(tmp_path, os.O_RDONLY)
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize(
    ("release", "reliable"),
    [
        ("5.16.20", False),
        ("5.17.0", True),
        ("6.1.0-35-amd64", True),
        ("4.18.0-553.el8", False),
        ("odd", False),
    ],
)
def test_kernels_that_tell_of_failures(
    here: int, release: str, reliable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_system, "TRUSTED", {file_system._kind(here)})
    monkeypatch.setattr(os, "uname", lambda: SimpleNamespace(release=release))
    assert file_system.can_sync(here) == reliable


def test_only_file_systems_that_are_known_to_take_part() -> None:
    descriptor = os.open("/proc", os.O_RDONLY)
    assert not file_system.can_sync(descriptor)
    os.close(descriptor)


def test_ext4_is_known(tmp_path: Path) -> None:
    disks.need_mounts()
    image = disks.make_image(tmp_path / "empty.img")
    point = tmp_path / "point"
    point.mkdir()
    with disks.mounted(image, point):
        descriptor = os.open(point, os.O_RDONLY)
        try:
            assert file_system.TRUSTED[file_system._kind(descriptor)] == "ext4"
        finally:
            os.close(descriptor)


def test_memory_that_cannot_be_executed(here: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise MemoryError

    monkeypatch.setattr(ctypes, "create_string_buffer", fail)
    assert not file_system.can_sync(here)


def test_what_is_no_file_cannot_be_synced() -> None:
    with pytest.raises(OSError, match="Bad file descriptor"):
        file_system.sync(-1)


def test_sync(here: int) -> None:
    file_system.sync(here)
