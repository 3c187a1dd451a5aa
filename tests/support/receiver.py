# SPDX-License-Identifier: LGPL-2.1-or-later
"""A web server that gets callbacks, on 127.0.0.1; how it answers is said by the path of each.

with Receiver() as receiver:
    ...POST to receiver.url("/200"), receiver.url("/hang")...
assert receiver.calls[0].path == "/200"
"""

import json
import socket
import ssl
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple

from tests.support.certificates import Certificate

DRIP_SECONDS = 0.2
PATIENCE = 60.0


class Call(NamedTuple):
    path: str
    headers: Mapping[str, str]
    body: Any


class Receiver:
    """`calls` are the requests that came, whatever they were answered; `/200`, `/500` and so on answer that.

    `/redirect?URL` leads to that URL, `/hang` says nothing, `/drip` an octet now and then, `/head` a header
    without an end, `/close` hangs up, `/raw` says what `raw` has; `/switch` answers as `status` says then,
    nothing if that is 0.
    """

    def __init__(self, certificate: Certificate | None = None, address: str = "127.0.0.1") -> None:
        self.calls: list[Call] = []
        self.status = 200
        self.raw = b""
        self.address = address
        self._scheme = "https" if certificate else "http"
        self._over = threading.Event()
        self._certificate = certificate

    def __enter__(self) -> "Receiver":
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                receiver.answer(self)

            do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 128
            address_family = socket.AF_INET6 if ":" in receiver.address else socket.AF_INET

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server((self.address, 0), Handler)
        if self._certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificate.pem, self._certificate.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_port
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def url(self, path: str, host: str = "") -> str:
        name = host or (f"[{self.address}]" if ":" in self.address else self.address)
        return f"{self._scheme}://{name}:{self.port}{path}"

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        size = int(handler.headers.get("Content-Length", "0"))
        data = handler.rfile.read(size)
        self.calls.append(Call(handler.path, dict(handler.headers), json.loads(data) if data else None))
        word = handler.path.partition("?")[0].split("/")[1]
        if word == "switch":
            word = str(self.status or "hang")
        if word.isdecimal():
            handler.send_response(int(word))
            handler.end_headers()
        elif word == "redirect":
            handler.send_response(307)
            handler.send_header("Location", handler.path.partition("?")[2])
            handler.end_headers()
        elif word == "hang":
            self._over.wait(PATIENCE)
        elif word == "raw":
            handler.wfile.write(self.raw)
        elif word == "drip":
            self._drip(handler, b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 1000)
        elif word == "head":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not self._over.is_set():
                handler.wfile.write(b"X: y\r\n" * 100)

    def _drip(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        for octet in data:
            handler.wfile.write(bytes([octet]))
            if self._over.wait(DRIP_SECONDS):
                break
