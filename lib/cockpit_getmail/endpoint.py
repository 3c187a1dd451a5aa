# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server, how it proves who it is, and when to ask it for TLS."""

from contextlib import suppress
from typing import Literal, NamedTuple

from cockpit_getmail.problem import failure, printable

Policy = Literal["auto", "required", "none"]


class Endpoint(NamedTuple):
    """A server and how it proves who it is; an absolute path for `server` is a socket of this host, port 0.

    With a `tunnel` (tunnel.py) it is what that program connects us with.
    With `ca_pem` only these certificate authorities are believed. With `fingerprint` (SHA-256 of the
    certificate in hexadecimal, colons allowed) only the server that has this very certificate is. With
    `inspect` the handshake ends in a Problem that shows the certificate, and nothing is ever sent; with
    `verify` it does so once the server has proved who it is.
    `client_pem` is what proves who we are: a certificate, what vouches for it, and its private key.
    """

    server: str
    port: int
    ca_pem: str | None = None
    fingerprint: str | None = None
    inspect: bool = False
    verify: bool = False
    client_pem: str | None = None
    tunnel: str = ""

    @property
    def is_path(self) -> bool:
        """Whether this is a socket in the file system."""
        return self.server.startswith("/")

    @property
    def place(self) -> str:
        """What a sentence calls it where its port matters."""
        if self.tunnel:
            return f"{self.server} through its Tunnel"
        return self.server if self.is_path else f"{self.server} port {self.port}"


def find_policy(policy: Policy, endpoint: Endpoint) -> Policy:
    """Return what a connector's TLS comes to: to name a certificate is to rule out a clear channel.

    A connection that is to show its certificate must not go on without one.
    """
    pinned = endpoint.fingerprint is not None or endpoint.ca_pem is not None
    only_shows = endpoint.inspect or endpoint.verify
    return "required" if only_shows or (pinned and policy == "auto") else policy


def choose_tls(policy: Policy, *, seen: bool, offered: bool, server: str) -> bool:
    """Return whether to ask for STARTTLS or STLS; raises Problem (tls) where a clear channel is not allowed.

    `seen` tells that this connector has spoken TLS with this mailbox before: then there is no way back.
    """
    if policy == "none":
        return False
    if offered:
        return True
    if policy == "required":
        raise failure("tls", f"{server} offers no encryption here, and there is no way without it.")
    if seen:
        raise failure(
            "tls", f"{server} no longer offers the encryption it offered before: someone may be listening."
        )
    return False


def ascii_host(server: str) -> str:
    """Return a host name as DNS and certificates have it (RFC 5891); addresses stay as they are."""
    if server.isascii():
        return server.rstrip(".") if not is_address(server) else server
    import idna

    try:
        return idna.encode(server.rstrip("."), uts46=True).decode()
    except idna.IDNAError as error:
        raise failure("network", f"{printable(server)} is not a host name: {error}.") from error


def is_address(server: str) -> bool:
    """Whether this is an IPv4 or IPv6 address; a zone may follow it (RFC 4007)."""
    import socket

    for family, text in ((socket.AF_INET, server), (socket.AF_INET6, server.partition("%")[0])):
        with suppress(OSError, ValueError):
            return bool(socket.inet_pton(family, text))
    return False


def is_loopback(address: str) -> bool:
    """Whether what is sent to an IPv4 or IPv6 address never leaves this host."""
    from ipaddress import IPv6Address, ip_address

    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return (mapped or found).is_loopback
