# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands of POP3 and answers, at servers that keep to no rules. A whole run: tests/mail/test_pop3*."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem, printable
from cockpit_getmail.retriever.pop3_replies import Answer
from cockpit_getmail.retriever.pop3_session import COMMANDS_AHEAD, TEMPORARY, Session, find_code
from cockpit_getmail.transport import Connection
from tests.support.hostile import Script, Server, pop3


@contextmanager
def enter(script: Script) -> Iterator[Session]:
    with Server(script) as server:
        endpoint = Endpoint("127.0.0.1", server.port)
        connection = Connection.open(endpoint, implicit_tls=False, timeout=5.0, deadline=None)
        session = Session(connection, "mail.example", lambda octets: printable(octets.decode("latin-1")))
        try:
            session.greet()
            yield session
        finally:
            connection.close()


@pytest.mark.parametrize(("capabilities", "ahead"), [((), 1), (("USER", "PIPELINING"), COMMANDS_AHEAD)])
def test_commands_are_sent_ahead_only_where_that_is_offered(capabilities: list[str], ahead: int) -> None:
    with enter(pop3(capabilities=capabilities)) as session:
        assert session.ask_capabilities() == sorted(capabilities)
        assert session.ahead == ahead


def test_what_is_offered_has_its_arguments() -> None:
    with enter(pop3(capabilities=["sasl plain Scram-Sha-256", "UIDL"])) as session:
        session.ask_capabilities()
        assert session.offers == {"SASL": ["PLAIN", "SCRAM-SHA-256"], "UIDL": []}


def test_server_that_turns_away_is_not_said_goodbye_to() -> None:
    with pytest.raises(Problem, match="turns connections away: full") as caught, enter([b"-ERR full\r\n"]):
        pass
    assert caught.value.cause == "network"


def test_answer_that_nobody_asked_for_ends_the_session() -> None:
    script: Script = [b"+OK ready\r\n", ("NOOP", b"+OK\r\n+OK\r\n")]
    with enter(script) as session:
        assert session.command("NOOP").ok
        with pytest.raises(Problem, match="says more than it was asked for"):
            session.command("NOOP")


@pytest.mark.parametrize(
    ("word", "code", "found"),
    [
        ("-ERR", "SYS/TEMP", "SYS/TEMP"),
        ("-ERR", "IN-USE/A", "IN-USE"),
        ("-ERR", "IN-USELESS", None),
        ("-ERR", "", None),
        ("+OK", "IN-USE", None),
    ],
)
def test_codes_may_have_details(word: str, code: str, found: str | None) -> None:
    assert find_code(Answer(word, b"", code), TEMPORARY) == found
