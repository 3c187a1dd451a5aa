# SPDX-License-Identifier: LGPL-2.1-or-later
"""A web server whose answers a test makes: what Receiver and TokenEndpoint have in common."""

import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from tests.support.certificates import Certificate


class WebServer:
    """Listens while the `with` lasts; each GET and POST is for respond(), in a thread of its own.

    `over` is set at the end, before answers that still wait are waited for.
    """

    def __init__(self, certificate: Certificate | None = None, address: str = "127.0.0.1") -> None:
        self.over = threading.Event()
        self._certificate = certificate
        self.address = address

    def __enter__(self) -> Self:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                server.respond(self)

            do_GET = do_POST

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 128
            address_family = socket.AF_INET6 if ":" in server.address else socket.AF_INET

            def handle_error(self, *_: Any) -> None:
                pass

        self._server = Server((self.address, 0), Handler)
        if self._certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self._certificate.pem, self._certificate.key)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.over.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return self._server.server_port

    def respond(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer a request, whose body is not read yet."""
        raise NotImplementedError
