# SPDX-License-Identifier: LGPL-2.1-or-later
"""A provider of tokens on 127.0.0.1 that is strict, and misbehaves on command: what a real one does not.

with TokenEndpoint() as provider:
    ...props TokenUrl=provider.url, RefreshToken=provider.refresh_token...

Each refresh token is good once: who uses one again loses all of them, as RFC 9700 section 4.14.2 has it.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl

from tests.support.web import WebServer

SECRET = "client-secret-4711"


class TokenEndpoint(WebServer):
    """`asked` are the forms that came; `refresh_token` is the one that is good now, empty if none is.

    `lifetime` is what access tokens are said to be good for, and `mark` is in each token. With `rotates`
    false a refresh token stays. `answer` is given, if it is set, in the place of a token: status and body. An
    exchange waits for `gate`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict[str, str]] = []
        self.lifetime = 3600
        self.rotates = True
        self.answer: tuple[int, bytes] | None = None
        self.mark = ""
        self.refresh_token = "refresh-0"
        self.gate = threading.Event()
        self.gate.set()
        self.arrived = threading.Event()
        self._lock = threading.Lock()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.gate.set()
        super().__exit__(kind, error, trace)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/token"

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        form = dict(parse_qsl(handler.rfile.read(int(handler.headers["Content-Length"])).decode()))
        status, body = self._respond(form)
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def _respond(self, form: dict[str, str]) -> tuple[int, bytes]:
        with self._lock:
            self.asked.append(form)
            number = len(self.asked)
        self.arrived.set()
        self.gate.wait(60)
        with self._lock:
            return self.answer or self._grant(form, number)

    def _grant(self, form: dict[str, str], number: int) -> tuple[int, bytes]:
        told: dict[str, Any] = {
            "access_token": f"access-{self.mark}{number}",
            "token_type": "Bearer",
            "expires_in": self.lifetime,
        }
        if form["grant_type"] == "refresh_token":
            if form["refresh_token"] != self.refresh_token:
                self.refresh_token = ""
                return 400, json.dumps({"error": "invalid_grant", "error_description": "reused"}).encode()
            if self.rotates:
                self.refresh_token = told["refresh_token"] = f"refresh-{self.mark}{number}"
        return 200, json.dumps(told).encode()


def make_props(provider: TokenEndpoint, port: int, **props: str) -> dict[str, str]:
    """Return the props of a connector with tokens from here, for a POP3 server on 127.0.0.1."""
    return {
        "Retriever": "SimplePOP3Retriever",
        "Server": "127.0.0.1",
        "Port": str(port),
        "Username": "u",
        "Provider": "custom",
        "TokenUrl": provider.url,
        "ClientId": "id",
        "ClientSecret": SECRET,
        "RefreshToken": provider.refresh_token,
        **props,
    }
