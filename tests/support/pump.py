# SPDX-License-Identifier: LGPL-2.1-or-later
"""A tunnel: standard input and output are a connection to a host and port."""

import os
import socket
import sys
import threading


def main(host: str, port: str) -> None:
    server = socket.create_connection((host, int(port)))
    back = threading.Thread(target=pump, args=(server.fileno(), 1), daemon=True)
    back.start()
    pump(0, server.fileno())
    server.shutdown(socket.SHUT_WR)
    back.join()


def pump(source: int, target: int) -> None:
    while data := os.read(source, 65536):
        while data:
            data = data[os.write(target, data) :]


if __name__ == "__main__":
    main(*sys.argv[1:])
