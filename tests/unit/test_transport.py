# SPDX-License-Identifier: LGPL-2.1-or-later
"""Connection on a socket pair: bounds on lines, octets and time. TLS and hostile servers: tests/mail."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem
from cockpit_getmail.transport import Connection

ENDPOINT = Endpoint("server.example", 143)


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    ours, theirs = socket.socketpair()
    connection = Connection(ours, ENDPOINT, 5.0, None)
    yield connection, theirs
    connection.close()
    theirs.close()


def test_lines_and_octets_come_in_order(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    peer.sendall(b"a line\r\n12345678another\n")
    assert connection.read_line(100) == b"a line\r\n"
    assert connection.read(8) == b"12345678"
    assert connection.read_line(100) == b"another\n"


def test_some_is_at_least_one_octet(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    peer.sendall(b"abc")
    assert connection.read_some(2) == b"ab"
    assert connection.read_some(2) == b"c"


def test_line_over_the_limit_is_protocol(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    peer.sendall(b"x" * 100)
    with pytest.raises(Problem) as raised:
        connection.read_line(50)
    assert raised.value.cause == "protocol"


@pytest.mark.parametrize("method", ["read_line", "read", "read_some"])
def test_end_of_the_connection_is_network_never_short_data(
    pair: tuple[Connection, socket.socket], method: str
) -> None:
    connection, peer = pair
    if method != "read_some":
        peer.sendall(b"abc")
    peer.close()
    with pytest.raises(Problem) as raised:
        getattr(connection, method)(10)
    assert raised.value.cause == "network"
    assert "closed the connection" in raised.value.message


def test_silence_ends_at_the_timeout() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        connection = Connection(ours, ENDPOINT, 0.05, None)
        with pytest.raises(Problem) as raised:
            connection.read(1)
        connection.close()
    assert raised.value.cause == "network"
    assert "silent" in raised.value.message


def test_deadline_holds_for_the_whole(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    connection.limit_time(0.05)
    peer.sendall(b"x")
    with pytest.raises(Problem) as raised:
        connection.read(2)
    assert raised.value.cause == "network"
    with pytest.raises(Problem):
        connection.write(b"too late")


def test_limit_time_never_gives_more(pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    connection.limit_time(0.05)
    connection.limit_time(1000)
    with pytest.raises(Problem) as raised:
        connection.read(1)
    assert "took too long" in raised.value.message


def test_data_in_clear_before_the_handshake_is_refused(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    peer.sendall(b"OK begin TLS\r\ninjected\r\n")
    connection.read_line(100)
    with pytest.raises(Problem) as raised:
        connection.start_tls()
    assert raised.value.cause == "tls"
    assert connection.tls is None


def test_name_that_does_not_exist_is_network() -> None:
    with pytest.raises(Problem) as raised:
        Connection.open(Endpoint("no-such-host.invalid", 143), implicit_tls=False, timeout=5)
    assert raised.value.cause == "network"


def test_address_of_a_family_that_is_switched_off_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with ipv6.disable=1 on the kernel's command line."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        known = (socket.AF_INET, socket.SOCK_STREAM, 6, "", listener.getsockname())
        unknown = (socket.AF_APPLETALK + 1000, *known[1:])
        for addresses in ([unknown, known], [unknown]):
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, found=addresses, **__: found)
            endpoint = Endpoint("mail.example", 143)
            if known in addresses:
                Connection.open(endpoint, implicit_tls=False, timeout=5).close()
                continue
            with pytest.raises(Problem) as raised:
                Connection.open(endpoint, implicit_tls=False, timeout=5)
            assert raised.value.cause == "network"


def test_refused_connection_says_so() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(Problem) as raised:
            Connection.open(Endpoint("127.0.0.1", bound.getsockname()[1]), implicit_tls=False, timeout=5)
    assert raised.value.cause == "network"
    assert "refuses" in raised.value.message


def test_socket_by_its_path(tmp_path: Path) -> None:
    endpoint = Endpoint(str(tmp_path / "socket"), 0)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(endpoint.server)
        listener.listen()
        connection = Connection.open(endpoint, implicit_tls=False, timeout=5)
        peer, _ = listener.accept()
        with peer:
            peer.sendall(b"hello\r\n")
            assert connection.read_line(100) == b"hello\r\n"
        connection.close()
    with pytest.raises(Problem) as raised:
        Connection.open(endpoint, implicit_tls=False, timeout=5)
    assert raised.value.message == f"{endpoint.server} refuses connections."


@pytest.mark.parametrize(
    ("path", "reason"), [("nothing", "No such file or directory"), ("x" * 200, "AF_UNIX path too long")]
)
def test_socket_that_cannot_be(tmp_path: Path, path: str, reason: str) -> None:
    with pytest.raises(Problem) as raised:
        Connection.open(Endpoint(f"{tmp_path}/{path}", 0), implicit_tls=False, timeout=5)
    assert raised.value.cause == "network"
    assert raised.value.message == f"{tmp_path}/{path} cannot be reached: {reason}."


def test_time_can_be_given_anew(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    connection.limit_time(0.0)
    connection.allow_time(5.0, 5.0)
    peer.sendall(b"x")
    assert connection.read(1) == b"x"
    connection.allow_time(0.05, 5.0)
    with pytest.raises(Problem) as raised:
        connection.read(1)
    assert "silent for 0.05 seconds" in raised.value.message


def test_unread_is_what_has_come_with_something_else(pair: tuple[Connection, socket.socket]) -> None:
    connection, peer = pair
    assert not connection.has_unread
    peer.sendall(b"one\r\ntwo\r\n")
    connection.read_line(100)
    assert connection.has_unread
    assert connection.read_line(100) == b"two\r\n"
    assert not connection.has_unread
