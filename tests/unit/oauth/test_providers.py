# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who is asked for tokens, by a connector's props."""

from __future__ import annotations

import pytest

from cockpit_getmail.connector import Connector
from cockpit_getmail.oauth import providers
from cockpit_getmail.problem import Problem

IMAP = {"Retriever": "SimpleIMAPSSLRetriever", "Server": "h", "Username": "u@example.com", "Account": "a"}


def test_scopes_of_microsoft_by_protocol() -> None:
    props = {"Provider": "microsoft", "ClientId": "id"}
    assert "/IMAP.AccessAsUser.All offline_access" in providers.find(Connector("n", {**IMAP, **props})).scope
    pop3 = {**IMAP, **props, "Retriever": "SimplePOP3SSLRetriever"}
    assert "/POP.AccessAsUser.All offline_access" in providers.find(Connector("n", pop3)).scope


def test_props_replace_each_part_of_a_preset() -> None:
    props = {
        "Provider": "google",
        "ClientId": "id",
        "TokenUrl": "https://t.example/t",
        "AuthorizationUrl": "https://a.example/a",
        "DeviceUrl": "https://d.example/d",
        "RedirectUrl": "https://r.example/r",
        "Scope": "s",
    }
    found = providers.find(Connector("n", {**IMAP, **props}))
    urls = (found.token_url, found.authorization_url, found.device_url, found.redirect_url)
    assert urls == tuple(props[name] for name in ("TokenUrl", "AuthorizationUrl", "DeviceUrl", "RedirectUrl"))
    assert (found.scope, found.refresh_scope, found.host) == ("s", "s", "t.example")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:5/t", "http://localhost/t", "http://[::1]:8/t", "https://id.example:8443/t?x=1"],
)
def test_addresses_that_tokens_may_go_to(url: str) -> None:
    assert providers.find(Connector("n", {**IMAP, "Provider": "custom", "TokenUrl": url})).token_url == url


@pytest.mark.parametrize(
    ("props", "parameter"),
    [
        ({}, "TokenUrl"),
        ({"TokenUrl": "http://id.example/t"}, "TokenUrl"),
        ({"TokenUrl": "http://127.0.0.1.example/t"}, "TokenUrl"),
        ({"TokenUrl": "https://t", "DeviceUrl": "http://d.example"}, "DeviceUrl"),
        ({"TokenUrl": "https://t", "AuthorizationUrl": "http://d.example"}, "AuthorizationUrl"),
        ({"Provider": "microsoft", "Tenant": "../x"}, "Tenant"),
        ({"Provider": "microsoft", "Grant": "jwt"}, "Tenant"),
    ],
)
def test_what_is_refused(props: dict[str, str], parameter: str) -> None:
    with pytest.raises(Problem) as raised:
        providers.find(Connector("n", {**IMAP, "Provider": "custom", **props}))
    assert raised.value.attributes == {"cause": "connector", "parameter": parameter}
