# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who gives tokens, and how it is asked: presets by prop Provider, in which other props replace each part."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from cockpit_getmail.problem import failure, printable
from cockpit_getmail.url import parse_url

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Literal

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.words import Cause

    GrantType = Literal["refresh", "client_credentials", "jwt"]

PASTE_BACK = "http://127.0.0.1:53682/"
"""Where a person is sent with the code if nothing else is set: nobody needs to listen there."""
LOOPBACK = ("127.0.0.1", "::1", "localhost")
_MICROSOFT = "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/"
_OUTLOOK = {"imap": "IMAP.AccessAsUser.All", "pop3": "POP.AccessAsUser.All"}
_TENANT = re.compile("[A-Za-z0-9.-]{1,253}")


class Provider(NamedTuple):
    """Who is asked, as which client. Without a `device_url` there is no device flow.

    `scope` has words with blanks between. `extra` goes into the authorization address. With `basic` the
    client proves itself by HTTP Basic, else in the body. Neither secret nor token is in here.
    """

    name: str
    token_url: str
    authorization_url: str
    device_url: str
    redirect_url: str
    client_id: str
    scope: str
    extra: Mapping[str, str]
    basic: bool
    refresh_scope: str
    """What is asked for again with each refresh; empty: what was granted."""

    @property
    def host(self) -> str:
        """What is shown of it."""
        return parse_url(self.token_url).authority


def find(connector: Connector, token_url: str = "") -> Provider:
    """Return the provider of a connector that uses OAuth2; `token_url` is for one that has no other.

    Raises Problem (connector, with `parameter`) for what is missing, or is neither https nor of this host.
    """
    props = connector.props
    name = props.get("Provider") or "custom"
    preset = _PRESETS[name](connector) if name in _PRESETS else _Preset()
    wanted = props.get("Scope", "")
    found = Provider(
        name,
        props.get("TokenUrl") or preset.token_url or token_url,
        props.get("AuthorizationUrl") or preset.authorization_url,
        props.get("DeviceUrl") or preset.device_url,
        props.get("RedirectUrl") or PASTE_BACK,
        props.get("ClientId", ""),
        wanted or preset.scope,
        preset.extra,
        preset.basic,
        wanted or preset.refresh_scope,
    )
    require_url(found.token_url, "TokenUrl")
    for prop, url in (("AuthorizationUrl", found.authorization_url), ("DeviceUrl", found.device_url)):
        if url:
            require_url(url, prop)
    return found


def grant_of(connector: Connector) -> GrantType:
    """Return how a connector comes by its tokens."""
    value = connector.props.get("Grant")
    return "client_credentials" if value == "client_credentials" else "jwt" if value == "jwt" else "refresh"


def require_url(url: str, prop: str, cause: Cause = "connector") -> str:
    """Return an address to which secrets may be sent: by https, or to this very host. Raises Problem."""
    if not url:
        raise failure(cause, f"{prop} is missing: this provider has no address of its own.", parameter=prop)
    target = parse_url(url)
    if target.scheme != "https" and target.host not in LOOPBACK:
        message = f"{prop} must begin with https://, not {printable(target.origin)}: tokens go there."
        raise failure(cause, message, parameter=prop)
    return url


class _Preset(NamedTuple):
    token_url: str = ""
    authorization_url: str = ""
    device_url: str = ""
    scope: str = ""
    extra: Mapping[str, str] = {}
    basic: bool = True
    refresh_scope: str = ""


def _google(_connector: Connector) -> _Preset:
    """Without a device flow: Google's does not allow mail."""
    return _Preset(
        token_url="https://oauth2.googleapis.com/token",  # noqa: S106 (an address)
        authorization_url="https://accounts.google.com/o/oauth2/v2/auth",
        scope="https://mail.google.com/",
        # Only with both of them it gives a refresh token each time.
        extra={"access_type": "offline", "prompt": "consent"},
        basic=False,
    )


def _microsoft(connector: Connector) -> _Preset:
    tenant = connector.props.get("Tenant") or "common"
    if not _TENANT.fullmatch(tenant):
        raise failure("connector", "Tenant must be a domain or a directory's ID.", parameter="Tenant")
    scope = f"https://outlook.office.com/{_OUTLOOK[connector.protocol]} offline_access"
    if grant_of(connector) != "refresh":
        scope = "https://outlook.office365.com/.default"
        if tenant in ("common", "organizations", "consumers"):
            message = "Tenant is missing: an application signs in to one organisation."
            raise failure("connector", message, parameter="Tenant")
    base = _MICROSOFT.format(tenant=tenant)
    return _Preset(
        token_url=f"{base}token",
        authorization_url=f"{base}authorize",
        device_url=f"{base}devicecode",
        scope=scope,
        basic=False,
        refresh_scope=scope,
    )


_PRESETS = {"google": _google, "microsoft": _microsoft}
"""By Provider; custom, and any other, has nothing of its own."""
