# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each mechanism sends, and what it makes of a refusal."""

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever import sasl, sasl_token

ENDPOINT = Endpoint("mail.example", 993)
NAMES = st.text(st.characters(exclude_characters="\0\1\r\n", exclude_categories=["Cs"]), min_size=1)
# RFC 6750 section 2.1.
TOKENS = st.from_regex(r"[A-Za-z0-9._~+/-]{1,200}=*", fullmatch=True)


def connector(auth: str = "auto", username: str = "u", token: str = "t") -> Connector:
    props = {"Retriever": "SimpleIMAPSSLRetriever", "Server": "mail.example", "Username": username}
    return Connector("u@mail.example", {**props, "Auth": auth, "Provider": "custom"}, {"AccessToken": token})


def both(username: str, token: str) -> list[sasl.Mechanism]:
    return [sasl_token.XOAuth2(username, token), sasl_token.OAuthBearer(username, token, "mail.example", 993)]


def every(username: str, secret: str) -> list[sasl.Mechanism]:
    return [sasl.Plain(username, secret), *both(username, secret)]


def test_messages_of_the_specifications() -> None:
    # https://developers.google.com/workspace/gmail/imap/xoauth2-protocol, RFC 7628 section 4.1.
    token = "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg"
    line = sasl.opening("AUTHENTICATE", sasl_token.XOAuth2("someuser@example.com", token), 1000)
    assert line == (
        b"AUTHENTICATE XOAUTH2 dXNlcj1zb21ldXNlckBleGFtcGxlLmNvbQFhdXRoPUJlYXJlciB5YTI5"
        b"LnZGOWRmdDRxbVRjMk52YjNSbGNrQmhkSFJoZG1semRHRXVZMjl0Q2cBAQ=="
    )
    bearer = sasl_token.OAuthBearer(
        "user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==", "h", 587
    )
    assert bearer.initial == (
        b"n,a=user@example.com,\1host=h\1port=587\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1"
    )
    plain = sasl.Plain("tim", "tanstaaftanstaaf")
    assert sasl.opening("AUTH", plain, 1000) == b"AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm"


@pytest.mark.long
@given(NAMES, TOKENS)
def test_what_goes_is_what_a_server_reads(username: str, token: str) -> None:
    xoauth2, bearer = both(username, token)
    assert xoauth2.initial
    assert bearer.initial
    user, auth, *rest = xoauth2.initial.decode().split("\1")
    assert (user, auth, rest) == (f"user={username}", f"auth=Bearer {token}", ["", ""])
    header, *pairs = bearer.initial.decode().split("\1")
    # RFC 5801 section 4: gs2-cbind-flag "," [gs2-authzid] ",".
    flag, authzid, end = header.split(",")
    assert (flag, end) == ("n", "")
    assert authzid.removeprefix("a=").replace("=2C", ",").replace("=3D", "=") == username
    assert pairs == ["host=mail.example", "port=993", f"auth=Bearer {token}", "", ""]


@given(NAMES, TOKENS, st.integers(0, 600))
def test_lines_and_their_limit(username: str, secret: str, room: int) -> None:
    for mechanism in every(username, secret):
        assert mechanism.initial
        line = sasl.opening("AUTH", mechanism, room)
        command, name, *rest = line.decode().split(" ")
        assert (command, name) == ("AUTH", mechanism.name)
        assert mechanism.at_once == bool(rest)
        if rest:
            assert len(line) <= room
            assert base64.b64decode(rest[0]) == mechanism.initial
        else:
            whole = f"AUTH {mechanism.name} ".encode() + base64.b64encode(mechanism.initial)
            assert len(whole) > room
            assert sasl.reply(mechanism, b"", "h") == base64.b64encode(mechanism.initial)


@given(st.binary(), st.lists(st.binary(), min_size=3, max_size=3), st.booleans())
def test_a_secret_goes_twice_at_most_and_a_log_in_ends(
    first: bytes, challenges: list[bytes], at_once: bool
) -> None:
    for mechanism in every("u", "s" * 20):
        assert mechanism.initial
        sent = [sasl.opening("AUTH", mechanism, 1000 if at_once else 0).partition(b" ")[2]]
        with pytest.raises(Problem) as caught:
            sent += [sasl.reply(mechanism, text, "h") for text in (first, *challenges, b"more")]
        assert caught.value.cause == "protocol"
        times = sum(base64.b64encode(mechanism.initial) in line for line in sent)
        assert times <= (2 if at_once else 1)


@pytest.mark.parametrize("at_once", [True, False])
def test_a_refusal_told_before_it_is_made(at_once: bool) -> None:
    told = json.dumps({"status": "invalid_token", "schemes": "bearer", "scope": "mail"}).encode()
    for mechanism, dummy in zip(both("u", "t"), (b"", b"AQ=="), strict=True):
        sasl.opening("AUTHENTICATE", mechanism, 1000 if at_once else 0)
        if not at_once:
            sasl.reply(mechanism, b"", "h")
        assert sasl.reply(mechanism, base64.b64encode(told), "h") == dummy
        assert mechanism.said == told
        with pytest.raises(Problem) as caught:
            sasl.reply(mechanism, b"", "h")
        assert caught.value.cause == "protocol"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b'{"status":"401","schemes":"bearer"}', b"401"),
        (b'{"status":"400","error":"x","error_description":"y"}', b"400, x, y"),
        (b'{"status":5}', b'{"status":5}'),
        (b"{}", b"{}"),
        (b"[1]", b"[1]"),
        (b"expired", b"expired"),
        (b'{"status":"\\ud800"}', b"?"),
        (b"[" * 100_000, b"[" * 100_000),
        (b"", b""),
    ],
)
def test_words_of_a_refusal(said: bytes, words: bytes) -> None:
    assert sasl_token.why(said) == words


@given(st.binary())
def test_whatever_was_said_has_words(said: bytes) -> None:
    assert bool(sasl_token.why(said)) == bool(said)
    assert "token" in sasl_token.refused("h", "no", "").message


@pytest.mark.parametrize(
    ("auth", "offered", "name"),
    [
        ("auto", ["XOAUTH2", "OAUTHBEARER", "PLAIN"], "OAUTHBEARER"),
        ("auto", ["XOAUTH2", "PLAIN"], "XOAUTH2"),
        ("xoauth2", ["XOAUTH2", "OAUTHBEARER"], "XOAUTH2"),
        ("oauthbearer", ["XOAUTH2", "OAUTHBEARER"], "OAUTHBEARER"),
    ],
)
def test_mechanism_of_a_connector(auth: str, offered: list[str], name: str) -> None:
    assert sasl_token.for_token(connector(auth), ENDPOINT, offered, is_private=True).name == name


@pytest.mark.parametrize(
    ("auth", "offered"),
    [("auto", ["PLAIN"]), ("auto", []), ("xoauth2", ["OAUTHBEARER"]), ("oauthbearer", ["XOAUTH2", "PLAIN"])],
)
def test_server_without_the_mechanism(auth: str, offered: list[str]) -> None:
    with pytest.raises(Problem) as caught:
        sasl_token.for_token(connector(auth), ENDPOINT, offered, is_private=True)
    assert caught.value.cause == "protocol"
    assert "offers no log-in with OAuth2" in caught.value.message


@pytest.mark.parametrize("bad", ["\0", "\1", "\r", "\n"])
def test_what_would_be_more_than_a_name_or_a_token(bad: str) -> None:
    for faulty in (connector(username=f"u{bad}x"), connector(token=f"t{bad}x")):
        with pytest.raises(Problem) as caught:
            sasl_token.for_token(faulty, ENDPOINT, ["XOAUTH2"], is_private=True)
        assert caught.value.cause == "credentials"


def test_without_token_or_privacy_nothing_goes() -> None:
    with pytest.raises(Problem) as caught:
        sasl_token.for_token(connector(), ENDPOINT, ["XOAUTH2"], is_private=False)
    assert caught.value.cause == "tls"
    with pytest.raises(Problem) as caught:
        sasl_token.for_token(connector(token=""), ENDPOINT, ["XOAUTH2"], is_private=True)
    assert caught.value.cause == "credentials"
