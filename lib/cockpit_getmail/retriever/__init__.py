# SPDX-License-Identifier: LGPL-2.1-or-later
"""Retrievers: a remote mailbox read over one protocol."""

import time
from typing import Any

from cockpit_getmail.connector import CLIENT_PEM, Connector
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem, with_status
from cockpit_getmail.retriever.base import Retriever


def make(
    connector: Connector,
    *,
    ca_pem: str | None,
    tls_seen: bool = False,
    timeout: float,
    deadline: float | None = None,
    inspect: bool = False,
    verify: bool = False,
) -> Retriever:
    """Return the retriever a connector names. Nothing is connected yet."""
    endpoint = Endpoint(
        *(connector.server, connector.port, ca_pem, connector.props.get("Fingerprint") or None),
        inspect=inspect,
        verify=verify,
        client_pem=connector.secrets.get(CLIENT_PEM),
        tunnel=connector.tunnel,
    )
    if connector.protocol == "pop3":
        from cockpit_getmail.retriever.pop3 import Pop3

        return Pop3(connector, endpoint, tls_seen=tls_seen, timeout=timeout, deadline=deadline)
    from cockpit_getmail.retriever.imap import Imap

    return Imap(connector, endpoint, tls_seen=tls_seen, timeout=timeout, deadline=deadline)


def check(connector: Connector, ca_pem: str | None, timeout: float) -> dict[str, Any]:
    """Log in, open the mailbox and leave, within `timeout` seconds overall.

    Returns {"tls", "capabilities", "folder", "messages"}. Raises Problem with a cause; for an untrusted
    certificate its attributes show fingerprint, subject and issuer.
    """
    deadline = time.monotonic() + timeout
    retriever = make(connector, ca_pem=ca_pem, timeout=timeout, deadline=deadline)
    try:
        retriever.open()
        folder = retriever.select()
    except Problem as problem:
        raise with_status(with_certificate(problem, connector, timeout, deadline)) from problem
    finally:
        retriever.close()
    return {
        "tls": retriever.tls,
        "capabilities": list(retriever.capabilities),
        "folder": folder.name,
        "messages": folder.messages,
    }


def with_certificate(problem: Problem, connector: Connector, timeout: float, deadline: float) -> Problem:
    """Return the Problem of a mailbox that could not be opened, with the certificate that is not trusted.

    It is looked at on a connection of its own, over which nothing secret is sent.
    """
    attributes = problem.attributes
    if not isinstance(attributes, dict) or not attributes.get("untrusted") or "fingerprint" in attributes:
        return problem
    retriever = make(connector, ca_pem=None, timeout=timeout, deadline=deadline, inspect=True)
    try:
        retriever.open()
    except Problem as shown:
        if isinstance(shown.attributes, dict) and "fingerprint" in shown.attributes:
            return Problem(problem.type, problem.message, {**shown.attributes, **attributes})
    finally:
        retriever.close()
    return problem
