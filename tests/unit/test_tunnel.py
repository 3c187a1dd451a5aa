# SPDX-License-Identifier: LGPL-2.1-or-later
"""Programs as connections. With servers at their other end: tests/mail/test_tunnel.py."""

import shlex

import pytest

from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem
from cockpit_getmail.transport import Connection
from cockpit_getmail.tunnel import Tunnel, split


def connect(tunnel: str, timeout: float = 10) -> Connection:
    return Connection.open(Endpoint("mail.example", 143, tunnel=tunnel), implicit_tls=False, timeout=timeout)


def test_standard_input_and_output_are_the_connection() -> None:
    connection = connect("/bin/cat")
    connection.write(b"one\r\ntwo")
    assert connection.read_line(100) == b"one\r\n"
    assert connection.read(3) == b"two"
    connection.close()
    connection.close()


def test_a_tunnel_is_nobodys_own_host() -> None:
    connection = connect("/bin/cat")
    assert not connection.peer_is_self
    assert not connection.is_private
    assert connection.binding() is None
    connection.close()


@pytest.mark.long
def test_megabytes_pass() -> None:
    connection = connect(shlex.join(["/bin/sh", "-c", "head -c 30000000 /dev/zero; cat"]))
    assert connection.read(30_000_000) == bytes(30_000_000)
    connection.write(b"x\n")
    assert connection.read_line(10) == b"x\n"
    connection.close()


def test_silence_has_its_limit() -> None:
    connection = connect("/bin/cat", timeout=0.1)
    with pytest.raises(Problem) as caught:
        connection.read_line(10)
    connection.close()
    assert caught.value.cause == "network"
    assert caught.value.message == "mail.example through its Tunnel was silent for 0.1 seconds."


def test_why_it_ended_is_told_once_it_has() -> None:
    tunnel = Tunnel("/bin/cat")
    assert tunnel.explain_end() is None
    tunnel.socket.close()
    problem = tunnel.explain_end()
    assert problem
    assert problem.message == "The Tunnel /bin/cat ended (exit status 0)."
    tunnel.end()


@pytest.mark.parametrize("command", ["", "cat", "./cat", "~/cat", "'/bin/cat", "$HOME/cat", "x /bin/cat"])
def test_a_program_has_an_absolute_path(command: str) -> None:
    with pytest.raises(Problem, match="absolute path") as caught:
        split(command)
    assert caught.value.cause == "connector"


def test_words_are_quoted_as_for_a_shell() -> None:
    words = ["/usr/bin/ssh", "-o", "A=b c", "d e", "f g", "$h"]
    assert split("/usr/bin/ssh -o 'A=b c' \"d e\" f\\ g $h") == words
