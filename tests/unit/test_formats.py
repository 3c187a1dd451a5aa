# SPDX-License-Identifier: LGPL-2.1-or-later
"""Addresses are what ipaddress takes for addresses. Host names are in test_schema, where words are; what is a
search of IMAP is in test_criteria."""

from ipaddress import IPv4Address, IPv6Address
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from cockpit_getmail.formats import FORMATS, is_imap_search, is_ipv4, is_ipv6


def makes(kind: type, text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


@given(st.text("0123456789abcdef:.٣", max_size=15) | st.ip_addresses().map(str))
@example("")
@example("...")
@example("1.2.3.٣")
@example("::ffff:192.0.2.1")
def test_address(text: str) -> None:
    assert is_ipv4(text) == makes(IPv4Address, text)
    assert is_ipv6(text) == makes(IPv6Address, text)


@given(st.ip_addresses(v=6))
def test_no_zone(address: IPv6Address) -> None:
    assert not is_ipv6(f"{address}%eth0")


@given(st.none() | st.integers() | st.floats() | st.lists(st.text()))
def test_what_is_no_text_is_not_judged(value: Any) -> None:
    assert all(test(value) for test in FORMATS.values())


def test_imap_search() -> None:
    assert is_imap_search('SINCE 1-Nov-2026 SUBJECT "Grüße"')
    assert not is_imap_search("ALL\r\na1 DELETE INBOX")
