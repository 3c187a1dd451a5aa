# SPDX-License-Identifier: LGPL-2.1-or-later
"""Delivery into real folders: names, octets, and what is found again after a run that was cut off."""

import errno
import os
import re
import resource
import shutil
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.destination import file_system
from cockpit_getmail.destination.base import Staged
from cockpit_getmail.destination.maildir import SLOW_SECONDS, SYNC_TOGETHER, Maildir
from cockpit_getmail.problem import Problem

TOKEN, OTHER_TOKEN = "0123456789abcdef", "fedcba9876543210"
MESSAGE = b"Subject: one\r\n\r\nText.\r\n"
STORED = b"Subject: one\n\nText.\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mail" / "me"


@pytest.fixture
def box(path: Path) -> Maildir:
    return Maildir(path, TOKEN)


def stage(box: Maildir, *pieces: bytes) -> Staged:
    staging = box.stage()
    for piece in pieces:
        staging.write(piece)
    return staging.finish()


def prepare(box: Maildir, *messages: bytes) -> list[Staged]:
    """Bring messages as far as a run has them when it records its intents."""
    batch = [stage(box, message) for message in messages]
    box.sync(batch)
    return batch


def deliver(box: Maildir, *messages: bytes) -> list[Staged]:
    batch = prepare(box, *messages)
    box.publish(batch)
    return batch


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def in_tmp(path: Path, staged: Staged) -> Path:
    return path / "tmp" / staged.name.partition(",")[0]


# Making a Maildir


@pytest.mark.parametrize("broken", ["mail", "mail/me", "mail/me/new"])
def test_file_in_the_way_is_a_problem_of_delivery(tmp_path: Path, path: Path, broken: str) -> None:
    (tmp_path / broken).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / broken).write_bytes(b"precious")
    with pytest.raises(Problem) as caught:
        Maildir(path, TOKEN)
    assert caught.value.cause == "delivery"
    assert str(path) in caught.value.message
    assert (tmp_path / broken).read_bytes() == b"precious"


# One message


def test_message_is_in_tmp_until_it_is_published(path: Path, box: Maildir) -> None:
    batch = prepare(box, MESSAGE)
    assert [entry.read_bytes() for entry in (path / "tmp").iterdir()] == [STORED]
    assert names(path / "new") == names(path / "cur") == []
    box.publish(batch)
    assert names(path / "tmp") == names(path / "cur") == []
    assert [entry.read_bytes() for entry in (path / "new").iterdir()] == [STORED]


def test_name_tells_sizes_and_whose_it_is(path: Path, box: Maildir) -> None:
    [staged] = deliver(box, MESSAGE)
    assert names(path / "new") == [staged.name]
    assert re.fullmatch(
        rf"\d{{10}}\.C{TOKEN}R[0-9a-f]{{16}}P\d+\.[^/:,]+,S={len(STORED)},W={len(MESSAGE)}", staged.name
    )
    assert staged.size == len(STORED)


def test_names_are_never_the_same(path: Path, box: Maildir) -> None:
    deliver(box, *[MESSAGE] * 200)
    assert len(names(path / "new")) == 200


def test_name_of_an_odd_host_is_escaped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "a/b:c,d")
    deliver(Maildir(path, TOKEN), MESSAGE)
    [name] = names(path / "new")
    assert name.partition(",")[0].endswith(r".a\057b\072c\054d")


def test_stored_message_is_private(path: Path, box: Maildir) -> None:
    deliver(box, MESSAGE)
    [entry] = (path / "new").iterdir()
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600


def test_aborted_message_leaves_nothing(path: Path, box: Maildir) -> None:
    staging = box.stage()
    staging.write(MESSAGE)
    staging.abort()
    assert names(path / "tmp") == names(path / "new") == []


def test_discarded_batch_leaves_nothing(path: Path, box: Maildir) -> None:
    kept = stage(box, MESSAGE)
    box.discard([stage(box, MESSAGE), stage(box, MESSAGE)])
    assert names(path / "tmp") == [in_tmp(path, kept).name]


@pytest.mark.parametrize("messages", [0, 1, 2, 3, 40])
def test_batches_of_any_length_leave_no_descriptor_open(path: Path, box: Maildir, messages: int) -> None:
    before = names(Path("/proc/self/fd"))
    deliver(box, *[MESSAGE] * messages)
    assert len(names(path / "new")) == messages
    assert names(Path("/proc/self/fd")) == before


# Octets


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"no end of line",
        b"\r",
        b"\n",
        b"\r\n",
        b"\r\r\n\n\r",
        b"bare\nLF\rand CR\r\n",
        b"NUL\0 and 8 bit \xe9\xff\r\n",
        b"From here\r\n.\r\n..\r\n\r\n.",
        b"x" * (1 << 20) + b"\r\n",
    ],
)
def test_octets_are_stored_as_they_came_but_for_crlf(path: Path, box: Maildir, message: bytes) -> None:
    deliver(box, message)
    [entry] = (path / "new").iterdir()
    assert entry.read_bytes() == message.replace(b"\r\n", b"\n")


@pytest.mark.long
@given(st.lists(st.text("\r\na\0").map(str.encode), max_size=12))
def test_pieces_make_no_difference(pieces: list[bytes]) -> None:
    whole = b"".join(pieces).replace(b"\r\n", b"\n")
    with TemporaryDirectory() as path:
        box = Maildir(Path(path), TOKEN)
        [staged] = batch = [stage(box, *pieces)]
        box.sync(batch)
        box.publish(batch)
        [entry] = (Path(path) / "new").iterdir()
        assert entry.read_bytes() == whole
        bare = len(re.findall(rb"(?<!\r)\n", whole))
        assert staged.name.endswith(f",S={len(whole)},W={len(whole) + bare}")


# No space, no luck


@contextmanager
def largest_file(octets: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many octets, as a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_message_that_does_not_fit_is_a_matter_of_quota(path: Path, box: Maildir) -> None:
    staging = box.stage()
    with largest_file(100), pytest.raises(Problem) as caught:
        staging.write(b"x" * 101)
    assert caught.value.cause == "quota"
    staging.abort()
    assert names(path / "tmp") == []


@pytest.mark.parametrize("messages", [1, 5])
def test_batch_that_does_not_reach_the_disk_is_gone(
    path: Path, box: Maildir, messages: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = [stage(box, MESSAGE) for _ in range(messages)]
    fsync, synced = os.fsync, list[int]()

    def fail(descriptor: int) -> None:
        synced.append(os.fstat(descriptor).st_ino)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(Problem) as caught:
        box.sync(batch)
    assert caught.value.cause == "delivery"
    assert names(path / "tmp") == names(path / "new") == []
    assert len(synced) == len({*synced})
    monkeypatch.setattr(os, "fsync", fsync)
    deliver(box, MESSAGE)
    assert len(names(path / "new")) == 1


class Together:
    """A file system that can be synced as a whole: what is asked of it, and how long that takes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._now = 0.0
        self.asked: list[str] = []
        self.seconds = 0.0
        self.error: OSError | None = None
        monkeypatch.setattr(file_system, "can_sync", lambda _: True)
        monkeypatch.setattr(file_system, "sync", self._sync)
        monkeypatch.setattr(os, "fsync", lambda descriptor: self._note("fsync", descriptor))
        monkeypatch.setattr(time, "monotonic", lambda: self._now)

    def _sync(self, descriptor: int) -> None:
        self._note("syncfs", descriptor)
        self._now += self.seconds
        if self.error:
            raise self.error

    def _note(self, call: str, descriptor: int) -> None:
        self.asked.append(f"{call} {Path(os.readlink(f'/proc/self/fd/{descriptor}')).name[:3]}")


def test_large_batch_is_synced_together(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Together(monkeypatch)
    box = Maildir(path, TOKEN)
    disk.asked.clear()
    box.sync([stage(box, MESSAGE) for _ in range(SYNC_TOGETHER)])
    assert disk.asked == ["syncfs tmp"]
    disk.asked.clear()
    box.sync([stage(box, MESSAGE) for _ in range(SYNC_TOGETHER - 1)])
    assert len(disk.asked) == SYNC_TOGETHER
    assert "syncfs tmp" not in disk.asked
    assert disk.asked[-1] == "fsync tmp"


def test_file_system_that_is_slow_is_synced_as_a_whole_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Together(monkeypatch)
    disk.seconds = SLOW_SECONDS
    box = Maildir(path, TOKEN)
    for _ in range(3):
        box.sync([stage(box, MESSAGE) for _ in range(SYNC_TOGETHER)])
    assert disk.asked.count("syncfs tmp") == 1
    assert disk.asked[-1] == "fsync tmp"


def test_batch_whose_file_system_does_not_reach_the_disk_is_gone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Together(monkeypatch)
    disk.error = OSError(5, "Input/output error")
    box = Maildir(path, TOKEN)
    with pytest.raises(Problem) as caught:
        box.sync([stage(box, MESSAGE) for _ in range(SYNC_TOGETHER)])
    assert caught.value.cause == "delivery"
    assert names(path / "tmp") == names(path / "new") == []
    assert disk.asked.count("syncfs tmp") == 1


# Subfolders


def deliver_to(box: Maildir, *folders: str | None) -> list[Staged]:
    batch = stage_into(box, *folders)
    box.sync(batch)
    box.publish(batch)
    return batch


def stage_into(box: Maildir, *folders: str | None) -> list[Staged]:
    batch = []
    for folder in folders:
        staging = box.stage(folder)
        staging.write(MESSAGE)
        batch.append(staging.finish())
    return batch


def test_each_message_goes_to_its_folder(path: Path) -> None:
    box = Maildir(path, TOKEN, "Lists/Müll")
    batch = stage_into(box, None, "Junk", "inbox", None)
    subfolders = [".Lists.M&APw-ll", ".Junk", "", ".Lists.M&APw-ll"]
    for staged, subfolder in zip(batch, subfolders, strict=True):
        assert in_tmp(path / subfolder, staged).read_bytes() == STORED
    box.sync(batch)
    assert box.publish(batch) == {}
    for staged, subfolder in zip(batch, subfolders, strict=True):
        assert (path / subfolder / "new" / staged.name).read_bytes() == STORED
        assert names(path / subfolder / "tmp") == []


def test_subfolder_is_made_for_the_first_message(path: Path) -> None:
    box = Maildir(path, TOKEN, "Lists")
    assert names(path) == ["cur", "new", "tmp"]
    deliver_to(box, None)
    assert names(path) == [".Lists", "cur", "new", "tmp"]
    assert names(path / ".Lists") == ["cur", "maildirfolder", "new", "tmp"]


def test_folder_that_is_none_is_no_maildirs(path: Path, box: Maildir) -> None:
    with pytest.raises(Problem):
        Maildir(path, TOKEN, "../other")
    with pytest.raises(Problem):
        box.stage("a/..")
    assert names(path.parent) == ["me"]


def test_each_folder_is_brought_to_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Together(monkeypatch)
    box = Maildir(path, TOKEN)
    batch = [*stage_into(box, *["Junk"] * SYNC_TOGETHER), *stage_into(box, None, None)]
    disk.asked.clear()
    box.sync(batch)
    assert [name for name in disk.asked if not name.startswith("fsync 1")] == ["syncfs tmp", "fsync tmp"]
    assert len(disk.asked) == 4
    disk.asked.clear()
    box.publish(batch)
    assert disk.asked == ["fsync new"] * 2


def test_aborted_and_discarded_messages_leave_nothing_in_any_folder(path: Path, box: Maildir) -> None:
    box.stage("Junk").abort()
    box.discard(stage_into(box, "Junk", None))
    assert names(path / ".Junk/tmp") == names(path / "tmp") == []


@pytest.mark.parametrize("file", [".Junk", ".Junk/new", ".Junk/maildirfolder/x"])
def test_what_is_in_the_way_of_a_subfolder_is_told(path: Path, box: Maildir, file: str) -> None:
    (path / file).parent.mkdir(parents=True, exist_ok=True)
    (path / file).write_bytes(b"precious")
    if file.endswith("x"):
        deliver_to(box, "Junk")
    else:
        with pytest.raises(Problem) as caught:
            box.stage("Junk")
        assert (caught.value.cause, f"{path}/.Junk" in caught.value.message) == ("delivery", True)
    assert (path / file).read_bytes() == b"precious"


def test_link_to_a_folder_is_not_followed(path: Path, box: Maildir, tmp_path: Path) -> None:
    Maildir(tmp_path / "other", TOKEN)
    (path / ".Junk").symlink_to(tmp_path / "other")
    with pytest.raises(Problem):
        box.stage("Junk")


# After a run that was cut off


def put(path: Path, staged: Staged, folder: str) -> Path:
    """Move a message out of tmp/ as a run that was cut off, and then readers, would have."""
    target = path / folder / staged.name
    if "cur" in folder:
        target = target.with_name(target.name + ":2,S")
    target.parent.mkdir(parents=True, exist_ok=True)
    return in_tmp(path, staged).rename(target)


@pytest.mark.parametrize("folder", ["new", "cur", ".Archive/new", ".Archive/cur", ".A.B/cur", "Archive/cur"])
def test_message_that_was_renamed_is_delivered_wherever_readers_put_it(
    path: Path, box: Maildir, folder: str
) -> None:
    [staged] = prepare(box, MESSAGE)
    there = put(path, staged, folder)
    assert Maildir(path, TOKEN).recover([staged]) == {staged.name}
    assert there.read_bytes() == STORED
    assert names(path / "tmp") == []


def test_message_whose_sizes_a_reader_dropped_is_delivered(path: Path, box: Maildir) -> None:
    [staged] = prepare(box, MESSAGE)
    in_tmp(path, staged).rename(path / "cur" / (in_tmp(path, staged).name + ":2,RS"))
    assert Maildir(path, TOKEN).recover([staged]) == {staged.name}


def test_message_still_in_tmp_is_delivered_now(path: Path, box: Maildir) -> None:
    batch = prepare(box, MESSAGE, MESSAGE + MESSAGE)
    assert Maildir(path, TOKEN).recover(batch) == {staged.name for staged in batch}
    assert names(path / "new") == sorted(staged.name for staged in batch)
    assert names(path / "tmp") == []


@pytest.mark.parametrize("folder", ["", "Junk", "Other"])
def test_message_in_tmp_goes_where_it_was_meant_to_go(path: Path, folder: str) -> None:
    """Whatever Folder the connector has by now, and where readers have renamed that folder."""
    box = Maildir(path, TOKEN, "Junk")
    batch = [*stage_into(box, None), *stage_into(box, "", "Lists")]
    box.sync(batch)
    (path / ".Lists").rename(path / ".Moved")
    assert Maildir(path, TOKEN, folder).recover(batch) == {staged.name for staged in batch}
    for staged, subfolder in zip(batch, (".Junk", "", ".Moved"), strict=True):
        assert names(path / subfolder / "new") == [staged.name]
        assert names(path / subfolder / "tmp") == []


def test_leftovers_in_subfolders_are_removed_and_no_others(path: Path, box: Maildir) -> None:
    stage_into(box, "Junk")
    [foreign] = stage_into(Maildir(path, OTHER_TOKEN), "Junk")
    [torn] = stage_into(box, "Lists")
    in_tmp(path / ".Lists", torn).write_bytes(b"torn")
    assert Maildir(path, TOKEN).recover([torn]) == set()
    assert names(path / ".Junk/tmp") == [in_tmp(path, foreign).name]
    assert names(path / ".Lists/tmp") == names(path / ".Lists/new") == []


def test_message_in_a_subfolder_that_is_gone_is_not_delivered(path: Path, box: Maildir) -> None:
    batch = stage_into(box, "Junk")
    box.sync(batch)
    shutil.rmtree(path / ".Junk")
    assert Maildir(path, TOKEN).recover(batch) == set()


def test_what_was_found_is_brought_to_the_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was cut off may have renamed it, and not waited for that."""
    box = Maildir(path, TOKEN)
    published, left = batch = stage_into(box, "Junk", "Lists")
    box.sync(batch)
    put(path / ".Junk", published, "cur")
    synced = list[str]()
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.readlink(f"/proc/self/fd/{fd}")))
    assert Maildir(path, TOKEN).recover(batch) == {published.name, left.name}
    expected = ("new", "cur", ".Lists/new", ".Lists/cur", ".Junk/cur")
    assert {f"{path}/{folder}" for folder in expected} == {*synced}


@pytest.mark.parametrize("damage", [b"", STORED[:-1], STORED + b"x"])
def test_message_of_another_size_is_not_delivered(path: Path, box: Maildir, damage: bytes) -> None:
    [staged] = prepare(box, MESSAGE)
    in_tmp(path, staged).write_bytes(damage)
    assert Maildir(path, TOKEN).recover([staged]) == set()
    assert names(path / "tmp") == names(path / "new") == []


@pytest.mark.parametrize(
    "replace",
    [
        lambda name: name.symlink_to("/etc/passwd"),
        lambda name: os.mkfifo(name),
        lambda name: None,
    ],
    ids=["link", "fifo", "nothing"],
)
def test_what_is_no_message_is_not_delivered(
    path: Path, box: Maildir, replace: Callable[[Path], object]
) -> None:
    [staged] = prepare(box, MESSAGE)
    in_tmp(path, staged).unlink()
    replace(in_tmp(path, staged))
    assert Maildir(path, TOKEN).recover([staged]) == set()
    assert names(path / "tmp") == names(path / "new") == []


FOREIGN_NAMES = [
    "../notes",
    "../notes,S=20,W=22",
    "../new/../notes,S=20,W=22",
    f"1.C{TOKEN}R{'0' * 16}P1.h/../../notes,S=20,W=22",
    f"1.C{TOKEN}R{'0' * 16}P1.h,S=20,W=22/../../../notes",
    f"../tmp/1.C{TOKEN}R{'0' * 16}P1.h,S=20,W=22",
    f"1.C{TOKEN}R{'0' * 16}P1.h",
    f"1.C{TOKEN}R{'0' * 16}P1.h,S=20,W=22:2,S",
    f"1.C{TOKEN}R{'0' * 16}P1.h,S=20,W=22\n",
    f"1.C{OTHER_TOKEN}R{'0' * 16}P1.h,S=20,W=22",
    f"1.C{TOKEN}R{'0' * 16}P1.h\0,S=20,W=22",
    "1700000000.M1P2.host,S=20,W=22",
    "",
    ".",
    "..",
]


@pytest.mark.parametrize("name", FOREIGN_NAMES)
@pytest.mark.parametrize("size", [len(STORED), 0])
def test_name_that_is_not_ours_touches_nothing(path: Path, box: Maildir, name: str, size: int) -> None:
    """The state's SQLite may have been written by somebody else."""
    for file in ("notes", "tmp/1700000000.M1P2.host", f"tmp/1.C{OTHER_TOKEN}R{'0' * 16}P1.h"):
        (path / file).write_bytes(STORED)
    before = sorted(path.rglob("*"))
    assert Maildir(path, TOKEN).recover([Staged(name, size)]) == set()
    assert sorted(path.rglob("*")) == before


@pytest.mark.parametrize("folder", ["tmp", ".Archive/tmp", "drafts", "."])
def test_name_where_no_reader_looks_is_not_delivered(path: Path, box: Maildir, folder: str) -> None:
    """A copy elsewhere is nobody's mail; in tmp/ it has the name without sizes, or is not ours."""
    [staged] = prepare(box, MESSAGE)
    target = path / folder / staged.name
    target.parent.mkdir(parents=True, exist_ok=True)
    in_tmp(path, staged).rename(target)
    assert Maildir(path, TOKEN).recover([staged]) == set()


def test_names_of_others_do_not_hinder_ours(path: Path, box: Maildir) -> None:
    batch = prepare(box, MESSAGE, MESSAGE)
    (path / "notes").write_bytes(STORED)
    intents = [batch[0], Staged("../notes", 1), batch[1]]
    assert Maildir(path, TOKEN).recover(intents) == {staged.name for staged in batch}
    assert (path / "notes").exists()


def test_message_of_this_host_by_another_name_is_ours(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "gethostname", lambda: "a/b:c,d")
    batch = prepare(Maildir(path, TOKEN), MESSAGE)
    monkeypatch.setattr(socket, "gethostname", lambda: "other")
    assert Maildir(path, TOKEN).recover(batch) == {batch[0].name}
    assert names(path / "new") == [batch[0].name]


def test_half_a_batch_is_completed(path: Path, box: Maildir) -> None:
    batch = prepare(box, *[MESSAGE] * 6)
    put(path, batch[0], "new")
    put(path, batch[1], "cur")
    put(path, batch[2], ".Sub/cur")
    in_tmp(path, batch[3]).unlink()
    in_tmp(path, batch[4]).write_bytes(b"torn")
    expected = {batch[number].name for number in (0, 1, 2, 5)}
    assert Maildir(path, TOKEN).recover(batch) == expected
    assert names(path / "new") == sorted([batch[0].name, batch[5].name])
    assert names(path / "tmp") == []


def test_recovery_can_be_cut_off_and_repeated(path: Path, box: Maildir) -> None:
    batch = prepare(box, MESSAGE, MESSAGE)
    for _ in range(3):
        assert Maildir(path, TOKEN).recover(batch) == {staged.name for staged in batch}
    assert len(names(path / "new")) == 2


def test_own_files_without_an_intent_are_removed_and_no_others(path: Path, box: Maildir) -> None:
    prepare(box, MESSAGE)
    foreign = prepare(Maildir(path, OTHER_TOKEN), MESSAGE)
    (path / "tmp" / "1700000000.M1P2.host").write_bytes(b"of Dovecot")
    [delivered] = deliver(box, MESSAGE)
    assert Maildir(path, TOKEN).recover([]) == set()
    assert names(path / "tmp") == sorted(["1700000000.M1P2.host", in_tmp(path, foreign[0]).name])
    assert names(path / "new") == [delivered.name]


def test_message_that_moves_while_it_is_looked_for_is_found(
    path: Path, box: Maildir, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader moves new/ -> cur/ -> a subfolder: looking in this order cannot miss it."""
    [staged] = prepare(box, MESSAGE)
    put(path, staged, "new")
    (path / ".Archive" / "cur").mkdir(parents=True)
    scandir = os.scandir
    visited: list[str] = []

    def move_along(folder: str) -> "os._ScandirIterator[str]":
        visited.append(os.path.relpath(folder, path))
        if visited[-1] == "cur":
            for entry in (path / "new").iterdir():
                entry.rename(path / "cur" / entry.name)
        if visited[-1] == ".Archive/cur":
            for entry in (path / "cur").iterdir():
                entry.rename(path / ".Archive" / "cur" / entry.name)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", move_along)
    assert Maildir(path, TOKEN).recover([staged]) == {staged.name}
    assert visited.index("new") < visited.index("cur") < visited.index(".Archive/cur")


def test_folder_that_cannot_be_listed_is_not_taken_for_empty(
    path: Path, box: Maildir, monkeypatch: pytest.MonkeyPatch
) -> None:
    [staged] = prepare(box, MESSAGE)
    put(path, staged, "cur")
    scandir = os.scandir

    def fail(folder: str) -> object:
        if os.path.basename(folder) == "cur":
            raise OSError(errno.EIO, "read error", folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", fail)
    with pytest.raises(Problem) as caught:
        box.recover([staged])
    assert caught.value.cause == "delivery"
    monkeypatch.undo()
    assert box.recover([staged]) == {staged.name}
