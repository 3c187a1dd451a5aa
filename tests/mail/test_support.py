# SPDX-License-Identifier: LGPL-2.1-or-later
"""The servers that other tests stand on do what these tests think they do."""

import imaplib
import os
import poplib
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import Authority, Certificate
from tests.support.dovecot import Dovecot, make_message
from tests.support.hostile import Server, close
from tests.support.proxy import Proxy

PASSWORD = " |\\=%\"'é😀  "


@pytest.fixture(scope="module")
def dovecot(authority: Authority) -> Iterator[Dovecot]:
    with Dovecot({"a b|%u": PASSWORD}, certificate=authority.issue()) as running:
        running.fill("a b|%u", 20, 3000)
        yield running


def test_imap_over_tls_gives_the_very_octets(authority: Authority, dovecot: Dovecot) -> None:
    client = imaplib.IMAP4_SSL(dovecot.host, dovecot.imaps, ssl_context=trust(authority.ca))
    client.authenticate("PLAIN", lambda _: f"\0a b|%u\0{PASSWORD}".encode())
    client.select(readonly=True)
    _, answer = client.uid("FETCH", "1:*", "BODY.PEEK[]")
    client.logout()
    assert [part[1] for part in answer[::2]] == [make_message(number, 3000) for number in range(1, 21)]


def test_starttls_and_stls(authority: Authority, dovecot: Dovecot) -> None:
    imap = imaplib.IMAP4(dovecot.host, dovecot.imap)
    imap.starttls(trust(authority.ca))
    imap.logout()
    pop3 = poplib.POP3(dovecot.host, dovecot.pop3)
    pop3.stls(trust(authority.ca))
    pop3.user("a b|%u")
    pop3._shortcmd(f"PASS {PASSWORD}")  # type: ignore[attr-defined]
    assert pop3.stat()[0] == 20
    pop3.quit()


@pytest.mark.parametrize("kind", ["expired", "wrong_host", "self_signed"])
def test_bad_certificate_is_bad(authority: Authority, kind: str) -> None:
    certificate: Certificate = getattr(authority, kind)()
    with Dovecot({"me": "x"}, certificate=certificate) as server, pytest.raises(ssl.SSLCertVerificationError):
        imaplib.IMAP4_SSL(server.host, server.imaps, ssl_context=trust(authority.ca))


def test_mailbox_changes_behind_the_back() -> None:
    with Dovecot({"me": "x"}) as server:
        server.fill("me", 5)
        assert server.uids("me") == [1, 2, 3, 4, 5]
        server.expunge("me", 3)
        server.set_uidvalidity("me", 4711)
        client = imaplib.IMAP4(server.host, server.imap)
        client.login("me", "x")
        client.select()
        assert client.response("UIDVALIDITY")[1] == [b"4711"]
        client.uid("STORE", "4", "+FLAGS", "(\\Seen)")
        client.logout()
        assert server.uids("me") == [1, 2, 4, 5]
        assert server.flags("me") == ["", "", "S", ""]


def test_dovecot_without_tls_refuses_a_clear_log_in_from_another_address() -> None:
    with Dovecot({"me": "x"}, host="127.0.0.2", disable_plaintext_auth=True) as server:
        client = imaplib.IMAP4(server.host, server.imap)
        assert "LOGINDISABLED" in client.capabilities
        client.shutdown()


def test_password_can_change() -> None:
    with Dovecot({"me": "x"}) as server:
        for password in ("x", "y"):
            server.set_password("me", password)
            client = imaplib.IMAP4(server.host, server.imap)
            assert client.login("me", password)[0] == "OK"
            client.logout()


def test_dovecot_ends_when_its_test_is_killed() -> None:
    program = (
        "import sys, time\n"
        "from tests.support.dovecot import Dovecot\n"
        "with Dovecot({'me': 'x'}) as server:\n"
        "    print(server.imap, flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout
        port = int(child.stdout.readline())
        socket.create_connection(("127.0.0.1", port)).close()
        os.kill(child.pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while is_open(port):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def echo() -> Iterator[int]:
    """A server that sends 100,000 octets, then gives back what it gets; its port."""
    program = (
        "import socketserver\n"
        "class Echo(socketserver.BaseRequestHandler):\n"
        "    def handle(self):\n"
        "        self.request.sendall(b'x' * 100_000)\n"
        "        while data := self.request.recv(1000): self.request.sendall(data)\n"
        "server = socketserver.ThreadingTCPServer(('127.0.0.1', 0), Echo)\n"
        "print(server.server_address[1], flush=True)\n"
        "server.serve_forever()\n"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    with child:
        assert child.stdout
        yield int(child.stdout.readline())
        child.kill()


def test_proxy_passes_all_on(echo: int) -> None:
    with Proxy("127.0.0.1", echo) as proxy, connect(proxy) as client:
        assert len(read(client, 100_000)) == 100_000
        client.sendall(b"hello")
        assert read(client, 5) == b"hello"
        client.shutdown(socket.SHUT_WR)
        assert client.recv(10) == b""
        assert (proxy.connections, proxy.cuts, proxy.server_octets) == (1, 0, 100_005)


@pytest.mark.parametrize("reset", [False, True])
def test_proxy_cuts_after_so_many_octets(echo: int, reset: bool) -> None:
    with Proxy("127.0.0.1", echo, cut_after=50_000, reset=reset) as proxy:
        with connect(proxy) as client:
            if reset:
                with pytest.raises(ConnectionResetError):
                    read(client, 100_000)
            else:
                assert len(read(client, 100_000)) == 50_000
        assert (proxy.cuts, proxy.server_octets) == (1, 50_000)
        proxy.cut_after = None
        with connect(proxy) as client:
            assert len(read(client, 100_000)) == 100_000


def test_proxy_cuts_when_told(echo: int) -> None:
    with Proxy(
        "127.0.0.1", echo, cut_when=lambda sender, data: (sender, data) == ("client", b"cut")
    ) as proxy:
        with connect(proxy) as client:
            read(client, 100_000)
            client.sendall(b"go on")
            assert read(client, 5) == b"go on"
            client.sendall(b"cut")
            assert client.recv(10) == b""
        with connect(proxy) as client:
            assert read(client, 100_000)
            proxy.cut()
            assert client.recv(10) == b""
        assert proxy.cuts == 2


def test_proxy_hides_words(echo: int) -> None:
    with Proxy("127.0.0.1", echo, hide=(b"STARTTLS", b"AUTH")) as proxy, connect(proxy) as client:
        read(client, 100_000)
        client.sendall(b"250 STARTTLS AUTH")
        assert read(client, 17) == b"250 XXXXXXXX XXXX"


def test_proxy_delays_each_way(echo: int) -> None:
    with Proxy("127.0.0.1", echo, delay=0.1) as proxy, connect(proxy) as client:
        read(client, 100_000)
        start = time.monotonic()
        client.sendall(b"hello")
        read(client, 5)
        assert time.monotonic() - start > 0.19


def test_what_a_server_said_before_it_closed_arrives() -> None:
    """However much of what the client says it has not read."""
    with (
        Server([b"1\r\n", close]) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=10) as client,
    ):
        for _ in range(100):
            client.sendall(bytes(100_000))
        assert client.recv(10) == b"1\r\n"
        assert client.recv(10) == b""


def trust(ca: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


def connect(proxy: Proxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=10)


def read(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (piece := client.recv(size - len(data))):
        data += piece
    return data


def is_open(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
