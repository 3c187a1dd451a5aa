# SPDX-License-Identifier: LGPL-2.1-or-later
"""How many examples property tests try: `make check-quick` takes the profile quick. None has a time limit.

And what tests of each kind need: an authority for certificates, and the filters that mail goes through.
"""

import gc
import signal
from collections.abc import Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings
from xdist.scheduler import LoadScopeScheduling

from tests.support.certificates import Authority
from tests.support.clamd import Clamd
from tests.support.rspamd import Rspamd

UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("full", UNTIMED)
settings.register_profile("quick", UNTIMED, max_examples=15)
settings.load_profile("full")

# In a shell's background SIGINT is ignored, and so it would be by what is started here to be interrupted.
signal.signal(signal.SIGINT, signal.default_int_handler)

MACHINE = ("tests/machine/", "tests/browser/")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep what is collected out of garbage collection: it stays to the end, and is much to look at."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


class OneMachine(LoadScopeScheduling):  # type: ignore[misc]
    """Gives all tests that need the booted machine to one process, and any other one to whichever is free."""

    def _split_scope(self, nodeid: str) -> str:
        return "machine" if nodeid.startswith(MACHINE) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Have OneMachine for `--dist loadgroup`, whose own marks xdist 3.8 loses with pytest 9.2."""
    return OneMachine(config, log) if config.getvalue("dist") == "loadgroup" else None


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def clamd() -> Iterator[Clamd]:
    with Clamd() as clamd:
        yield clamd


@pytest.fixture(scope="module")
def rspamd() -> Iterator[Rspamd]:
    with Rspamd() as rspamd:
        yield rspamd
