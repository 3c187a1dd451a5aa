# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ports for servers that are told theirs before they listen."""

import random
import socket
from contextlib import ExitStack
from pathlib import Path

FIRST = 10_000
GIVEN = Path("/proc/sys/net/ipv4/ip_local_port_range")


def find_free_ports(count: int, host: str = "127.0.0.1") -> list[int]:
    """Return ports that are free, and not among those that the kernel gives to whoever connects.

    Of these one may be taken until the server is there, or while it is started anew (ip(7)).
    """
    end = max(int(GIVEN.read_text().split()[0]), 2 * FIRST)
    found: list[int] = []
    with ExitStack() as held:
        while len(found) < count:
            # Property tests begin with the same seed in each process.
            port = random.SystemRandom().randrange(FIRST, end)
            one = held.enter_context(socket.socket())
            try:
                one.bind((host, port))
            except OSError:
                continue
            found.append(port)
    return found
