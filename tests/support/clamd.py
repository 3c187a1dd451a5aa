# SPDX-License-Identifier: LGPL-2.1-or-later
"""A real clamd with a signature database of our own, at a socket and on a free port of 127.0.0.1.

    with Clamd() as clamd:
        ...connect to clamd.socket or clamd.address...

It knows the EICAR test file and nothing else.
"""

import socket

from tests.support.daemon import Daemon
from tests.support.ports import find_free_ports

STREAM_LIMIT = 2 << 20
# In pieces, so that a scanner does not take this file for it.
EICAR = b"-".join((b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR", b"STANDARD", b"ANTIVIRUS", b"TEST", b"FILE!$H+H*"))
SIGNATURE = "Test.Eicar"
FOUND = f"{SIGNATURE}.UNOFFICIAL"
CONFIGURATION = """
LocalSocket {folder}/clamd.ctl
LocalSocketMode 666
TCPSocket {port}
TCPAddr 127.0.0.1
DatabaseDirectory {folder}/database
Foreground yes
StreamMaxLength {limit}
MaxThreads 4
SelfCheck 0
User root
"""


class Clamd(Daemon):
    program = "clamd"

    @property
    def socket(self) -> str:
        return str(self.folder / "clamd.ctl")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def prepare(self) -> None:
        [self.port] = find_free_ports(1)
        (self.folder / "database").mkdir()
        (self.folder / "database" / "test.ndb").write_text(f"{SIGNATURE}:0:*:{EICAR.hex()}\n")
        (self.folder / "clamd.conf").write_text(
            CONFIGURATION.format(folder=self.folder, port=self.port, limit=STREAM_LIMIT)
        )

    def arguments(self) -> list[str]:
        return ["-c", str(self.folder / "clamd.conf")]

    def is_ready(self) -> bool:
        for family, place in (
            (socket.AF_UNIX, self.socket),
            (socket.AF_INET, ("127.0.0.1", self.port)),
        ):
            with socket.socket(family) as sock:
                sock.settimeout(5)
                sock.connect(place)
                sock.sendall(b"zPING\0")
                if sock.recv(10) != b"PONG\0":
                    return False
        return True
