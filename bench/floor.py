# SPDX-License-Identifier: LGPL-2.1-or-later
"""The least a fetch could take: octets read raw from a socket, written as files, made durable by the batch.

`floor.py PORT MAILDIR` asks the server below and delivers what it sends: how many messages, their sizes, and
the messages, one after the other. Nothing is understood, recorded or checked.
"""

import ctypes
import os
import socket
import struct
import sys
import threading
from collections.abc import Sequence
from types import TracebackType

BATCH = 250
NUMBER = struct.Struct("!I")


class Server:
    """Sends the same messages to whoever connects."""

    def __init__(self, messages: Sequence[bytes]) -> None:
        sizes = b"".join(NUMBER.pack(len(message)) for message in messages)
        self._answer = b"".join([NUMBER.pack(len(messages)), sizes, *messages])
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> "Server":
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        try:
            while True:
                client = self._listener.accept()[0]
                with client:
                    client.recv(1)
                    client.sendall(self._answer)
        except OSError:
            return


def main(port: int, maildir: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    folder = os.open(maildir, os.O_RDONLY)
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as source:
        connection.sendall(b".")
        (count,) = NUMBER.unpack(source.read(NUMBER.size))
        sizes = [size for (size,) in NUMBER.iter_unpack(source.read(NUMBER.size * count))]
        for begin in range(0, count, BATCH):
            for number, size in enumerate(sizes[begin : begin + BATCH], begin):
                with open(f"{maildir}/new/{number}", "wb", buffering=0) as file:
                    file.write(source.read(size))
            if libc.syncfs(folder):
                raise OSError(ctypes.get_errno(), "syncfs")


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
