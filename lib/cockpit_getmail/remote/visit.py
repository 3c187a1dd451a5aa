# SPDX-License-Identifier: LGPL-2.1-or-later
"""One visit to a remote mailbox: connected and logged in when that is needed first."""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import cached_property
from typing import TYPE_CHECKING

from cockpit_getmail import retriever as retrievers
from cockpit_getmail.problem import Problem, failure, with_status

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.retriever.base import Retriever
    from cockpit_getmail.retriever.imap import Imap
    from cockpit_getmail.retriever.imap_client import Client
    from cockpit_getmail.retriever.imap_session import Session


BROKEN = ("network", "protocol", "tls")
"""Causes after which a session is of no use."""


class Visit:
    """A visit that is over, with all its connections, after `timeout` seconds."""

    def __init__(self, connector: Connector, ca_pem: str | None, timeout: float) -> None:
        self.connector = connector
        self.protocol = connector.protocol
        self.ca_pem = ca_pem
        self.timeout = timeout
        self.deadline = time.monotonic() + timeout
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    @cached_property
    def retriever(self) -> Retriever:
        """The mailbox, logged in. Raises Problem, as retriever.check() does."""
        connector, timeout, deadline = self.connector, self.timeout, self.deadline
        retriever = retrievers.make(connector, ca_pem=self.ca_pem, timeout=timeout, deadline=deadline)
        self._stack.push(lambda _kind, error, _trace: self._leave(retriever, error))
        try:
            retriever.open()
        except Problem as problem:
            shown = retrievers.with_certificate(problem, connector, timeout, deadline)
            raise with_status(shown) from problem
        return retriever

    def _leave(self, retriever: Retriever, error: BaseException | None) -> None:
        is_broken = isinstance(error, Problem) and error.cause in BROKEN
        if is_broken and self.protocol == "imap" and "session" in self.__dict__:
            # Whatever comes yet, nobody could tell what it belongs to: no goodbye is waited for.
            self.session.connection.close()
        retriever.close(orderly=error is None)

    @cached_property
    def session(self) -> Session:
        """The IMAP session, for what IMAPClient does not know. Raises Problem."""
        if self.protocol != "imap":
            raise failure("connector", "This is for IMAP: POP3 has nothing like it.", kind="Conflict")
        retriever: Imap = self.retriever  # type: ignore[assignment]
        return retriever.session

    @cached_property
    def imap(self) -> Client:
        """IMAPClient, logged in. What its methods raise is a Problem once it leaves this visit."""
        from cockpit_getmail.retriever import imap_client

        client = imap_client.attach(self.session)
        self._stack.enter_context(imap_client.explained(self.session))
        return client
