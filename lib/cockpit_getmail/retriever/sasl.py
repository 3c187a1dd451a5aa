# SPDX-License-Identifier: LGPL-2.1-or-later
"""SASL (RFC 4422): what each mechanism sends to log in, and which one an access token takes.

A mechanism is used for one log-in. IMAP (RFC 3501 section 6.2.2) and POP3 (RFC 5034) carry its octets in
base64.
"""

import re
from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Collection, Mapping
from typing import Protocol

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem, failure

TOKEN_MECHANISMS = ("OAUTHBEARER", "XOAUTH2")
"""Those that take an access token: the standard goes before what came first."""
_KEY_VALUE_END = "\1"
_LINE_ENDS = "[\r\n\0]"
_FORBIDDEN = "[\r\n\0\1]"


class Mechanism(Protocol):
    """One log-in by one mechanism, in octets as they are before base64."""

    name: str
    initial: bytes | None
    """What may go with the command; None where the server speaks first."""
    at_once: bool
    """Whether it went with the command."""
    said: bytes
    """What the server told of its refusal before it refused."""

    def answer(self, challenge: bytes) -> bytes | None:
        """Return what a challenge is answered with, None if there is nothing more to say to it."""


class _ClientFirst:
    """A mechanism that is one message of the client."""

    name: str
    _dummy: bytes | None = None
    """What the server is sent that has told in a challenge why it refuses; None where none does so."""

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


class Plain(_ClientFirst):
    """RFC 4616."""

    name = "PLAIN"

    def __init__(self, username: str, password: str) -> None:
        super().__init__(_octets(f"\0{username}\0{password}"))


class XOAuth2(_ClientFirst):
    """Google's, which Microsoft has too. https://developers.google.com/workspace/gmail/imap/xoauth2-protocol"""

    name = "XOAUTH2"
    _dummy = b""

    def __init__(self, username: str, token: str) -> None:
        end = _KEY_VALUE_END
        super().__init__(_octets(f"user={username}{end}auth=Bearer {token}{end}{end}"))


class OAuthBearer(_ClientFirst):
    """RFC 7628 section 3.1, with the header of RFC 5801 section 4."""

    name = "OAUTHBEARER"
    _dummy = _KEY_VALUE_END.encode()

    def __init__(self, username: str, token: str, server: str, port: int) -> None:
        end = _KEY_VALUE_END
        # The comma last: `=2C` is not to be escaped again.
        user = username.replace("=", "=3D").replace(",", "=2C")
        where = f"host={server}{end}port={port}{end}"
        super().__init__(_octets(f"n,a={user},{end}{where}auth=Bearer {token}{end}{end}"))


def choose(
    connector: Connector, endpoint: Endpoint, offered: Collection[str], *, is_private: bool
) -> Mechanism | None:
    """Return how a connector logs in where these mechanisms are offered; None is without SASL.

    Raises Problem: credentials for a name or secret that is none, and as for_token() does.
    """
    if connector.uses_oauth:
        return for_token(connector, endpoint, offered, is_private=is_private)
    if re.search(_LINE_ENDS, connector.username + connector.password):
        raise failure("credentials", "A user name or password cannot hold line ends or NUL.")
    return Plain(connector.username, connector.password) if "PLAIN" in offered else None


def for_token(
    connector: Connector, endpoint: Endpoint, offered: Collection[str], *, is_private: bool
) -> Mechanism:
    """Return the log-in with a connector's access token by what its Auth names and the server offers.

    Raises Problem: tls unless the channel `is_private`, protocol where the server takes no token, and
    credentials where there is none.
    """
    username, token = connector.username, connector.access_token
    server = endpoint.server
    if not is_private:
        raise failure("tls", f"The connection to {server} is not encrypted: no access token is sent over it.")
    if not token:
        raise failure("credentials", "There is no access token: sign in first.", hint="Sign in (authorize).")
    if re.search(_FORBIDDEN, username + token):
        raise failure("credentials", "A user name or access token cannot hold control characters.")
    wanted = TOKEN_MECHANISMS if connector.auth == "auto" else (connector.auth.upper(),)
    name = next((name for name in wanted if name in offered), None)
    if name == "OAUTHBEARER":
        return OAuthBearer(username, token, server, endpoint.port)
    if name == "XOAUTH2":
        return XOAuth2(username, token)
    raise failure("protocol", f"{server} offers no log-in with OAuth2 ({' or '.join(wanted)}).")


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


def refused(server: str, said: str, told: str) -> Problem:
    """Return the Problem of an access token that a server refuses; what it `told` came before."""
    from cockpit_getmail.oauth import hints

    words = f"{said} ({told})" if told else said
    hint = hints.about_login(words)
    return failure("credentials", f"{server} refuses the access token: {words}", hint=hint)


def why(said: bytes) -> bytes:
    """Return the words in what a server told of its refusal: the status of RFC 7628 section 3.2.2."""
    import json

    try:
        found = json.loads(said)
    except (ValueError, RecursionError):
        return said
    if not isinstance(found, Mapping):
        return said
    words = [found.get(name) for name in ("status", "error", "error_description")]
    return ", ".join(word for word in words if isinstance(word, str)).encode(errors="replace") or said


def _decode(text: bytes) -> bytes:
    try:
        return a2b_base64(text, strict_mode=True)
    except Error:
        # Some say in plain words what they wait for.
        return text


def _octets(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
