# SPDX-License-Identifier: LGPL-2.1-or-later
"""Requests to a provider, made by oauthlib, and what its answers mean. Nothing here talks to anyone.

To sign in: start_device(), read_device(), poll_device(), read_poll(); or authorize(), complete(). Of either
comes a Grant with the refresh token. Later: refresh(), use_client() or use_key(). Answers come as
answers.Answer.
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

from cockpit_getmail.oauth.hints import hide
from cockpit_getmail.oauth.refusal import refusal, refused
from cockpit_getmail.problem import failure, printable
from cockpit_getmail.value import Value

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from cockpit_getmail.oauth.answers import Answer
    from cockpit_getmail.oauth.providers import Provider

LIFETIME = 3600
"""Seconds that an access token is good for where the provider does not tell: the usual ones."""
CODE_SECONDS = 900
INTERVAL = 5
"""Seconds between two questions where the provider does not tell (RFC 8628 section 3.2)."""
LONGEST_INTERVAL = 300
"""Who waits longer in one go, is not waited for (`wait` in task.json)."""
_ASSERTION_SECONDS = 600
_VERIFIER_LENGTH = 64
_STATE_LENGTH = 32
_FORM = "application/x-www-form-urlencoded"


class Request(Value):
    """A POST to a provider. `secrets` are those in it, which nothing may show."""

    __slots__ = ("body", "headers", "secrets", "url")

    def __init__(self, url: str, headers: Mapping[str, str], body: str, secrets: tuple[str, ...]) -> None:
        self.url = url
        self.headers = headers
        self.body = body
        self.secrets = secrets


class Grant(Value):
    """What was granted: `expires_at` is in seconds since 1970, `refresh_token` empty without one."""

    __slots__ = ("access_token", "expires_at", "refresh_token", "scope")

    def __init__(self, access_token: str, expires_at: int, refresh_token: str = "", scope: str = "") -> None:
        self.access_token = access_token
        self.expires_at = expires_at
        self.refresh_token = refresh_token
        self.scope = scope


class DeviceCode(NamedTuple):
    """What a person is shown (`user_code`, `address`, `address_with_code`), and what is asked with."""

    device_code: str
    user_code: str
    address: str
    address_with_code: str
    expires_in: int
    interval: int


class Authorization(NamedTuple):
    """The address a person opens, and what complete() needs of it: kept by root alone until then."""

    url: str
    state: str
    verifier: str
    redirect_url: str


def start_device(provider: Provider, client_secret: str) -> Request:
    """Return the request for a device code. Raises Problem (connector) where there is no device flow."""
    if not provider.device_url:
        message = "This provider has no sign-in by code for mail: open the authorization address instead."
        raise failure("connector", message, parameter="DeviceUrl")
    body = urlencode({"client_id": provider.client_id, "scope": provider.scope})
    return _request(provider, body, client_secret, url=provider.device_url)


def read_device(answer: Answer, provider: Provider, request: Request | None = None) -> DeviceCode:
    """Return the code. Raises Problem."""
    address = answer.text("verification_uri") or answer.text("verification_url")
    code, user_code = answer.text("device_code"), answer.text("user_code")
    if answer.status != 200 or not (code and user_code and address):
        raise refusal(answer, provider, request)
    return DeviceCode(
        code,
        user_code,
        address,
        answer.text("verification_uri_complete"),
        answer.number("expires_in", 0) or CODE_SECONDS,
        min(LONGEST_INTERVAL, max(1, answer.number("interval", INTERVAL))),
    )


def poll_device(provider: Provider, device_code: str, client_secret: str) -> Request:
    """Return the question whether the person has signed in."""
    from oauthlib.oauth2 import DeviceClient

    client = DeviceClient(provider.client_id)
    body = client.prepare_request_body(device_code, include_client_id=not _proves(provider, client_secret))
    return _request(provider, body, client_secret, device_code)


def read_poll(
    answer: Answer, provider: Provider, now: float, request: Request | None = None
) -> Grant | Literal["pending", "slow_down"]:
    """Return what was granted; or that it is still to come, and that it was asked for too often.

    After slow_down the interval is 5 seconds longer for good (RFC 8628 section 3.5). Raises Problem.
    """
    error = answer.text("error")
    if error == "authorization_pending":
        return "pending"
    if error == "slow_down":
        return "slow_down"
    return read_grant(answer, provider, now, request)


def authorize(provider: Provider, username: str = "") -> Authorization:
    """Return the address that a person opens to sign in, with PKCE (RFC 7636). Raises Problem (connector)."""
    from oauthlib.common import generate_token
    from oauthlib.oauth2 import WebApplicationClient

    if not provider.authorization_url:
        message = "AuthorizationUrl is missing: this provider has no address of its own."
        raise failure("connector", message, parameter="AuthorizationUrl")
    client = WebApplicationClient(provider.client_id)
    state = generate_token(_STATE_LENGTH)
    verifier = client.create_code_verifier(_VERIFIER_LENGTH)
    query = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": provider.redirect_url,
        **({"scope": provider.scope} if provider.scope else {}),
        "state": state,
        "code_challenge": client.create_code_challenge(verifier, "S256"),
        "code_challenge_method": "S256",
        **provider.extra,
        **({"login_hint": username} if "@" in username else {}),
    }
    mark = "&" if "?" in provider.authorization_url else "?"
    url = f"{provider.authorization_url}{mark}{urlencode(query)}"
    return Authorization(url, state, verifier, provider.redirect_url)


def complete(provider: Provider, asked: Authorization, redirect: str, client_secret: str) -> Request:
    """Return the request for tokens after a sign-in; `redirect` is the address that the browser was sent to.

    Raises Problem: connector for what is not that address, credentials for what the provider says there.
    """
    from oauthlib.oauth2 import WebApplicationClient

    found = _read_redirect(asked, redirect)
    if "error" in found:
        error, words = printable(found["error"]), printable(found.get("error_description", ""))
        raise refused(provider, error, words)
    if not found.get("code"):
        raise failure("connector", "The address has no code in it: paste all of it.", parameter="redirect")
    client = WebApplicationClient(provider.client_id)
    body = client.prepare_request_body(
        code=found["code"],
        redirect_uri=asked.redirect_url,
        include_client_id=not _proves(provider, client_secret),
        code_verifier=asked.verifier,
    )
    return _request(provider, body, client_secret, found["code"], asked.verifier)


def refresh(provider: Provider, refresh_token: str, client_secret: str) -> Request:
    """Return the request for a new access token."""
    from oauthlib.oauth2 import WebApplicationClient

    client = WebApplicationClient(provider.client_id)
    client_id = {} if _proves(provider, client_secret) else {"client_id": provider.client_id}
    body = client.prepare_refresh_body(
        refresh_token=refresh_token, scope=provider.refresh_scope or None, **client_id
    )
    return _request(provider, body, client_secret, refresh_token)


def use_client(provider: Provider, client_secret: str) -> Request:
    """Return the request of an application that is allowed into an organisation's mailboxes."""
    from oauthlib.oauth2 import BackendApplicationClient

    client = BackendApplicationClient(provider.client_id)
    body = client.prepare_request_body(
        scope=provider.scope or None, include_client_id=not _proves(provider, client_secret)
    )
    return _request(provider, body, client_secret)


def use_key(provider: Provider, issuer: str, key: str, subject: str, now: float) -> Request:
    """Return the request of a service account for a person's mailbox, signed (RFC 7523 section 2.1).

    Raises Problem (connector) for a key that is none.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from jwt.exceptions import PyJWTError
    from oauthlib.oauth2 import ServiceApplicationClient

    client = ServiceApplicationClient(issuer)
    try:
        body = client.prepare_request_body(
            private_key=key,
            subject=subject,
            issuer=issuer,
            audience=provider.token_url,
            issued_at=now,
            expires_at=now + _ASSERTION_SECONDS,
            # Google wants it signed.
            extra_claims={"scope": provider.scope} if provider.scope else None,
            scope=None if provider.name == "google" else provider.scope or None,
        )
    except (ValueError, TypeError, AttributeError, PyJWTError, UnsupportedAlgorithm) as error:
        # AttributeError: it is a public key, which does not sign.
        raise failure(
            "connector", "KeyFile has no RSA private key in PEM form.", parameter="KeyFile"
        ) from error
    return Request(provider.token_url, _headers(), body, (key,))


def read_grant(answer: Answer, provider: Provider, now: float, request: Request | None = None) -> Grant:
    """Return what was granted in answer to a request made `now`. Raises Problem."""
    token = answer.text("access_token")
    if answer.status != 200 or not token:
        raise refusal(answer, provider, request)
    if answer.text("token_type").lower() not in ("bearer", ""):
        kind = hide(answer.text("token_type"), (token, *(request.secrets if request else ())))
        raise failure(
            "protocol", f"{provider.host} gave a token of a kind that mail servers do not take: {kind}."
        )
    expires_at = int(now) + answer.number("expires_in", LIFETIME)
    return Grant(token, expires_at, answer.text("refresh_token"), answer.text("scope"))


def _read_redirect(asked: Authorization, redirect: str) -> dict[str, str]:
    """Return the query of the address that a browser was sent to. Raises Problem (connector)."""
    try:
        found = dict(parse_qsl(urlsplit(redirect.strip()).query, keep_blank_values=True, max_num_fields=50))
    except ValueError:
        found = {}
    if not hmac.compare_digest(found.get("state", "").encode("utf-8", "replace"), asked.state.encode()):
        message = "This is not the address of this sign-in: paste the one the browser shows at its end."
        raise failure("connector", message, parameter="redirect")
    return found


def _proves(provider: Provider, client_secret: str) -> bool:
    """Whether the client's ID is in a header and not in the body."""
    return provider.basic and bool(client_secret)


def _request(provider: Provider, body: str, client_secret: str, *secrets: str, url: str = "") -> Request:
    headers = _headers()
    if _proves(provider, client_secret):
        # Both are encoded as in a form before (RFC 6749 section 2.3.1).
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(client_secret)}"
        headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode()
    elif client_secret:
        body += "&" + urlencode({"client_secret": client_secret})
    return Request(url or provider.token_url, headers, body, (client_secret, *secrets))


def _headers() -> dict[str, str]:
    return {"Accept": "application/json", "Content-Type": _FORM}
