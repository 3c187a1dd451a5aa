# SPDX-License-Identifier: LGPL-2.1-or-later
"""What providers are asked, and what their answers mean."""

from __future__ import annotations

from base64 import b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.connector import Connector
from cockpit_getmail.oauth import flows, hints, providers
from cockpit_getmail.oauth.answers import Answer, check_fields
from cockpit_getmail.oauth.flows import Authorization, Request
from cockpit_getmail.problem import Problem

if TYPE_CHECKING:
    from cockpit_getmail.oauth.providers import Provider

NOW = 1_700_000_000.5
IMAP = {"Retriever": "SimpleIMAPSSLRetriever", "Server": "h", "Username": "u@example.com", "Account": "a"}
CUSTOM = {
    "Provider": "custom",
    "TokenUrl": "https://id.example/token",
    "AuthorizationUrl": "https://id.example/auth?realm=1",
    "DeviceUrl": "https://id.example/device",
    "ClientId": "c i",
    "Scope": "mail offline_access",
}


def find(**props: str) -> Provider:
    return providers.find(Connector("n", {**IMAP, **props}))


def form(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.body, keep_blank_values=True, strict_parsing=True))


def test_device_code() -> None:
    microsoft = find(Provider="microsoft", ClientId="id")
    request = flows.start_device(microsoft, "")
    assert request.url == "https://login.microsoftonline.com/common/oauth2/v2.0/devicecode"
    scope = "https://outlook.office.com/IMAP.AccessAsUser.All offline_access"
    assert form(request) == {"client_id": "id", "scope": scope}
    fields = {"device_code": "d", "user_code": "ABCD", "verification_uri": "https://m/d"}
    code = flows.read_device(Answer(200, {**fields, "interval": 0, "expires_in": 90}), microsoft)
    assert code == ("d", "ABCD", "https://m/d", "", 90, 1)
    absurd = flows.read_device(Answer(200, {**fields, "interval": 86400, "expires_in": 0}), microsoft)
    assert absurd == ("d", "ABCD", "https://m/d", "", 900, 300)
    asked = flows.poll_device(microsoft, code.device_code, "")
    grant_type = "urn:ietf:params:oauth:grant-type:device_code"
    assert form(asked) == {"grant_type": grant_type, "device_code": "d", "client_id": "id"}
    assert asked.secrets == ("", "d")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer(400, {"error": "authorization_pending"}), "pending"),
        (Answer(400, {"error": "slow_down"}), "slow_down"),
        (
            Answer(200, {"access_token": "t", "expires_in": 60, "refresh_token": "r"}),
            ("t", 1_700_000_060, "r"),
        ),
    ],
)
def test_poll(answer: Answer, expected: Any) -> None:
    found = flows.read_poll(answer, find(**CUSTOM), NOW)
    if isinstance(found, flows.Grant):
        assert (found.access_token, found.expires_at, found.refresh_token) == expected
    else:
        assert found == expected


@pytest.mark.parametrize("error", ["expired_token", "access_denied"])
def test_poll_that_comes_to_nothing(error: str) -> None:
    with pytest.raises(Problem) as raised:
        flows.read_poll(Answer(400, {"error": error}), find(**CUSTOM), NOW)
    assert raised.value.cause == "credentials"
    assert error in raised.value.message


def test_no_device_flow_for_mail_at_google() -> None:
    with pytest.raises(Problem, match="no sign-in by code"):
        flows.start_device(find(Provider="google", ClientId="id"), "secret")


def test_authorization_address() -> None:
    google = find(Provider="google", ClientId="id")
    asked = flows.authorize(google, "u@example.com")
    url = urlsplit(asked.url)
    query = {name: value for name, [value] in parse_qs(url.query).items()}
    assert (url.scheme, url.netloc, url.path) == ("https", "accounts.google.com", "/o/oauth2/v2/auth")
    challenge = urlsafe_b64encode(sha256(asked.verifier.encode()).digest()).rstrip(b"=").decode()
    assert query == {
        "response_type": "code",
        "client_id": "id",
        "redirect_uri": "http://127.0.0.1:53682/",
        "scope": "https://mail.google.com/",
        "state": asked.state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
        "access_type": "offline",
        "prompt": "consent",
        "login_hint": "u@example.com",
    }
    again = flows.authorize(google)
    assert len({asked.state, again.state, asked.verifier, again.verifier}) == 4
    assert len(asked.state) == 32
    # Some versions of oauthlib take the length for that of what they encode.
    assert 64 <= len(asked.verifier) <= 128


def test_authorization_address_with_a_query_of_its_own() -> None:
    assert flows.authorize(find(**CUSTOM)).url.startswith(
        "https://id.example/auth?realm=1&response_type=code&"
    )


def test_sign_in_is_completed() -> None:
    google = find(Provider="google", ClientId="id")
    asked = flows.authorize(google)
    redirect = f" http://127.0.0.1:53682/?{urlencode({'state': asked.state, 'code': '4/a b'})}&scope=x#_ \n"
    request = flows.complete(google, asked, redirect, "secret")
    assert request.url == "https://oauth2.googleapis.com/token"
    assert form(request) == {
        "grant_type": "authorization_code",
        "client_id": "id",
        "client_secret": "secret",
        "code": "4/a b",
        "code_verifier": asked.verifier,
        "redirect_uri": "http://127.0.0.1:53682/",
    }
    assert {"4/a b", asked.verifier, "secret"} == set(request.secrets)


@pytest.mark.parametrize(
    ("redirect", "cause", "words"),
    [
        ("", "connector", "not the address"),
        ("http://127.0.0.1:53682/?code=c", "connector", "not the address"),
        ("http://127.0.0.1:53682/?code=c&state=other", "connector", "not the address"),
        ("http://127.0.0.1:53682/?code=c&state=\udc80ä", "connector", "not the address"),
        ("http://[/?code=c&state=STATE", "connector", "not the address"),
        ("?" + "a=b&" * 60 + "state=STATE&code=c", "connector", "not the address"),
        ("http://127.0.0.1:53682/?state=STATE", "connector", "no code in it"),
        (
            "?state=STATE&error=access_denied&error_description=No%0a",
            "credentials",
            r"access_denied .No\\x0a",
        ),
    ],
)
def test_address_that_does_not_complete_a_sign_in(redirect: str, cause: str, words: str) -> None:
    with pytest.raises(Problem, match=words) as raised:
        flows.complete(find(**CUSTOM), Authorization("", "STATE", "v", "r"), redirect, "")
    assert raised.value.cause == cause


@pytest.mark.long
@given(st.text())
def test_any_text_is_refused_as_an_address(text: str) -> None:
    with pytest.raises(Problem):
        flows.complete(find(**CUSTOM), Authorization("", "STATE", "v", "r"), text, "")


def test_refresh() -> None:
    microsoft = find(Provider="microsoft", ClientId="id", Tenant="t.example")
    request = flows.refresh(microsoft, "rt", "se&cret")
    assert request.url == "https://login.microsoftonline.com/t.example/oauth2/v2.0/token"
    assert form(request) == {
        "grant_type": "refresh_token",
        "refresh_token": "rt",
        "scope": microsoft.scope,
        "client_id": "id",
        "client_secret": "se&cret",
    }
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert form(flows.refresh(find(Provider="google", ClientId="id"), "rt", "")).keys() == {
        *("grant_type", "refresh_token", "client_id"),
    }


def test_client_of_a_custom_provider_proves_itself_by_basic() -> None:
    request = flows.refresh(find(**CUSTOM), "rt", "a:b%")
    assert form(request).keys() == {"grant_type", "refresh_token", "scope"}
    kind, _, code = request.headers["Authorization"].partition(" ")
    assert (kind, b64decode(code)) == ("Basic", b"c+i:a%3Ab%25")
    public = flows.refresh(find(**CUSTOM), "rt", "")
    assert "Authorization" not in public.headers
    assert form(public)["client_id"] == "c i"


def test_client_credentials() -> None:
    props = {"Provider": "microsoft", "ClientId": "id", "Grant": "client_credentials"}
    request = flows.use_client(find(**props, Tenant="contoso.example"), "secret")
    assert request.url == "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token"
    scope = "https://outlook.office365.com/.default"
    expected = {
        "grant_type": "client_credentials",
        "client_id": "id",
        "client_secret": "secret",
        "scope": scope,
    }
    assert form(request) == expected
    with pytest.raises(Problem, match="Tenant is missing"):
        find(**props)


@pytest.mark.long
def test_service_account() -> None:
    key = rsa.generate_private_key(65537, 2048)
    google = find(Provider="google", Grant="jwt")
    request = flows.use_key(google, "robot@project", pem(key), "u@example.com", NOW)
    told = form(request)
    assert told.keys() == {"grant_type", "assertion"}
    assert told["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    claims = jwt.decode(
        told["assertion"],
        key.public_key(),
        algorithms=["RS256"],
        options={"verify_exp": False, "verify_aud": False, "verify_iat": False},
    )
    assert claims == {
        "iss": "robot@project",
        "sub": "u@example.com",
        "aud": "https://oauth2.googleapis.com/token",
        "scope": "https://mail.google.com/",
        "iat": 1_700_000_000,
        "exp": 1_700_000_600,
    }


UNKNOWN_KEY = """\
-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2V9BCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f
-----END PRIVATE KEY-----
"""
"""Of an algorithm (1.3.101.125) that nobody knows."""


@pytest.mark.parametrize(
    "key", ["", "-----BEGIN PRIVATE KEY-----\n", "secret", UNKNOWN_KEY, "ec", "ed25519", "public"]
)
def test_key_that_is_none(key: str) -> None:
    match key:
        case "ec":
            key = pem(ec.generate_private_key(ec.SECP256R1()))
        case "ed25519":
            key = pem(ed25519.Ed25519PrivateKey.generate())
        case "public":
            public = rsa.generate_private_key(65537, 2048).public_key()
            key = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(Problem) as raised:
        flows.use_key(find(**CUSTOM), "i", key, "s", NOW)
    assert (raised.value.cause, raised.value.message) == (
        "connector",
        "KeyFile has no RSA private key in PEM form.",
    )


def pem(key: Any) -> str:
    octets: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return octets.decode()


def test_grant() -> None:
    fields = {"access_token": "t", "token_type": "Bearer", "scope": "a b"}
    grant = flows.read_grant(Answer(200, fields), find(**CUSTOM), NOW)
    assert grant == flows.Grant("t", 1_700_003_600, "", "a b")


@pytest.mark.parametrize(
    ("answer", "cause", "words"),
    [
        (Answer(200, {}), "protocol", "not as OAuth2 has it .200"),
        (Answer(200, {"access_token": "t", "token_type": "mac"}), "protocol", "mac"),
        (Answer(302, {}), "protocol", "redirects"),
        (Answer(404, {}), "protocol", "404"),
        (Answer(500, {}), "network", "500"),
        (Answer(502, {"error": "invalid_grant"}), "network", "invalid_grant"),
        (Answer(429, {}), "network", "429"),
        (Answer(400, {"error": "temporarily_unavailable"}), "network", "temporarily_unavailable"),
        (Answer(400, {"error": "invalid_grant"}), "credentials", "invalid_grant"),
        (Answer(200, {"error": "invalid_grant", "access_token": ""}), "credentials", "invalid_grant"),
    ],
)
def test_answer_without_a_token(answer: Answer, cause: str, words: str) -> None:
    with pytest.raises(Problem, match=words) as raised:
        flows.read_grant(answer, find(**CUSTOM), NOW)
    assert raised.value.cause == cause
    assert isinstance(raised.value.attributes, dict)
    assert raised.value.attributes.get("hint") or cause == "protocol"


def test_secret_that_a_provider_repeats_is_not_told() -> None:
    request = flows.refresh(find(**CUSTOM), "rt-1", "cs-1")
    fields = {"error": "invalid_grant", "error_description": "rt-1 of cs-1 is unknown"}
    with pytest.raises(Problem) as raised:
        flows.read_grant(Answer(400, fields), find(**CUSTOM), NOW, request)
    assert raised.value.message == "id.example gives no token: invalid_grant (… of … is unknown)."


@pytest.mark.parametrize(
    "said",
    [
        {"error": "invalid_grant", "error_description": "Unknown: {token}, asked by {secret}"},
        {"error": "invalid_grant", "error_description": "Unknown: '{token:.700}' and {secret}."},
        {"error": "no {token:.150}"},
        {"access_token": "a", "token_type": "{secret:.150}"},
        {"error": "temporarily_unavailable", "error_description": "token={token}&x {secret}"},
    ],
)
def test_piece_of_a_secret_that_a_provider_repeats_is_not_told(said: dict[str, str]) -> None:
    """Tokens may be longer than what is told of its words."""
    token, secret = ("".join(f"{kind}{number:05}" for number in range(400)) for kind in "ts")
    request = flows.refresh(find(**CUSTOM), token, secret)
    fields = check_fields({name: text.format(token=token, secret=secret) for name, text in said.items()})
    with pytest.raises(Problem) as raised:
        flows.read_grant(Answer(400 if "error" in said else 200, fields), find(**CUSTOM), NOW, request)
    told = f"{raised.value.message} {raised.value.attributes}"
    assert "…" in told
    assert "00001" not in told


@pytest.mark.parametrize(
    ("error", "words", "expected"),
    [
        ("invalid_grant", "Token has been expired or revoked.", hints.SIGN_IN),
        ("invalid_grant", "AADSTS700082: The refresh token has expired due to inactivity.", hints.SIGN_IN),
        ("invalid_grant", "AADSTS65001: The user has not consented", hints.CONSENT),
        ("invalid_grant", "AADSTS50076: you must use multi-factor authentication", hints.CONSENT),
        ("interaction_required", "AADSTS50158", hints.CONSENT),
        ("invalid_client", "AADSTS7000215: Invalid client secret provided.", hints.SECRET),
        ("invalid_client", "AADSTS7000222: The provided client secret keys are expired.", hints.SECRET),
        ("invalid_client", "", hints.SECRET),
        ("unauthorized_client", "AADSTS700016: Application not found in the directory", hints.CLIENT),
        ("unauthorized_client", "", hints.CLIENT),
        ("invalid_grant", "Account has been deleted", hints.ACCOUNT),
        ("invalid_grant", "AADSTS50057: The user account is disabled.", hints.ACCOUNT),
        ("invalid_scope", "", hints.SCOPE),
        ("authorization_declined", "", hints.CONSENT),
        ("redirect_uri_mismatch", "", hints.CLIENT),
        ("something_new", "", None),
    ],
)
def test_hints(error: str, words: str, expected: str | None) -> None:
    assert hints.about_refusal(error, words) == expected


def test_hints_of_a_service_account() -> None:
    assert hints.about_refusal("unauthorized_client", "", is_signed=True) == hints.DELEGATION
    assert hints.about_refusal("invalid_grant", "Invalid JWT Signature.", is_signed=True) == hints.KEY


def test_hints_of_a_log_in() -> None:
    assert hints.about_login("BAD User is authenticated but not connected.") == hints.NOT_CONNECTED
    assert hints.about_login("NO AUTHENTICATE failed.") == hints.OTHER_REFUSAL
