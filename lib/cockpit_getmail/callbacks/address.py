# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which addresses a callback may go to: those of the public internet.

By the registries of special-purpose addresses (RFC 6890), not by the ipaddress module, whose judgement
differs between versions of Python.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from cockpit_getmail.problem import failure

_REFUSED_V4 = tuple(
    map(
        IPv4Network,
        (
            *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
            *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
            *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
            # Azure's machines find their host there, and it lies among the public ones.
            "168.63.129.16/32",
        ),
    )
)
_PUBLIC_V6 = IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    map(
        IPv6Network,
        # Teredo (in 2001::/23) and 6to4 are tunnels to an IPv4 address within.
        ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"),
    )
)
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
"""What an IPv6-only network reaches an IPv4 address by (RFC 6052)."""


def is_public(text: str) -> bool:
    """Whether an address, as the resolver writes it, is one of the public internet."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address):
        # Of one with a zone (RFC 4007) only this machine knows where it leads.
        return address.scope_id is None and _is_public_v6(address)
    return _is_public_v4(address)


def require_public(text: str) -> None:
    """Raise Problem (policy) for an address that a callback must not go to."""
    if not is_public(text):
        message = f"{text} is not an address of the public internet, and CALLBACK_ALLOW_PRIVATE is not yes."
        raise failure("policy", message)


def _is_public_v4(address: IPv4Address) -> bool:
    return not any(address in network for network in _REFUSED_V4)


def _is_public_v6(address: IPv6Address) -> bool:
    if address in _MAPPED or address in _NAT64:
        return _is_public_v4(IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _PUBLIC_V6 and not any(address in network for network in _REFUSED_V6)
