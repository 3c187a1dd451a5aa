# SPDX-License-Identifier: LGPL-2.1-or-later
"""Folders of a Maildir: their names, and how they are made. Dovecot's view: tests/mail/test_folders.py."""

import stat
from pathlib import Path

import pytest

from cockpit_getmail.destination.maildir_folders import (
    Box,
    create,
    find_subfolders,
    format_subfolder,
    is_inbox,
)
from cockpit_getmail.problem import Problem


@pytest.mark.parametrize("folder", ["", "INBOX", "inbox", "Inbox"])
def test_inbox_is_the_maildir_itself(folder: str) -> None:
    assert is_inbox(folder)
    assert format_subfolder(folder) == ""


@pytest.mark.parametrize(
    ("folder", "name"),
    [
        ("Junk", ".Junk"),
        ("Lists/Users", ".Lists.Users"),
        ("Lists.Users", ".Lists.Users"),
        ("a b/~c", ".a b.~c"),
        ("Entwürfe", ".Entw&APw-rfe"),
        ("R&D", ".R&-D"),
        ("台北/日本語", ".&U,BTFw-.&ZeVnLIqe-"),
        ("a☺!", ".a&Jjo-!"),
        ("😀", ".&2D3eAA-"),
        ("INBOX/Sub", ".INBOX.Sub"),
        ("Inbox/Inbox", ".INBOX.Inbox"),
        ("tmp", ".tmp"),
        ("-e", ".-e"),
    ],
)
def test_name_is_that_of_maildir_plus_plus(folder: str, name: str) -> None:
    assert format_subfolder(folder) == name


@pytest.mark.parametrize(
    "folder",
    [
        *("/", ".", "..", "../x", "a/", "/a", "a//b", "a/./b", "a/../b", "a.", ".a", "a/..", "a..b"),
        *("a\0", "a\n", "\x7f", "a\x85b", "a\u2028", "\ud800", "x" * 255, "ü" * 100),
    ],
)
def test_what_is_no_folder_of_a_maildir(folder: str) -> None:
    with pytest.raises(Problem) as caught:
        format_subfolder(folder)
    assert caught.value.cause == "delivery"
    assert caught.value.message.isprintable()


def test_create_makes_private_folders(tmp_path: Path) -> None:
    create(str(tmp_path / "a" / "b" / "me"))
    made = sorted(tmp_path.rglob("*"))
    assert [str(folder.relative_to(tmp_path)) for folder in made] == [
        "a", "a/b", "a/b/me", "a/b/me/cur", "a/b/me/new", "a/b/me/tmp",
    ]  # fmt: skip
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in made} == {0o700}


def test_create_leaves_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir(parents=True)
    (tmp_path / "new" / "message").write_bytes(b"x")
    (tmp_path / "new").chmod(0o750)
    create(str(tmp_path))
    assert (tmp_path / "new" / "message").read_bytes() == b"x"
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o750
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cur", "new", "tmp"]


def test_subfolder_is_a_whole_maildir_and_says_that_it_is_one(tmp_path: Path) -> None:
    create(str(tmp_path), ".A.B")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".A.B"]
    assert sorted(path.name for path in (tmp_path / ".A.B").iterdir()) == [
        "cur",
        "maildirfolder",
        "new",
        "tmp",
    ]
    assert stat.S_IMODE((tmp_path / ".A.B/maildirfolder").stat().st_mode) == 0o600
    (tmp_path / ".A.B/maildirfolder").write_bytes(b"kept")
    create(str(tmp_path), ".A.B")
    assert (tmp_path / ".A.B/maildirfolder").read_bytes() == b"kept"


def test_link_is_no_subfolder(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    create(str(elsewhere))
    create(str(tmp_path / "mail"))
    (tmp_path / "mail/.Link").symlink_to(elsewhere)
    for use in (create, Box):
        with pytest.raises(OSError, match=r"symbolic links|Not a directory"):
            use(str(tmp_path / "mail"), ".Link")
    assert sorted(path.name for path in elsewhere.iterdir()) == ["cur", "new", "tmp"]


def test_subfolders_are_found(tmp_path: Path) -> None:
    create(str(tmp_path))
    for name in (".A", ".A.B"):
        create(str(tmp_path), name)
    (tmp_path / "fs").mkdir()
    (tmp_path / ".file").touch()
    (tmp_path / ".Link").symlink_to(tmp_path / ".A")
    assert sorted(find_subfolders(str(tmp_path))) == [".A", ".A.B"]
