# SPDX-License-Identifier: LGPL-2.1-or-later
"""What can be told without DNS of whether a server is this machine."""

from __future__ import annotations

import os
import re

from cockpit_getmail.formats import is_ipv4, is_ipv6

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from ipaddress import IPv4Address, IPv6Address

HOSTS = "/etc/hosts"
_IPV4_LOCAL = r"\|-- (\S+)\n\s+/32 host LOCAL"


def is_this_host(server: str) -> bool:
    """Whether a host name or address is this machine's own: its name, a loopback or an interface address."""
    name = server.removesuffix(".").casefold()
    host = os.uname().nodename.casefold()
    if name in ("localhost", host, host.partition(".")[0]) or name.endswith(".localhost"):
        return True
    return any(_is_own(address) for address in _find_addresses(name))


def _find_addresses(name: str) -> Iterator[str]:
    """Yield the name if it is an address, or else those that /etc/hosts gives it."""
    if is_ipv4(name) or is_ipv6(name):
        yield name
        return
    for line in _read(HOSTS).splitlines():
        address, *names = line.partition("#")[0].casefold().split() or [""]
        if name in names and (is_ipv4(address) or is_ipv6(address)):
            yield address


def _is_own(text: str) -> bool:
    from ipaddress import IPv6Address, ip_address

    address = ip_address(text)
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return address.is_loopback or address.is_unspecified or address in set(_interface_addresses())


def _interface_addresses() -> Iterator[IPv4Address | IPv6Address]:
    """Yield what the kernel shows of this network namespace; nothing where it shows nothing."""
    from ipaddress import IPv4Address, IPv6Address

    for found in re.findall(_IPV4_LOCAL, _read("/proc/net/fib_trie")):
        yield IPv4Address(found)
    for line in _read("/proc/net/if_inet6").splitlines():
        yield IPv6Address(int(line.split()[0], 16))


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
