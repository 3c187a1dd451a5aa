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

    def preview(
        self, name: str | None = None, *, account: str | None = None, form: Mapping[str, Any] | None = None
    ) -> Answer:
        """Return what would be fetched if nothing had been yet: {"folders", "more", "wanted", "passed",
        "left", "messages"}; of each folder name, messages, wanted and passed, and the newest messages of all,
        each with its folder.
        """
        return self._ask("read", "preview", name=name, account=account, form=form)

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

    def messages(
        self,
        name: str,
        *,
        account: str | None = None,
        folder: str | None = None,
        search: str | None = None,
        limit: int | None = None,
        before: str | int | None = None,
    ) -> Answer:
        """Return {"folder", "uidvalidity", "total", "messages", "before"}: a page of messages, newest first,
        each with uid, flags, size, received, subject, sent_from, sent_to, date, message_id and headers.

        `before` is where the next page goes on, None if there is none.
        """
        fields = {"folder": folder, "search": search, "limit": limit, "before": before}
        return self._ask("read", "messages", name=name, account=account, **fields)

    def message(
        self, name: str, uid: str | int, *, account: str | None = None, folder: str | None = None
    ) -> Answer:
        """Return {"folder", "message", "attachments", "cut"}: a message with its `body`, whose `plain` and
        `html` are lists of texts, its files, and whether something is left out because it is too long.
        """
        return self._ask("read", "message", name=name, account=account, folder=folder, uid=uid)

    def files(
        self,
        name: str,
        uid: str | int,
        *,
        account: str | None = None,
        folder: str | None = None,
        raw_file_list: int | None = None,
    ) -> Answer:
        """Return {"folder", "uid", "files"}: id, file_name, type, size, content_id and inline of each file.

        winmail.dat and small inline pictures are in it only if `raw_file_list` is 1.
        """
        fields = {"folder": folder, "uid": uid, "raw_file_list": raw_file_list}
        return self._ask("read", "files", name=name, account=account, **fields)

    def file(
        self,
        name: str,
        uid: str | int,
        file: str,
        *,
        account: str | None = None,
        folder: str | None = None,
        offset: int | None = None,
        limit: int | None = None,
    ) -> Answer:
        """Return {"file", "offset", "data", "next"}: a piece of the file with this id, its `data` in base64.

        The next one begins at `next`, to be given as `offset`; it is None with the last.
        """
        fields = {"folder": folder, "uid": uid, "file": file, "offset": offset, "limit": limit}
        return self._ask("read", "file", name=name, account=account, **fields)
