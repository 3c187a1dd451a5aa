# SPDX-License-Identifier: LGPL-2.1-or-later
"""CRAM-MD5, SCRAM-SHA-256 and APOP: the standards' own examples, and servers that do not keep to them."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever import sasl, sasl_challenge
from cockpit_getmail.retriever.sasl_challenge import CramMd5, Scram

NONCE = b"rOprNGfwEbeRWgbNEkqO"
SALT = "W22ZaJ0SNY7soEsUEjb6gQ=="
FIRST = f"r={NONCE.decode()}%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s={SALT},i=4096".encode()
FINAL = (
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
)
VERIFIER = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
TEXTS = st.text(st.characters(exclude_characters="\0\r\n", exclude_categories=["Cs"]), min_size=1)


def scram(username: str = "user", password: str = "pencil", **more: object) -> Scram:
    return Scram(username, password, "h", **{"nonce": NONCE, **more})  # type: ignore[arg-type]


class Server:
    """SCRAM-SHA-256 as RFC 5802 section 3 has it of a server that keeps a password."""

    def __init__(self, username: str, password: str, binding: bytes = b"", header: bytes = b"n,,") -> None:
        self.username, self.password = username, password
        self.input = header + binding

    def talk(self, client: Scram, rounds: int = 4096) -> bool:
        """Return whether it lets this client in."""
        initial = sasl_initial(client)
        header, bare = initial[: len(initial) - len(initial.split(b",", 2)[2])], initial.split(b",", 2)[2]
        assert self.input.startswith(header)
        user, nonce = bare.split(b",")
        assert user[2:].replace(b"=2C", b",").replace(b"=3D", b"=").decode() == self.username
        salt = b"0123456789abcdef"
        first = nonce + b"server,s=" + base64.b64encode(salt) + f",i={rounds}".encode()
        final = client.answer(first)
        assert final is not None
        channel, again, proof = final.split(b",")
        assert channel == b"c=" + base64.b64encode(self.input)
        assert again == nonce + b"server"
        told = b",".join((bare, first, channel, again))
        salted = hashlib.pbkdf2_hmac("sha256", self.password.encode(), salt, rounds)
        key = hmac.digest(salted, b"Client Key", "sha256")
        signature = hmac.digest(hashlib.sha256(key).digest(), told, "sha256")
        if base64.b64decode(proof[2:]) != bytes(a ^ b for a, b in zip(key, signature, strict=True)):
            return False
        mine = hmac.digest(hmac.digest(salted, b"Server Key", "sha256"), told, "sha256")
        assert client.answer(b"v=" + base64.b64encode(mine)) == b""
        return client.proven


def sasl_initial(client: Scram) -> bytes:
    sasl.opening("AUTH", client, 10_000)
    assert client.initial
    return client.initial


def refusal(client: Scram, *challenges: bytes) -> Problem:
    sasl_initial(client)
    with pytest.raises(Problem) as caught:
        reply_to(client, *challenges)
    assert caught.value.cause == "protocol"
    assert not client.proven
    return caught.value


def reply_to(client: sasl.Mechanism, *challenges: bytes) -> None:
    for challenge in challenges:
        sasl.reply(client, base64.b64encode(challenge), "h")


def test_cram_md5_of_rfc_2195() -> None:
    client = CramMd5("tim", "tanstaaftanstaaf")
    assert sasl.opening("AUTHENTICATE", client, 1000) == b"AUTHENTICATE CRAM-MD5"
    challenge = b"PDE4OTYuNjk3MTcwOTUyQHBvc3RvZmZpY2UucmVzdG9uLm1jaS5uZXQ+"
    assert sasl.reply(client, challenge, "h") == b"dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw"
    with pytest.raises(Problem):
        sasl.reply(client, challenge, "h")


def test_scram_of_rfc_7677() -> None:
    client = scram()
    line = sasl.opening("AUTHENTICATE", client, 1000)
    assert base64.b64decode(line.split()[2]) == b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO"
    assert client.doubtful
    assert client.answer(FIRST) == FINAL
    assert not client.doubtful
    assert not client.proven
    assert client.answer(VERIFIER) == b""
    assert client.proven
    assert client.answer(b"") is None


def test_scram_with_a_server_that_takes_nothing_with_the_command() -> None:
    client = scram()
    assert sasl.opening("AUTH", client, 0) == b"AUTH SCRAM-SHA-256"
    assert sasl.reply(client, b"", "h") == base64.b64encode(b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO")
    assert sasl.reply(client, base64.b64encode(FIRST), "h") == base64.b64encode(FINAL)
    assert sasl.reply(client, base64.b64encode(VERIFIER), "h") == b""


def test_apop_of_rfc_1939() -> None:
    stamp = b"<1896.697170952@dbc.mtview.ca.us>"
    assert sasl_challenge.apop(stamp, "tanstaaf") == "c4c9334bac560ecc979e58001b3e22fb"


@pytest.mark.long
@given(TEXTS, TEXTS, st.sampled_from("ny"), st.one_of(st.none(), st.binary(min_size=1, max_size=64)))
def test_any_user_and_password_reach_a_server(
    username: str, password: str, flag: str, binding: bytes | None
) -> None:
    bound = ("tls-unique", binding) if binding else None
    client = Scram(username, password, "h", binding=bound, flag=flag)
    header = b"p=tls-unique,," if binding else f"{flag},,".encode()
    assert Server(username, password, binding or b"", header).talk(client)
    wrong = Scram(username, password + "x", "h", binding=bound, flag=flag)
    assert not Server(username, password, binding or b"", header).talk(wrong)
    assert not wrong.proven


def test_octets_that_are_no_utf_8_go_as_they_are() -> None:
    client = scram("\udcff,=", "\udcfe")
    assert sasl_initial(client).startswith(b"n,,n=\xff=2C=3D,r=")
    assert client.answer(FIRST)
    digest = hmac.digest(b"\xfe", b"x", "md5").hex().encode()
    assert CramMd5("\udcff", "\udcfe").answer(b"x") == b"\xff " + digest


@pytest.mark.parametrize(
    "challenge",
    [
        b"nonsense",
        FIRST.replace(NONCE, b"another"),
        FIRST.replace(b"%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0", b""),
        FIRST.replace(b",i=4096", b""),
        FIRST.replace(b"i=4096", b"i=-4096"),
        FIRST.replace(b"i=4096", b"i=0"),
        FIRST.replace(b"i=4096", b"i=1"),
        FIRST.replace(b"i=4096", b"i=4095"),
        FIRST.replace(b"i=4096", b"i=4194305"),
        FIRST.replace(b"i=4096", b"i=9999999999"),
        FIRST.replace(b"i=4096", b"i=" + b"9" * 100_000),
        FIRST.replace(b"i=4096", "i=٤٠٩٦".encode()),
        FIRST.replace(SALT.encode(), b""),
        FIRST.replace(SALT.encode(), b"a"),
        FIRST.replace(SALT.encode(), b"a=b="),
        b"m=new," + FIRST,
        FIRST + b",",
        FIRST.replace(b",s=", b",x=1,s="),
        FIRST.replace(b"%", b"\0"),
        VERIFIER,
    ],
)
def test_a_first_message_out_of_bounds(challenge: bytes) -> None:
    assert "h " in refusal(scram(), challenge).message


def test_what_may_come_and_means_nothing() -> None:
    client = scram()
    sasl_initial(client)
    assert client.answer(FIRST + b",x=later,Y=")


@pytest.mark.parametrize(
    "challenge", [b"", b"v=", b"v=AAAA", VERIFIER[:-1], VERIFIER[2:], FIRST, b"x" * 100_000]
)
def test_a_server_that_does_not_know_the_password(challenge: bytes) -> None:
    assert "does not prove" in refusal(scram(), FIRST, challenge).message


def test_a_server_that_does_not_prove_anything() -> None:
    client = scram()
    sasl_initial(client)
    client.answer(FIRST)
    with pytest.raises(Problem, match="does not prove") as caught:
        sasl.require_proof(client, "h")
    assert caught.value.cause == "protocol"
    client.answer(VERIFIER)
    sasl.require_proof(client, "h")
    sasl.require_proof(sasl.Plain("u", "s"), "h")


@pytest.mark.parametrize("before", [[], [FIRST]])
def test_a_server_that_tells_its_refusal(before: list[bytes]) -> None:
    client = scram()
    sasl_initial(client)
    for challenge in before:
        client.answer(challenge)
    assert client.answer(b"e=other-error") == b""
    assert client.said == b"other-error"
    assert client.answer(VERIFIER) is None
    assert not client.proven
    # What came before the server knew the proof may be the matter of how it keeps the password.
    assert client.doubtful == (not before)


@given(st.lists(st.binary(), min_size=5, max_size=5))
def test_whatever_is_said_a_log_in_ends_unproven(challenges: list[bytes]) -> None:
    for client in (scram(), CramMd5("u", "s")):
        sasl.opening("AUTH", client, 1000)
        with pytest.raises(Problem) as caught:
            reply_to(client, *challenges)
        assert caught.value.cause == "protocol"


# RFC 4013 section 3, and what is as it is.
@pytest.mark.parametrize(
    ("typed", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("é", "é"),
        ("e\u0301", "é"),
    ],
)
def test_passwords_as_saslprep_has_them(typed: str, prepared: str) -> None:
    assert sasl_challenge.prepare(typed) == prepared


class Channel:
    def __init__(self, tls: str | None) -> None:
        self.tls = tls
        self.is_private = bool(tls)

    def binding(self) -> tuple[str, bytes] | None:
        return None


@pytest.mark.parametrize("auth", ["auto", "scram-sha-256"])
@pytest.mark.parametrize("tls", [None, "TLSv1.3"])
@pytest.mark.parametrize("password", ["geheim", "gehe\u00adim"])
def test_a_password_that_a_server_may_have_in_another_form(password: str, tls: str | None, auth: str) -> None:
    props = {"Retriever": "SimpleIMAPRetriever", "Server": "h", "Username": "u", "Auth": auth}
    connector = Connector("n", props, {"Password": password})
    offered = ["SCRAM-SHA-256", "PLAIN"]
    first, *others = sasl.ways(connector, Endpoint("h", 143), offered, Channel(tls))
    assert isinstance(first, Scram)
    if auth == "auto" and tls:
        assert [type(other) for other in others] == [sasl.Plain]
    else:
        assert len(others) == (password != "geheim")
        for other in others:
            assert isinstance(other, Scram)
            assert Server("u", "geheim", header=b"y,," if tls else b"n,,").talk(other)
            # That was the last one.
            assert not other.doubtful
    # As it was typed goes first.
    assert Server("u", password, header=b"y,," if tls else b"n,,").talk(first)
    assert first.doubtful == (password != "geheim")
