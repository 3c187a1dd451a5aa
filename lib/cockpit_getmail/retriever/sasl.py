# SPDX-License-Identifier: LGPL-2.1-or-later
"""SASL (RFC 4422): what goes over the line to log in, and which mechanisms a connector logs in by.

A mechanism is used for one log-in. IMAP (RFC 3501 section 6.2.2) and POP3 (RFC 5034) carry its octets in
base64. Those that answer a challenge are in sasl_challenge.py, those that take an access token in
sasl_token.py: most runs need neither.

What `auto` tries first is the mechanism from which an attacker learns least. On a channel in TLS, whose other
end has proved who it is:

- EXTERNAL, where there is a certificate of the client's: no secret leaves this machine.
- SCRAM-SHA-256-PLUS, bound to this very channel, and SCRAM-SHA-256: the server learns nothing that it does
  not have, and must prove that it has it.
- PLAIN, or what a protocol has of its own (LOGIN; USER and PASS): nobody but the server reads the password.
- CRAM-MD5 comes last: a server that offers it must keep the password itself, or as good as that, and whoever
  comes by what was said can try out passwords at the speed of MD5. Many offer it for accounts of which they
  have no more than a hash.

On a clear channel whoever listens learns the password from PLAIN and its like: they come after SCRAM-SHA-256
and CRAM-MD5, from which it can only be guessed. APOP is never chosen: most servers that show a time stamp in
their greeting cannot do it.

Where a server refuses a mechanism for which it may just not keep the password in the form it takes, the next
one is tried, but once, and only in TLS: else who can break into a clear channel would only need to refuse.
"""

import re
from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Callable, Collection, Sequence
from typing import Any, Protocol

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.retriever import echo

TOKEN_MECHANISMS = ("OAUTHBEARER", "XOAUTH2")
"""Those that take an access token: the standard goes before what came first."""
OWN = ""
"""In place of a mechanism's name: what the protocol has of its own to log in with a password."""
_IN_TLS = ("EXTERNAL", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "PLAIN", OWN, "LOGIN", "CRAM-MD5")
_IN_CLEAR = ("SCRAM-SHA-256", "CRAM-MD5", "PLAIN", OWN, "LOGIN")
_NAMED = {
    "plain": ("PLAIN",),
    "login": ("LOGIN", OWN),
    "cram-md5": ("CRAM-MD5",),
    "scram-sha-256": ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"),
    "external": ("EXTERNAL",),
}
"""What a connector's Auth stands for."""
CHALLENGES = ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256", "CRAM-MD5")
_SHOWN = 20
_LINE_ENDS = "[\r\n\0]"


class Mechanism(Protocol):
    """One log-in by one mechanism, in octets as they are before base64."""

    name: str
    initial: bytes | None
    """What may go with the command; None where the server speaks first."""
    at_once: bool
    """Whether it went with the command."""
    said: bytes
    """What the server told of its refusal before it refused."""
    doubtful: bool
    """Whether a refusal may come of how the server keeps the password, and not of the password."""
    proven: bool
    """Whether the server has shown all that the mechanism asks of it."""

    def answer(self, challenge: bytes) -> bytes | None:
        """Return what a challenge is answered with, None if there is nothing more to say to it.

        Raises Problem (protocol) for one that is none.
        """


class Channel(Protocol):
    """What the choice depends on of a transport.Connection."""

    tls: str | None

    @property
    def is_private(self) -> bool: ...

    def binding(self) -> tuple[str, bytes] | None: ...


class ClientFirst:
    """A mechanism that is one message of the client."""

    name: str
    _dummy: bytes | None = None
    """What the server is sent that has told in a challenge why it refuses; None where none does so."""
    doubtful = False
    proven = True

    def __init__(self, message: bytes) -> None:
        self.initial: bytes | None = message
        self.at_once = False
        self.said = b""
        self._message = message
        self._sent = self._refused = False

    def answer(self, challenge: bytes) -> bytes | None:
        if self._refused:
            return None
        # A server that takes nothing with the command asks for it again, once.
        if not self._sent and not (self.at_once and challenge):
            self._sent = True
            return self._message
        self._refused, self.said = True, challenge
        return self._dummy


class Plain(ClientFirst):
    """RFC 4616."""

    name = "PLAIN"

    def __init__(self, username: str, password: str) -> None:
        super().__init__(echo.octets(f"\0{username}\0{password}"))


class External(ClientFirst):
    """RFC 4422 appendix A: as who the client's certificate says, and no other than this user."""

    name = "EXTERNAL"
    # The server may have no user for the certificate.
    doubtful = True

    def __init__(self, username: str) -> None:
        super().__init__(echo.octets(username))


class Login:
    """The server asks for the name and then for the password, in whatever words it does so.

    https://datatracker.ietf.org/doc/html/draft-murchison-sasl-login
    """

    name = "LOGIN"
    initial: bytes | None = None
    doubtful = False
    proven = True

    def __init__(self, username: str, password: str) -> None:
        self.at_once = False
        self.said = b""
        self._answers = iter((echo.octets(username), echo.octets(password)))

    def answer(self, challenge: bytes) -> bytes | None:
        return next(self._answers, None)


def ways(
    connector: Connector,
    endpoint: Endpoint,
    offered: Collection[str] | None,
    channel: Channel,
    *,
    has_own: bool = True,
) -> Sequence[Mechanism | None]:
    """Return the ways to log in, the best one first, as log_in() takes them. None is OWN.

    `offered` are mechanisms; None where the server does not say. `has_own`: it takes OWN.
    Raises Problem: credentials for a name or secret that is none, protocol or tls where the server takes no
    log-in of this connector's, and as sasl_token.for_token() does.
    """
    if connector.uses_oauth:
        from cockpit_getmail.retriever import sasl_token

        return [sasl_token.for_token(connector, endpoint, offered or (), is_private=channel.is_private)]
    require_sendable(connector)
    names = _choose(connector, offered, channel, has_own=has_own)
    if not names:
        raise no_way(connector, endpoint, offered or (), channel)
    if names[0] not in (External.name, *CHALLENGES):
        # Its refusal is one of the password.
        return [make(names[0], connector)]
    from cockpit_getmail.retriever import sasl_challenge

    return sasl_challenge.ways(names, connector, endpoint, channel, offered or ())


def require_sendable(connector: Connector) -> None:
    """Raise Problem (credentials) for a name or password that would be more than that on the line."""
    if re.search(_LINE_ENDS, connector.username + connector.password):
        raise failure("credentials", "A user name or password cannot hold line ends or NUL.")


def log_in(
    ways: Sequence[Mechanism | None], attempt: Callable[[Mechanism | None], Problem | None], server: str
) -> list[str]:
    """Log in by the first way, or if that leaves a doubt by the next; raises the Problem of the refusal.

    `attempt` returns it, None for success. Returns what there is to tell of it.
    """
    refusal: Problem | None = None
    passed = ""
    for mechanism in ways:
        try:
            found = attempt(mechanism)
        except Problem as problem:
            if refusal and problem.cause == "network":
                # It hangs up on who was refused.
                raise refusal from problem
            raise
        if found is None:
            return [_tell_passed(server, passed, mechanism)] if passed else []
        refusal, passed = found, mechanism.name if mechanism else ""
        if mechanism is None or not mechanism.doubtful or refusal.cause not in ("credentials", "protocol"):
            break
    if refusal:
        raise refusal
    return []


def opening(command: str, mechanism: Mechanism, room: int) -> bytes:
    """Return the line that begins a log-in, without its end.

    What may go at once goes with it, if it then has at most `room` octets.
    """
    line = f"{command} {mechanism.name}".encode()
    if mechanism.initial is None:
        return line
    # `=` stands for nothing (RFC 4959 section 3).
    whole = line + b" " + (b2a_base64(mechanism.initial, newline=False) or b"=")
    mechanism.at_once = len(whole) <= room
    return whole if mechanism.at_once else line


def reply(mechanism: Mechanism, text: bytes, server: str) -> bytes:
    """Return the line that answers what came after a `+`. Raises Problem (protocol)."""
    answered = mechanism.answer(_decode(text.strip()))
    if answered is None:
        raise failure("protocol", f"{server} asks for the password again and again.")
    return b2a_base64(answered, newline=False)


def require_proof(mechanism: Mechanism, server: str) -> None:
    """Raise Problem (protocol) if a server lets us in that has not shown that it knows us."""
    if not mechanism.proven:
        raise failure("protocol", f"{server} does not prove that it knows the password: it may be another.")


def is_external(mechanism: Mechanism | None) -> bool:
    """Whether it is a certificate that logs in, and no password."""
    return mechanism is not None and mechanism.name == External.name


def hint(connector: Connector, mechanism: Mechanism | None, channel: Channel) -> dict[str, Any]:
    """Return what else to tell of a refusal that leaves a doubt where there is no second try."""
    if is_external(mechanism):
        return {"hint": "Check that the server knows this certificate as this user's."}
    if mechanism is None or not mechanism.doubtful or channel.tls or connector.auth != "auto":
        return {}
    step = (
        f"Check user name and password. If they are right, the server cannot do {mechanism.name}: "
        "use TLS, or set Auth to plain or login, which sends the password in clear."
    )
    return {"hint": step}


def _choose(
    connector: Connector, offered: Collection[str] | None, channel: Channel, *, has_own: bool
) -> list[str]:
    if connector.auth != "auto":
        wanted = _NAMED.get(connector.auth, ())
        # Of a server that does not tell what it offers, what is named is asked for.
        return [name for name in wanted if (has_own if name == OWN else offered is None or name in offered)]
    order = _IN_TLS if channel.tls else _IN_CLEAR
    found = [name for name in order if (has_own if name == OWN else name in (offered or ()))]
    has_certificate = bool(connector.props.get("ClientCert"))
    has_password = bool(connector.password) or not (has_certificate or connector.tunnel)
    return [name for name in found if (has_certificate if name == "EXTERNAL" else has_password)]


def make(name: str, connector: Connector) -> Mechanism | None:
    """Return a connector's log-in by the mechanism of a name; None is OWN."""
    username, password = connector.username, connector.password
    if name == "PLAIN":
        return Plain(username, password)
    if name == "EXTERNAL":
        return External(username)
    return Login(username, password) if name == "LOGIN" else None


def no_way(connector: Connector, endpoint: Endpoint, offered: Collection[str], channel: Channel) -> Problem:
    """Return the Problem of a server that offers nothing of what a connector can do."""
    server = endpoint.server
    shown = ", ".join(sorted(printable(name) for name in offered)[:_SHOWN]) or "none"
    if connector.auth != "auto":
        message = f"{server} does not offer the log-in that Auth names ({connector.auth}), but {shown}."
        return failure("protocol", message)
    if not connector.password and (connector.tunnel or connector.props.get("ClientCert")):
        message = f"{server} wants a password, and this connector has none: it offers {shown}."
        return failure("credentials", message)
    if not channel.tls:
        return failure("tls", f"{server} allows no log-in without TLS.")
    return failure("protocol", f"{server} offers no log-in that can be done here, but {shown}.")


def _tell_passed(server: str, passed: str, mechanism: Mechanism | None) -> str:
    name = mechanism.name if mechanism else "LOGIN"
    step = f"Auth {name.lower()} would spare the first try." if name.lower() in _NAMED else ""
    return f"{server} offers {passed} and refuses it: logged in by {name}. {step}".strip()


def _decode(text: bytes) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True)
    except Error:
        # Some say in plain words what they wait for.
        return text
