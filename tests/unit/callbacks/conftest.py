# SPDX-License-Identifier: LGPL-2.1-or-later
"""A queue of its own for each test; what is sent, is sent by this process, to a server on 127.0.0.1."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit_getmail.settings import Settings
from cockpit_getmail.units import systemd
from tests.support.receiver import Receiver

SECRET = "secret-canary-0815"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(systemd, "BOOTED", tmp_path / "no systemd")
    return Settings(state_dir=tmp_path / "state", callback_secret=SECRET, callback_allow_private=True)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver
