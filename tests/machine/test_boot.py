# SPDX-License-Identifier: LGPL-2.1-or-later
"""The machine that the other tests stand on is a real one."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support import need_programs, need_root
from tests.support.machine import PROJECT, Machine


def test_systemd_is_its_first_process(machine: Machine) -> None:
    assert machine.run(["cat", "/proc/1/comm"]).stdout == "systemd\n"
    assert machine.run(["systemctl", "is-system-running"], check=False).stdout in ("running\n", "degraded\n")


def test_it_is_another_machine_than_the_host(machine: Machine) -> None:
    assert machine.run(["cat", "/etc/machine-id"]).stdout != _read("/etc/machine-id")
    machine.run(["touch", "/etc/only-here"])
    assert not Path("/etc/only-here").exists()
    assert machine.run(["touch", PROJECT / "not-even-here"], check=False).returncode != 0


def test_transient_unit_is_its_user_and_gets_its_credential(machine: Machine) -> None:
    machine.run(["sh", "-c", "umask 077; echo canary >/run/canary"])
    done = machine.run(
        [
            *("systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--unit=boot-test"),
            *("-p", "User=cockpit-getmail", "-p", "LoadCredential=canary:/run/canary"),
            *("sh", "-c", 'id -un; cat /run/canary 2>&1; cat "$CREDENTIALS_DIRECTORY/canary"'),
        ]
    )
    assert done.stdout.splitlines() == [
        "cockpit-getmail",
        "cat: /run/canary: Permission denied",
        "canary",
    ]


def test_sandbox_of_runs_works_here(machine: Machine) -> None:
    """A drop-in that the kernel or a container cannot carry out would make all that follows pointless."""
    done = machine.run(
        [
            *("systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--unit=cockpit-getmail-boot-test"),
            *("-p", "User=cockpit-getmail", "-p", "StateDirectory=cockpit-getmail/state/boot-test"),
            *(
                "sh",
                "-c",
                "touch /etc/x; touch ~/x; id -u; grep -E '^(Seccomp|NoNewPrivs|CapEff):' /proc/self/status",
            ),
        ],
        check=False,
    )
    assert done.stderr.count("Read-only file system") == 2
    uid, *status = done.stdout.split()
    assert int(uid) > 0
    assert status == ["CapEff:", "0" * 16, "NoNewPrivs:", "1", "Seccomp:", "2"]


def test_slice_has_its_cgroup(machine: Machine) -> None:
    done = machine.run(
        [
            *("systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--unit=cockpit-getmail-boot-test"),
            *("-p", "User=cockpit-getmail", "cat", "/proc/self/cgroup"),
        ]
    )
    assert "0::/cockpit.slice/cockpit-getmail.slice/cockpit-getmail-boot-test.service\n" in done.stdout


def test_journal_can_be_read(machine: Machine) -> None:
    machine.run(["systemd-run", "--wait", "--unit=boot-test", "echo", "hello from the unit"])
    assert "hello from the unit\n" in machine.journal("boot-test")
    assert "hello from the unit\n" not in machine.journal("another")


@pytest.mark.parametrize("cut", [False, True], ids=["in order", "cut off"])
def test_files_are_there_after_a_reboot(cut: bool) -> None:
    with Machine() as machine:
        machine.run(["sh", "-c", "echo kept >/var/lib/kept; echo gone >/run/gone"])
        machine.run(["systemd-run", "--unit=reboot-test", "sleep", "infinity"])
        machine.switch_off(cut=cut)
        machine.switch_on()
        assert machine.run(["cat", "/var/lib/kept"]).stdout == "kept\n"
        assert machine.run(["ls", "/run/gone"], check=False).returncode != 0
        assert machine.run(["systemctl", "is-active", "reboot-test"], check=False).stdout == "inactive\n"
        assert ("poweroff.target" in machine.journal(None, "--boot=-1")) == (not cut)


def test_it_ends_when_its_test_is_killed() -> None:
    need_root()
    need_programs("systemd-nspawn")
    program = (
        "import time\n"
        "from tests.support.machine import Machine\n"
        "with Machine() as machine:\n"
        "    print(machine.pid, flush=True)\n"
        "    time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=PROJECT) as child:
        assert child.stdout
        init = int(child.stdout.readline())
        assert _read(f"/proc/{init}/comm") == "systemd\n"
        os.kill(child.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while Path(f"/proc/{init}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _read(path: str) -> str:
    return Path(path).read_text()
