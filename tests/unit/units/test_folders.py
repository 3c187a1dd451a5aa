# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folders: root makes none where somebody else may write, and follows nobody else's links."""

import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit_getmail.units import folders
from tests.support import need_root

SOMEBODY = pwd.getpwnam("nobody")


@pytest.fixture
def roots() -> Iterator[Path]:
    """A folder above which only root may write, as it is not below /tmp."""
    need_root()
    folder = Path(tempfile.mkdtemp(prefix="cockpit-getmail-test-", dir="/var/lib"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def theirs(roots: Path) -> Path:
    """A folder of somebody else's in it."""
    folder = roots / "theirs"
    folder.mkdir()
    os.chown(folder, SOMEBODY.pw_uid, SOMEBODY.pw_gid)
    return folder


def make_as_root(folder: Path) -> bool:
    return folders.make_as_root(folder, SOMEBODY.pw_uid, SOMEBODY.pw_gid)


def look(path: Path) -> tuple[int, int]:
    """Return owner and mode."""
    found = path.stat()
    return found.st_uid, stat.S_IMODE(found.st_mode)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_folder_is_the_users_and_what_is_above_it_is_roots(roots: Path) -> None:
    previous = os.umask(0)
    try:
        assert make_as_root(roots / "example.org/me/Maildir")
    finally:
        os.umask(previous)
    assert look(roots / "example.org") == (0, 0o711)
    assert look(roots / "example.org/me") == (0, 0o711)
    assert look(roots / "example.org/me/Maildir") == (SOMEBODY.pw_uid, 0o700)
    assert names(roots) == {"example.org"}


def test_what_is_there_stays_as_it_is(roots: Path) -> None:
    (roots / "me").mkdir(mode=0o750)
    assert make_as_root(roots / "me")
    assert look(roots / "me") == (0, 0o750)


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o1777])
def test_nothing_is_made_where_others_may_write(roots: Path, mode: int) -> None:
    (roots / "open/inner").mkdir(parents=True)
    (roots / "open").chmod(mode)
    assert not make_as_root(roots / "open/me")
    assert not make_as_root(roots / "open/inner/me")
    assert names(roots / "open") == {"inner"}
    assert not names(roots / "open/inner")


def test_nothing_is_made_in_a_folder_of_another_user(theirs: Path) -> None:
    (theirs / "roots").mkdir()
    assert not make_as_root(theirs / "me")
    assert not make_as_root(theirs / "roots/me")
    assert names(theirs) == {"roots"}


def test_link_of_another_user_leads_nowhere(roots: Path, theirs: Path) -> None:
    (roots / "secret").mkdir()
    (theirs / "link").symlink_to(roots / "secret")
    assert not make_as_root(theirs / "link/me")
    assert not names(roots / "secret")


@pytest.mark.parametrize("target", ["/absolute", "real", "./sub/../real", "chain"])
def test_links_of_root_are_followed(roots: Path, target: str) -> None:
    (roots / "real").mkdir()
    (roots / "sub").mkdir()
    (roots / "chain").symlink_to("real")
    (roots / "link").symlink_to(roots / "real" if target == "/absolute" else target)
    assert make_as_root(roots / "link/me")
    assert look(roots / "real/me") == (SOMEBODY.pw_uid, 0o700)


def test_link_of_root_into_a_folder_of_another_user(roots: Path, theirs: Path) -> None:
    (roots / "link").symlink_to(theirs)
    assert not make_as_root(roots / "link/me")
    assert not names(theirs)


def test_links_in_a_circle_end(roots: Path) -> None:
    (roots / "one").symlink_to("two")
    (roots / "two").symlink_to("one")
    with pytest.raises(OSError, match="levels of symbolic links"):
        make_as_root(roots / "one/me")


def test_link_to_nowhere_is_made_a_folder_where_it_leads(roots: Path) -> None:
    (roots / "link").symlink_to("real")
    assert make_as_root(roots / "link")
    assert look(roots / "real") == (SOMEBODY.pw_uid, 0o700)


def test_file_in_the_way_is_an_error(roots: Path) -> None:
    (roots / "file").touch()
    with pytest.raises(NotADirectoryError):
        make_as_root(roots / "file/me")


@pytest.mark.parametrize("home", folders.HOMES)
def test_root_makes_nobody_a_home(home: str) -> None:
    folder = Path(home, "cockpit-getmail-test-nobody")
    assert not make_as_root(folder / "Maildir")
    assert not folder.exists()
