# SPDX-License-Identifier: LGPL-2.1-or-later
"""What programs find in their environment."""

import os
import pwd

import pytest

from cockpit_getmail.environment import identify


def test_a_program_is_told_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    user = pwd.getpwnam("nobody")
    monkeypatch.setattr(os, "geteuid", lambda: user.pw_uid)
    assert identify() == {"HOME": user.pw_dir, "USER": "nobody", "LOGNAME": "nobody"}


def test_who_has_no_name_has_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4_000_000_000)
    assert identify() == {"HOME": "/"}
