# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which servers are this machine, told without DNS."""

import os
import socket

import pytest

from cockpit_getmail.actions.this_host import is_this_host

HOST = os.uname().nodename


@pytest.mark.parametrize(
    "server",
    [
        "localhost",
        "LOCALHOST.",
        "imap.localhost",
        "127.0.0.1",
        "127.255.3.4",
        "::1",
        "0:0:0:0:0:0:0:1",
        "::ffff:127.0.0.1",
        "0.0.0.0",
        "::",
        HOST,
        HOST.upper(),
        HOST.partition(".")[0],
    ],
)
def test_this_machine(server: str) -> None:
    assert is_this_host(server)


@pytest.mark.parametrize(
    "server",
    [
        "mail.example",
        "localhost.example",
        "192.0.2.1",
        "2001:db8::1",
        "::ffff:192.0.2.1",
        "128.0.0.1",
        "127.1",
    ],
)
def test_another_machine(server: str) -> None:
    assert not is_this_host(server)


def test_address_of_an_interface() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: this asks the kernel from which address it would.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            pytest.skip("This machine has no network.")
        own = probe.getsockname()[0]
    assert is_this_host(own)
    assert is_this_host(f"::ffff:{own}")
