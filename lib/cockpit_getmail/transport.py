# SPDX-License-Identifier: LGPL-2.1-or-later
"""The only door to sockets: connecting, TLS, time limits, bounded reading."""

import hashlib
import hmac
import io
import ipaddress
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

from cockpit_getmail.problem import Problem, failure, printable

READ_BUFFER = 256 << 10
Policy = Literal["auto", "required", "none"]


@dataclass(frozen=True)
class Endpoint:
    """A server and how it proves who it is.

    With `ca_pem` only these certificate authorities are believed. With `fingerprint` (SHA-256 of the
    certificate in hexadecimal, colons allowed) only the server that has this very certificate is. With
    `inspect` the handshake ends in a Problem that shows the certificate, and nothing is ever sent.
    """

    server: str
    port: int
    ca_pem: str | None = None
    fingerprint: str | None = None
    inspect: bool = False


class Connection:
    """A TCP connection with a limit on silence (`timeout`, seconds) and on the whole (`deadline`, monotonic).

    Every method raises Problem: cause network for what a network does, tls, or protocol for an answer
    out of all bounds.
    """

    def __init__(
        self, sock: socket.socket, endpoint: Endpoint, timeout: float, deadline: float | None
    ) -> None:
        self._sock = sock
        self._endpoint = endpoint
        self._timeout = timeout
        self._deadline = deadline
        self._reader = io.BufferedReader(_Raw(self), READ_BUFFER)
        self._peek_only = False
        self.tls: str | None = None

    @classmethod
    def open(
        cls, endpoint: Endpoint, *, implicit_tls: bool, timeout: float, deadline: float | None = None
    ) -> "Connection":
        """Connect to the first address that answers; with `implicit_tls` shake hands (RFC 8314 section 3)."""
        sock = _connect(endpoint, timeout, deadline)
        connection = cls(sock, endpoint, timeout, deadline)
        if implicit_tls:
            try:
                connection.start_tls()
            except BaseException:
                connection.close()
                raise
        return connection

    @property
    def peer_is_self(self) -> bool:
        """Whether the server is this host: both ends have one address."""
        try:
            return bool(self._sock.getpeername()[0] == self._sock.getsockname()[0])
        except OSError:
            return False

    @property
    def sock(self) -> socket.socket:
        return self._sock

    def start_tls(self) -> None:
        """Turn the connection into TLS with a verified peer. Data in clear not read yet is an attack."""
        if self._buffered():
            raise failure(
                "tls", f"{self._endpoint.server} sent data in clear after agreeing to TLS: refused."
            )
        self._arm()
        try:
            self._sock = _context(self._endpoint).wrap_socket(
                self._sock, server_hostname=ascii_host(self._endpoint.server), suppress_ragged_eofs=False
            )
        except OSError as error:
            self._fail_handshake(error)
        try:
            self._check_certificate(self._sock)
        except Problem:
            # Nothing is said to a stranger, not even goodbye.
            self.close()
            raise
        self._reader = io.BufferedReader(_Raw(self), READ_BUFFER)
        self.tls = self._sock.version()

    def read_line(self, limit: int) -> bytes:
        """Return the next line with its end, of at most `limit` octets."""
        line = self._reader.readline(limit)
        if not line.endswith(b"\n"):
            if len(line) >= limit:
                raise failure("protocol", f"{self._endpoint.server} sent a line of more than {limit} octets.")
            self._lost()
        return line

    def read(self, size: int) -> bytes:
        """Return exactly `size` octets."""
        data = self._reader.read(size)
        if data is None or len(data) < size:
            self._lost()
        return data

    def read_some(self, limit: int = READ_BUFFER) -> bytes:
        """Return what is there, at least one octet and at most `limit`."""
        return self._reader.read1(limit) or self._lost()

    def write(self, data: bytes) -> None:
        try:
            self._arm()
            self._sock.sendall(data)
        except OSError as error:
            raise self._broken(error) from error

    def limit_time(self, seconds: float) -> None:
        """Give what remains of this connection at most so many seconds."""
        end = time.monotonic() + seconds
        self._deadline = end if self._deadline is None else min(end, self._deadline)

    def close(self) -> None:
        """Close at once. Never raises."""
        with suppress(OSError):
            self._sock.close()

    def receive_into(self, view: memoryview) -> int | None:
        if self._peek_only:
            return None
        self._arm()
        try:
            return self._sock.recv_into(view)
        except ssl.SSLEOFError:
            return 0
        except OSError as error:
            raise self._broken(error) from error

    def _buffered(self) -> bool:
        self._peek_only = True
        try:
            return bool(self._reader.peek(1))
        finally:
            self._peek_only = False

    def _arm(self) -> None:
        self._sock.settimeout(_remaining(self._endpoint, self._timeout, self._deadline))

    def _broken(self, error: OSError) -> Problem:
        if isinstance(error, TimeoutError):
            return _timed_out(self._endpoint, self._deadline, self._timeout)
        if isinstance(error, ssl.SSLError):
            return failure(
                "tls", f"The encrypted connection to {self._endpoint.server} broke: {_reason(error)}."
            )
        return failure(
            "network", f"The connection to {self._endpoint.server} broke: {error.strerror or error}."
        )

    def _lost(self) -> NoReturn:
        raise failure("network", f"{self._endpoint.server} closed the connection.")

    def _fail_handshake(self, error: OSError) -> NoReturn:
        server, port = self._endpoint.server, self._endpoint.port
        if isinstance(error, ssl.SSLCertVerificationError):
            message = f"The certificate of {server} is not trusted: {printable(error.verify_message)}."
            raise failure("tls", message, untrusted=True) from error
        if isinstance(error, ssl.SSLError) and error.reason in ("WRONG_VERSION_NUMBER", "HTTP_REQUEST"):
            raise failure("tls", f"{server} does not speak TLS on port {port}.") from error
        if isinstance(error, ssl.SSLError):
            raise failure("tls", f"TLS with {server} failed: {_reason(error)}.") from error
        raise self._broken(error) from error

    def _check_certificate(self, sock: ssl.SSLSocket) -> None:
        if not (self._endpoint.fingerprint or self._endpoint.inspect):
            return
        certificate = sock.getpeercert(binary_form=True)
        if certificate is None:
            raise failure("tls", f"{self._endpoint.server} showed no certificate.")
        found = hashlib.sha256(certificate).hexdigest()
        pinned = (self._endpoint.fingerprint or "").replace(":", "").lower()
        if not self._endpoint.inspect and hmac.compare_digest(found, pinned):
            return
        message = f"The certificate of {self._endpoint.server} is not the one that was trusted."
        raise failure("tls", message, untrusted=True, **describe_certificate(certificate))


class _Raw(io.RawIOBase):
    """What io.BufferedReader reads from."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        return self._connection.receive_into(buffer)


def find_policy(policy: Policy, endpoint: Endpoint) -> Policy:
    """Return what a connector's TLS comes to: to name a certificate is to rule out a clear channel.

    A connection that is to show its certificate must not go on without one.
    """
    pinned = endpoint.fingerprint is not None or endpoint.ca_pem is not None
    return "required" if endpoint.inspect or (pinned and policy == "auto") else policy


def choose_tls(policy: Policy, *, seen: bool, offered: bool, server: str) -> bool:
    """Return whether to ask for STARTTLS or STLS; raises Problem (tls) where a clear channel is not allowed.

    `seen` tells that this connector has spoken TLS with this mailbox before: then there is no way back.
    """
    if policy == "none":
        return False
    if offered:
        return True
    if policy == "required":
        raise failure("tls", f"{server} offers no encryption here, and TLS is required for this connector.")
    if seen:
        raise failure(
            "tls", f"{server} no longer offers the encryption it offered before: someone may be listening."
        )
    return False


def describe_certificate(certificate: bytes) -> dict[str, Any]:
    """Return fingerprint, subject and issuer (RFC 4514) of a certificate in DER. It has not been verified."""
    from cryptography import x509

    found: dict[str, Any] = {"fingerprint": hashlib.sha256(certificate).hexdigest()}
    try:
        parsed = x509.load_der_x509_certificate(certificate)
        found["subject"] = printable(parsed.subject.rfc4514_string())
        found["issuer"] = printable(parsed.issuer.rfc4514_string())
    except ValueError:
        found["subject"] = found["issuer"] = ""
    return found


def ascii_host(server: str) -> str:
    """Return a host name as DNS and certificates have it (RFC 5891); addresses stay as they are."""
    if server.isascii():
        return server.rstrip(".") if not _is_address(server) else server
    import idna

    try:
        return idna.encode(server.rstrip("."), uts46=True).decode()
    except idna.IDNAError as error:
        raise failure("network", f"{printable(server)} is not a host name: {error}.") from error


def _is_address(server: str) -> bool:
    try:
        ipaddress.ip_address(server)
    except ValueError:
        return False
    return True


def _context(endpoint: Endpoint) -> ssl.SSLContext:
    if endpoint.fingerprint or endpoint.inspect:
        # The very certificate is compared after the handshake, before a single octet is sent.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    try:
        return ssl.create_default_context(cadata=endpoint.ca_pem)
    except ssl.SSLError as error:
        raise failure("settings", f"CAFile holds no certificate in PEM form: {_reason(error)}.") from error


def _connect(endpoint: Endpoint, timeout: float, deadline: float | None) -> socket.socket:
    last: OSError | None = None
    addresses = _resolve(endpoint, timeout, deadline)
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        # What time there is, is shared by the addresses not tried yet.
        share = _remaining(endpoint, timeout, deadline) / (len(addresses) - number)
        try:
            return _connect_to(socket.socket(family, kind, protocol), address, share)
        except OSError as error:
            last = error
    server, port = endpoint.server, endpoint.port
    if isinstance(last, TimeoutError):
        raise _timed_out(endpoint, deadline, timeout) from last
    if isinstance(last, ConnectionRefusedError):
        raise failure("network", f"{server} refuses connections on port {port}.") from last
    reason = last.strerror if last else "no address"
    raise failure("network", f"{server} port {port} cannot be reached: {reason}.") from last


def _connect_to(sock: socket.socket, address: Any, timeout: float) -> socket.socket:
    try:
        sock.settimeout(timeout)
        sock.connect(address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        sock.close()
        raise
    return sock


def _resolve(endpoint: Endpoint, timeout: float, deadline: float | None) -> list[Any]:
    """Return getaddrinfo's answer in bounded time: the resolver itself knows no limit."""
    found: list[Any] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, endpoint.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)

    host = ascii_host(endpoint.server)
    if _is_address(host):
        return socket.getaddrinfo(host, endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(_remaining(endpoint, timeout, deadline))
    if not found:
        raise failure("network", f"The name server gave no answer for {endpoint.server}.")
    if isinstance(found[0], Exception):
        reason = getattr(found[0], "strerror", None) or found[0]
        raise failure("network", f"The name {endpoint.server} cannot be resolved: {reason}.") from found[0]
    return list(found[0])


def _remaining(endpoint: Endpoint, timeout: float, deadline: float | None) -> float:
    if deadline is None:
        return timeout
    left = deadline - time.monotonic()
    if left <= 0:
        raise _timed_out(endpoint, deadline, timeout)
    return min(timeout, left)


def _timed_out(endpoint: Endpoint, deadline: float | None, timeout: float) -> Problem:
    if deadline is not None and deadline - time.monotonic() <= 0:
        return failure("network", f"{endpoint.server} port {endpoint.port} took too long to answer.")
    return failure("network", f"{endpoint.server} port {endpoint.port} was silent for {timeout:g} seconds.")


def _reason(error: ssl.SSLError) -> str:
    return printable((error.reason or str(error)).lower().replace("_", " "))
