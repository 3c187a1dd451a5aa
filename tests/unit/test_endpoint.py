# SPDX-License-Identifier: LGPL-2.1-or-later
"""When a server is asked for TLS, and what its name is to DNS."""

import pytest

from cockpit_getmail.endpoint import Endpoint, ascii_host, choose_tls, find_policy, is_address, is_loopback
from cockpit_getmail.problem import Problem

ENDPOINT = Endpoint("server.example", 143)


@pytest.mark.parametrize(
    ("policy", "seen", "offered", "expected"),
    [
        ("none", True, True, False),
        ("auto", False, True, True),
        ("auto", False, False, False),
        ("auto", True, True, True),
        ("auto", True, False, None),
        ("required", False, True, True),
        ("required", False, False, None),
    ],
)
def test_choice_of_tls(policy: str, seen: bool, offered: bool, expected: bool | None) -> None:
    if expected is not None:
        assert choose_tls(policy, seen=seen, offered=offered, server="s") is expected  # type: ignore[arg-type]
        return
    with pytest.raises(Problem) as raised:
        choose_tls(policy, seen=seen, offered=offered, server="s")  # type: ignore[arg-type]
    assert raised.value.cause == "tls"
    # Also who is only to show its certificate may have none, whatever the connector requires.
    assert "TLS is required" not in raised.value.message


@pytest.mark.parametrize(
    ("policy", "endpoint", "expected"),
    [
        ("auto", ENDPOINT, "auto"),
        ("auto", ENDPOINT._replace(fingerprint="ab" * 32), "required"),
        ("auto", ENDPOINT._replace(ca_pem="-----BEGIN"), "required"),
        ("auto", ENDPOINT._replace(ca_pem=""), "required"),
        ("none", ENDPOINT._replace(fingerprint="ab" * 32), "none"),
        ("required", ENDPOINT, "required"),
        ("none", ENDPOINT._replace(inspect=True), "required"),
    ],
)
def test_a_certificate_to_believe_calls_for_tls(policy: str, endpoint: Endpoint, expected: str) -> None:
    assert find_policy(policy, endpoint) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("mail.example", "mail.example"),
        ("mail.example.", "mail.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("STRASSE.Bücher.example", "strasse.xn--bcher-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
    ],
)
def test_host_names_as_dns_has_them(server: str, expected: str) -> None:
    assert ascii_host(server) == expected


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("127.1", False),
        ("1.2.3.4.5", False),
        ("mail.example", False),
        ("", False),
        ("a\0b", False),
    ],
)
def test_addresses_are_told_from_names(server: str, expected: bool) -> None:
    assert is_address(server) == expected


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("::ffff:127.0.0.2", True),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
        ("fe80::1%lo", False),
        ("2001:db8::1", False),
        ("0.0.0.0", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_loopback(address: str, is_local: bool) -> None:
    assert is_loopback(address) == is_local


@pytest.mark.parametrize(
    ("endpoint", "is_path", "place"),
    [
        (Endpoint("mail.example", 24), False, "mail.example port 24"),
        (Endpoint("::1", 24), False, "::1 port 24"),
        (Endpoint("/run/dovecot/lmtp", 0), True, "/run/dovecot/lmtp"),
    ],
)
def test_socket_of_this_host_has_no_port(endpoint: Endpoint, is_path: bool, place: str) -> None:
    assert (endpoint.is_path, endpoint.place) == (is_path, place)
