# SPDX-License-Identifier: LGPL-2.1-or-later
"""The database file: nothing lost, never torn, never readable by others. Writers are real processes."""

import fcntl
import itertools
import os
import random
import shutil
import signal
import stat
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import database, database_file
from cockpit_getmail.problem import Problem

pytestmark = pytest.mark.long

STEPS = ("open", "fchmod", "fchown", "write", "fsync", "close", "rename")
NOBODY = 65534
needs_root = pytest.mark.skipif(
    os.geteuid() != 0 and os.environ.get("CI") != "true", reason="only root may do this"
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "connectors"


def start(work: Callable[[], object]) -> int:
    """Do the work in a process of its own and return its id; its exit status is 1 if the work raised."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def wait(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def put(path: Path, key: str, **props: str) -> None:
    with database.transaction(path) as content:
        content.put(key, "getmail", props)


def count_up(path: Path) -> None:
    """One transaction: two records that hold the same number, which grows by one."""
    with database.transaction(path) as content:
        record = content.get("count")
        number = int(record.props["N"]) + 1 if record else 1
        content.put("count", "getmail", {"N": str(number)})
        content.put("again", "getmail", {"N": str(number), "Filler": "x" * 20_000})


def counted(path: Path) -> int:
    """Check that the file is whole and nobody else's, and return the number in it."""
    if not path.exists():
        return 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = database.read(path)
    first, second = content.get("count"), content.get("again")
    assert first is not None
    assert second is not None
    assert content.broken == []
    assert first.props["N"] == second.props["N"]
    return int(first.props["N"])


def problem_of(work: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as caught:
        work()
    assert caught.value.cause == "internal"
    return caught.value


def test_missing_file_is_empty_and_its_folder_is_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "connectors"
    assert database.read(path).records == []
    put(path, "k")
    assert path.read_bytes() == b"k=getmail\n"
    assert {entry.name for entry in path.parent.iterdir()} == {"connectors", "connectors.lock"}
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o022 == 0


@pytest.mark.parametrize("umask", [0o000, 0o077, 0o777])
def test_mode_is_0600_whatever_the_umask_and_the_mode_before(path: Path, umask: int) -> None:
    path.write_bytes(b"k=getmail\n")
    path.chmod(0o666)

    def work() -> None:
        os.umask(umask)
        put(path, "new")

    assert wait(start(work)) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@needs_root
def test_root_leaves_the_file_to_its_owner(path: Path) -> None:
    path.touch()
    os.chown(path, NOBODY, NOBODY)
    put(path, "k")
    assert (path.stat().st_uid, path.stat().st_gid) == (NOBODY, NOBODY)


def test_nothing_is_written_when_the_block_raises_or_changes_nothing(path: Path) -> None:
    put(path, "k", Password="p")
    before = path.stat()

    def work() -> None:
        with database.transaction(path) as content:
            content.remove("k")
            raise KeyError

    with pytest.raises(KeyError):
        work()
    with database.transaction(path) as content:
        content.put("k", "getmail", {"Password": "p"})
        content.remove("other")
    after = path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_link_stays_and_its_target_is_replaced(tmp_path: Path, path: Path) -> None:
    (tmp_path / "real").mkdir()
    path.symlink_to("real/connectors")
    put(path, "k")
    put(path, "l")
    assert path.is_symlink()
    assert (tmp_path / "real" / "connectors").read_bytes() == b"k=getmail\nl=getmail\n"
    assert (tmp_path / "real" / "connectors.lock").exists()


def test_sixty_four_writers_lose_nothing(path: Path) -> None:
    def work() -> None:
        for number in range(3):
            put(path, f"{os.getpid()}-{number}")
            count_up(path)

    count_up(path)
    children = {start(work) for _ in range(64)}
    failed = 0
    for child in tuple(children):
        while not (ended := os.waitpid(child, os.WNOHANG))[0]:
            counted(path)
        failed += ended[1] != 0
    assert failed == 0
    assert counted(path) == 1 + 64 * 3
    keys = {record.key for record in database.read(path).records}
    assert keys == {"count", "again"} | {f"{child}-{number}" for child in children for number in range(3)}


def test_killed_before_any_step_leaves_the_old_file_or_the_new_one(path: Path) -> None:
    seen = []
    for step in itertools.count(1):
        before = counted(path)
        status = wait(start(partial(_count_up_and_die, path, step)))
        seen.append(counted(path) - before)
        assert seen[-1] in (0, 1)
        if status == 0:
            break
        assert status == -signal.SIGKILL
    assert len(seen) > len(STEPS), "each step was reached"
    assert seen == [*sorted(seen[:-1]), 1], "old up to a step, new from there on"
    count_up(path)
    assert {entry.name for entry in path.parent.iterdir()} == {"connectors", "connectors.lock"}


def _count_up_and_die(path: Path, step: int) -> None:
    """Count up, but kill this process before the nth of its STEPS; of a write, half is done."""
    steps = itertools.count(1)

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if next(steps) == step:
                if function is write:
                    write(arguments[0], arguments[1][: len(arguments[1]) // 2])
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*arguments, **options)

        return call

    write = os.write
    for name in STEPS:
        setattr(os, name, wrap(getattr(os, name)))
    count_up(path)


def test_killed_at_any_moment_leaves_a_whole_file(path: Path) -> None:
    def work() -> None:
        while True:
            count_up(path)

    random.seed(2)
    for _ in range(25):
        before = counted(path)
        child = start(work)
        try:
            time.sleep(random.uniform(0.002, 0.05))
        finally:
            os.kill(child, signal.SIGKILL)
        assert wait(child) == -signal.SIGKILL
        assert counted(path) >= before
    before = counted(path)
    count_up(path)
    assert counted(path) == before + 1 > 2
    assert {entry.name for entry in path.parent.iterdir()} == {"connectors", "connectors.lock"}


def run_or_skip(*command: str) -> None:
    """Run a program that only root has; where that cannot be, skip the test, but fail in CI."""
    try:
        subprocess.run(command, stderr=subprocess.PIPE, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError) as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@contextmanager
def mounted(device: Path, folder: Path, kind: str, options: str) -> Iterator[Path]:
    """Mount a file system while the block runs."""
    folder.mkdir(exist_ok=True)
    run_or_skip("mount", "-t", kind, "-o", options, str(device), str(folder))
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def after_power_cut(image: Path) -> Iterator[Path]:
    """Give a database as it would be if power was cut now: what was never synced is not in the image."""
    copy = image.with_name("copy")
    shutil.copyfile(image, copy)
    with mounted(copy, image.with_name("after"), "ext4", "loop") as disk:
        yield disk / "new" / "folder" / "connectors"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    image = tmp_path / "image"
    image.touch()
    os.truncate(image, 8 << 20)
    run_or_skip("mkfs.ext4", "-q", str(image))
    return image


def test_written_is_written_when_power_is_cut(image: Path, tmp_path: Path) -> None:
    with mounted(image, tmp_path / "disk", "ext4", "loop,commit=300") as disk:
        for number in (1, 2):
            count_up(disk / "new" / "folder" / "connectors")
            with after_power_cut(image) as copy:
                assert counted(copy) == number


def test_power_cut_at_any_step_leaves_the_old_file_or_the_new_one(image: Path, tmp_path: Path) -> None:
    with mounted(image, tmp_path / "disk", "ext4", "loop,commit=300") as disk:
        path = disk / "new" / "folder" / "connectors"
        status = before = -1
        for step in itertools.count(1):
            before = counted(path)
            status = wait(start(partial(_count_up_and_die, path, step)))
            with after_power_cut(image) as copy:
                assert counted(copy) in (before, before + 1)
            if status == 0:
                break
    assert before > 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(Path("tmpfs"), tmp_path / "disk", "tmpfs", "size=256k") as folder:
        yield folder


@pytest.mark.parametrize("pages", [0, 1, 4])
def test_full_disk_leaves_the_old_file(small_disk: Path, pages: int) -> None:
    path = small_disk / "connectors"
    count_up(path)
    free = os.statvfs(small_disk).f_bavail - pages
    (small_disk / "filler").write_bytes(bytes(free * 4096))
    problem = problem_of(lambda: count_up(path))
    assert "No space left on device" in problem.message
    assert problem.attributes == {"cause": "internal", "path": str(path)}
    assert counted(path) == 1
    assert {entry.name for entry in small_disk.iterdir()} == {"connectors", "connectors.lock", "filler"}
    (small_disk / "filler").unlink()
    count_up(path)
    assert counted(path) == 2


def hold(lock: Path) -> int:
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def let_go(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_UN)  # closing is not enough: a forked writer has a copy
    os.close(descriptor)


def test_a_lock_that_was_unlinked_is_not_enough(path: Path) -> None:
    lock = Path(f"{path}.lock")
    first = hold(lock)
    child = start(lambda: put(path, "late"))
    time.sleep(0.2)
    lock.unlink()
    second = hold(lock)
    let_go(first)
    time.sleep(0.2)
    assert not path.exists(), "the writer got the lock of the file that is gone, and has to wait on"
    path.write_bytes(b"early=getmail\n")
    let_go(second)
    assert wait(child) == 0
    assert path.read_bytes() == b"early=getmail\nlate=getmail\n"


def test_a_lock_unlinked_by_another_during_the_block_is_taken_again(path: Path) -> None:
    with database.transaction(path) as content:
        Path(f"{path}.lock").unlink()
        content.put("k", "getmail", {})
    assert path.read_bytes() == b"k=getmail\n"


def test_what_another_wrote_after_unlinking_the_lock_is_not_overwritten(path: Path) -> None:
    put(path, "k")

    def work() -> None:
        with database.transaction(path) as content:
            Path(f"{path}.lock").unlink()
            put(path, "other")
            content.put("lost", "getmail", {})

    problem = problem_of(work)
    assert problem.type == "Conflict"
    assert path.read_bytes() == b"k=getmail\nother=getmail\n"


def test_a_lock_held_too_long_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_file, "LOCK_WAIT", 0.1)
    descriptor = hold(Path(f"{path}.lock"))
    problem = problem_of(lambda: put(path, "k"))
    let_go(descriptor)
    assert problem.type == "Timeout"
    assert "connectors.lock is held by another program" in problem.message
    assert not path.exists()
    put(path, "k")


def test_who_may_not_read_is_told_to_be_root(path: Path) -> None:
    put(path, "k", Password="canary")
    path.chmod(0)

    def work() -> None:
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        for problem in (problem_of(lambda: database.read(path)), problem_of(lambda: put(path, "l"))):
            assert str(path) in problem.message
            assert problem.message.endswith("Permission denied. Run this as root.")

    assert wait(start(work)) == 0


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, lambda path: path.symlink_to(path)])
def test_what_is_no_file_is_neither_read_nor_replaced(path: Path, make: Callable[[Path], None]) -> None:
    make(path)
    kind = stat.S_IFMT(path.lstat().st_mode)
    for work in (lambda: database.read(path), lambda: put(path, "k")):
        assert str(path) in problem_of(work).message
    assert stat.S_IFMT(path.lstat().st_mode) == kind


def test_only_leftovers_of_this_database_are_removed(path: Path) -> None:
    ours = ".connectors.0123456789abcdef.tmp"
    others = [ours.replace("rs", "rs2"), f"{ours}~", "connectors.123", ".connectors.tmp"]
    for name in (ours, *others):
        (path.parent / name).touch()
    put(path, "k")
    names = {entry.name for entry in path.parent.iterdir()}
    assert names == {"connectors", "connectors.lock", *others}
