# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a client is made of, and how it deals with long tasks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeAlias

from cockpit_getmail.client.channel import Channel
from cockpit_getmail.problem import Problem, failure

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping

Answer: TypeAlias = dict[str, Any]

RUNNING = "running"
FIRST_PAUSE, LAST_PAUSE, GROWTH = 0.1, 1.0, 1.5
"""Seconds between two looks at a task: so many at first, ever more, at most so many."""


class Tasks:
    """The methods for long tasks, and those that all methods need."""

    def __init__(
        self,
        host: str | None = None,
        auto_handle_token: bool = True,
        callback_status: Callable[[Answer], object] | None = None,
        wait_time: int = 1000,
        *,
        helpers: str | os.PathLike[str] | None = None,
    ) -> None:
        """Make a client; nothing is called yet.

        `host` is a machine as ssh is told it (its key or agent must let you in without a question), None this
        one. With `auto_handle_token`, run, baseline and verify return when the task has ended, and call
        `callback_status` with each new status until then; without, they return the status after `wait_time`
        milliseconds, whatever it is, for get_status and cancel. `helpers` is the folder of the helpers if it
        is not the usual one. Raises Problem (NotValid) for a host that cannot be one.
        """
        self.auto_handle_token = auto_handle_token
        self.callback_status = callback_status
        self.wait_time = wait_time
        self._channel = Channel(host, helpers)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(host={self._channel.host!r}, helpers={self._channel.helpers!r})"

    def call(self, verb: str, action: str, **fields: Any) -> Answer:
        """Return the answer of an action of a helper to these fields; None is sent as null.

        Raises Problem: the helper's own, or with cause network if the other machine gave no answer, and
        cause internal if this one did not.
        """
        return self._channel.call(verb, {"action": action, **fields})

    def run(
        self,
        name: str,
        *,
        account: str | None = None,
        wait: int | None = None,
        auto_handle_token: bool | None = None,
    ) -> Answer:
        """Fetch the mail of a connector now, or join the run under way. Returns the task's status and `unit`.

        `wait` and `auto_handle_token` stand for the client's own for this call. A run that fails is no
        Problem: its statusCode is failed. Raises Problem (NotFound, Conflict for a disabled connector).
        """
        return self._do_task("run", auto_handle_token, wait, name=name, account=account)

    def baseline(
        self,
        name: str,
        *,
        account: str | None = None,
        wait: int | None = None,
        auto_handle_token: bool | None = None,
    ) -> Answer:
        """Mark all messages that a connector's folders have now as seen: no run ever fetches or deletes them.

        Its result has `baselined`. As run otherwise, but the connector may be disabled; raises Problem
        (Conflict) also while a run is under way that fetches.
        """
        return self._do_task("baseline", auto_handle_token, wait, name=name, account=account)

    def verify(
        self,
        name: str,
        *,
        account: str | None = None,
        wait: int | None = None,
        auto_handle_token: bool | None = None,
    ) -> Answer:
        """Look whether each message recorded as delivered is there. Returns the task's status and `unit`.

        Its result has checked, present, moved, elsewhere, missing, missing_count, sound and problems. As run
        otherwise.
        """
        return self._do_task("verify", auto_handle_token, wait, name=name, account=account)

    def authorize(
        self,
        name: str,
        *,
        account: str | None = None,
        flow: str | None = None,
        wait: int | None = None,
        auto_handle_token: bool | None = None,
    ) -> Answer:
        """Begin a person's sign-in at the provider of a connector's tokens. Returns the task's status.

        It also has the `address` to open, until when that can be done (`expires`), and with a device code the
        `code` to enter there, `interval`, and mostly `address_with_code` and `unit`. Without a `code`, as for
        the `flow` code, authorize_complete brings it to its end. With one, and a callback_status that shows
        it to the person, this returns when it has ended. Raises Problem.
        """
        status = self._ask("execute", "authorize", name=name, account=account, flow=flow, wait=wait)
        automatic = self.auto_handle_token if auto_handle_token is None else auto_handle_token
        # A code that nobody has seen is not waited for.
        return self._follow(status) if automatic and self.callback_status and "code" in status else status

    def authorize_complete(
        self,
        name: str | None = None,
        *,
        account: str | None = None,
        token: str | None = None,
        redirect: str | None = None,
        wait: int | None = None,
    ) -> Answer:
        """Tell a sign-in without a code where the browser was sent to. Returns the task's last status.

        Of one with a code it tells how far it is, at most so many milliseconds later (`wait`). It is given by
        its connector or its token. Raises Problem (Conflict if it is not under way; for an address that is
        none of this sign-in, and then it still is).
        """
        fields = {"name": name, "account": account, "token": token, "redirect": redirect, "wait": wait}
        return self._ask("execute", "authorize-complete", **fields)

    def get_status(self, status: Mapping[str, Any]) -> Answer:
        """Return the status that follows this one, of any client, or `{"token": ...}` for all there is.

        Raises ValueError if it has no token, Problem (NotFound) if nothing is known of the task any more.
        """
        token = _token_of(status)
        if "code" in status and "unit" not in status and status.get("statusCode") == RUNNING:
            self._ask_provider(status)
        return {**status, **self.progress(token, version=status.get("statusVersion") or 0)}

    def cancel(
        self,
        status: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        name: str | None = None,
        account: str | None = None,
    ) -> Answer:
        """Ask a task to end after the message it is at, and return at once: its status tells when it has.

        It is given by its status, its token or the connector it runs for. Returns {"state": "success"} with
        its `unit`, if it has one, and `token`. Raises Problem (NotFound; Conflict if nothing runs). Given by
        its status it may have ended in the meantime: then the answer is {"state": "success"} alone. Raises
        ValueError for a status without a token.
        """
        if status is None:
            return self._ask("execute", "cancel", token=token, name=name, account=account)
        try:
            return self._ask("execute", "cancel", token=_token_of(status))
        except Problem as problem:
            if problem.type != "Conflict":
                raise
            return {"state": "success"}

    def progress(self, token: str, *, version: int = 0) -> Answer:
        """Return a task's status, its logOutput what came after this version. See get_status."""
        return self._ask("read", "progress", token=token, version=version)

    def _ask(self, verb: str, action: str, **fields: Any) -> Answer:
        return self.call(verb, action, **given(**fields))

    def _do_task(self, action: str, automatic: bool | None, wait: int | None, **fields: Any) -> Answer:
        answer = self._ask("execute", action, wait=self.wait_time if wait is None else wait, **fields)
        # `running` here means that the task was found, not that it still runs.
        status = {name: value for name, value in answer.items() if name != "running"}
        automatic = self.auto_handle_token if automatic is None else automatic
        return self._follow(status) if automatic else status

    def _ask_provider(self, status: Mapping[str, Any]) -> None:
        """Have the provider asked whether a person has signed in: no unit does so."""
        try:
            self.authorize_complete(token=status["token"], wait=1000 * status["interval"])
        except Problem as problem:
            # It is over.
            if problem.type != "Conflict":
                raise

    def _follow(self, status: Answer) -> Answer:
        """Return a task's last status; each new one goes to the callback."""
        self._tell(status)
        pause = FIRST_PAUSE
        while status["statusCode"] == RUNNING:
            time.sleep(pause)
            pause = min(pause * GROWTH, LAST_PAUSE)
            before, status = status, self._get_next(status)
            if status["statusVersion"] != before["statusVersion"] or status["statusCode"] != RUNNING:
                self._tell(status)
        return status

    def _get_next(self, status: Answer) -> Answer:
        try:
            return self.get_status(status)
        except Problem as problem:
            if problem.cause != "network":
                raise
            token = status["token"]
            advice = f'The task goes on: get_status({{"token": "{token}"}}) takes it up again.'
            raise failure("network", f"{problem.message} {advice}", token=token) from problem

    def _tell(self, status: Answer) -> None:
        if self.callback_status is not None:
            self.callback_status(status)


def _token_of(status: Mapping[str, Any]) -> str:
    token = status.get("token")
    if not isinstance(token, str) or not token:
        raise ValueError("This status has no token.")
    return token


def given(**fields: Any) -> Answer:
    """Return the fields that are not None."""
    return {name: value for name, value in fields.items() if value is not None}
