# SPDX-License-Identifier: LGPL-2.1-or-later
"""The helpers for programs in Python: a method for each action.

    import cockpit_getmail

    client = cockpit_getmail.Client()
    print(client.info()["version"])

A method returns the answer of the helper, as the output schema of its action in schemas/ has it, and raises
cockpit_getmail.problem.Problem where the helper answers one. docs/client.md has an example of each.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, TypeAlias

from cockpit_getmail.client.channel import Channel
from cockpit_getmail.problem import Problem, failure

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Mapping
    from typing import Unpack

    from cockpit_getmail.client.props import Changes, LogIn, NewConnector

Answer: TypeAlias = dict[str, Any]

RUNNING = "running"
FIRST_PAUSE, LAST_PAUSE, GROWTH = 0.1, 1.0, 1.5
"""Seconds between two looks at a task: so many at first, ever more, at most so many."""


class Client:
    """The helpers of this machine, or of another one over ssh.

    Calling a method is calling a helper: as root for the connectors of a machine, or as a user with settings
    (COCKPIT_GETMAIL_*) of one's own. No secret shows in a command line. An argument that is None is not sent;
    of create, update, validate_* and check_credentials it is, as null.

    A long task (run, verify) has a status, with MailStore's fields: token, statusVersion, statusCode
    (running, succeeded, failed or cancelled), percentProgress (0 to 100 or None), statusText, logOutput (what
    was logged since the status before), result and error ({"message", "cause", "hint"} of one that failed).
    """

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
        one. With `auto_handle_token`, run and verify return when the task has ended, and call
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

    # Long tasks.

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

    def get_status(self, status: Mapping[str, Any]) -> Answer:
        """Return the status that follows this one, of any client, or `{"token": ...}` for all there is.

        Raises ValueError if it has no token, Problem (NotFound) if nothing is known of the task any more.
        """
        token = _token_of(status)
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

        It is given by its status, its token or the connector it runs for. Raises Problem (NotFound; Conflict
        if nothing runs). Given by its status it may have ended in the meantime: that is no Problem. Raises
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

    # What there is.

    def list(
        self,
        *,
        redact: bool = False,
        account: str | None = None,
        label: str | None = None,
        status: str | None = None,
        status_ok: int | None = None,
    ) -> Answer:
        """Return {"connectors": {account: [connector, ...]}}, each with name, type, props and how it is.

        Only those to which all of `account`, `label`, `status` (as Context.IO's OK, INVALID_CREDENTIALS ...)
        and `status_ok` (0 or 1) apply. With `redact` the secrets are left out.
        """
        return self._ask(
            "read", "list", redact=redact, account=account, label=label, status=status, status_ok=status_ok
        )

    def status(
        self,
        name: str | None = None,
        *,
        account: str | None = None,
        label: str | None = None,
        status: str | None = None,
        status_ok: int | None = None,
    ) -> Answer:
        """Return {"connectors": [...]}, each with name, account and how it is: status, cause, message, hint,
        last_run, next_run, failures, messages, bytes and running. Filters are those of list.
        """
        filters = {"account": account, "label": label, "status": status, "status_ok": status_ok}
        return self._ask("read", "status", name=name, **filters)

    def history(self, name: str, *, account: str | None = None, limit: int | None = None) -> Answer:
        """Return {"runs": [...]}, the newest first, at most `limit` (100): token, start, end, result,
        messages, bytes, and cause and message of a failure.
        """
        return self._ask("read", "history", name=name, account=account, limit=limit)

    def log(
        self,
        name: str | None = None,
        *,
        account: str | None = None,
        token: str | None = None,
        lines: int | None = None,
    ) -> Answer:
        """Return {"lines": [{"time", "priority", "message"}, ...]}: the last `lines` (100) of the journal
        about a connector, or about one task by its token.
        """
        return self._ask("read", "log", name=name, account=account, token=token, lines=lines)

    def info(self) -> Answer:
        """Return the version, the settings in force (without secrets) and how many connectors there are."""
        return self._ask("read", "info")

    def accounts(self) -> Answer:
        """Return {"accounts": [{"name", "user", "connectors"}, ...]}: the local ones one can deliver to."""
        return self._ask("read", "accounts")

    def check_credentials(self, **props: Unpack[LogIn]) -> Answer:
        """Log in at a server and leave; nothing is fetched. Returns tls, capabilities, folder and messages.

        Props: Retriever, Server, Username, Password, and if wanted Port, TLS, CAFile, Fingerprint. The others
        of create are taken too. Raises Problem with status, cause and hint if the log-in does not work.
        """
        return self.call("read", "check-credentials", **props)

    # What changes connectors.

    def create(self, **props: Unpack[NewConnector]) -> Answer:
        """Create a connector. Returns a standard event with its `name`.

        Props: Retriever, Server, Username, Password, Account, and if wanted Port, TLS, CAFile, Fingerprint,
        Delete, Time or SyncPeriod, Label, CallbackUrl, StatusCallbackUrl, status, FilterCheck, SpamCheck,
        VirusCheck; `name` and `type` of a listed connector are taken and mean nothing. Raises Problem
        (NotValid) with all faults.
        """
        return self.call("create", "create", **props)

    def update(self, name: str, *, account: str | None = None, **props: Unpack[Changes]) -> Answer:
        """Change the props given, those of create; None removes one. Returns a standard event.

        Raises Problem (NotFound, NotValid).
        """
        return self.call("update", "update", name=name, **_given(account=account), **props)

    def enable(self, name: str, *, account: str | None = None) -> Answer:
        """Let a connector run. Returns a standard event."""
        return self._ask("update", "enable", name=name, account=account)

    def disable(self, name: str, *, account: str | None = None) -> Answer:
        """Let a connector run no more; a run under way is ended. Returns a standard event."""
        return self._ask("update", "disable", name=name, account=account)

    def reset(self, name: str, *, account: str | None = None) -> Answer:
        """Forget the failures of a connector: it is tried again at once. Returns a standard event."""
        return self._ask("update", "reset", name=name, account=account)

    def delete(self, name: str, *, account: str | None = None) -> Answer:
        """Remove a connector and its state, never any mail. Returns a standard event."""
        return self._ask("delete", "delete", name=name, account=account)

    def validate_create(self, **props: Unpack[NewConnector]) -> Answer:
        """Tell whether create would take these props. Returns success. Raises Problem (NotValid)."""
        return self.call("validate", "create", **props)

    def validate_update(self, name: str, *, account: str | None = None, **props: Unpack[Changes]) -> Answer:
        """Tell whether update would take these props. Returns success. Raises Problem (NotValid)."""
        return self.call("validate", "update", name=name, **_given(account=account), **props)

    # Messages set aside.

    def quarantine(self, name: str, *, account: str | None = None) -> Answer:
        """Return {"messages": [...]}, those set aside: folder, uid, size, reason, attempts, since."""
        return self._ask("read", "quarantine", name=name, account=account)

    def retry(
        self,
        name: str,
        *,
        account: str | None = None,
        folder: str | None = None,
        uid: str | int | None = None,
    ) -> Answer:
        """Let the next run try messages set aside again: all, or a folder's, or one. Returns how many."""
        return self._ask("execute", "retry", name=name, account=account, folder=folder, uid=uid)

    def skip(
        self,
        name: str,
        *,
        account: str | None = None,
        folder: str | None = None,
        uid: str | int | None = None,
    ) -> Answer:
        """Never fetch messages set aside: all, or a folder's, or one. Returns how many."""
        return self._ask("execute", "skip", name=name, account=account, folder=folder, uid=uid)

    def _ask(self, verb: str, action: str, **fields: Any) -> Answer:
        return self.call(verb, action, **_given(**fields))

    def _do_task(self, action: str, automatic: bool | None, wait: int | None, **fields: Any) -> Answer:
        answer = self._ask("execute", action, wait=self.wait_time if wait is None else wait, **fields)
        # `running` here means that the task was found, not that it still runs.
        status = {name: value for name, value in answer.items() if name != "running"}
        automatic = self.auto_handle_token if automatic is None else automatic
        return self._follow(status) if automatic else status

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


def _given(**fields: Any) -> Answer:
    return {name: value for name, value in fields.items() if value is not None}
