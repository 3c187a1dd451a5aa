# SPDX-License-Identifier: LGPL-2.1-or-later
import socket
import threading

from bench.proxy import Proxy


def test_it_passes_everything_on_and_counts_it() -> None:
    data = bytes(range(256)) * 4000
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_answer, args=(server, data), daemon=True).start()
        with Proxy("127.0.0.1", server.getsockname()[1], round_trip=0.002) as proxy:
            with socket.create_connection(("127.0.0.1", proxy.port)) as client:
                client.sendall(b"hello")
                client.shutdown(socket.SHUT_WR)
                assert client.makefile("rb").read() == data
            assert proxy.count() == len(data) + 5
            assert proxy.count() == 0


def _answer(server: socket.socket, data: bytes) -> None:
    with server.accept()[0] as client:
        if client.makefile("rb").read() == b"hello":
            client.sendall(data)
