# SPDX-License-Identifier: LGPL-2.1-or-later
"""Removing a state, in real folders and against their user."""

import fcntl
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest

from cockpit_getmail import state_file
from cockpit_getmail.destination.base import Staged
from cockpit_getmail.folder_state import FolderState, Intent
from cockpit_getmail.problem import Problem
from cockpit_getmail.removal import is_left, removal
from cockpit_getmail.retriever.base import Folder, Remote
from cockpit_getmail.state import State
from tests.support import need_root

OTHER_USER = 65534
MESSAGE = Remote("1", 100)
DEEP = 3000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a state."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    return folder


@pytest.fixture
def foreign(folder: Path) -> Path:
    """The same where the run is another user's."""
    need_root()
    with State(folder) as opened:
        assert opened.token
    for path in (folder, *folder.iterdir()):
        os.chown(path, OTHER_USER, OTHER_USER)
    return folder


def begin(opened: State) -> FolderState:
    return opened.begin("imap\nmail.example\n143\nme", 0.0).folder(Folder("INBOX", 7, 1))


def deliver(opened: State) -> None:
    messages = begin(opened)
    messages.intend("maildir:/srv/mail/me", [Intent(MESSAGE, True, Staged("name", 91))])
    messages.delivered()


def nest(folder: Path, depth: int) -> None:
    """Make folders deeper than a path can be long, with a file in each."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.close(os.open("file", os.O_CREAT, 0o600, dir_fd=here))
        os.mkdir("folder", dir_fd=here)
        here, above = os.open("folder", os.O_RDONLY, dir_fd=here), here
        os.close(above)
    os.close(here)


def remove(folder: Path) -> None:
    with removal(folder):
        pass


def test_takes_everything(folder: Path) -> None:
    with State(folder) as opened:
        deliver(opened)
    assert is_left(folder)
    remove(folder)
    assert list(folder.parent.iterdir()) == []
    assert not is_left(folder)


def test_what_is_not_there(tmp_path: Path) -> None:
    for folder in (tmp_path / "state", tmp_path / "missing" / "state"):
        assert not is_left(folder)
        remove(folder)
    assert list(tmp_path.iterdir()) == []


def test_block_that_fails_keeps_all(folder: Path) -> None:
    with State(folder) as opened:
        deliver(opened)
    with pytest.raises(ZeroDivisionError), removal(folder):
        raise ZeroDivisionError
    with State(folder) as opened:
        assert begin(opened).known() == {("1", 0): 100}


# What is in it


def test_links_are_not_followed(folder: Path) -> None:
    kept = folder.parent / "kept"
    (kept / "in").mkdir(parents=True)
    (kept / "file").touch()
    before = kept.stat(), sorted(kept.rglob("*"))
    (folder / "a" / "b").mkdir(parents=True)
    for place in (folder, folder / "a", folder / "a" / "b"):
        (place / "folder").symlink_to(kept)
        (place / "file").symlink_to(kept / "file")
    remove(folder)
    assert list(folder.parent.iterdir()) == [kept]
    assert (kept.stat(), sorted(kept.rglob("*"))) == before


def test_link_in_its_place_is_all_that_goes(folder: Path) -> None:
    link = folder.with_name("link")
    link.symlink_to(folder)
    (folder / "file").touch()
    remove(link)
    assert [path.name for path in folder.parent.rglob("*")] == ["state", "file"]


@pytest.mark.slow
def test_no_depth_is_too_deep(folder: Path) -> None:
    nest(folder, DEEP)
    remove(folder)
    assert list(folder.parent.iterdir()) == []


def test_removal_that_was_cut_off_does_not_hinder_the_next(folder: Path) -> None:
    remains = folder.with_name(".state.removed")
    (remains / "folder").mkdir(parents=True)
    (remains / "state.sqlite").touch()
    folder.rmdir()
    assert is_left(folder)
    folder.mkdir()
    remove(folder)
    assert list(folder.parent.iterdir()) == []


def test_folder_that_is_no_state_is_not_left_of_one(folder: Path) -> None:
    (folder / "new").mkdir()
    assert not is_left(folder)


# While a run has it


def test_own_run_keeps_it(folder: Path) -> None:
    with State(folder) as opened:
        deliver(opened)
        with pytest.raises(Problem) as caught:
            remove(folder)
        assert (caught.value.type, caught.value.cause) == ("Conflict", "running")
    with State(folder) as opened:
        assert begin(opened).known() == {("1", 0): 100}


def test_run_that_starts_during_a_removal_locks_what_is_there(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock

    def remove_first(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        remove(folder)
        folder.mkdir()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    with State(folder), pytest.raises(Problem) as caught:
        State(folder)
    assert caught.value.cause == "running"


def test_run_whose_state_is_removed_as_it_starts(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock = fcntl.flock

    def remove_first(descriptor: int, operation: int) -> None:
        monkeypatch.setattr(fcntl, "flock", flock)
        remove(folder)
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", remove_first)
    with pytest.raises(Problem) as caught:
        State(folder)
    assert caught.value.cause == "internal"
    assert list(folder.parent.iterdir()) == []


# Against the user of the run


def replace_by_link(lock: Path) -> None:
    lock.unlink()
    lock.symlink_to(lock.parent.with_name("precious"))


def replace_by_folder(lock: Path) -> None:
    lock.unlink()
    (lock / "folder").mkdir(parents=True)


def replace_by_fifo(lock: Path) -> None:
    lock.unlink()
    os.mkfifo(lock)


@pytest.mark.root
@pytest.mark.parametrize("hinder", [state_file.lock, replace_by_link, replace_by_folder, replace_by_fifo])
def test_lock_of_another_user_hinders_nothing(foreign: Path, hinder: Callable[[Path], int | None]) -> None:
    precious = foreign.with_name("precious")
    precious.touch()
    held = hinder(foreign if hinder is state_file.lock else foreign / "lock")
    remove(foreign)
    if held is not None:
        os.close(held)
    assert list(foreign.parent.iterdir()) == [precious]


@pytest.mark.root
def test_run_of_another_user_ends_well(foreign: Path) -> None:
    """It has its files open: it needs no others, and makes none."""
    with State(foreign) as opened:
        messages = begin(opened)
        remove(foreign)
        messages.intend("maildir:/srv/mail/me", [Intent(MESSAGE, True, Staged("name", 91))])
        messages.delivered()
        assert messages.due(0) == [MESSAGE]
    assert list(foreign.parent.iterdir()) == []


@pytest.mark.long
@pytest.mark.root
def test_user_who_has_folders_open_cannot_refill_them(foreign: Path) -> None:
    (foreign / "in").mkdir()
    os.chown(foreign / "in", OTHER_USER, OTHER_USER)
    folders = [os.open(path, os.O_RDONLY) for path in (foreign, foreign / "in")]
    child = os.fork()
    if child == 0:
        fill_until_refused(folders)
    while not (foreign / "9").exists():
        time.sleep(0.001)
    remove(foreign)
    assert os.waitpid(child, 0)[1] == 0
    assert list(foreign.parent.iterdir()) == []
    for folder in folders:
        os.close(folder)


def fill_until_refused(folders: list[int]) -> None:
    """End this process as another user who makes folders in these for as long as that is allowed."""
    signal.alarm(5)
    os.setresuid(OTHER_USER, OTHER_USER, OTHER_USER)
    for folder in folders:
        with suppress(OSError):
            for number in count():
                os.mkdir(str(number), dir_fd=folder)
    os._exit(0)
