# SPDX-License-Identifier: LGPL-2.1-or-later
"""An LMTP server that keeps to the letter of RFC 2033, but for what a test has it do.

fake = Lmtp({"RCPT .*": in_turn(b"450 later\\r\\n", Lmtp.rcpt)}, offers=("PIPELINING", "CHUNKING"))
with fake.serve() as server:
    ...deliver to 127.0.0.1, server.port...
assert [taken.octets for taken in fake.taken] == [b"..."]
"""

import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tests.support.hostile import Script, Server, Session, Step, close, rules

EVERYTHING = ("PIPELINING", "CHUNKING", "8BITMIME", "SIZE", "ENHANCEDSTATUSCODES", "SMTPUTF8")
ONE_BY_ONE = ("PIPELINING", "8BITMIME", "SIZE")
NOTHING = ()
WAYS = {"BDAT": EVERYTHING, "DATA": ONE_BY_ONE, "step by step": NOTHING}
"""The ways to bring a message, by what makes a client take them."""
SAVED = b"250 2.0.0 Saved\r\n"


@dataclass(frozen=True)
class Taken:
    """A message that has come whole, with its envelope; `mail` is what followed MAIL FROM."""

    mail: bytes
    recipient: bytes
    octets: bytes


class Lmtp:
    """`overrides` are other steps by regex of a command, `final` what is said to a message that is whole.

    A step may be one of the methods here, which do what they should.
    """

    def __init__(
        self,
        overrides: Mapping[str, Any] | None = None,
        *,
        offers: Sequence[str] = EVERYTHING,
        greeting: Step | Script = b"220 fake ready\r\n",
        final: Step | Script = SAVED,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.taken: list[Taken] = []
        self.offers = offers
        self._overrides = dict(overrides or {})
        self._greeting = greeting
        self._final = final
        self._tls = tls
        self._mail: bytes | None = None
        self._recipient: bytes | None = None

    def serve(self) -> Server:
        return Server([*_steps(self._greeting), self._play])

    @property
    def octets(self) -> list[bytes]:
        return [taken.octets for taken in self.taken]

    def hello(self, session: Session) -> None:
        self._reset()
        lines = [f"250-{word}\r\n" for word in ("fake", *self.offers)]
        session.send("".join([*lines, "250 DSN\r\n"]).encode())

    def start_tls(self, session: Session) -> None:
        assert self._tls
        session.send(b"220 2.0.0 go on\r\n")
        session.wrap(self._tls)
        self.offers = [word for word in self.offers if word != "STARTTLS"]

    def mail(self, session: Session) -> None:
        if self._mail is not None:
            session.send(b"503 5.5.1 MAIL is given already\r\n")
            return
        self._mail = session.line.partition(b":")[2]
        session.send(b"250 2.1.0 OK\r\n")

    def rcpt(self, session: Session) -> None:
        if self._mail is None:
            session.send(b"503 5.5.1 MAIL first\r\n")
            return
        self._recipient = session.line.partition(b":")[2]
        session.send(b"250 2.1.5 OK\r\n")

    def data(self, session: Session) -> None:
        if self._recipient is None:
            session.send(b"503 5.5.1 No valid recipients\r\n")
            return
        session.send(b"354 OK\r\n")
        lines = []
        while (line := session.read_line()) != b".":
            lines.append(line.removeprefix(b".") + b"\r\n")
        self._take(session, b"".join(lines))

    def bdat(self, session: Session) -> None:
        octets = session.read(int(session.line.split()[1]))
        if self._recipient is None:
            session.send(b"503 5.5.1 No valid recipients\r\n")
            return
        self._take(session, octets)

    def rset(self, session: Session) -> None:
        self._reset()
        session.send(b"250 2.0.0 OK\r\n")

    def _take(self, session: Session, octets: bytes) -> None:
        assert self._mail is not None
        assert self._recipient is not None
        self.taken.append(Taken(self._mail, self._recipient, octets))
        self._reset()
        play(self, session, self._final)

    def _reset(self) -> None:
        self._mail = self._recipient = None

    def _play(self, session: Session) -> None:
        self._reset()
        table: dict[str, Any] = {
            "LHLO .+": Lmtp.hello,
            "STARTTLS": Lmtp.start_tls,
            "MAIL FROM:<.*>.*": Lmtp.mail,
            "RCPT TO:<.+>": Lmtp.rcpt,
            "DATA": Lmtp.data,
            r"BDAT \d+ LAST": Lmtp.bdat,
            "RSET": Lmtp.rset,
            "QUIT": [b"221 2.0.0 Bye\r\n", close],
        }
        # Those of the test are asked first.
        every = {**self._overrides, **table, **self._overrides}
        answer = rules({regex: self._bind(steps) for regex, steps in every.items()})
        assert callable(answer)
        answer(session)

    def _bind(self, steps: Any) -> Step:
        return lambda session: play(self, session, steps)


def play(lmtp: Lmtp, session: Session, steps: Any) -> None:
    """Play steps, of which some may be methods of Lmtp."""
    for step in _steps(steps):
        if getattr(step, "__qualname__", "").startswith("Lmtp."):
            step(lmtp, session)
        elif isinstance(step, InTurn):
            play(lmtp, session, step.take())
        else:
            session.play([step])


class InTurn:
    """Steps of which the first is for the first time, and the last for all that follow."""

    def __init__(self, *steps: Any) -> None:
        self._steps = list(steps)

    def take(self) -> Any:
        return self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]


def in_turn(*steps: Any) -> Any:
    return InTurn(*steps)


def _steps(steps: Any) -> list[Any]:
    return list(steps) if isinstance(steps, list) else [steps]
