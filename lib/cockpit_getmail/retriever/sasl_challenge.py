# SPDX-License-Identifier: LGPL-2.1-or-later
"""The SASL mechanisms that answer a challenge: CRAM-MD5 (RFC 2195) and SCRAM-SHA-256 (RFC 5802, 7677).

Not by a library: those at hand prepare every password (RFC 4013), and servers such as Dovecot keep what was
typed; nor does Debian 12 have one.
"""

import hashlib
import hmac
import os
import re
from binascii import Error, a2b_base64, b2a_base64
from collections.abc import Collection, Sequence

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever import echo
from cockpit_getmail.retriever.sasl import CHALLENGES, Channel, Mechanism, make, no_way, require_proof

FEWEST, MOST = 4096, 4 << 20
"""Rounds of hashing that a server may ask for: with fewer the password is easy to guess (RFC 7677 section 4).

More take us seconds."""
_SERVER_FIRST = re.compile(rb"r=([!-+\--~]+),s=([A-Za-z0-9+/=]+),i=([1-9]\d{0,9})(?:,[A-Za-z]=[^,]*)*")
_NONCE_OCTETS = 18
_PLUS = "-PLUS"


class CramMd5:
    """RFC 2195."""

    name = "CRAM-MD5"
    initial: bytes | None = None
    doubtful = True
    proven = True

    def __init__(self, username: str, password: str) -> None:
        self.at_once = False
        self.said = b""
        self._username = username
        self._password = password
        self._answered = False

    def answer(self, challenge: bytes) -> bytes | None:
        if self._answered or not challenge:
            return None
        self._answered = True
        return echo.octets(self._username) + b" " + _md5(echo.octets(self._password), challenge)


class Scram:
    """SCRAM-SHA-256, with a `binding` (RFC 5056: its name and data) SCRAM-SHA-256-PLUS.

    Without one, `flag` is `y` for a client that could have one, and `n` for one that could not.
    The password is used as it is; `prepared` tells that it went through prepare().
    """

    initial: bytes | None

    def __init__(
        self,
        username: str,
        password: str,
        server: str,
        *,
        binding: tuple[str, bytes] | None = None,
        flag: str = "n",
        prepared: bool = False,
        nonce: bytes | None = None,
    ) -> None:
        self.name = "SCRAM-SHA-256" + (_PLUS if binding else "")
        self.at_once = False
        self.said = b""
        self.doubtful = True
        self.proven = False
        self._username = username
        self._server = server
        self._binding = binding
        self._password = password
        self._prepared = prepared
        self._nonce = nonce or b2a_base64(os.urandom(_NONCE_OCTETS), newline=False)
        self._header = f"p={binding[0]},,".encode() if binding else f"{flag},,".encode()
        self._bound = self._header + (binding[1] if binding else b"")
        # The comma last: `=2C` is not to be escaped again.
        user = echo.octets(username).replace(b"=", b"=3D").replace(b",", b"=2C")
        self._first = b"n=" + user + b",r=" + self._nonce
        self.initial = self._header + self._first
        self._began = False
        self._signature = b""

    def answer(self, challenge: bytes) -> bytes | None:
        if not self._began:
            self._began = True
            # A server that takes nothing with the command asks for it again, once.
            if not (self.at_once and challenge):
                return self.initial
        if self.proven or self.said:
            return None
        if challenge.startswith(b"e="):
            # It goes on to refuse.
            self.said = challenge[2:]
            return b""
        return self._verify(challenge) if self._signature else self._prove(challenge)

    def other_form(self) -> "Scram | None":
        """Return the same log-in with the password as RFC 4013 has it, None if that is how it is."""
        prepared = prepare(self._password)
        if self._prepared or prepared == self._password:
            return None
        return Scram(
            *(self._username, prepared, self._server),
            binding=self._binding,
            flag=self._header[:1].decode(),
            prepared=True,
        )

    def _prove(self, challenge: bytes) -> bytes:
        found = _SERVER_FIRST.fullmatch(challenge)
        # Anyone's old answer has another nonce.
        if not found or not found[1].startswith(self._nonce) or found[1] == self._nonce:
            raise failure("protocol", f"{self._server} breaks the rules of SCRAM.")
        try:
            salt = a2b_base64(found[2], strict_mode=True)
        except Error as error:
            raise failure("protocol", f"{self._server} breaks the rules of SCRAM.") from error
        rounds = int(found[3])
        if not FEWEST <= rounds <= MOST:
            what = f"{rounds} rounds of SCRAM, and not {FEWEST} to {MOST}"
            step = "If this is the server that is meant, have it mended, or set Auth to another log-in."
            raise failure("protocol", f"{self._server} asks for {what}: refused.", hint=step)
        salted = hashlib.pbkdf2_hmac("sha256", echo.octets(self._password), salt, rounds)
        client_key = hmac.digest(salted, b"Client Key", "sha256")
        stored_key = hashlib.sha256(client_key).digest()
        final = b"c=" + b2a_base64(self._bound, newline=False) + b",r=" + found[1]
        told = b",".join((self._first, challenge, final))
        proof = _xor(client_key, hmac.digest(stored_key, told, "sha256"))
        server_key = hmac.digest(salted, b"Server Key", "sha256")
        self._signature = hmac.digest(server_key, told, "sha256")
        # It has what the mechanism needs: what it refuses now is the password, or the form that it has here.
        self.doubtful = not self._prepared and prepare(self._password) != self._password
        return final + b",p=" + b2a_base64(proof, newline=False)

    def _verify(self, challenge: bytes) -> bytes:
        expected = b"v=" + b2a_base64(self._signature, newline=False)
        self.proven = hmac.compare_digest(challenge.split(b",")[0], expected)
        require_proof(self, self._server)
        return b""


def ways(
    names: Sequence[str],
    connector: Connector,
    endpoint: Endpoint,
    channel: Channel,
    offered: Collection[str],
) -> Sequence[Mechanism | None]:
    """Return the ways to log in as sasl.ways() does, which has chosen the names."""
    found: list[Mechanism | None] = []
    for name in names:
        if name not in CHALLENGES:
            found.append(make(name, connector))
        elif mechanism := _make(name, connector, endpoint.server, channel, offered):
            found.append(mechanism)
    if not found:
        raise no_way(connector, endpoint, offered, channel)
    first, *others = found
    if first is None or not first.doubtful:
        return [first]
    if channel.tls and others:
        return [first, others[0]]
    # The same once more is no worse.
    again = first.other_form() if isinstance(first, Scram) else None
    return [first, again] if again else [first]


def _make(
    name: str, connector: Connector, server: str, channel: Channel, offered: Collection[str]
) -> Mechanism | None:
    """Return a connector's log-in by the mechanism of a name; None if it cannot be bound to this channel."""
    username, password = connector.username, connector.password
    if name == CramMd5.name:
        return CramMd5(username, password)
    if name.endswith(_PLUS):
        binding = channel.binding()
        return Scram(username, password, server, binding=binding) if binding else None
    # `y` finds out whether someone on the way has taken -PLUS from what the server offers.
    could_bind = channel.tls and not any(other.endswith(_PLUS) for other in offered)
    return Scram(username, password, server, flag="y" if could_bind else "n")


def apop(time_stamp: bytes, password: str) -> str:
    """Return the digest of APOP (RFC 1939 section 7) for the time stamp in a greeting. Raises Problem."""
    try:
        return hashlib.md5(time_stamp + echo.octets(password)).hexdigest()  # noqa: S324 (the protocol's)
    except ValueError as error:
        raise _no_md5() from error


def prepare(text: str) -> str:
    """Return a password as SASLprep has it (RFC 4013 sections 2.1 and 2.2).

    What that forbids stays: no server has a password with it.
    """
    if text.isascii():
        return text
    import unicodedata
    from stringprep import in_table_b1, in_table_c12

    mapped = "".join(" " if in_table_c12(each) else each for each in text if not in_table_b1(each))
    return unicodedata.ucd_3_2_0.normalize("NFKC", mapped)


def _md5(key: bytes, challenge: bytes) -> bytes:
    try:
        return hmac.digest(key, challenge, "md5").hex().encode()
    except ValueError as error:
        raise _no_md5() from error


def _no_md5() -> Problem:
    return failure("settings", "This machine forbids MD5 (FIPS): set Auth to another log-in.")


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))
