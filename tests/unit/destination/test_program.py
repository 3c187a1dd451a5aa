# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real programs: what they are given, what they say, and how they end, in time or not."""

import os
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryFile

import pytest

from cockpit_getmail.destination.program import WORDS_OCTETS, Ended, require_lasting, run
from cockpit_getmail.problem import Problem
from tests.support import need_root
from tests.support.processes import wait_until_gone

pytestmark = pytest.mark.long

SECONDS = 60.0
LARGE = [b"x" * 65536] * 40


def sh(script: str, *message: bytes, seconds: float = SECONDS) -> Ended:
    with TemporaryFile() as file:
        file.write(b"".join(message))
        file.seek(0)
        return run(["/bin/sh", "-c", script], file.fileno(), seconds)


def test_message_comes_whole_and_ends(tmp_path: Path) -> None:
    assert sh(f"cat >{tmp_path}/got", b"Subject: x\n", b"\n", b"Text.\n") == Ended(0, b"")
    assert (tmp_path / "got").read_bytes() == b"Subject: x\n\nText.\n"
    assert sh(f"cat >{tmp_path}/large", *LARGE) == Ended(0, b"")
    assert (tmp_path / "large").read_bytes() == b"".join(LARGE)
    assert sh(f"cat >{tmp_path}/none") == Ended(0, b"")


@pytest.mark.parametrize("status", [0, 1, 75, 255])
def test_status_and_words_are_told(status: int) -> None:
    assert sh(f"echo one; echo two >&2; exit {status}") == Ended(status, b"one\ntwo\n")


def test_signal_is_told() -> None:
    assert sh("kill -SEGV $$").status == -signal.SIGSEGV


@pytest.mark.parametrize(
    "script", ["exit 0", "exec <&-; exit 0", "head -c 100 >/dev/null", "exec <&-; sleep 0.3"]
)
def test_program_that_does_not_read_all_has_not_failed(script: str) -> None:
    assert sh(script, *LARGE).status == 0


def test_huge_output_is_read_and_not_kept() -> None:
    ended = sh("cat; head -c 20000000 /dev/zero | tr '\\0' y; echo end", b"begin\n", *LARGE)
    assert ended.status == 0
    assert len(ended.words) == WORDS_OCTETS
    assert ended.words.startswith(b"begin\nxxx")


def test_endless_output_ends_in_time() -> None:
    assert sh("yes", seconds=0.5).status is None


def test_output_that_is_closed_is_not_waited_for() -> None:
    assert sh("echo said; exec >&- 2>&-; cat >/dev/null", *LARGE) == Ended(0, b"said\n")


def test_what_hangs_is_killed_with_all_that_it_started(tmp_path: Path) -> None:
    ended = sh(
        f"echo $$ >{tmp_path}/pids; sleep 1000 & echo $! >>{tmp_path}/pids; echo stuck; wait", seconds=2
    )
    assert ended == Ended(None, b"stuck\n")
    for pid in (tmp_path / "pids").read_text().split():
        wait_until_gone(int(pid))


def test_what_goes_on_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    assert sh(f"sleep 1000 & echo $! >{tmp_path}/pid; exit 3").status == 3
    os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)


def test_environment_is_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "geheim")
    names = {line.partition("=")[0] for line in sh("env; pwd >&2").words.decode().splitlines()}
    assert names == {"PATH", "LANG", "HOME", "USER", "LOGNAME", "PWD", "/"}


def test_nothing_of_ours_is_open_in_it(tmp_path: Path) -> None:
    with (tmp_path / "open").open("wb") as file:
        os.set_inheritable(file.fileno(), True)
        assert sh("ls /proc/self/fd").words.split() == [b"0", b"1", b"2", b"3"]


def test_what_cannot_be_started_is_told(tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_text("#!/no/such/interpreter\n")
    path.chmod(0o755)
    for program in (path, f"{path}/none", tmp_path):
        with pytest.raises(OSError, match=str(program)):
            run([str(program)], subprocess.DEVNULL, SECONDS)


def test_status_of_a_program_that_finds_none_is_its_own() -> None:
    assert sh("exit 127").status == 127
    assert sh("no-such-program").status == 127


NO_MORE = """
import subprocess
import os, resource, sys
sys.path[:0] = sys.argv[1].split(os.pathsep)
from cockpit_getmail.destination.program import run
os.setgroups([])
os.setresuid(64123, 64123, 64123)
resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
try:
    run(["/bin/true"], subprocess.DEVNULL, 10.0)
except OSError as error:
    print(error.strerror)
"""


def test_no_process_to_be_had_is_told() -> None:
    need_root()
    argv = [sys.executable, "-I", "-c", NO_MORE, os.pathsep.join(sys.path)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, cwd="/")
    assert done.stdout == "Resource temporarily unavailable\n"


KILLED = """
import os, subprocess, sys, threading
sys.path[:0] = sys.argv[1].split(os.pathsep)
from cockpit_getmail.destination.program import run
argv = ["/bin/sh", "-c", f"echo $$ >{sys.argv[2]}.new; mv {sys.argv[2]}.new {sys.argv[2]}; exec sleep 1000"]
threading.Thread(target=run, args=(argv, subprocess.DEVNULL, 1000.0)).start()
"""


def test_program_does_not_outlive_who_is_killed(tmp_path: Path) -> None:
    argv = [sys.executable, "-I", "-c", KILLED, os.pathsep.join(sys.path), str(tmp_path / "pid")]
    with subprocess.Popen(argv) as process:
        while not (tmp_path / "pid").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    wait_until_gone(int((tmp_path / "pid").read_text()))


def test_descriptors_do_not_grow() -> None:
    before = len(os.listdir("/proc/self/fd"))
    for script in ("exit 0", "yes", "kill -9 $$"):
        sh(script, *LARGE, seconds=0.2)
    assert len(os.listdir("/proc/self/fd")) == before
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > 0


SYSTEM = """
22 1 0:5 / /dev rw,nosuid - devtmpfs udev rw
23 22 0:6 / /dev/shm rw,nosuid - tmpfs tmpfs rw
24 1 0:7 / /run rw,nosuid shared:2 - tmpfs tmpfs rw
25 1 0:7 / /tmp rw - tmpfs tmpfs rw
26 1 0:8 / / ro - ext4 /dev/sda1 rw
27 26 0:9 / /home ro - tmpfs tmpfs rw,size=4k
28 26 0:9 / /run/user ro - tmpfs tmpfs rw,size=4k
29 26 0:8 / /srv/vmail rw - ext4 /dev/sda1 rw
"""


@pytest.mark.parametrize("point", ["", "/home", "/run/user", "/root", "/var/lib/cockpit-getmail", "/runs"])
def test_folders_in_memory_are_no_place_for_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    mounts = tmp_path / "mounts"
    added = f"30 26 0:9 / {point} rw,relatime shared:3 - tmpfs tmpfs rw\n" if point else ""
    mounts.write_text(SYSTEM.lstrip() + added)
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    require_lasting(str(mounts))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/x")
    if point:
        with pytest.raises(Problem, match=f"written to {point} would end") as caught:
            require_lasting(str(mounts))
        assert caught.value.cause == "settings"
    else:
        require_lasting(str(mounts))
