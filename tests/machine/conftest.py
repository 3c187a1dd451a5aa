# SPDX-License-Identifier: LGPL-2.1-or-later
"""One machine for all tests here, with the project installed."""

from collections.abc import Iterator

import pytest

from tests.support.installed import Installed
from tests.support.machine import Machine


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    with Machine() as booted:
        booted.install()
        yield booted


@pytest.fixture(scope="session")
def installed(machine: Machine) -> Installed:
    return Installed(machine)
