# SPDX-License-Identifier: LGPL-2.1-or-later
"""The methods that change a remote mailbox."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.client.tasks import Answer, Tasks

if TYPE_CHECKING:
    from collections.abc import Sequence


class Acting(Tasks):
    """They go by UID, as messages() tells it, and touch no other message; only over IMAP.

    `folder` is INBOX if it is not given. With `uidvalidity`, as messages() tells it too, they raise Problem
    (Conflict) where these UIDs may be those of other messages by now.
    """

    def mark_seen(
        self,
        name: str,
        *,
        uids: Sequence[str | int],
        folder: str | None = None,
        uidvalidity: int | None = None,
        account: str | None = None,
    ) -> Answer:
        """Mark messages as seen. Returns folder and uidvalidity, and the UIDs that are `done` and `missing`.

        With a `message`, the server refused the others.
        """
        fields = {"folder": folder, "uids": uids, "uidvalidity": uidvalidity}
        return self._ask("update", "mark-seen", name=name, account=account, **fields)

    def mark_unseen(
        self,
        name: str,
        *,
        uids: Sequence[str | int],
        folder: str | None = None,
        uidvalidity: int | None = None,
        account: str | None = None,
    ) -> Answer:
        """Mark messages as unseen. Returns what mark_seen does."""
        fields = {"folder": folder, "uids": uids, "uidvalidity": uidvalidity}
        return self._ask("update", "mark-unseen", name=name, account=account, **fields)

    def flag(
        self,
        name: str,
        *,
        uids: Sequence[str | int],
        flags: Sequence[str],
        remove: bool | None = None,
        folder: str | None = None,
        uidvalidity: int | None = None,
        account: str | None = None,
    ) -> Answer:
        r"""Give messages flags such as \Flagged or $Forwarded; with `remove` take them away. Returns what
        mark_seen does.
        """
        fields = {"folder": folder, "uids": uids, "uidvalidity": uidvalidity}
        return self._ask("update", "flag", name=name, account=account, flags=flags, remove=remove, **fields)

    def delete_messages(
        self,
        name: str,
        *,
        uids: Sequence[str | int],
        folder: str | None = None,
        uidvalidity: int | None = None,
        account: str | None = None,
    ) -> Answer:
        r"""Remove messages there, not what they were delivered as. Returns what mark_seen does.

        `flagged` are those that the server keeps, marked as \Deleted; `message` tells why.
        """
        fields = {"folder": folder, "uids": uids, "uidvalidity": uidvalidity}
        return self._ask("delete", "messages", name=name, account=account, **fields)

    def copy(
        self,
        name: str,
        *,
        uids: Sequence[str | int],
        target: str,
        folder: str | None = None,
        uidvalidity: int | None = None,
        account: str | None = None,
    ) -> Answer:
        """Copy messages to the folder `target`. Returns what mark_seen does."""
        fields = {"folder": folder, "uids": uids, "uidvalidity": uidvalidity}
        return self._ask("execute", "copy", name=name, account=account, target=target, **fields)

    def move(
        self,
        name: str,
        *,
        uids: Sequence[str | int],
        target: str,
        folder: str | None = None,
        uidvalidity: int | None = None,
        account: str | None = None,
    ) -> Answer:
        """Move messages to the folder `target`. Returns what delete_messages does; `flagged` are copied."""
        fields = {"folder": folder, "uids": uids, "uidvalidity": uidvalidity}
        return self._ask("execute", "move", name=name, account=account, target=target, **fields)

    def append(
        self,
        name: str,
        *,
        message: str,
        folder: str | None = None,
        flags: Sequence[str] | None = None,
        date: int | None = None,
        account: str | None = None,
    ) -> Answer:
        """Put a message, in base64, into a folder, with these flags, as if it came at `date` (seconds since
        1970). Returns its uidvalidity and `uid`, None where the server does not tell.
        """
        fields = {"folder": folder, "message": message, "flags": flags, "date": date}
        return self._ask("execute", "append", name=name, account=account, **fields)

    def create_folder(self, name: str, *, folder: str, account: str | None = None) -> Answer:
        """Make a folder. Returns its name."""
        return self._ask("create", "folder", name=name, account=account, folder=folder)

    def update_folder(
        self,
        name: str,
        *,
        folder: str,
        rename: str | None = None,
        subscribed: bool | None = None,
        account: str | None = None,
    ) -> Answer:
        """Rename a folder, or subscribe to it or not. Returns the name that it has now."""
        fields = {"folder": folder, "rename": rename, "subscribed": subscribed}
        return self._ask("update", "folder", name=name, account=account, **fields)

    def delete_folder(
        self, name: str, *, folder: str, force: bool | None = None, account: str | None = None
    ) -> Answer:
        """Remove a folder that is empty, or with `force` its messages, too. Folders below it stay.

        Returns its name.
        """
        return self._ask("delete", "folder", name=name, account=account, folder=folder, force=force)
