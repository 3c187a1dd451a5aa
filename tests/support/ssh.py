# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real ssh server (OpenSSH) in a test machine, that lets the machine's own root in by key.

with SshServer(machine, "mail.example.com") as server:
    ...in the machine, `ssh root@mail.example.com` works...
    server.drop()       # and each connection that is open is lost
"""

import os
import random
import signal
import subprocess
from contextlib import suppress
from types import TracebackType

from tests.support import need_programs
from tests.support.machine import ENVIRONMENT, Machine
from tests.support.processes import find_children

KEYS = """
umask 077
mkdir -p /run/sshd /root/.ssh
cd /root/.ssh
rm -rf *
for name in id_ed25519 host; do
    ssh-keygen -q -t ed25519 -N '' -f $name
done
cp id_ed25519.pub authorized_keys
echo "$1 $(cat host.pub)" >known_hosts
"""
OPTIONS = ("HostKey=/root/.ssh/host", "PermitRootLogin=yes", "PasswordAuthentication=no", "UsePAM=no")


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
        need_programs("sshd", "ssh", "ssh-keygen")
        self._machine.run(["sh", "-euc", KEYS, "keys", self.host])
        self._machine.run(["sh", "-euc", f"echo '{self.address} {self.host}' >>/etc/hosts"])
        options = [f"-o{option}" for option in (*OPTIONS, f"ListenAddress={self.address}")]
        argv = self._machine.argv("/usr/sbin/sshd", "-D", "-e", "-f", "/dev/null", *options)
        self._process = subprocess.Popen(argv, stderr=subprocess.PIPE, env=ENVIRONMENT, text=True)
        assert self._process.stderr
        said = self._process.stderr.readline()
        assert "Server listening" in said, said
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()

    @property
    def connections(self) -> list[int]:
        """The processes that serve a connection, as the host counts."""
        [server] = find_children(self._process.pid)
        return find_children(server)

    def drop(self) -> int:
        """Lose each connection that is open, as by a pulled cable that is noticed; return how many."""
        dropped = 0
        for connection in self.connections:
            # One that ended by itself since it was listed was not dropped.
            with suppress(ProcessLookupError):
                os.kill(connection, signal.SIGKILL)
                dropped += 1
        return dropped
