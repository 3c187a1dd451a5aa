# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run that was taken over would try against another run, as a program of its own.

    python -I intruder.py PID UNIT STATE MAILDIR [ATTEMPT...]

tells as JSON what came of each attempt: text for what it got, null for what it was denied. STATE and MAILDIR
hold a file `secret`, UNIT has a credential `Password`.
"""

import ctypes
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

PTRACE_ATTACH, CLONE_NEWUSER, SYS_PIDFD_GETFD = 16, 0x10000000, 438
libc = ctypes.CDLL(None, use_errno=True)


class Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def main() -> None:
    pid, unit, state, maildir = int(sys.argv[1]), *sys.argv[2:5]
    attempts: dict[str, Callable[[], object]] = {
        "state": lambda: read(state, "secret"),
        "mail": lambda: read(maildir, "secret"),
        "credential": lambda: read("/run/credentials", f"{unit}.service", "Password"),
        "database": lambda: read("/var/lib/cockpit-getmail/connectors"),
        "files for systemd": lambda: os.listdir("/run/cockpit-getmail"),
        "state by way of its process": lambda: read(f"/proc/{pid}/root{state}", "secret"),
        "credential by way of its process": lambda: os.listdir(f"/proc/{pid}/root/run/credentials"),
        "command line": lambda: read(f"/proc/{pid}/cmdline"),
        "environment": lambda: read(f"/proc/{pid}/environ"),
        "open files": lambda: os.listdir(f"/proc/{pid}/fd"),
        "memory": lambda: os.open(f"/proc/{pid}/mem", os.O_RDWR),
        "memory by system call": lambda: call("process_vm_readv", pid, vector(), 1, vector(), 1, 0),
        "tracing": lambda: call("ptrace", PTRACE_ATTACH, pid, 0, 0),
        "its descriptors": lambda: call("syscall", SYS_PIDFD_GETFD, os.pidfd_open(pid), 0, 0),
        "becoming root": lambda: os.setuid(0),
        "a user namespace": lambda: call("unshare", CLONE_NEWUSER),
        "a set-uid program": lambda: output("su", "-c", "id"),
        "another unit": lambda: output("systemd-run", "--wait", "--no-ask-password", "id"),
        "stopping its unit": lambda: output("systemctl", "stop", "--no-ask-password", f"{unit}.service"),
        "writing elsewhere": lambda: write("/etc", "/usr", "/var/log", "/srv"),
        "a Maildir of its own": lambda: os.mkdir("/var/lib/cockpit-getmail/mail/intruder"),
        "homes": lambda: look_into("/root", "/home"),
        "the shadow file": lambda: read("/etc/shadow"),
    }
    chosen = sys.argv[5:] or list(attempts)
    json.dump({name: attempt(attempts[name]) for name in chosen}, sys.stdout)


def attempt(action: Callable[[], object]) -> str | None:
    try:
        return str(action())
    except (OSError, subprocess.SubprocessError):
        return None


def read(*path: str) -> str:
    return Path(*path).read_text(errors="replace")


def write(*folders: str) -> list[str]:
    """Make a file in each folder where that can be done; return which these are."""
    done = [folder for folder in folders if attempt(lambda: Path(folder, "intruder").touch())]  # noqa: B023
    return done or denied()


def look_into(*folders: str) -> list[str]:
    return [name for folder in folders for name in os.listdir(folder)] or denied()


def output(*argv: str) -> str:
    return subprocess.run(
        argv, check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20
    ).stdout


def vector() -> object:
    buffer = ctypes.create_string_buffer(16)
    return ctypes.byref(Vector(ctypes.addressof(buffer), len(buffer)))


def call(name: str, *args: object) -> int:
    result = int(getattr(libc, name)(*args))
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def denied() -> NoReturn:
    raise PermissionError


if __name__ == "__main__":
    main()
