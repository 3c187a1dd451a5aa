# SPDX-License-Identifier: LGPL-2.1-or-later
"""A web server that gets callbacks, on 127.0.0.1; how it answers is said by the path of each.

with Receiver() as receiver:
    ...POST to receiver.url("/200"), receiver.url("/hang")...
assert receiver.calls[0].path == "/200"
"""

import json
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, NamedTuple

from tests.support.certificates import Certificate
from tests.support.web import WebServer

DRIP_SECONDS = 0.2
PATIENCE = 60.0


class Call(NamedTuple):
    path: str
    headers: Mapping[str, str]
    body: Any


class Receiver(WebServer):
    """`calls` are the requests that came, whatever they were answered; `/200`, `/500` and so on answer that.

    `/redirect?URL` leads to that URL, `/hang` says nothing, `/drip` an octet now and then, `/head` a header
    without an end, `/close` hangs up, `/raw` says what `raw` has; `/switch` answers as `status` says then,
    nothing if that is 0.
    """

    def __init__(self, certificate: Certificate | None = None, address: str = "127.0.0.1") -> None:
        super().__init__(certificate, address)
        self.calls: list[Call] = []
        self.status = 200
        self.raw = b""
        self._scheme = "https" if certificate else "http"

    def url(self, path: str, host: str = "") -> str:
        name = host or (f"[{self.address}]" if ":" in self.address else self.address)
        return f"{self._scheme}://{name}:{self.port}{path}"

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
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
            self.over.wait(PATIENCE)
        elif word == "raw":
            handler.wfile.write(self.raw)
        elif word == "drip":
            self._drip(handler, b"HTTP/1.1 200 OK\r\n" + b"X: " + b"x" * 1000)
        elif word == "head":
            handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not self.over.is_set():
                handler.wfile.write(b"X: y\r\n" * 100)

    def _drip(self, handler: BaseHTTPRequestHandler, data: bytes) -> None:
        for octet in data:
            handler.wfile.write(bytes([octet]))
            if self.over.wait(DRIP_SECONDS):
                break
