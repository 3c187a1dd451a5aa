# SPDX-License-Identifier: LGPL-2.1-or-later
"""The methods that look into a remote mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.client.tasks import Answer, Tasks

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Remote(Tasks):
    """They mark nothing as seen. `folder` is INBOX if it is not given.

    A `form` is of a connector that is not saved: {"action": "check-credentials", ...}, with what
    check_credentials takes.
    """

    def folders(
        self, name: str | None = None, *, account: str | None = None, form: Mapping[str, Any] | None = None
    ) -> Answer:
        """Return {"folders": [...], "more"}: name, messages, unseen, size, uidvalidity, special_use, whether
        each is subscribed, selectable and chosen by prop Folders, and the local one that its mail goes to.
        """
        return self._ask("read", "folders", name=name, account=account, form=form)

    def capabilities(self, name: str, *, account: str | None = None) -> Answer:
        """Log in and return protocol, tls and the server's capabilities."""
        return self._ask("read", "capabilities", name=name, account=account)

    def quota(self, name: str, *, account: str | None = None, folder: str | None = None) -> Answer:
        """Return {"folder", "quotas"}: root, resource, usage and limit of each; None if there are none."""
        return self._ask("read", "quota", name=name, account=account, folder=folder)

    def rights(self, name: str, *, account: str | None = None, folder: str | None = None) -> Answer:
        """Return {"folder", "rights", "everyone"}, in letters as RFC 4314 has them."""
        return self._ask("read", "rights", name=name, account=account, folder=folder)

    def namespace(self, name: str, *, account: str | None = None) -> Answer:
        """Return {"personal", "other", "shared"}, each a list of prefix and separator, or None."""
        return self._ask("read", "namespace", name=name, account=account)

    def certificate(
        self, name: str | None = None, *, account: str | None = None, form: Mapping[str, Any] | None = None
    ) -> Answer:
        """Look at the server's certificate, without logging in. Returns subject, issuer, not_before,
        not_after, names, fingerprint, pem, and whether it is trusted, else the reason.

        `form` has Retriever and Server, and if wanted Port, TLS, CAFile and Fingerprint.
        """
        return self._ask("read", "certificate", name=name, account=account, form=form)
