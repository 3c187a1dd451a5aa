# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real ssh server (Dropbear) in a test machine, that lets the machine's own root in by key.

with SshServer(machine, "mail.example.com") as server:
    ...in the machine, `ssh root@mail.example.com` works...
    server.drop()       # and each connection that is open is lost
"""

import os
import random
import signal
import subprocess
from pathlib import Path
from types import TracebackType

from tests.support import need_programs
from tests.support.machine import ENVIRONMENT, Machine

KEYS = """
umask 077
mkdir -p /root/.ssh
cd /root/.ssh
rm -rf *
ssh-keygen -q -t ed25519 -N '' -f id_ed25519
cp id_ed25519.pub authorized_keys
dropbearkey -t ed25519 -f host | sed -n "s/^ssh-/$1 ssh-/p" >known_hosts
"""


def find_address() -> str:
    """Return an address of loopback on which nobody else has the usual ports of services."""
    return ".".join(str(number) for number in (127, *(random.randint(1, 254) for _ in range(3))))


class SshServer:
    """The machine knows `host` as `address`, by its own /etc/hosts."""

    def __init__(self, machine: Machine, host: str, address: str | None = None) -> None:
        self.host = host
        self.address = address or find_address()
        self._machine = machine

    def __enter__(self) -> "SshServer":
        need_programs("dropbear", "dropbearkey", "ssh", "ssh-keygen")
        self._machine.run(["sh", "-euc", KEYS, "keys", self.host])
        self._machine.run(["sh", "-euc", f"echo '{self.address} {self.host}' >>/etc/hosts"])
        argv = ["dropbear", "-F", "-E", "-s", "-m", "-r", "/root/.ssh/host", "-P", ""]
        self._process = subprocess.Popen(
            self._machine.argv(*argv, "-p", f"{self.address}:22"),
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            text=True,
        )
        assert self._process.stderr
        # It says so once it listens.
        said = self._process.stderr.readline()
        assert "Not backgrounding" in said, said
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    def drop(self) -> int:
        """Lose each connection that is open, as by a pulled cable that is noticed; return how many."""
        [server] = _children(self._process.pid)
        sessions = _children(server)
        for session in sessions:
            os.kill(session, signal.SIGKILL)
        return len(sessions)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
