# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names found in real Maildirs, and numbers kept in little room."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.destination.maildir import Maildir
from cockpit_getmail.destination.maildir_names import CLOCK_NANOSECONDS, Names, Numbers, look_for_changes

TOKEN, OTHER = "0123456789abcdef", "fedcba9876543210"
NAME = f"1700000000.C{TOKEN}R00000000000000ffP1.host,S=1,W=2"


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    path = tmp_path / "mail"
    for folder in ("new", "cur", "tmp", ".Sub/new", ".Sub/cur", ".Sub/tmp", "fs/deep/cur"):
        (path / folder).mkdir(parents=True)
    return path


@pytest.mark.long
@given(
    st.lists(st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 4096, 2**64 - 1])), st.integers(0, 2**64 - 1)
)
def test_numbers_are_a_set(added: list[int], other: int) -> None:
    numbers = Numbers()
    for number in added:
        numbers.add(number)
    assert numbers.settle() == len(added) - len(set(added))
    assert len(numbers) == len(set(added))
    assert all(number in numbers for number in added)
    assert (other in numbers) == (other in added)
    numbers.add(other)
    assert numbers.settle() == (other in added)
    assert other in numbers


def test_number_is_that_of_each_delivered_message(tmp_path: Path) -> None:
    box = Maildir(tmp_path, TOKEN)
    staging = box.stage()
    staging.write(b"Text.\r\n")
    batch = [staging.finish()]
    box.sync(batch)
    box.publish(batch)
    [(number, is_below)] = Names(TOKEN).scan(str(tmp_path))
    assert f"R{number:016x}P" in batch[0].name
    assert not is_below


@pytest.mark.parametrize(
    ("name", "number"),
    [
        (NAME, 255),
        (f"{NAME}:2,", 255),
        (f"{NAME}:2,RSab", 255),
        # What was added of sizes may be taken away.
        (NAME.partition(",")[0], 255),
        (NAME.replace(TOKEN, OTHER), None),
        (f"copy of {NAME}", None),
        (NAME.replace("P1.", "."), None),
        (NAME.replace("ffP", "fgP"), None),
        (NAME.replace("ffP", "FFP"), None),
        (f"{NAME[:-1]}\n", 255),
        ("", None),
        ("1.host:2,S", None),
    ],
)
def test_name_is_known_by_its_number(name: str, number: int | None) -> None:
    assert Names(TOKEN).find_number(name) == number


def test_without_a_token_any_connectors_names_are_known() -> None:
    assert Names(None).find_number(NAME.replace(TOKEN, OTHER)) == 255


def test_scan_finds_messages_and_nothing_else(mail: Path) -> None:
    def put(where: str, number: int) -> None:
        (mail / where / NAME.replace("00000000000000ff", f"{number:016x}")).write_bytes(b"")

    for number, where in enumerate(("new", "cur", ".Sub/new", ".Sub/cur", "fs/deep/cur")):
        put(where, number)
    for where in ("tmp", ".Sub/tmp", "", ".Sub", "fs/deep"):
        put(where, 99)
    (mail / "cur" / NAME).mkdir()
    (mail / "new" / NAME).symlink_to("/etc/passwd")
    (mail / "cur/other").write_bytes(b"")
    (mail / ".Loop").symlink_to(mail)
    os.mkfifo(mail / ".Sub/cur" / NAME)
    (mail / "fs/deep/new").write_bytes(b"")
    found = sorted(Names(TOKEN).scan(str(mail)))
    assert found == [(0, False), (1, False), (2, True), (3, True), (4, True)]


def test_subfolder_that_mail_is_delivered_into_is_no_other(mail: Path) -> None:
    for number, where in enumerate(("new", ".Sub/new", "fs/deep/cur")):
        (mail / where / NAME.replace("00000000000000ff", f"{number:016x}")).write_bytes(b"")
    assert sorted(Names(TOKEN).scan(str(mail), [".Sub", ".None"])) == [(0, False), (1, False), (2, True)]


def test_maildir_that_is_not_there_is_no_empty_one(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(Names(TOKEN).scan(str(tmp_path / "nowhere")))
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotADirectoryError):
        list(Names(TOKEN).scan(str(tmp_path / "file")))


def test_folder_that_goes_meanwhile_is_let_alone(mail: Path) -> None:
    (mail / "new" / NAME).write_bytes(b"")
    scanning = Names(TOKEN).scan(str(mail))
    next(scanning)
    for folder in (".Sub/new", ".Sub/cur", ".Sub/tmp", ".Sub", "cur"):
        (mail / folder).rmdir()
    assert list(scanning) == []


def test_scan_backwards_finds_the_same(mail: Path) -> None:
    for number, where in enumerate(("new", "cur", ".Sub/new", ".Sub/cur", "fs/deep/cur")):
        (mail / where / NAME.replace("00000000000000ff", f"{number:016x}")).write_bytes(b"")
    forwards, backwards = (list(Names(TOKEN).scan(str(mail), backwards=each)) for each in (False, True))
    assert backwards == forwards[::-1]
    assert len(forwards) == 5


@pytest.mark.parametrize(
    "change",
    [
        lambda mail: (mail / "cur/1:2,").rename(mail / "cur/1:2,S"),
        lambda mail: (mail / "cur/1:2,").rename(mail / ".Sub/cur/1:2,"),
        lambda mail: (mail / ".Sub").rename(mail / ".Other"),
        lambda mail: (mail / ".Sub").rename(mail / ".Other").rename(mail / ".Sub"),
        lambda mail: (mail / ".Other/cur").mkdir(parents=True),
        lambda mail: (mail / "fs/deep/cur").rmdir(),
    ],
)
def test_changes_are_noticed(mail: Path, change: Callable[[Path], object]) -> None:
    (mail / "cur/1:2,").write_bytes(b"")
    time.sleep(2 * CLOCK_NANOSECONDS / 1e9)
    is_changed = look_for_changes(str(mail))
    assert not is_changed()
    (mail / "tmp/other").write_bytes(b"")
    assert not is_changed()
    change(mail)
    assert is_changed()


def test_what_has_just_changed_may_change_unseen(mail: Path) -> None:
    (mail / "cur/1:2,").write_bytes(b"")
    assert look_for_changes(str(mail))()
