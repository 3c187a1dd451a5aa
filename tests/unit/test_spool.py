# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages that wait: all octets come back, and large ones lie on the disk without a name."""

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.problem import Problem
from cockpit_getmail.spool import CHUNK_OCTETS, MEMORY_OCTETS, Spool
from tests.support import disks


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path)
    yield made
    made.close()


@pytest.mark.long
@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(0, 400))
def test_what_was_written_is_there(pieces: list[bytes], limit: int) -> None:
    spool = Spool("/")
    for piece in pieces:
        spool.write(piece)
    whole = b"".join(pieces)
    assert b"".join(spool.chunks()) == b"".join(spool.chunks()) == whole
    assert (spool.size, spool.head(limit)) == (len(whole), whole[:limit])


@pytest.mark.parametrize("beyond", [-1, 0, 1, 3 * CHUNK_OCTETS + 7])
def test_large_ones_go_to_the_disk(spool: Spool, tmp_path: Path, beyond: int) -> None:
    whole = os.urandom(MEMORY_OCTETS + beyond)
    spool.write(whole[:1000])
    spool.write(whole[1000:])
    assert (spool._file >= 0) == (beyond > 0)
    assert list(tmp_path.iterdir()) == []
    assert b"".join(spool.chunks()) == whole
    assert (spool.size, spool.head(70_000), spool.head(0)) == (len(whole), whole[:70_000], b"")
    for _ in range(2):
        with open(spool.open(), "rb") as file:
            assert file.read() == whole


@pytest.mark.parametrize("error", [errno.EOPNOTSUPP, errno.EISDIR])
def test_file_system_without_nameless_files(
    spool: Spool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    really_open = os.open

    def refuse(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            raise OSError(error, os.strerror(error))
        return really_open(path, flags, mode)

    monkeypatch.setattr(os, "open", refuse)
    whole = os.urandom(MEMORY_OCTETS + 1)
    spool.write(whole)
    assert b"".join(spool.chunks()) == whole
    assert os.fstat(spool._file).st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == []


def test_several_may_read_at_once(spool: Spool) -> None:
    whole = os.urandom(MEMORY_OCTETS + CHUNK_OCTETS)
    spool.write(whole)
    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(lambda _: b"".join(spool.chunks()) == whole, range(16)))


def test_disk_is_full(tmp_path: Path) -> None:
    disks.need_mounts()
    with disks.small(tmp_path / "small", 1 << 20):
        spool = Spool(tmp_path / "small")
        with pytest.raises(Problem) as caught:
            spool.write(bytes(2 * MEMORY_OCTETS))
        spool.close()
    assert caught.value.cause == "quota"
    assert "No space left" in caught.value.message


def test_folder_is_gone(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "none")
    with pytest.raises(Problem) as caught:
        spool.write(bytes(MEMORY_OCTETS + 1))
    assert caught.value.cause == "internal"


def test_closed_more_than_once(spool: Spool) -> None:
    spool.write(bytes(MEMORY_OCTETS + 1))
    spool.close()
    spool.close()
