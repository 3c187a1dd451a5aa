# SPDX-License-Identifier: LGPL-2.1-or-later
"""A TCP proxy that breaks a connection where a test wants it broken, or makes it slow.

    with Proxy(dovecot.host, dovecot.imap, cut_after=50_000) as proxy:
        ...connect to 127.0.0.1, proxy.port: it breaks after 50,000 octets from the server...
        proxy.cut_after = None      # and holds from now on

What it counts and cuts are octets as they travel: ciphertext if the channel is encrypted.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Literal

Sender = Literal["client", "server"]
CutWhen = Callable[[Sender, bytes], bool]
Pieces = asyncio.Queue[tuple[float, bytes]]
PIECE = 16 << 10
PIECES = 256


class Proxy:
    """A way to a server. What a test sets here holds for what comes next, on open connections too.

    A connection is cut after `cut_after` octets from the server, or when `cut_when` says so of a piece, which
    then does not arrive. `delay` is in seconds, one way. `reset` cuts with RST instead of an orderly end.
    In what the server says each of the words to `hide` becomes one that nobody knows.
    Port 0 to `listen` at is a free one.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        cut_after: int | None = None,
        cut_when: CutWhen | None = None,
        delay: float = 0.0,
        reset: bool = False,
        hide: Sequence[bytes] = (),
        listen: tuple[str, int] = ("127.0.0.1", 0),
    ) -> None:
        self.cut_after = cut_after
        self.cut_when = cut_when
        self.delay = delay
        self.reset = reset
        self.hide = hide
        self.connections = 0
        self.cuts = 0
        self.server_octets = 0
        """Passed on, by all connections together."""
        self._server = (host, port)
        family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
        self._listener = socket.create_server(listen, family=family)
        self.port: int = self._listener.getsockname()[1]
        self._links: set[_Link] = set()
        self._loop: asyncio.AbstractEventLoop
        self._stop: asyncio.Event
        self._serves = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def __enter__(self) -> "Proxy":
        self._thread.start()
        self._serves.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def cut(self) -> None:
        """Cut all connections now."""
        asyncio.run_coroutine_threadsafe(self._cut(), self._loop).result()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._connect, sock=self._listener)
        self._serves.set()
        await self._stop.wait()
        server.close()
        for link in self._links:
            link.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            server = await asyncio.open_connection(*self._server)
        except OSError:
            writer.transport.abort()
            return
        link = _Link(self, (reader, writer), server)
        self._links.add(link)
        try:
            await link.run()
        finally:
            self._links.discard(link)

    async def _cut(self) -> None:
        for link in list(self._links):
            link.cut()


class _Link:
    """One connection."""

    def __init__(
        self,
        proxy: Proxy,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        self._proxy = proxy
        self._client_reader, self._client_writer = client
        self._server_reader, self._server_writer = server
        self._received = 0
        self._is_cut = False

    async def run(self) -> None:
        try:
            # Whoever ends first, the other one may still have something to say.
            await asyncio.gather(
                self._carry("client", self._client_reader, self._server_writer),
                self._carry("server", self._server_reader, self._client_writer),
            )
        finally:
            self._client_writer.close()
            self._server_writer.close()

    def cut(self) -> None:
        self._is_cut = True
        self._proxy.cuts += 1
        for writer in (self._client_writer, self._server_writer):
            if self._proxy.reset:
                linger = struct.pack("ii", 1, 0)
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                writer.transport.abort()
            else:
                writer.close()

    def abort(self) -> None:
        for writer in (self._client_writer, self._server_writer):
            writer.transport.abort()

    async def _carry(
        self, sender: Sender, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        pieces: Pieces = asyncio.Queue(PIECES)
        reading = asyncio.create_task(self._read(reader, pieces))
        try:
            await self._write(sender, writer, pieces)
        finally:
            reading.cancel()

    async def _read(self, reader: asyncio.StreamReader, pieces: Pieces) -> None:
        data = b"."
        while data:
            data = b""
            with suppress(OSError):
                data = await reader.read(PIECE)
            await pieces.put((_now() + self._proxy.delay, data))

    async def _write(self, sender: Sender, writer: asyncio.StreamWriter, pieces: Pieces) -> None:
        last = False
        while not last:
            due, data = await pieces.get()
            await asyncio.sleep(due - _now())
            if self._is_cut or not data:
                break
            data, last = self._admit(sender, data)
            with suppress(OSError):
                writer.write(data)
                await writer.drain()
        if last and not self._is_cut:
            self.cut()
        if not self._is_cut:
            with suppress(OSError):
                writer.write_eof()

    def _admit(self, sender: Sender, data: bytes) -> tuple[bytes, bool]:
        """Return what may pass, and whether it is the last."""
        if self._proxy.cut_when and self._proxy.cut_when(sender, data):
            return b"", True
        if sender == "client":
            return data, False
        for word in self._proxy.hide:
            data = data.replace(word, b"X" * len(word))
        limit = self._proxy.cut_after
        last = limit is not None and self._received + len(data) >= limit
        if limit is not None and last:
            data = data[: max(0, limit - self._received)]
        self._received += len(data)
        self._proxy.server_octets += len(data)
        return data, last


def _now() -> float:
    return asyncio.get_running_loop().time()
