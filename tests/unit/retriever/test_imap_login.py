# SPDX-License-Identifier: LGPL-2.1-or-later
"""Why an IMAP server refuses a log-in. At real ones: tests/mail/test_login_methods.py."""

import pytest

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever.imap import Imap
from tests.support.hostile import Server, imap, tagged


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (b"NO [AUTHENTICATIONFAILED] Authentication failed.", "credentials"),
        (b"NO [EXPIRED] Choose another password.", "credentials"),
        (b"NO Login failed", "credentials"),
        (b"NO [authorizationfailed] no", "mailbox"),
        (b"NO [UNAVAILABLE] Temporary authentication failure.", "mailbox"),
        (b"NO [LIMIT] too many connections", "mailbox"),
        (b"NO [OVERQUOTA] full", "mailbox"),
        (b"NO [PRIVACYREQUIRED] not in clear", "tls"),
        (b"BAD [PRIVACYREQUIRED] not in clear", "tls"),
        (b"BAD internal", "protocol"),
    ],
)
@pytest.mark.parametrize("capabilities", ["IMAP4rev1", "IMAP4rev1 AUTH=PLAIN SASL-IR"])
def test_refused_login_has_its_cause(status: bytes, cause: str, capabilities: str) -> None:
    props = {"Retriever": "SimpleIMAPRetriever", "Server": "127.0.0.1", "Username": "u", "Account": "a"}
    connector = Connector("u@mail.example", props, {"Password": "geheim"})
    refuse = tagged(status=status)
    with Server(imap({"LOGIN .*": refuse, "AUTHENTICATE .*": refuse}, capabilities=capabilities)) as server:
        endpoint = Endpoint("127.0.0.1", server.port)
        session = Imap(connector, endpoint, tls_seen=False, timeout=5, deadline=None)
        with pytest.raises(Problem) as caught:
            session.open()
        session.close()
    assert caught.value.cause == cause
    assert len(server.commands(r"\S+ (LOGIN|AUTHENTICATE) .*")) == 1
