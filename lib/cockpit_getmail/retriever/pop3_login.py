# SPDX-License-Identifier: LGPL-2.1-or-later
"""Logging in at a POP3 server (RFC 1939 section 7, RFC 5034), and why it refuses."""

import re
from collections.abc import Collection
from typing import TYPE_CHECKING

from cockpit_getmail.connector import Connector
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever import sasl
from cockpit_getmail.retriever.pop3_replies import Answer
from cockpit_getmail.retriever.pop3_session import Session

if TYPE_CHECKING:
    from cockpit_getmail.words import Cause

COMMAND_LIMIT = 255
"""Octets of a command with its end (RFC 2449 section 4)."""
_TIME_STAMP = re.compile(rb"<[!-;=?A-~]+@[!-;=?-~]+>")
"""RFC 1939 section 7, RFC 822. A looser one lets who is on the way find out the password bit by bit."""


def log_in(session: Session, connector: Connector, endpoint: Endpoint) -> list[str]:
    """Log in as the connector says; return what there is to tell of it. Raises Problem."""
    if connector.tunnel and connector.auth == "auto" and not connector.password and not connector.uses_oauth:
        # There is no PREAUTH in POP3: who is at the other end of the tunnel knows who we are.
        return []
    if connector.auth == "apop":
        _log_in_by_apop(session, connector, endpoint.server)
        return []
    offered = _find_offers(session, connector)
    ways = sasl.ways(connector, endpoint, offered, session.connection)
    server = endpoint.server
    return sasl.log_in(ways, lambda mechanism: _attempt(session, connector, server, mechanism), server)


def _find_offers(session: Session, connector: Connector) -> Collection[str] | None:
    offered = session.offers.get("SASL", ())
    is_ascii = (connector.username + connector.password).isascii()
    if connector.auth == "auto" and not (is_ascii or connector.uses_oauth):
        # USER and PASS carry no other.
        return {*offered, "PLAIN"}
    return offered if session.offers else None


def _attempt(
    session: Session, connector: Connector, server: str, mechanism: sasl.Mechanism | None
) -> Problem | None:
    known = mechanism is not None and mechanism.name in session.offers.get("SASL", ())
    answer = _begin(session, connector, mechanism, known=known)
    goes_on = answer.word == ("+" if mechanism else "+OK")
    is_open = goes_on or answer.ok or session.connection.tls
    if not (is_open or known or "USER" in session.offers) and session.offers:
        said = session.shown(answer.text)
        raise failure("tls", f"{server} allows no log-in without TLS: {said}")
    if mechanism is None and answer.ok:
        answer = session.command(f"PASS {connector.password}")
    while mechanism and answer.word == "+":
        answer = session.command(sasl.reply(mechanism, answer.text, server).decode())
    if not answer.ok:
        return _refused(session, connector, server, answer, mechanism)
    if mechanism:
        sasl.require_proof(mechanism, server)
    return None


def _begin(
    session: Session, connector: Connector, mechanism: sasl.Mechanism | None, *, known: bool
) -> Answer:
    if mechanism is None:
        return session.command(f"USER {connector.username}")
    # A server must be known to take something at once, and in a short line (RFC 5034 section 4).
    # Office 365 takes no token so.
    at_once = known and mechanism.name not in sasl.TOKEN_MECHANISMS
    return session.command(sasl.opening("AUTH", mechanism, COMMAND_LIMIT - 2 if at_once else 0).decode())


def _log_in_by_apop(session: Session, connector: Connector, server: str) -> None:
    stamp = _TIME_STAMP.search(session.greeting)
    if stamp is None:
        raise failure("protocol", f"{server} does not offer the log-in that Auth names (apop).")
    sasl.require_sendable(connector)
    from cockpit_getmail.retriever.sasl_challenge import apop

    digest = apop(stamp[0], connector.password)
    answer = session.command(f"APOP {connector.username} {digest}")
    if not answer.ok:
        raise _refused(session, connector, server, answer, None)


def _refused(
    session: Session, connector: Connector, server: str, answer: Answer, mechanism: sasl.Mechanism | None
) -> Problem:
    # A server with AUTH-RESP-CODE (RFC 3206) marks each refusal that is about the credentials.
    cause: Cause = "mailbox" if "AUTH-RESP-CODE" in session.offers else "credentials"
    problem = session.refused(answer, cause, "refuses the log-in")
    if problem.cause != "credentials":
        return problem
    if mechanism and connector.uses_oauth:
        from cockpit_getmail.retriever import sasl_token

        shown = session.shown
        return sasl_token.refused(server, shown(answer.text), shown(sasl_token.why(mechanism.said)))
    hint = sasl.hint(connector, mechanism, session.connection)
    return failure(problem.cause, problem.message, **hint)
