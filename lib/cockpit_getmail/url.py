# SPDX-License-Identifier: LGPL-2.1-or-later
"""The URL of a web server, in its parts. The database may hold one that create would not take."""

import re
from typing import NamedTuple

from cockpit_getmail.formats import is_host_name, is_ipv4, is_ipv6
from cockpit_getmail.problem import Problem, failure

LENGTH_LIMIT = 2048
_PORTS = {"http": 80, "https": 443}
_URL = re.compile(r"(https?)://(\[[^]/?#@]+\]|[^][:/?#@]+)(?::([0-9]{1,5}))?([/?][!-~]*)?", re.IGNORECASE)


class Target(NamedTuple):
    """`host` is without brackets, `authority` as in the header Host, `path` with its query."""

    scheme: str
    host: str
    port: int
    authority: str
    path: str

    @property
    def origin(self) -> str:
        """What may be shown of it: a path can be a secret."""
        return f"{self.scheme}://{self.authority}"


def parse_url(url: str) -> Target:
    """Return the parts of an http or https URL (RFC 3986). Raises Problem (connector) for anything else."""
    match = _URL.fullmatch(url) if url.isascii() and len(url) <= LENGTH_LIMIT and "#" not in url else None
    if match is None:
        raise _refuse()
    scheme, host, port = match[1].lower(), match[2].lower(), int(match[3] or _PORTS[match[1].lower()])
    is_host = is_ipv6(host[1:-1]) if host.startswith("[") else is_ipv4(host) or is_host_name(host)
    if not is_host or not 0 < port <= 65535:
        raise _refuse()
    authority = host if port == _PORTS[scheme] else f"{host}:{port}"
    path = match[4] or "/"
    return Target(scheme, host.strip("[]"), port, authority, path if path.startswith("/") else f"/{path}")


def show_url(url: str) -> str:
    """Return what may be shown of a URL."""
    try:
        return parse_url(url).origin
    except Problem:
        return "its URL"


def _refuse() -> Problem:
    return failure("connector", "This is not an http or https URL with a host and no user name in it.")
