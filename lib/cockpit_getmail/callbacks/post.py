# SPDX-License-Identifier: LGPL-2.1-or-later
"""One POST to a receiver nobody vouches for: in bounded time, to a checked address, never redirected."""

import http.client
import io
import time
from collections.abc import Callable
from typing import Any

from cockpit_getmail import __version__
from cockpit_getmail.callbacks.url import Target, parse_url
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import failure
from cockpit_getmail.transport import Connection

POST_SECONDS = 10.0
"""For all of it, looking up the name included."""
ANSWER_LIMIT = 16 << 10
"""So many octets of an answer are read: its first line and its header."""


def post(
    url: str,
    body: bytes,
    webhook_id: str,
    permit: Callable[[str], object] | None,
    seconds: float = POST_SECONDS,
    ca_pem: str | None = None,
) -> int:
    """Send JSON; return the status of the answer (RFC 9110 section 15), whichever it is.

    `permit` raises Problem for an address that must not be connected to: all that the host's name stands for
    are held against it. Raises Problem (connector, policy, network, tls, protocol).
    """
    target = parse_url(url)
    deadline = time.monotonic() + seconds
    connection = Connection.open(
        Endpoint(target.host, target.port, ca_pem),
        implicit_tls=target.scheme == "https",
        timeout=seconds,
        deadline=deadline,
        permit=permit,
    )
    try:
        return _exchange(connection, target, body, webhook_id)
    except http.client.HTTPException as error:
        message = f"{target.authority} did not answer in HTTP ({type(error).__name__})."
        raise failure("protocol", message) from error
    finally:
        connection.close()


def _exchange(connection: Connection, target: Target, body: bytes, webhook_id: str) -> int:
    client = http.client.HTTPConnection(target.host, target.port)
    client.sock = _Channel(connection, target)
    client.putrequest("POST", target.path, skip_host=True, skip_accept_encoding=True)
    client.putheader("Host", target.authority)
    client.putheader("Connection", "close")
    client.putheader("User-Agent", f"cockpit-getmail/{__version__}")
    client.putheader("Content-Type", "application/json")
    client.putheader("Content-Length", str(len(body)))
    client.putheader("webhook-id", webhook_id)
    client.endheaders(body)
    with client.getresponse() as response:
        return response.status


class _Channel:
    """What http.client needs of a socket. Nothing is ever read beyond ANSWER_LIMIT."""

    def __init__(self, connection: Connection, target: Target) -> None:
        self._connection = connection
        self._target = target

    def sendall(self, data: bytes) -> None:
        self._connection.write(data)

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Answer(self._connection, self._target))

    def close(self) -> None:
        self._connection.close()


class _Answer(io.RawIOBase):
    def __init__(self, connection: Connection, target: Target) -> None:
        self._connection = connection
        self._target = target
        self._left = ANSWER_LIMIT

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise failure("protocol", f"The answer of {self._target.authority} had no end.")
        data = self._connection.read_some(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        return len(data)
