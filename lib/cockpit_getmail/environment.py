# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a program that is started here finds in its environment: nothing of the caller's but whose it is."""

from __future__ import annotations

import os

ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8"}
"""Of every program."""


def identify() -> dict[str, str]:
    """Return what tells a program whose it is, for those that look into a home (environ(7))."""
    import pwd

    try:
        user = pwd.getpwuid(os.geteuid())
    except KeyError:
        return {"HOME": "/"}
    return {"HOME": user.pw_dir, "USER": user.pw_name, "LOGNAME": user.pw_name}
