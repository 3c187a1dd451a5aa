# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be told without DNS of whether a server is this machine."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address
HOSTS = Path("/etc/hosts")
_IPV4_LOCAL = re.compile(r"\|-- (\S+)\n\s+/32 host LOCAL")


def is_this_host(server: str) -> bool:
    """Whether a host name or address is this machine's own: its name, a loopback or an interface address."""
    name = server.removesuffix(".").casefold()
    host = os.uname().nodename.casefold()
    if name in ("localhost", host, host.partition(".")[0]) or name.endswith(".localhost"):
        return True
    return any(_is_own(address) for address in _find_addresses(name))


def _find_addresses(name: str) -> Iterator[Address]:
    """Yield the address that a name is, or else those that /etc/hosts gives it."""
    try:
        yield ip_address(name)
    except ValueError:
        for line in _read(HOSTS).splitlines():
            address, *names = line.partition("#")[0].casefold().split() or [""]
            if name in names:
                with suppress(ValueError):
                    yield ip_address(address)


def _is_own(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address.is_loopback or address.is_unspecified or address in set(_interface_addresses())


def _interface_addresses() -> Iterator[Address]:
    """Yield what the kernel shows of this network namespace; nothing where it shows nothing."""
    for found in _IPV4_LOCAL.findall(_read(Path("/proc/net/fib_trie"))):
        yield IPv4Address(found)
    for line in _read(Path("/proc/net/if_inet6")).splitlines():
        yield IPv6Address(int(line.split()[0], 16))


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
