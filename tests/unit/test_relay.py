# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes through a relay, and how it ends, with servers that do what no real one can be made to do."""

import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cockpit_getmail import relay
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.settings import Settings
from tests.support.certificates import Authority
from tests.support.fetching import make_connector
from tests.support.hostile import Script, Server, Step, close, hang, imap, read, repeat, reset, tagged

SETTINGS = Settings(remote_timeout=5.0)
CAPABILITY = r"(?P<tag>\S+) CAPABILITY"
KNOWN = b"* CAPABILITY IMAP4rev1 IDLE\r\n"
MUCH = 8 << 20
greet = (CAPABILITY, tagged(KNOWN))


class Play:
    """A relay to a server, in a thread of its own; `near` is our end of what it relays to."""

    def __init__(self, port: int, *, idle: float = 30.0, ca_pem: str | None = None, **props: str) -> None:
        self.near, far = socket.socketpair()
        self.near.settimeout(20)
        self.problem: Problem | None = None
        self._ca_pem = ca_pem
        connector = make_connector(props.pop("Retriever", "SimpleIMAPRetriever"), port, **props)
        self._thread = threading.Thread(target=self._run, args=(connector, far, idle), daemon=True)
        self._thread.start()

    def _run(self, connector: object, far: socket.socket, idle: float) -> None:
        # Two descriptors, as programs have them.
        with far, far.dup() as sink:
            try:
                with relay.refusing(sink.fileno()):
                    mailbox = relay.open_mailbox(connector, self._ca_pem, SETTINGS)  # type: ignore[arg-type]
                relay.serve(mailbox, far.fileno(), sink.fileno(), idle)
            except Problem as problem:
                self.problem = problem

    def read(self) -> bytes:
        """Return what comes until its end."""
        return b"".join(iter(lambda: self.near.recv(65536), b""))

    def read_line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            octet = self.near.recv(1)
            if not octet:
                break
            line += octet
        return line

    def join(self) -> None:
        """Wait for its end, which one of the two ends has brought about."""
        self._thread.join(20)
        assert not self._thread.is_alive()

    def stop(self) -> None:
        self.near.close()
        self.join()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def begin(stack: ExitStack, script: Script, *, idle: float = 30.0, **props: str) -> tuple[Server, Play]:
    server = stack.enter_context(Server(script))
    play = Play(server.port, idle=idle, TLS="none", **props)
    stack.callback(play.stop)
    return server, play


def encrypted_play(stack: ExitStack, script: Script, folder: Path) -> Play:
    authority = Authority(folder)
    certificate = authority.issue()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.pem, certificate.key)
    server = stack.enter_context(Server(script, tls=context))
    ca_pem = authority.ca.read_text()
    play = Play(server.port, Retriever="SimpleIMAPSSLRetriever", ca_pem=ca_pem)
    stack.callback(play.stop)
    return play


def after_log_in(*steps: Step) -> Script:
    """Return the script of a server that does these steps once somebody has logged in."""
    return [b"* OK [CAPABILITY IMAP4rev1] ready\r\n", (r"(?P<tag>\S+) LOGIN .*", tagged()), *steps]


def test_what_is_said_goes_both_ways(stack: ExitStack) -> None:
    script = imap({"X ä.*": tagged(b"* X \xff\0\r\n")}, capabilities="IMAP4rev1 X-Y UIDPLUS")
    server, play = begin(stack, script)
    assert play.read_line() == b"* PREAUTH [CAPABILITY IMAP4rev1 UIDPLUS X-Y] ready\r\n"
    play.near.sendall("a X ä\0\r\nb LOGOUT\r\n".encode())
    assert play.read() == b"* X \xff\0\r\na OK done\r\n* BYE\r\nb OK done\r\n"
    play.join()
    assert play.problem is None
    assert "a X ä\0".encode() in server.received


def test_nothing_of_the_log_in_is_told(stack: ExitStack) -> None:
    odd = b"* CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN SASL-IR LOGINDISABLED LITERAL+ a(b \x1b x\xffy\r\n"
    _, play = begin(stack, after_log_in((CAPABILITY, tagged(odd)), close))
    assert play.read() == b"* PREAUTH [CAPABILITY IMAP4rev1 LITERAL+] ready\r\n"


def test_what_came_with_the_log_in_is_passed_on(stack: ExitStack) -> None:
    script = after_log_in((CAPABILITY, tagged(KNOWN, b"OK done\r\n* 5 EXISTS")), close)
    _, play = begin(stack, script)
    assert play.read().partition(b"\r\n")[2] == b"* 5 EXISTS\r\n"


@pytest.mark.long
@pytest.mark.parametrize("encrypted", [False, True])
def test_much_goes_both_ways_at_once(stack: ExitStack, tmp_path: Path, encrypted: bool) -> None:
    """Neither end reads what the other says before it has said all: nothing is lost, and nobody waits."""
    line = b"* x" + b"y" * 1000 + b"\r\n"
    times = MUCH // len(line)
    script = after_log_in(greet, repeat(line, times), read(MUCH), b"* BYE\r\n", close)
    play = encrypted_play(stack, script, tmp_path) if encrypted else begin(stack, script)[1]
    play.read_line()
    sender = threading.Thread(target=play.near.sendall, args=(b"z" * MUCH,))
    sender.start()
    said = play.read()
    sender.join()
    assert said == line * times + b"* BYE\r\n"


@pytest.mark.parametrize("end", [close, reset])
def test_the_end_of_the_server_is_ours(stack: ExitStack, end: Step) -> None:
    _, play = begin(stack, after_log_in(greet, b"* 1 EXISTS\r\n", (r"a NOOP",), end))
    play.read_line()
    assert play.read_line() == b"* 1 EXISTS\r\n"
    play.near.sendall(b"a NOOP\r\n")
    assert play.read() == b""
    play.join()
    assert (play.problem and play.problem.cause) == (None if end is close else "network")


def test_what_the_server_answers_is_read_after_our_end(stack: ExitStack) -> None:
    """As in `printf ... | cockpit-getmail imap NAME`."""
    _, play = begin(stack, imap({}))
    play.near.sendall(b"a NOOP\r\nb LOGOUT\r\n")
    play.near.shutdown(socket.SHUT_WR)
    assert play.read().endswith(b"a OK done\r\n* BYE\r\nb OK done\r\n")


def test_our_end_is_that_of_the_server(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "LINGER_SECONDS", 0.2)
    _, play = begin(stack, after_log_in(greet, hang))
    play.read_line()
    play.near.shutdown(socket.SHUT_WR)
    assert play.read() == b""
    play.join()
    assert play.problem is None


@pytest.mark.long
def test_who_is_slow_is_told_all(stack: ExitStack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relay, "LINGER_SECONDS", 0.05)
    line = b"* 1 EXISTS\r\n"
    times = (512 << 10) // len(line)
    _, play = begin(stack, after_log_in(greet, repeat(line, times), close))
    play.read_line()
    # More than the pipe and the relay hold: the server ends before all of it is read.
    time.sleep(0.5)
    assert play.read() == line * times
    play.join()
    assert play.problem is None


def test_nobody_reads_any_more(stack: ExitStack) -> None:
    _, play = begin(stack, after_log_in(greet, repeat(b"* 1 EXISTS\r\n")))
    play.read_line()
    play.near.close()
    play.join()
    assert play.problem is None


def test_silence_has_an_end(stack: ExitStack) -> None:
    _, play = begin(stack, after_log_in(greet, hang), idle=0.2)
    assert play.read_line().startswith(b"* PREAUTH")
    assert play.read() == b""
    play.join()
    assert play.problem
    assert "Nobody said anything" in play.problem.message


@pytest.mark.long
@pytest.mark.parametrize(
    ("script", "cause"),
    [
        (imap({"LOGIN .*": tagged(status=b"NO [AUTHENTICATIONFAILED] geheim-4711 \x1b[2J")}), "credentials"),
        ([b"* BYE away\r\n", close], "network"),
        ([b"\x00\r\n", close], "protocol"),
        ([close], "network"),
        (after_log_in((CAPABILITY, close)), "network"),
        (after_log_in((CAPABILITY, repeat(b"* OK still here\r\n"))), "protocol"),
    ],
)
def test_log_in_that_fails_is_told_in_the_greeting(stack: ExitStack, script: Script, cause: str) -> None:
    _, play = begin(stack, script)
    said = play.read()
    assert said.startswith(f"* BYE [XPROBLEM GenericError {cause}] ".encode())
    assert said.count(b"\r\n") == 1
    assert b"geheim-4711" not in said
    assert b"\x1b" not in said
    play.join()
    assert play.problem
    assert play.problem.cause == cause


def test_pop3_has_nothing_to_relay(stack: ExitStack) -> None:
    server, play = begin(stack, [close], Retriever="SimplePOP3Retriever")
    assert play.read().startswith(b"* BYE [XPROBLEM Conflict connector] This is for IMAP")
    assert server.connections == 0


def test_a_reason_of_any_length_is_one_line() -> None:
    reading, writing = os.pipe()
    with pytest.raises(Problem), relay.refusing(writing):
        raise failure("network", "ä" * 2000 + "\r\na OK")
    os.close(writing)
    with open(reading, "rb") as file:
        said = file.read()
    assert len(said) < 1100
    assert said.count(b"\n") == 1
    assert said.endswith(b"\r\n")
