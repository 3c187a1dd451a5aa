# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server that says exactly what a test wants, and when: for what no real server can be made to do.

    with Server([b"+OK\\r\\n", (r"CAPA", b"-ERR\\r\\n"), (r"USER (.*)", reset)]) as server:
        ...connect to 127.0.0.1, server.port...
    assert server.received == [b"CAPA", b"USER me"]

A script is a list of steps; a step is

    bytes                 sent as they are
    (regex, *steps)       one line is read, must match, and the steps follow; else the test fails at the end
    a function            called with the Session: hang, close, reset, stall_handshake, or made by drip(...),
                          repeat(...), rules(...), start_tls(...), reply(...), read(...)

Each connection plays the script given for it, the last one again and again; then it is closed at once, which
resets it where the client has said more. Nothing outlives the `with`.
"""

import re
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, TypeAlias

Step: TypeAlias = bytes | tuple[Any, ...] | Callable[["Session"], None]
Script: TypeAlias = Sequence[Step]
Rules: TypeAlias = Mapping[str, Step | Script]
PATIENCE = 30.0


class Over(Exception):
    """This connection's play is over."""


class Session:
    """One connection. `line` is the last line read, without its end, `match` that of what was expected."""

    def __init__(self, server: "Server", sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.match: re.Match[bytes] | None = None
        self.line = b""
        self._buffer = b""

    def play(self, script: Iterable[Step]) -> None:
        for step in script:
            if isinstance(step, bytes):
                self.send(step)
            elif isinstance(step, tuple):
                self.expect(step[0], step[1:])
            else:
                step(self)

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def expect(self, regex: str, script: Script) -> None:
        line = self.read_line()
        self.match = re.fullmatch(regex.encode(), line, re.IGNORECASE | re.DOTALL)
        if not self.match:
            self.server.faults.append(f"expected {regex!r}, got {line!r}")
            raise Over
        self.play(script)

    def read_line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._buffer += self.receive()
        self.line, _, self._buffer = self._buffer.partition(b"\r\n")
        self.server.received.append(self.line)
        return self.line

    def read(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._buffer += self.receive()
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data

    def receive(self) -> bytes:
        data = self.sock.recv(65536)
        if not data:
            raise Over
        return data

    def wrap(self, context: ssl.SSLContext) -> None:
        if self._buffer:
            self.server.faults.append(f"the client spoke before its handshake: {self._buffer!r}")
            raise Over
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.server.handshakes += 1

    def wait(self, seconds: float) -> None:
        if self.server.stopping.wait(seconds):
            raise Over


class Server:
    """Listens on 127.0.0.1 while the `with` lasts. `received` are all lines read, of all connections."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self.received: list[bytes] = []
        self.faults: list[str] = []
        self.connections = 0
        self.handshakes = 0
        self.stopping = threading.Event()
        self._scripts = scripts
        self._tls = tls
        self._sessions: list[tuple[threading.Thread, Session]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> "Server":
        self._acceptor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        # shutdown, unlike close, wakes the thread that waits in accept.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join(PATIENCE)
        for thread, session in self._sessions:
            close_quietly(session.sock)
            thread.join(PATIENCE)
        if kind is None:
            assert not self.faults, self.faults

    def commands(self, regex: str) -> list[bytes]:
        """Return the lines received that match."""
        return [line for line in self.received if re.fullmatch(regex.encode(), line, re.IGNORECASE)]

    def wait_for(self, line: bytes) -> None:
        """Wait until a line was received."""
        deadline = time.monotonic() + PATIENCE
        while line not in self.received:
            assert time.monotonic() < deadline, (line, self.received)
            time.sleep(0.02)

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.settimeout(PATIENCE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            session = Session(self, sock)
            thread = threading.Thread(target=self._serve, args=(session, script), daemon=True)
            self._sessions.append((thread, session))
            thread.start()

    def _serve(self, session: Session, script: Script) -> None:
        try:
            if self._tls and not (script and script[0] is stall_handshake):
                session.wrap(self._tls)
            session.play(script)
        except (Over, OSError, ValueError):
            pass
        finally:
            close_quietly(session.sock)


def close_quietly(sock: socket.socket) -> None:
    with suppress(OSError):
        # A reader of the same socket in another thread wakes up.
        sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def hang(session: Session) -> None:
    """Say nothing more, until the client goes."""
    session.sock.settimeout(0.05)
    while not session.server.stopping.is_set():
        try:
            session.receive()
        except TimeoutError:
            continue


def close(session: Session) -> None:
    """End the connection in good order: what was said arrives, whatever the client is still saying."""
    # Closed with something unread it is reset (RFC 1122 section 4.2.2.13), and what was said may be lost.
    with suppress(OSError):
        session.sock.shutdown(socket.SHUT_WR)
    hang(session)
    raise Over


def reset(session: Session) -> None:
    """End the connection with a TCP reset."""
    session.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    # Not shutdown: it would send a FIN first.
    session.sock.close()
    raise Over


def stall_handshake(session: Session) -> None:
    """Take the ClientHello, send the beginning of a ServerHello and nothing more."""
    session.receive()
    session.send(b"\x16\x03\x03\x00\x7a\x02\x00\x00\x76\x03\x03")
    hang(session)


def drip(data: bytes, seconds: float) -> Step:
    """Send one octet each so many seconds, at the end of `data` from its beginning again."""

    def step(session: Session) -> None:
        while True:
            for octet in data:
                session.send(bytes([octet]))
                session.wait(seconds)

    return step


def drip_once(data: bytes, seconds: float = 0.0) -> Step:
    """Send one octet each so many seconds, each in a segment of its own."""

    def step(session: Session) -> None:
        for octet in data:
            session.send(bytes([octet]))
            session.wait(seconds)

    return step


def repeat(data: bytes, times: int | None = None) -> Step:
    """Send `data` so many times, or until the client goes."""

    def step(session: Session) -> None:
        sent = 0
        block = max(1, (256 << 10) // len(data))
        while times is None or sent < times:
            count = block if times is None else min(block, times - sent)
            session.send(data * count)
            sent += count

    return step


def read(size: int) -> Step:
    """Read so many octets that are no line."""

    def step(session: Session) -> None:
        session.read(size)

    return step


def start_tls(context: ssl.SSLContext) -> Step:
    """Shake hands as a server."""

    def step(session: Session) -> None:
        session.wrap(context)

    return step


def reply(make: Callable[[re.Match[bytes]], bytes]) -> Step:
    """Send what `make` returns for the match of the last line."""

    def step(session: Session) -> None:
        assert session.match
        session.send(make(session.match))

    return step


def rules(table: Rules) -> Step:
    """Answer each line by the first regex that matches, until the client or a step like close ends it."""
    compiled = [
        (re.compile(regex.encode(), re.IGNORECASE | re.DOTALL), steps) for regex, steps in table.items()
    ]

    def step(session: Session) -> None:
        while True:
            line = session.read_line()
            for regex, steps in compiled:
                if match := regex.fullmatch(line):
                    session.match = match
                    session.play(steps if isinstance(steps, list) else [steps])  # type: ignore[list-item]
                    break
            else:
                session.server.faults.append(f"no rule for {line!r}")
                raise Over

    return step


def pop3(
    messages: Mapping[str, bytes] | Sequence[tuple[str, bytes]] = (),
    overrides: Rules | None = None,
    capabilities: Sequence[str] = ("UIDL", "USER"),
) -> list[Step]:
    """Return the script of a POP3 server with these messages (UIDL and octets).

    `overrides` has other steps by regex of a command.
    """
    mails = list(messages.items() if isinstance(messages, Mapping) else messages)
    octets = sum(len(data) for _, data in mails)

    def listing(lines: Iterable[str]) -> bytes:
        return "".join(f"{line}\r\n" for line in ("+OK", *lines, ".")).encode("latin-1")

    def retrieve(match: re.Match[bytes]) -> bytes:
        return b"+OK\r\n" + stuff(mails[int(match[1]) - 1][1])

    def uidl(match: re.Match[bytes]) -> bytes:
        return f"+OK {int(match[1])} {mails[int(match[1]) - 1][0]}\r\n".encode("latin-1")

    table: dict[str, Step | Script] = {
        "CAPA": listing(capabilities),
        "USER .*": b"+OK\r\n",
        "PASS .*": b"+OK\r\n",
        "AUTH PLAIN .*": b"+OK\r\n",
        "STAT": f"+OK {len(mails)} {octets}\r\n".encode(),
        "UIDL": listing(f"{number} {uid}" for number, (uid, _) in enumerate(mails, 1)),
        "LIST": listing(f"{number} {len(data)}" for number, (_, data) in enumerate(mails, 1)),
        r"UIDL (\d+)": reply(uidl),
        r"RETR (\d+)": reply(retrieve),
        r"DELE \d+": b"+OK\r\n",
        "QUIT": [b"+OK\r\n", close],
    }
    return [
        b"+OK ready\r\n",
        rules({**(overrides or {}), **{k: v for k, v in table.items() if k not in (overrides or {})}}),
    ]


def imap(
    overrides: Rules,
    messages: int = 1,
    capabilities: str = "IMAP4rev1 UNSELECT UIDPLUS",
    greeting: bytes = b"* OK ready\r\n",
) -> list[Step]:
    """Return the script of an IMAP server with an INBOX of UIDs 1 to `messages`, each of 100 octets.

    Overrides are regexes of what follows the tag, with steps made by untagged(...) or any others.
    """
    capability = f"CAPABILITY {capabilities}"
    uids = " ".join(map(str, range(1, messages + 1)))
    sizes = "".join(f"* {n} FETCH (UID {n} RFC822.SIZE 100)\r\n" for n in range(1, messages + 1))
    table: dict[str, Step | Script] = {
        "CAPABILITY": tagged(f"* {capability}\r\n".encode()),
        "LOGIN .*": tagged(),
        "AUTHENTICATE PLAIN .+": tagged(),
        "(?:SELECT|EXAMINE) .*": tagged(
            b"* FLAGS (\\Deleted \\Seen)\r\n* OK [PERMANENTFLAGS (\\Deleted \\Seen)] ok\r\n"
            + f"* {messages} EXISTS\r\n* 0 RECENT\r\n* OK [UIDVALIDITY 7] ok\r\n".encode()
        ),
        "UID SEARCH .*": tagged(f"* SEARCH {uids}\r\n".encode()),
        r"UID FETCH \S+ \(UID RFC822\.SIZE.*\)": tagged(sizes.encode()),
        "UNSELECT": tagged(),
        "LOGOUT": [tagged(b"* BYE\r\n"), close],
        "NOOP": tagged(),
    }
    every = {**overrides, **{regex: steps for regex, steps in table.items() if regex not in overrides}}
    return [greeting, rules({rf"(?P<tag>\S+) (?:{regex})": steps for regex, steps in every.items()})]


def tagged(untagged: bytes = b"", status: bytes = b"OK done") -> Step:
    """Send untagged octets and the tagged end of the command that was read last."""

    def step(session: Session) -> None:
        assert session.match
        session.send(untagged + session.match["tag"] + b" " + status + b"\r\n")

    return step


def stuff(data: bytes) -> bytes:
    """Return a message as POP3 sends it (RFC 1939 section 3)."""
    stuffed = (b"\r\n" + data).replace(b"\r\n.", b"\r\n..")[2:]
    return stuffed + (b".\r\n" if not data or data.endswith(b"\r\n") else b"\r\n.\r\n")
