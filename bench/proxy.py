# SPDX-License-Identifier: LGPL-2.1-or-later
"""A way to a server that takes time, and counts: a process of its own, so that it takes none from others.

    with Proxy("127.0.0.1", dovecot.imap, round_trip=0.02) as proxy:
        ...connect to 127.0.0.1, proxy.port...
        proxy.count()       # octets since the last call, both ways together

Octets arrive half a round trip after they were sent. Nothing limits how many are under way.
"""

import queue
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from types import TracebackType

from bench import ROOT

PIECE = 256 << 10
Pieces = queue.SimpleQueue[tuple[float, bytes]]


class Proxy:
    def __init__(self, host: str, port: int, round_trip: float) -> None:
        argv = [sys.executable, "-m", "bench.proxy", host, str(port), str(round_trip / 2)]
        self._process = subprocess.Popen(
            argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.port = self._read()

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def count(self) -> int:
        """Return the octets that passed since the last call, both ways together."""
        assert self._process.stdin
        print(file=self._process.stdin, flush=True)
        return self._read()

    def _read(self) -> int:
        assert self._process.stdout
        return int(self._process.stdout.readline())


class _Count:
    """Octets since the last look."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._octets = 0

    def add(self, octets: int) -> None:
        with self._lock:
            self._octets += octets

    def take(self) -> int:
        with self._lock:
            octets, self._octets = self._octets, 0
            return octets


class _Way:
    """One direction of one connection."""

    def __init__(self, source: socket.socket, target: socket.socket, delay: float, count: _Count) -> None:
        self._source, self._target, self._delay, self._count = source, target, delay, count
        self._pieces: Pieces = queue.SimpleQueue()
        for work in (self._receive, self._send):
            threading.Thread(target=work, daemon=True).start()

    def _receive(self) -> None:
        data = b"."
        while data:
            data = b""
            with suppress(OSError):
                data = self._source.recv(PIECE)
            self._count.add(len(data))
            self._pieces.put((time.monotonic() + self._delay, data))

    def _send(self) -> None:
        data = b"."
        while data:
            due, data = self._pieces.get()
            if (wait := due - time.monotonic()) > 0:
                time.sleep(wait)
            with suppress(OSError):
                if data:
                    self._target.sendall(data)
                else:
                    self._target.shutdown(socket.SHUT_WR)


def serve(host: str, port: int, delay: float) -> None:
    """Say the port, and how much has passed for each line of input; end with the input."""
    listener = socket.create_server(("127.0.0.1", 0))
    count = _Count()
    threading.Thread(target=_accept, args=(listener, (host, port), delay, count), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    for _ in sys.stdin:
        print(count.take(), flush=True)


def _accept(listener: socket.socket, server: tuple[str, int], delay: float, count: _Count) -> None:
    while True:
        client = listener.accept()[0]
        ends = (client, socket.create_connection(server))
        for end in ends:
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for source, target in (ends, ends[::-1]):
            _Way(source, target, delay, count)


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
