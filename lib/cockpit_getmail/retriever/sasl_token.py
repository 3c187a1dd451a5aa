# SPDX-License-Identifier: LGPL-2.1-or-later
"""The SASL mechanisms that take an access token, and what servers say of one that they refuse."""

import re
from collections.abc import Collection, Mapping

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever import echo
from cockpit_getmail.retriever.sasl import TOKEN_MECHANISMS, ClientFirst

_KEY_VALUE_END = "\1"
_FORBIDDEN = "[\r\n\0\1]"


class XOAuth2(ClientFirst):
    """Google's, which Microsoft has too. https://developers.google.com/workspace/gmail/imap/xoauth2-protocol"""

    name = "XOAUTH2"
    _dummy = b""

    def __init__(self, username: str, token: str) -> None:
        end = _KEY_VALUE_END
        super().__init__(echo.octets(f"user={username}{end}auth=Bearer {token}{end}{end}"))


class OAuthBearer(ClientFirst):
    """RFC 7628 section 3.1, with the header of RFC 5801 section 4."""

    name = "OAUTHBEARER"
    _dummy = _KEY_VALUE_END.encode()

    def __init__(self, username: str, token: str, server: str, port: int) -> None:
        end = _KEY_VALUE_END
        # The comma last: `=2C` is not to be escaped again.
        user = username.replace("=", "=3D").replace(",", "=2C")
        where = f"host={server}{end}port={port}{end}"
        super().__init__(echo.octets(f"n,a={user},{end}{where}auth=Bearer {token}{end}{end}"))


def for_token(
    connector: Connector, endpoint: Endpoint, offered: Collection[str], *, is_private: bool
) -> ClientFirst:
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
