# SPDX-License-Identifier: LGPL-2.1-or-later
"""The helpers for programs in Python: a method for each action.

    import cockpit_getmail

    client = cockpit_getmail.Client()
    print(client.info()["version"])

A method returns the answer of the helper, as the output schema of its action in schemas/ has it, and raises
cockpit_getmail.problem.Problem where the helper answers one. docs/client.md has examples.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.client.acting import Acting
from cockpit_getmail.client.remote import Remote
from cockpit_getmail.client.tasks import Answer, given

if TYPE_CHECKING:
    from typing import Unpack

    from cockpit_getmail.client.mailbox import Mailbox
    from cockpit_getmail.client.props import Changes, LogIn, NewConnector


class Client(Remote, Acting):
    """The helpers of this machine, or of another one over ssh.

    Calling a method is calling a helper: as root for the connectors of a machine, or as a user with settings
    (COCKPIT_GETMAIL_*) of one's own. No secret shows in a command line. An argument that is None is not sent;
    of create, update, validate_* and check_credentials it is, as null.

    A long task (run, verify) has a status, with MailStore's fields: token, statusVersion, statusCode
    (running, succeeded, failed or cancelled), percentProgress (0 to 100 or None), statusText, logOutput (what
    was logged since the status before), result and error ({"message", "cause", "hint"} of one that failed).
    """

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
        last_run, next_run, failures, messages, bytes, running, percent and days. Filters are those of list.
        """
        filters = {"account": account, "label": label, "status": status, "status_ok": status_ok}
        return self._ask("read", "status", name=name, **filters)

    def history(self, name: str, *, account: str | None = None, limit: int | None = None) -> Answer:
        """Return {"runs": [...]}, the newest first, at most `limit` (100): token, start, end, result,
        messages, bytes, passedOver, left, and cause and message of a failure.
        """
        return self._ask("read", "history", name=name, account=account, limit=limit)

    def log(
        self,
        name: str | None = None,
        *,
        account: str | None = None,
        token: str | None = None,
        lines: int | None = None,
        after: str | None = None,
    ) -> Answer:
        """Return {"lines": [{"time", "priority", "message"}, ...], "cursor"}: the last `lines` (100) of the
        journal about a connector, or about one task by its token; with the cursor of the answer before, the
        first ones `after` that. With "restarted" that was not possible.
        """
        return self._ask("read", "log", name=name, account=account, token=token, lines=lines, after=after)

    def info(self) -> Answer:
        """Return the version, the settings in force (without secrets) and how many connectors there are, and
        how many secrets are stored sealed and plain.
        """
        return self._ask("read", "info")

    def accounts(self) -> Answer:
        """Return {"accounts": [{"name", "user", "connectors", "fits"}, ...]}: the local ones."""
        return self._ask("read", "accounts")

    def check_credentials(self, **props: Unpack[LogIn]) -> Answer:
        """Log in at a server and leave; nothing is fetched. Returns tls, capabilities, folder and messages.

        Props: Retriever, Server, Username, Password or where it is, and if wanted Port, TLS, CAFile,
        Fingerprint. The others of create are taken too. With the `name` of a connector, what is not given is
        as it is stored, and None is a prop removed; only so OAuth2 can be tried. A password that is stored is
        sent to no other Server, Port or Tunnel than it is stored for, and not with less TLS.

        Raises Problem with status, cause and hint if the log-in does not work.
        """
        return self.call("read", "check-credentials", **props)

    # What changes connectors.

    def create(self, **props: Unpack[NewConnector]) -> Answer:
        """Create a connector. Returns a standard event with its `name`.

        Props: Retriever, Server, Username, Account, and if wanted Port, TLS, CAFile, Fingerprint, Delete,
        Time or SyncPeriod, Label, CallbackUrl, StatusCallbackUrl, status, Destination, Folder, FilterCheck,
        SpamCheck, VirusCheck, MaxSize, MaxMessages, and over IMAP Folders, FolderMap, Search, Since and
        MarkSeen. To log in: Auth, and Password, PasswordFile or PasswordCommand, ClientCert and ClientKey, or
        a Tunnel; or for OAuth2 Provider, and if wanted Tenant, TokenUrl, AuthorizationUrl, DeviceUrl,
        RedirectUrl, ClientId, ClientSecret, RefreshToken, Scope, Grant, KeyFile, or Context.IO's
        provider_token, provider_token_secret and provider_consumer_key. `name` and `type` of a listed
        connector are taken and mean nothing. Raises Problem (NotValid) with all faults.
        """
        return self.call("create", "create", **props)

    def update(self, name: str, *, account: str | None = None, **props: Unpack[Changes]) -> Answer:
        """Change the props given, those of create; None removes one. Returns a standard event.

        Raises Problem (NotFound, NotValid).
        """
        return self.call("update", "update", name=name, **given(account=account), **props)

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
        return self.call("validate", "update", name=name, **given(account=account), **props)

    # How secrets are stored.

    def seal(self, *, limit: int | None = None, after: str | None = None) -> Answer:
        """Seal all stored secrets by the machine's key. Returns how many: `secrets` of `connectors`.

        With a `limit` of connectors in one go, the answer tells what is `left`, and `after` which to go on.
        """
        return self._ask("update", "seal", limit=limit, after=after)

    def unseal(self, *, limit: int | None = None, after: str | None = None) -> Answer:
        """Store all sealed secrets in clear. Returns as seal; `failed` are connectors with one that does not
        open here.
        """
        return self._ask("update", "unseal", limit=limit, after=after)

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

    # The mailbox itself.

    def mailbox(self, name: str, *, account: str | None = None) -> Mailbox:
        """Log in to the remote mailbox of a connector, over IMAP, for what programs do there.

        A `with` logs out. It has get(), which yields UID and message of each message, and as `imap` an
        imapclient.IMAPClient that is logged in. No secret comes here. Raises Problem.
        """
        from cockpit_getmail.client.mailbox import Mailbox

        return Mailbox(self._channel, name, account)
