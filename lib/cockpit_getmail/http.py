# SPDX-License-Identifier: LGPL-2.1-or-later
"""One request to a web server nobody vouches for: in bounded time and octets, never redirected."""

import http.client
import io
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from cockpit_getmail import __version__
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import failure
from cockpit_getmail.transport import Connection
from cockpit_getmail.url import Target, parse_url

HEAD_LIMIT = 16 << 10
"""So many octets of an answer are read for its first line and its header."""


class Answer(NamedTuple):
    """The answer (RFC 9110 section 15), whatever its status; the names of `headers` are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def exchange(
    url: str,
    method: str,
    headers: Mapping[str, str | bytes],
    body: bytes | Iterable[bytes],
    *,
    seconds: float,
    answer_limit: int,
    length: int | None = None,
    ca_pem: str | None = None,
    permit: Callable[[str], object] | None = None,
) -> Answer:
    """Send a request and return its answer, all within so many seconds, looking up the name included.

    `length` is that of a `body` in pieces. An answer's body may have `answer_limit` octets; with 0 it is not
    read. `permit` raises Problem for an address that must not be connected to: all that the host's name
    stands for are held against it. Raises Problem (connector, policy, network, tls, protocol).
    """
    target = parse_url(url)
    connection = Connection.open(
        Endpoint(target.host, target.port, ca_pem),
        implicit_tls=target.scheme == "https",
        timeout=seconds,
        deadline=time.monotonic() + seconds,
        permit=permit,
    )
    octets = len(body) if isinstance(body, bytes) else length
    try:
        channel = _Channel(connection, target, HEAD_LIMIT + answer_limit)
        client = http.client.HTTPConnection(target.host, target.port)
        client.sock = channel
        _send(client, target, method, {**headers, "Content-Length": str(octets)}, body)
        with client.getresponse() as response:
            channel.is_head = False
            read = _read(response, target, answer_limit) if answer_limit else b""
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, read)
    except (http.client.HTTPException, ValueError) as error:
        # A chunk of negative length is a ValueError there.
        message = f"{target.authority} did not answer in HTTP ({type(error).__name__})."
        raise failure("protocol", message) from error
    finally:
        connection.close()


def _send(
    client: http.client.HTTPConnection,
    target: Target,
    method: str,
    headers: Mapping[str, str | bytes],
    body: bytes | Iterable[bytes],
) -> None:
    client.putrequest(method, target.path, skip_host=True, skip_accept_encoding=True)
    client.putheader("Host", target.authority)
    client.putheader("Connection", "close")
    client.putheader("User-Agent", f"cockpit-getmail/{__version__}")
    for name, value in headers.items():
        client.putheader(name, value)
    client.endheaders(body)


def _read(response: http.client.HTTPResponse, target: Target, limit: int) -> bytes:
    body = response.read(limit + 1)
    if len(body) > limit:
        raise failure("protocol", f"{target.authority} answered more than {limit} octets.")
    if response.length:
        # http.client returns a body that was cut off as if it were whole.
        raise failure("network", f"{target.authority} closed the connection in its answer.")
    return body


class _Channel:
    """What http.client needs of a socket. Nothing is ever read beyond `limit`."""

    def __init__(self, connection: Connection, target: Target, limit: int) -> None:
        self._connection = connection
        self._target = target
        self._left = limit
        self.is_head = True

    def sendall(self, data: bytes) -> None:
        self._connection.write(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Answer(self))

    def close(self) -> None:
        """Do nothing: http.client says this before it has read a body, and a socket outlives it."""

    def read(self, limit: int) -> bytes:
        if self._left <= 0:
            raise failure("protocol", f"The answer of {self._target.authority} had no end.")
        limit = min(limit, self._left)
        # Only a body may end with the connection.
        data = self._connection.read_some(limit) if self.is_head else self._connection.read_to_end(limit)
        self._left -= len(data)
        return data


class _Answer(io.RawIOBase):
    """What io.BufferedReader reads from."""

    def __init__(self, channel: _Channel) -> None:
        self._channel = channel

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._channel.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
