# SPDX-License-Identifier: LGPL-2.1-or-later
"""Logging in at an IMAP server (RFC 3501 section 6.2), and why it refuses."""

import sys
from collections.abc import Callable

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever import echo, sasl
from cockpit_getmail.retriever.imap_session import TEMPORARY, Answer, Session, response_code


def log_in(
    session: Session, connector: Connector, endpoint: Endpoint, shown: Callable[[bytes], str]
) -> list[str]:
    """Log in as the connector says; return what there is to tell of it. Raises Problem.

    `shown` makes the server's words fit for a person.
    """
    capabilities = session.capabilities()
    offered = {name.removeprefix("AUTH=") for name in capabilities if name.startswith("AUTH=")}
    server, connection = endpoint.server, session.connection

    def attempt(mechanism: sasl.Mechanism | None) -> Problem | None:
        if mechanism is None:
            user, password = echo.quoted(connector.username), echo.quoted(connector.password)
            answer = session.log_in(b"LOGIN " + user + b" " + password)
        else:
            room = sys.maxsize if "SASL-IR" in capabilities else 0
            command = sasl.opening("AUTHENTICATE", mechanism, room)
            answer = session.log_in(command, lambda challenge: sasl.reply(mechanism, challenge, server))
        if answer.status != "OK":
            return _refused(answer, connector, mechanism, session, shown)
        if mechanism:
            sasl.require_proof(mechanism, server)
        return None

    has_own = "LOGINDISABLED" not in capabilities
    ways = sasl.ways(connector, endpoint, offered, connection, has_own=has_own)
    return sasl.log_in(ways, attempt, server)


def _refused(
    answer: Answer,
    connector: Connector,
    mechanism: sasl.Mechanism | None,
    session: Session,
    shown: Callable[[bytes], str],
) -> Problem:
    """Return why a log-in failed."""
    server, said = session.server, shown(answer.text)
    code = response_code(answer.text)
    if code == "PRIVACYREQUIRED":
        return failure("tls", f"{server} allows no log-in without TLS: {said}")
    if code == "AUTHORIZATIONFAILED":
        return failure("mailbox", f"{server} gives this user no access to the account: {said}")
    if code in TEMPORARY:
        return failure("mailbox", f"{server} cannot open the account now: {said}")
    if answer.status == "BAD":
        return failure("protocol", f"{server} does not understand the log-in: {said}")
    if connector.uses_oauth:
        from cockpit_getmail.retriever import sasl_token

        told = shown(sasl_token.why(mechanism.said)) if mechanism else ""
        return sasl_token.refused(server, said, told)
    what = (
        "this user and the client's certificate"
        if sasl.is_external(mechanism)
        else "this user name and password"
    )
    hint = sasl.hint(connector, mechanism, session.connection)
    return failure("credentials", f"{server} refuses {what}: {said}", **hint)
