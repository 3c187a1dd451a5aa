# SPDX-License-Identifier: LGPL-2.1-or-later
"""A callback goes to the public internet or nowhere, however an address is written or wrapped."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.callbacks.address import is_public, require_public
from cockpit_getmail.problem import Problem

V4 = st.integers(0, 2**32 - 1).map(IPv4Address)
V6 = st.integers(0, 2**128 - 1).map(IPv6Address) | st.integers(0, 2**125 - 1).map(
    lambda number: IPv6Address((0b001 << 125) | number)
)
# The library takes them for ordinary ones: relays of 6to4, AMT and AS112, and a host of virtual machines.
OURS_ALONE = [IPv4Network(text) for text in ("192.88.99.0/24", "168.63.129.16/32", "192.0.0.0/24")]


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.100.100.200", "127.0.0.1"),
        *("127.255.255.254", "169.254.169.254", "169.254.0.1", "172.16.0.1", "172.31.255.255", "192.0.0.192"),
        *("192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1", "198.19.255.255", "198.51.100.1"),
        *("203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
        *(
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:0:7f00:1",
            "64:ff9b::7f00:1",
        ),
        *(
            "64:ff9b::a00:1",
            "64:ff9b:1::808:808",
            "100::1",
            "2001::1",
            "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        ),
        *(
            "2001:db8::1",
            "2001:10::1",
            "2001:20::1",
            "2002:7f00:1::",
            "2002:808:808::1",
            "3fff::1",
            "5f00::1",
        ),
        *("fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "2606:4700::1%1", "fec0::1", "ff02::1"),
        *("localhost", "", "8.8.8", "08.8.8.8", "8.8.8.8 ", "0x8.8.8.8"),
    ],
)
def test_not_public(address: str) -> None:
    assert not is_public(address)
    with pytest.raises(Problem) as caught:
        require_public(address)
    assert caught.value.cause == "policy"


@pytest.mark.parametrize(
    "address",
    [
        *(
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.15.0.1",
        ),
        *("172.32.0.1", "192.167.0.1", "192.169.0.1", "198.17.0.1", "198.20.0.1", "223.255.255.255"),
        *("2606:4700:4700::1111", "2a00:1450::1", "2001:4860:4860::8888", "2003::1", "::ffff:8.8.8.8"),
        *("64:ff9b::808:808",),
    ],
)
def test_public(address: str) -> None:
    assert is_public(address)
    require_public(address)


@given(V4)
def test_as_the_library_has_it(address: IPv4Address) -> None:
    if any(address in network for network in OURS_ALONE):
        return
    is_ordinary = address.is_global and not address.is_multicast and not address.is_reserved
    assert is_public(str(address)) == is_ordinary


@given(V6)
def test_what_is_public_is_global_to_the_library(address: IPv6Address) -> None:
    if is_public(str(address)):
        assert address.is_global
        assert not address.is_multicast
        assert not address.is_reserved


@given(V4)
def test_address_within_an_address_is_judged(inner: IPv4Address) -> None:
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        assert is_public(str(IPv6Address(int(IPv6Address(prefix)) | int(inner)))) == is_public(str(inner))


@given(V4, st.integers(0, 2**80 - 1))
def test_no_tunnel(inner: IPv4Address, rest: int) -> None:
    assert not is_public(str(IPv6Address((0x2002 << 112) | (int(inner) << 80) | rest)))
    teredo = IPv6Network("2001::/32")[rest % 2**64 << 32 | (int(inner) ^ 0xFFFFFFFF)]
    assert not is_public(str(teredo))
