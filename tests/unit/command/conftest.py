# SPDX-License-Identifier: LGPL-2.1-or-later
"""Commands with helpers that say what a test wants."""

import io
from pathlib import Path

import pytest

from cockpit_getmail import Client, usage
from cockpit_getmail.command.screen import Screen
from cockpit_getmail.command.session import Session
from tests.unit.client.conftest import Helpers


class Commands:
    """`out` has what commands have shown, as it is when it is no terminal."""

    def __init__(self, folder: Path) -> None:
        self.helpers = Helpers(folder)
        self.out = io.StringIO()

    @property
    def lines(self) -> list[str]:
        return self.out.getvalue().splitlines()

    def run(self, *words: str) -> int:
        """Run a command with these helpers; return its exit status."""
        options = usage.parse(words)
        client = Client(helpers=self.helpers.folder)
        status: int = options.handler(Session(options, client, Screen(self.out)))
        return status


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path)
