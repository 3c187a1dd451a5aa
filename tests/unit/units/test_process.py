# SPDX-License-Identifier: LGPL-2.1-or-later
"""Other programs: what they are given and what is taken from them."""

import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cockpit_getmail.problem import Problem
from cockpit_getmail.units.process import OUTPUT_LIMIT, passing_through, run
from tests.support import need_root
from tests.support.limits import soon
from tests.support.processes import is_alive, wait_until_gone

pytestmark = pytest.mark.long

ENOUGH = 20.0


def shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]


def test_tells_status_output_and_errors() -> None:
    assert run(shell("echo out; echo err >&2; exit 3"), timeout=ENOUGH) == (3, b"out\n", b"err\n")


def test_passes_on_what_it_is_given() -> None:
    data = bytes(range(256)) * (1 << 13)
    assert run(["wc", "-c"], stdin=data, timeout=ENOUGH).output.strip() == str(len(data)).encode()


def test_does_not_wait_for_a_program_that_reads_nothing() -> None:
    assert run(["true"], stdin=bytes(1 << 21), timeout=ENOUGH).status == 0


def test_gives_nothing_to_read_by_default() -> None:
    assert run(["cat"], timeout=ENOUGH) == (0, b"", b"")


def test_environment_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "canary")
    monkeypatch.setenv("LD_PRELOAD", "")
    variables = {line.partition(b"=")[0] for line in run(["env"], timeout=ENOUGH).output.splitlines()}
    assert variables == {b"PATH", b"LANG"}


@pytest.mark.parametrize(
    "script",
    [
        "exec sleep 60",
        "exec >&- 2>&-; exec sleep 60",
        "sleep 60 & exit 0",
        "trap '' TERM; sleep 60; sleep 60",
    ],
    ids=["silent", "closed", "left a child", "deaf"],
)
def test_time_is_bounded(script: str) -> None:
    with soon():
        assert run(shell(script), timeout=0.3).status is None


@pytest.mark.parametrize("stream", ["1", "2"])
def test_output_is_bounded(stream: str) -> None:
    done = run(shell(f"yes canary >&{stream}"), timeout=ENOUGH)
    assert done.status is None
    assert [len(done.output), len(done.errors)][int(stream) - 1] == OUTPUT_LIMIT


def test_program_that_is_missing_is_named() -> None:
    with pytest.raises(Problem, match="no-such-program cannot be run: No such file") as caught:
        run(["no-such-program"], timeout=ENOUGH)
    assert caught.value.cause == "internal"


def test_signal_is_a_negative_status() -> None:
    assert run(shell("kill -9 $$"), timeout=ENOUGH).status == -9


# As another user, on a terminal of root's

ATTEND = """
import fcntl, json, os, signal, sys, termios
sys.path[:0] = json.loads(sys.argv[1])
from cockpit_getmail.units.process import Identity, attend
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
user = Identity(65534, 65534, [65534], {"MARK": "1"})
argv = ["/usr/bin/python3", "-I", "-c", sys.argv[2]]
status = attend(argv, user, stdin=b"request", stops=[signal.SIGTERM])
print("status", status, "end", flush=True)
# The end of who controls a terminal takes away what is not read yet.
input()
"""
INTRUDE = """
import errno, fcntl, os, sys, termios
def attempt(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
print(sys.stdin.read(), os.getresuid(), os.getresgid(), os.getgroups(), os.getcwd(), sorted(os.environ))
print("tty", attempt(lambda: open("/dev/tty")))
print("type", [attempt(lambda: fcntl.ioctl(number, termios.TIOCSTI, b"x")) for number in (1, 2)])
print("take", attempt(lambda: fcntl.ioctl(1, termios.TIOCSCTTY, 1)))
"""


@contextmanager
def attended(script: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Attend to a program on a terminal of its own; give the process that does so, and the terminal's end."""
    need_root()
    mine, terminal = pty.openpty()
    argv = [sys.executable, "-I", "-c", ATTEND, json.dumps(sys.path), script]
    with subprocess.Popen(argv, stdin=terminal, stdout=terminal, stderr=terminal) as process:
        try:
            yield process, mine
            os.write(mine, b"\n")
            assert process.wait(ENOUGH) == 0
        finally:
            process.kill()
            os.close(terminal)
            os.close(mine)


def read_until(mark: str, terminal: int) -> list[str]:
    text = ""
    poll = select.poll()
    poll.register(terminal, select.POLLIN)
    while mark not in text:
        assert poll.poll(ENOUGH * 1000), text
        text += os.read(terminal, 1 << 12).decode()
    return text.splitlines()


def test_attended_program_cannot_type_for_root() -> None:
    with attended(INTRUDE) as (_, terminal):
        who, tty, typed, taken, status = read_until("end", terminal)
    nobody = (65534,) * 3
    variables = ["LANG", "MARK", "PATH"]
    assert who in (
        f"request {nobody} {nobody} [65534] / {variables}",
        # Python's own.
        f"request {nobody} {nobody} [65534] / {sorted([*variables, 'LC_CTYPE'])}",
    )
    assert tty == "tty ENXIO"
    # EIO where the kernel does not let anybody.
    assert typed in ("type ['EPERM', 'EPERM']", "type ['EIO', 'EIO']")
    assert taken == "take EPERM"
    assert status == "status 0 end"


def test_signal_is_passed_on_to_the_attended_program() -> None:
    script = """
import signal, sys, os, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
print("ready", flush=True)
time.sleep(60)
"""
    with attended(script) as (process, terminal):
        read_until("ready", terminal)
        process.terminate()
        assert read_until("end", terminal)[-1] == "status 7 end"


def test_group_of_its_own_ends_with_it(tmp_path: Path) -> None:
    script = f"sleep 600 & echo $! >{tmp_path}/pid; sleep 600"
    assert run(shell(script), timeout=2.0, own_group=True).status is None
    wait_until_gone(int((tmp_path / "pid").read_text()))


def test_what_it_left_when_it_ended_goes_on(tmp_path: Path) -> None:
    script = f"sleep 600 >&- 2>&- & echo $! >{tmp_path}/pid"
    assert run(shell(script), timeout=ENOUGH, own_group=True).status == 0
    pid = int((tmp_path / "pid").read_text())
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)


def test_more_variables_are_given() -> None:
    found = run(["env"], timeout=ENOUGH, variables={"HOME": "/x"}).output.splitlines()
    assert b"HOME=/x" in found


def test_program_on_our_own_streams(capfd: pytest.CaptureFixture[str]) -> None:
    with passing_through(shell("echo out; env; exit 3")) as child:
        assert child.wait(ENOUGH) == 3
    said = capfd.readouterr().out.splitlines()
    assert said[0] == "out"
    assert {line.partition("=")[0] for line in said[1:]} <= {"PATH", "LANG", "PWD"}


def test_program_on_our_own_streams_ends_with_the_block() -> None:
    with pytest.raises(ZeroDivisionError), passing_through(["sleep", "60"]) as child:
        raise ZeroDivisionError
    assert child.returncode == -signal.SIGKILL
    with pytest.raises(Problem, match="no-such-program"), passing_through(["no-such-program"]):
        pass
