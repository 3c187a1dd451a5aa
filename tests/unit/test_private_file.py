# SPDX-License-Identifier: LGPL-2.1-or-later
"""A secret's file is read where nobody else chooses which one that is. See also login/test_password.py."""

import os
from pathlib import Path

import pytest

from cockpit_getmail import private_file
from tests.support import need_root

NOBODY = 65534
SECRET = b"kanari-4711"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    folder = tmp_path / "own"
    folder.mkdir(0o700)
    path = folder / "secret"
    path.touch(0o600)
    path.write_bytes(SECRET)
    return path


def refuse(path: Path | str) -> str:
    with pytest.raises(ValueError, match=r"[a-z]") as caught:
        private_file.read(str(path), 100)
    assert "kanari" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    "way", ["own/secret", "own/../own/./secret", "link", "far", "folder/secret", "own//secret"]
)
def test_ways_that_are_ones_own(tmp_path: Path, secret: Path, way: str) -> None:
    (tmp_path / "link").symlink_to("own/secret")
    (tmp_path / "far").symlink_to(tmp_path / "link")
    (tmp_path / "folder").symlink_to("own")
    assert private_file.read(f"{tmp_path}/{way}", 100) == SECRET


@pytest.mark.parametrize("limit", [len(SECRET), len(SECRET) - 1])
def test_limit(secret: Path, limit: int) -> None:
    if limit >= len(SECRET):
        assert private_file.read(str(secret), limit) == SECRET
    else:
        with pytest.raises(ValueError, match="it has more than 0 KiB"):
            private_file.read(str(secret), limit)


def test_path_must_be_absolute() -> None:
    assert refuse("secret") == "it is not an absolute path"


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_folder_that_others_may_write_to(secret: Path, mode: int) -> None:
    secret.parent.chmod(mode)
    folder = secret.parent
    assert refuse(secret) == f"others can put another file into {folder}; `chmod go-w {folder}`"
    # There they can only add, as in /tmp.
    folder.chmod(mode | 0o1000)
    assert private_file.read(str(secret), 100) == SECRET


@pytest.mark.parametrize("way", ["theirs/secret", "theirs/link", "theirs/../own/secret", "to-theirs"])
def test_way_through_somebody_elses_folder(tmp_path: Path, secret: Path, way: str) -> None:
    """Who owns it could name any file of root's, and have its first line sent to a server of theirs."""
    need_root()
    theirs = tmp_path / "theirs"
    theirs.mkdir(0o755)
    os.link(secret, theirs / "secret")
    (theirs / "link").symlink_to(secret)
    (tmp_path / "to-theirs").symlink_to("theirs/link")
    os.chown(theirs, NOBODY, NOBODY)
    assert refuse(tmp_path / way) == f"{theirs} belongs to user {NOBODY}, who can put another file there"


def test_link_of_somebody_else_where_all_may_write(tmp_path: Path, secret: Path) -> None:
    need_root()
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    link = shared / "link"
    link.symlink_to(secret)
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    said = refuse(link)
    # Linux itself may not follow it there (fs.protected_symlinks).
    assert said in (f"{link} belongs to user {NOBODY}, who can put another file there", "Permission denied")


def test_links_without_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert refuse(tmp_path / "a") == "Too many levels of symbolic links"
