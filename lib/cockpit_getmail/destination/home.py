# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whose home `~` is: that of the system user whom an Account names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit_getmail.problem import failure, printable

if TYPE_CHECKING:
    import pwd


def find_user(account: str) -> pwd.struct_passwd:
    """Return the user who has the whole Account as a name, or what of it is before its first `@`.

    Raises Problem (connector) if there is none: nobody else ever gets this mail. Neither does root.
    """
    import pwd

    for name in dict.fromkeys((account, account.partition("@")[0])):
        try:
            user = pwd.getpwnam(name)
        except (KeyError, ValueError):
            continue
        if user.pw_uid == 0:
            message = f"The account {printable(account)} is root: mail is never fetched as root."
            raise failure("connector", message)
        if not user.pw_dir.startswith("/"):
            raise failure("connector", f"The user {printable(name)} has no home for mail.")
        return user
    message = f"The account {printable(account)} is no user of this machine, and so has no home for its mail."
    raise failure("connector", message)
