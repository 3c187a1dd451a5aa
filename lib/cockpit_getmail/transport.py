# SPDX-License-Identifier: LGPL-2.1-or-later
"""The only door to sockets: connecting, time limits, bounded reading. TLS is in tls.py."""

import io
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from cockpit_getmail.endpoint import Endpoint, ascii_host, is_address, is_loopback
from cockpit_getmail.problem import Problem, failure

if TYPE_CHECKING:
    from cockpit_getmail.tunnel import Tunnel

READ_BUFFER = 256 << 10


class Connection:
    """A connection with a limit on silence (`timeout`, seconds) and on the whole (`deadline`, monotonic).

    Every method raises Problem: cause network for what a network does, tls, or protocol for an answer
    out of all bounds.
    """

    def __init__(
        self,
        sock: socket.socket,
        endpoint: Endpoint,
        timeout: float,
        deadline: float | None,
        tunnel: "Tunnel | None" = None,
    ) -> None:
        self._sock = sock
        self._tunnel = tunnel
        self._endpoint = endpoint
        self._timeout = timeout
        self._deadline = deadline
        self._reader = io.BufferedReader(_Raw(self), READ_BUFFER)
        self._peek_only = False
        self.tls: str | None = None

    @classmethod
    def open(
        cls,
        endpoint: Endpoint,
        *,
        implicit_tls: bool,
        timeout: float,
        deadline: float | None = None,
        permit: Callable[[str], object] | None = None,
    ) -> "Connection":
        """Connect to the first address that answers; with `implicit_tls` shake hands (RFC 8314 section 3).

        `permit` gets each address that the server's name stands for, before any is connected to, and raises
        what shall stop this.
        """
        if endpoint.tunnel:
            from cockpit_getmail.tunnel import Tunnel

            tunnel = Tunnel(endpoint.tunnel)
            connection = cls(tunnel.socket, endpoint, timeout, deadline, tunnel)
        else:
            connection = cls(_connect(endpoint, timeout, deadline, permit), endpoint, timeout, deadline)
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
        if not self._has_addresses:
            return False
        try:
            return bool(self._sock.getpeername()[0] == self._sock.getsockname()[0])
        except OSError:
            return False

    @property
    def is_private(self) -> bool:
        """Whether nobody on the way can listen: there is TLS, or no way, as the server is on the loopback.

        Where a tunnel leads only who has dug it knows.
        """
        if self.tls:
            return True
        if not self._has_addresses:
            return False
        try:
            return is_loopback(self._sock.getpeername()[0])
        except OSError:
            return False

    def binding(self) -> tuple[str, bytes] | None:
        """Return the name and data of a binding (RFC 5056) to this very channel, None where there is none."""
        from cockpit_getmail import tls

        return tls.find_binding(self._sock)

    def start_tls(self) -> None:
        """Turn the connection into TLS with a verified peer. Data in clear not read yet is an attack."""
        if self._buffered():
            raise failure(
                "tls", f"{self._endpoint.server} sent data in clear after agreeing to TLS: refused."
            )
        self._arm()
        from cockpit_getmail import tls

        try:
            self._sock = encrypted = tls.shake_hands(self._sock, self._endpoint)
        except OSError as error:
            raise self._broken(error) from error
        except Problem as problem:
            cause = problem.__cause__
            ended = self._tunnel and isinstance(cause, OSError) and tls.is_end(cause)
            reason = self._tunnel.explain_end() if self._tunnel and ended else None
            # Nothing is said to a stranger, not even goodbye.
            self.close()
            raise reason or problem from cause
        self._reader = io.BufferedReader(_Raw(self), READ_BUFFER)
        self.tls = encrypted.version()

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

    def read_to_end(self, limit: int) -> bytes:
        """Return what is there, at most `limit` octets; none once the server has closed the connection."""
        return self._reader.read1(limit)

    def write(self, data: bytes) -> None:
        """Send all of it. Raises Problem (network, tls)."""
        try:
            self._arm()
            self._sock.sendall(data)
        except OSError as error:
            raise self._broken(error) from error

    @property
    def has_unread(self) -> bool:
        """Whether something has come that was not read."""
        return self._buffered()

    def detach(self) -> tuple[socket.socket, bytes]:
        """Return the socket, and what came unread: for who goes on with it. close() is still due."""
        self._peek_only = True
        return self._sock, self._reader.peek(1)

    def allow_time(self, silence: float, seconds: float) -> None:
        """Give what comes next so much silence, and so many seconds in all, whatever was left."""
        self._timeout = silence
        self._deadline = time.monotonic() + seconds

    def limit_time(self, seconds: float) -> None:
        """Give what remains of this connection at most so many seconds."""
        end = time.monotonic() + seconds
        self._deadline = end if self._deadline is None else min(end, self._deadline)

    def close(self) -> None:
        """Close at once. Never raises."""
        with suppress(OSError):
            self._sock.close()
        if self._tunnel:
            self._tunnel.end()
            self._tunnel = None

    def receive_into(self, view: memoryview) -> int | None:
        if self._peek_only:
            return None
        self._arm()
        try:
            return self._sock.recv_into(view)
        except OSError as error:
            if self.tls and _is_end_of_tls(error):
                return 0
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
        if self._tunnel and (problem := self._tunnel.explain_end()):
            return problem
        if self.tls:
            from cockpit_getmail import tls

            if problem := tls.explain(error, self._endpoint):
                return problem
        return failure(
            "network", f"The connection to {self._endpoint.server} broke: {error.strerror or error}."
        )

    @property
    def _has_addresses(self) -> bool:
        return self._sock.family != socket.AF_UNIX

    def _lost(self) -> NoReturn:
        if self._tunnel and (problem := self._tunnel.explain_end()):
            raise problem
        raise failure("network", f"{self._endpoint.server} closed the connection.")


class _Raw(io.RawIOBase):
    """What io.BufferedReader reads from."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        return self._connection.receive_into(buffer)


def _is_end_of_tls(error: OSError) -> bool:
    from cockpit_getmail import tls

    return tls.is_end(error)


def _connect(
    endpoint: Endpoint, timeout: float, deadline: float | None, permit: Callable[[str], object] | None
) -> socket.socket:
    last: OSError | None = None
    addresses = _resolve(endpoint, timeout, deadline)
    if permit:
        for *_, address in addresses:
            permit(address[0])
    for number, (family, kind, protocol, _, address) in enumerate(addresses):
        # What time there is, is shared by the addresses not tried yet.
        share = _remaining(endpoint, timeout, deadline) / (len(addresses) - number)
        try:
            return _connect_to(socket.socket(family, kind, protocol), address, share)
        except OSError as error:
            last = error
    if isinstance(last, TimeoutError):
        raise _timed_out(endpoint, deadline, timeout) from last
    if isinstance(last, ConnectionRefusedError):
        where = "" if endpoint.is_path else f" on port {endpoint.port}"
        raise failure("network", f"{endpoint.server} refuses connections{where}.") from last
    reason = (last.strerror or last) if last else "no address"
    raise failure("network", f"{endpoint.place} cannot be reached: {reason}.") from last


def _connect_to(sock: socket.socket, address: Any, timeout: float) -> socket.socket:
    try:
        sock.settimeout(timeout)
        sock.connect(address)
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError:
        sock.close()
        raise
    return sock


def _resolve(endpoint: Endpoint, timeout: float, deadline: float | None) -> list[Any]:
    """Return getaddrinfo's answer in bounded time: the resolver itself knows no limit."""
    if endpoint.is_path:
        return [(socket.AF_UNIX, socket.SOCK_STREAM, 0, "", endpoint.server)]
    found: list[Any] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, endpoint.port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)

    host = ascii_host(endpoint.server)
    if is_address(host):
        return socket.getaddrinfo(
            host.encode(), endpoint.port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
        )
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
        return failure("network", f"{endpoint.place} took too long to answer.")
    return failure("network", f"{endpoint.place} was silent for {timeout:g} seconds.")
