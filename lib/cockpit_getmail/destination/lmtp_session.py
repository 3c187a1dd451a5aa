# SPDX-License-Identifier: LGPL-2.1-or-later
"""A session of LMTP (RFC 2033): replies, what the server offers, one transaction for each message.

Where the server offers PIPELINING (RFC 2920) and CHUNKING (RFC 3030), several messages are under way at once:
their replies come in the order in which they were sent. Without CHUNKING one is, with DATA.
"""

from __future__ import annotations

import re
import socket
from collections import deque
from itertools import chain
from typing import TYPE_CHECKING, Literal, NamedTuple

from cockpit_getmail.destination.lmtp_message import stuff
from cockpit_getmail.destination.lmtp_reply import LINE_LIMIT, Answer, Reply, Stage, read_reply
from cockpit_getmail.endpoint import choose_tls, find_policy
from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.transport import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from cockpit_getmail.destination.lmtp_message import Message
    from cockpit_getmail.endpoint import Endpoint, Policy

IN_FLIGHT = 8
"""So many messages wait for their replies at most."""
WRITE_OCTETS = 64 << 10
SLOWEST = 16 << 10
"""Octets a second that a message may take to be sent, on top of what all may take."""


class Patience(NamedTuple):
    """Seconds: how long the server may be silent, and how long a message may take in all.

    `final` is for the reply to a whole message: a server may do much with it, and one that is not waited for
    is delivered twice (RFC 5321 section 4.5.3.2.6).
    """

    silence: float = 60.0
    final: float = 600.0
    message: float = 900.0


class Session:
    """A connection on which LMTP is spoken. What breaks it raises Problem: then only drop() is left.

    `unsettled` is how the message was taken after which the session broke. With a server that says one thing
    twice it is what was said of an earlier command.
    """

    def __init__(self, connection: Connection, server: str, patience: Patience | None = None) -> None:
        self._connection = connection
        self._server = server
        self._patience = patience or Patience()
        self._broken: Problem | None = None
        self.offers: Mapping[str, str] = {}
        self.unsettled: Answer | None = None

    @property
    def size_limit(self) -> int:
        """The most octets that the server takes (RFC 1870), 0 if it does not tell."""
        limit = self.offers.get("SIZE", "")
        return int(limit) if re.fullmatch("[0-9]{1,18}", limit) else 0

    def begin(self, policy: Policy, endpoint: Endpoint) -> None:
        """Be greeted, say hello, and begin TLS where that is to be: not on the way to a path of this host."""
        self._demand("the connection", self._read_reply())
        self._say_hello()
        if endpoint.is_path:
            return
        policy = find_policy(policy, endpoint)
        if choose_tls(policy, seen=False, offered="STARTTLS" in self.offers, server=self._server):
            if self._ask(b"STARTTLS\r\n").code != 220:
                raise failure("tls", f"{self._server} offers TLS and then refuses it.")
            self._connection.start_tls()
            # What was said before may be another's word (RFC 3207 section 4.2).
            self._say_hello()

    def reset(self) -> None:
        """Have the server forget what is not finished; raises Problem if it is not there any more."""
        self._demand("RSET", self._ask(b"RSET\r\n"))

    def would_take(self, message: Message) -> bool:
        """Whether the server takes the envelope of a message, and says one thing once. The session ends.

        Nothing is sent of the message itself. No other reply is like that to QUIT (RFC 5321 section 4.2.3).
        """
        taken = all(self._ask(command).is_positive for command in self._commands(message))
        return taken and self._ask(b"QUIT\r\n").code == 221

    def transmit(
        self, messages: Sequence[Message], may_go_on: Callable[[], bool]
    ) -> Iterator[tuple[Message, Answer]]:
        """Yield the answer to each message in order, as it comes; none is begun once it may not go on.

        Raises Problem when the session breaks: what was not yielded until then has no answer.
        """
        if {"PIPELINING", "CHUNKING"} <= self.offers.keys():
            yield from self._transmit_many(messages, may_go_on)
            return
        for message in messages:
            if not may_go_on():
                break
            yield message, self._transmit_one(message)
            self._check()

    def quit(self) -> None:
        """Leave in good order. Never raises."""
        try:
            self._connection.allow_time(1.0, 1.0)
            self._connection.write(b"QUIT\r\n")
            self._connection.read_line(LINE_LIMIT)
        except Problem:
            pass
        self.drop()

    def drop(self) -> None:
        """Leave at once. Never raises."""
        self._connection.close()

    def _transmit_many(
        self, messages: Sequence[Message], may_go_on: Callable[[], bool]
    ) -> Iterator[tuple[Message, Answer]]:
        """Send on while replies to earlier messages are still to come."""
        waiting: deque[Message] = deque()
        unsent: Problem | None = None
        for message in messages:
            if not may_go_on():
                break
            if not waiting:
                self._check_silent()
            try:
                self._send_whole(message, self._patience.final if waiting else self._patience.silence)
            except Problem as problem:
                # What was said before the connection broke still counts, and may tell why it did.
                self._patience = self._patience._replace(final=self._patience.silence)
                unsent = problem
                break
            waiting.append(message)
            if len(waiting) == IN_FLIGHT:
                yield waiting[0], self._read_answer(waiting.popleft())
                self._check()
        while waiting:
            yield waiting[0], self._read_answer(waiting.popleft())
            self._check()
        if unsent:
            raise unsent

    def _send_whole(self, message: Message, silence: float) -> None:
        """Send all of a transaction. It ends with RSET: one that was refused is still open otherwise.

        The server may have to be done with an earlier one before it reads this.
        """
        commands = [*self._commands(message), b"BDAT %d LAST\r\n" % message.size]
        self._allow(silence, message)
        self._write(chain(commands, message.chunks(), [b"RSET\r\n"]))

    def _read_answer(self, message: Message) -> Answer:
        mail, rcpt = self._read_reply(), self._read_reply()
        answer = self._judge(mail, rcpt, self._read_reply(message))
        try:
            reset = self._read_reply()
        except Problem as problem:
            if answer.reply.is_positive:
                self.unsettled = answer
                raise
            self._broken = problem
            return answer
        if not reset.is_positive:
            # A server that says one thing twice may be refusing the message only now.
            raise self._confused(reset)
        return answer

    def _transmit_one(self, message: Message) -> Answer:
        """Deliver a message with DATA, which is sent only once the server asks for it."""
        self._check_silent()
        commands = [*self._commands(message), b"DATA\r\n"]
        replies: list[Reply] = []
        if "PIPELINING" in self.offers:
            self._allow(self._patience.silence, message)
            self._write(commands)
            replies = [self._read_reply() for _ in commands]
        else:
            for command in commands:
                replies.append(self._ask(command))
                if replies[-1].code // 100 > 3:
                    break
        if replies[-1].code == 354 and all(reply.is_positive for reply in replies[:2]):
            self._allow(self._patience.silence, message)
            self._write(stuff(message.chunks()))
            return self._judge(replies[0], replies[1], self._read_reply(message))
        if replies[-1].code // 100 < 4:
            # It waits for a message that has no recipient, or takes what it has not got.
            raise self._confused(replies[-1])
        mail, rcpt, data = (*replies, replies[-1], replies[-1])[:3]
        answer = self._judge(mail, rcpt, data)
        try:
            self.reset()
        except Problem as problem:
            self._broken = problem
        return answer

    def _judge(self, mail: Reply, rcpt: Reply, data: Reply) -> Answer:
        """Return the answer that the replies to a transaction come to."""
        stages: tuple[tuple[Stage, Reply], ...] = (("MAIL", mail), ("RCPT", rcpt), ("DATA", data))
        refused = [Answer(*each) for each in stages if not each[1].is_positive]
        for answer in refused:
            # Nothing that follows a refusal can succeed.
            if answer.reply.code // 100 == 3 or data.is_positive:
                raise self._confused(answer.reply)
        return refused[0] if refused else Answer("DATA", data)

    def _commands(self, message: Message) -> list[bytes]:
        """Return MAIL and RCPT; a sender that the server cannot read is left out."""
        has_utf8 = "SMTPUTF8" in self.offers
        if not message.recipient.isascii() and not has_utf8:
            who = printable(message.recipient)
            raise failure("delivery", f"{self._server} does not offer SMTPUTF8, which {who} needs.")
        sender = message.sender if has_utf8 or message.sender.isascii() else ""
        mail = f"MAIL FROM:<{sender}>"
        if "SIZE" in self.offers:
            mail += f" SIZE={message.size}"
        if "8BITMIME" in self.offers:
            mail += " BODY=8BITMIME"
        if has_utf8 and (message.is_international or not (sender + message.recipient).isascii()):
            mail += " SMTPUTF8"
        return [f"{mail}\r\n".encode(), f"RCPT TO:<{message.recipient}>\r\n".encode()]

    def _say_hello(self) -> None:
        host = socket.gethostname()
        name = host if re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?", host) else "localhost"
        reply = self._ask(f"LHLO {name}\r\n".encode())
        self._demand("LHLO", reply)
        words = [line.decode("ascii", "replace").upper().partition(" ") for line in reply.lines[1:]]
        self.offers = {keyword: rest.strip() for keyword, _, rest in words}

    def _demand(self, what: str, reply: Reply) -> None:
        if not reply.is_positive:
            cause: Literal["quota", "delivery"] = "quota" if reply.is_full else "delivery"
            raise failure(cause, f"{self._server} refuses {what}: {reply.words}")

    def _ask(self, command: bytes) -> Reply:
        self._check_silent()
        self._allow(self._patience.silence)
        self._connection.write(command)
        return self._read_reply()

    def _write(self, pieces: Iterable[bytes]) -> None:
        """Write pieces, small ones together."""
        gathered: list[bytes] = []
        octets = 0
        for piece in pieces:
            gathered.append(piece)
            octets += len(piece)
            if octets >= WRITE_OCTETS:
                self._connection.write(b"".join(gathered))
                gathered, octets = [], 0
        if gathered:
            self._connection.write(b"".join(gathered))

    def _read_reply(self, message: Message | None = None) -> Reply:
        """Return the next reply; with `message` it is what the server says once it has all of that."""
        self._allow(self._patience.final if message else self._patience.silence, message)
        reply = read_reply(lambda: self._connection.read_line(LINE_LIMIT), self._server)
        if reply.code == 421:
            raise failure("delivery", f"{self._server} ends the session: {reply.words}")
        return reply

    def _allow(self, silence: float, message: Message | None = None) -> None:
        whole = self._patience.message + message.size / SLOWEST if message else 2 * silence
        self._connection.allow_time(silence, whole)

    def _check(self) -> None:
        if self._broken:
            raise self._broken

    def _check_silent(self) -> None:
        """What comes before it is asked for could be taken for the reply to something else."""
        if self._connection.has_unread:
            raise failure("delivery", f"{self._server} says more than it is asked for.")

    def _confused(self, reply: Reply) -> Problem:
        return failure("delivery", f"{self._server} sent a reply that does not fit: {reply.words}")


def open_session(endpoint: Endpoint, policy: Policy, patience: Patience | None = None) -> Session:
    """Connect, and be ready for messages. Raises Problem."""
    patience = patience or Patience()
    connection = Connection.open(endpoint, implicit_tls=False, timeout=patience.silence)
    session = Session(connection, endpoint.server, patience)
    try:
        session.begin(policy, endpoint)
    except BaseException:
        session.drop()
        raise
    return session
