# SPDX-License-Identifier: LGPL-2.1-or-later
"""Why a POP3 server refuses a log-in. At real ones: tests/mail/test_login_methods.py."""

import pytest

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever.pop3 import Pop3
from tests.support.hostile import Server, pop3


@pytest.mark.parametrize("auth", ["auto", "plain", "apop"])
@pytest.mark.parametrize(
    ("answer", "capabilities", "cause"),
    [
        (b"-ERR no", [], "credentials"),
        (b"-ERR [AUTH] no", [], "credentials"),
        (b"-ERR [AUTH] no", ["AUTH-RESP-CODE"], "credentials"),
        (b"-ERR not now", ["AUTH-RESP-CODE"], "mailbox"),
        (b"-ERR [IN-USE] x", [], "mailbox"),
        (b"-ERR [LOGIN-DELAY] x", [], "mailbox"),
        (b"-ERR [SYS/TEMP] x", [], "network"),
        (b"-ERR [SYS/PERM] x", ["AUTH-RESP-CODE"], "mailbox"),
    ],
)
def test_refused_login_has_its_cause(auth: str, answer: bytes, capabilities: list[str], cause: str) -> None:
    props = {"Retriever": "SimplePOP3Retriever", "Server": "127.0.0.1", "Username": "u", "Account": "a"}
    connector = Connector("u@mail.example", {**props, "Auth": auth}, {"Password": "geheim"})
    refuse = answer + b"\r\n"
    overrides = {"PASS .*": refuse, "AUTH PLAIN .*": refuse, "APOP .*": refuse}
    script = pop3(overrides=overrides, capabilities=["USER", "SASL PLAIN", *capabilities])
    with Server([b"+OK ready <1@mail.example>\r\n", *script[1:]]) as server:
        endpoint = Endpoint("127.0.0.1", server.port)
        session = Pop3(connector, endpoint, tls_seen=False, timeout=5, deadline=None)
        with pytest.raises(Problem) as caught:
            session.open()
        session.close()
    assert caught.value.cause == cause
    assert "geheim" not in caught.value.message
