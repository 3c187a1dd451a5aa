# SPDX-License-Identifier: LGPL-2.1-or-later
"""A machine for tests: this system's own files, booted with a real systemd beside it, in a second.

    with Machine() as machine:
        machine.install()
        machine.run(["systemctl", "start", "something"])
        print(machine.journal("something"))

It sees the root file system through an overlay whose upper layer is in memory: what it writes is still there
after switch_off() and switch_on(), and gone when it stops. It has a process table, mounts and cgroups of its
own, and the host's network. Whatever ends this process ends the machine and all that runs in it.
"""

import itertools
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from tests.support import need_programs, need_root
from tests.support.processes import find_children, read_proc

PROJECT = Path(__file__).parents[2]
START_SECONDS = 60.0
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
    "HOME": "/root",
}

# In mount and process namespaces of its own: nothing of it has to be undone on the host.
BOOT = r"""
set -eu
name=$1 project=$2
shift 2
# Any folder will do in which nobody keeps a project.
base=/boot
mount -t tmpfs -o mode=0755 machine "$base"
mkdir "$base/upper" "$base/work" "$base/root"
mount -t overlay -o "lowerdir=/,upperdir=$base/upper,workdir=$base/work" overlay "$base/root"

# One hierarchy of cgroups as on an ordinary Debian, whatever the host has.
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir "/sys/fs/cgroup/$name"
echo $$ >"/sys/fs/cgroup/$name/cgroup.procs"

# The host's services, disks, key and installation of this project are no business of this machine's.
cd "$base/root"
rm -rf etc/systemd/system/*.wants etc/systemd/system/*.requires
rm -rf var/lib/cockpit-getmail var/lib/systemd/credential.secret etc/cockpit-getmail*
for prefix in etc usr usr/local; do
    rm -rf "$prefix"/*/cockpit-getmail "$prefix"/systemd/system/cockpit-getmail* \
        "$prefix"/lib/systemd/system/cockpit-getmail*
done
: >etc/fstab
tr -d - </proc/sys/kernel/random/uuid >etc/machine-id
cd /

export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
# Each line asks for a start, each line of the answer tells of an end.
while read -r _; do
    systemd-nspawn --quiet --boot --directory="$base/root" --machine="$name" --bind-ro="$project" \
        --register=no --keep-unit --link-journal=no --resolv-conf=off --timezone=off --console=pipe "$@" \
        </dev/null >&2 || true
    find "/sys/fs/cgroup/$name" -mindepth 1 -depth -type d -exec rmdir {} +
    echo off
done
"""
# Also after those that were killed; a name has the number of its process.
CLEAN = r"""
set -eu
mount -t cgroup2 cgroup2 /boot
for left in "/boot/$1" /boot/cockpit-getmail-machine-*; do
    pid=${left##*-}
    if [ -d "$left" ] && { [ "$left" = "/boot/$1" ] || [ ! -d "/proc/${pid%%.*}" ]; }; then
        find "$left" -depth -type d -exec rmdir {} +
    fi
done
"""
_numbers = itertools.count(1)
NAMESPACES = ["unshare", "--mount", "--propagation", "private"]


class Machine:
    """`pid` is that of its init as the host counts, `root` the way to its files from the host.

    An absolute symbolic link below `root` leads to the host's files. Paths in `binds` are folders of the
    machine; each is the host's folder named with it, on the host's disk, and stays.
    """

    def __init__(self, binds: Mapping[str, Path] | None = None) -> None:
        self.pid = 0
        self._binds = [f"--bind={outside}:{inside}" for inside, outside in (binds or {}).items()]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> Path:
        return Path(f"/proc/{self.pid}/root")

    def __enter__(self) -> "Machine":
        need_root()
        need_programs("systemd-nspawn", "unshare", "nsenter", "setpriv", "make")
        self._name = f"cockpit-getmail-machine-{os.getpid()}.{next(_numbers)}"
        try:
            self._boot()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Switch it off at once; nothing in it gets a chance to tidy up."""
        if self._process:
            # The first process of its namespace is gone only after all others.
            for pid in find_children(self._process.pid) or [self._process.pid]:
                os.kill(pid, signal.SIGKILL)
            self._process.communicate()
            self._process = None
            self._log.close()
            subprocess.run([*NAMESPACES, "sh", "-c", CLEAN, "clean", self._name], check=True)

    def switch_off(self, *, cut: bool = False) -> None:
        """Shut it down in order; with `cut` its power fails, and nothing in it gets a chance to tidy up."""
        assert self._process
        if cut:
            os.kill(self.pid, signal.SIGKILL)
        else:
            self.run(["systemctl", "poweroff"], check=False)
        assert self._is_off(START_SECONDS), "it does not end"
        assert self._process.stdout
        self._process.stdout.readline()

    def switch_on(self) -> None:
        """Boot it on the files that it had when it was switched off."""
        assert self._process
        assert self._process.stdin
        self.pid = 0
        self._process.stdin.write(b"on\n")
        self._process.stdin.flush()
        deadline = time.monotonic() + START_SECONDS
        while not self._is_up(self._process):
            if self._is_off(0.02) or time.monotonic() > deadline:
                self._log.seek(0)
                raise RuntimeError(f"The machine did not boot:\n{self._log.read().decode(errors='replace')}")

    def run(
        self,
        argv: Sequence[str | Path],
        *,
        input: str | None = None,  # noqa: A002 (as in subprocess)
        check: bool = True,
        env: Mapping[str, str] | None = None,
        timeout: float = 120,
    ) -> subprocess.CompletedProcess[str]:
        """Run a program in it as root, with a clean environment and what `env` adds.

        Raises AssertionError with all that the program said if it fails and `check` is true.
        """
        done = subprocess.run(
            self.argv(*argv),
            check=False,
            input=input or "",
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            env={**ENVIRONMENT, **(env or {})},
            timeout=timeout,
        )
        if check:
            said = f"{done.stdout}{done.stderr}"
            assert done.returncode == 0, f"{[*argv]} ended with {done.returncode}:\n{said}"
        return done

    def read_processes(self) -> str:
        """Return arguments and environment of all its processes. One may end while they are read."""
        shown = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ"
        return self.run(["sh", "-c", shown], check=False).stdout

    def argv(self, *argv: str | Path) -> list[str]:
        """Return the host's command for running this one in the machine; ending it ends both."""
        # nsenter forks, and would leave its child alone.
        bound = ["setpriv", "--pdeathsig", "TERM", "--"]
        return ["nsenter", f"--target={self.pid}", "--all", "--", *bound, *map(str, argv)]

    def journal(self, unit: str | None = None, *options: str) -> str:
        """Return what was logged by and about a unit, or all: the message of each entry, a line each."""
        self.run(["journalctl", "--sync"])
        of_unit = [f"--unit={unit}"] if unit else []
        argv = ["journalctl", "--quiet", "--no-pager", "--output=cat", *of_unit, *options]
        return self.run(argv).stdout

    def copy(self, source: Path, target: str, mode: int = 0o644) -> None:
        """Copy a file of the host into the machine, as root's."""
        path = self.root / target.removeprefix("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, path)
        path.chmod(mode)

    def install(self, *, timer: bool = False) -> None:
        """Install the project with its `make install`, as an administrator would.

        Without the `timer` nothing runs but what is asked for.
        """
        # Made outside: the machine sees the project read-only.
        _make("build/wheels/.built", "panel/dist/.built")
        self.run(["make", "--silent", "--directory", PROJECT, "install"], timeout=300)
        if not timer:
            self.run(["systemctl", "disable", "--quiet", "--now", "cockpit-getmail.timer"])

    def _boot(self) -> None:
        # The kernel ends unshare if this process is killed, unshare's end ends its process namespace.
        wrapper = [
            "setpriv",
            "--pdeathsig",
            "KILL",
            *NAMESPACES,
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
        ]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 (closed when the machine stops)
        self._process = subprocess.Popen(
            [*wrapper, "sh", "-c", BOOT, "boot", self._name, str(PROJECT), *self._binds],
            env=ENVIRONMENT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
        )
        self.switch_on()

    def _is_off(self, seconds: float) -> bool:
        """Wait so long for its end, or the end of all."""
        assert self._process
        assert self._process.stdout
        return bool(select.select([self._process.stdout], [], [], seconds)[0])

    def _is_up(self, process: subprocess.Popen[bytes]) -> bool:
        self.pid = self.pid or _find_init(process.pid)
        if not self.pid:
            return False
        state = self.run(["systemctl", "is-system-running", "--wait"], check=False, timeout=START_SECONDS)
        return state.stdout.strip() in ("running", "degraded")


def _make(*targets: str) -> None:
    done = subprocess.run(
        ["make", "--silent", "--directory", str(PROJECT), *targets],
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"make {targets}:\n{done.stdout}{done.stderr}"


def _find_init(ancestor: int) -> int:
    """Return the process below this one that is systemd, and the first of a further namespace; else 0."""
    for child in find_children(ancestor):
        status = dict(
            line.split(":\t", 1) for line in read_proc(f"/proc/{child}/status").splitlines() if ":\t" in line
        )
        counted = status.get("NSpid", "").split()
        is_init = counted[-1:] == ["1"] and len(counted) > _depth(os.getpid()) + 1
        if is_init and status["Name"] == "systemd":
            return child
        if found := _find_init(child):
            return found
    return 0


def _depth(pid: int) -> int:
    """Return in how many process namespaces a process is."""
    return len(read_proc(f"/proc/{pid}/status").partition("NSpid:")[2].partition("\n")[0].split())
