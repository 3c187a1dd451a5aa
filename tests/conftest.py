# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many examples property tests try: `make check-quick` takes the profile quick. None has a time limit.

And the filters that tests of each kind send mail through.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from tests.support.clamd import Clamd
from tests.support.rspamd import Rspamd

settings.register_profile("full", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=15)
settings.load_profile("full")

ON_THE_MACHINE = [Path(__file__).parent / name for name in ("machine", "browser")]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let all that needs the booted machine be done by one process, where there are several.

    It goes first: xdist reads the marks in a hook of its own.
    """
    for item in items:
        if any(item.path.is_relative_to(folder) for folder in ON_THE_MACHINE):
            item.add_marker(pytest.mark.xdist_group("machine"))


@pytest.fixture(scope="module")
def clamd() -> Iterator[Clamd]:
    with Clamd() as clamd:
        yield clamd


@pytest.fixture(scope="module")
def rspamd() -> Iterator[Rspamd]:
    with Rspamd() as rspamd:
        yield rspamd
