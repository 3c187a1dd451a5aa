# SPDX-License-Identifier: LGPL-2.1-or-later
"""A Dovecot with accounts in plenty, rounds of fetching from them, and helpers."""

import functools
import itertools
import os
import queue
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.support.dovecot import Dovecot
from tests.support.rounds import PASSWORD, Round
from tests.support.stop_after import Driver, Outcome, Plan

HERE = Path(__file__).parent
ACCOUNTS = 500
# Nothing here depends on what the server's own disk does: where there is room, it is memory.
FAST = """
mail_fsync = never
service imap-login {
  service_count = 0
}
service pop3-login {
  service_count = 0
}
"""
# A module that has none of these only fetches: of the libraries it meets just what unit tests look at.
BEYOND = (
    *("cockpit_getmail.client", "cockpit_getmail.login", "cockpit_getmail.oauth", "cockpit_getmail.remote"),
    *("tests.api", "tests.support.certificates", "tests.support.clients", "tests.support.oidc"),
)
MEMORY = Path("/dev/shm")
ROOM = 1 << 30

NewRound = Callable[[str], Round]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what only fetches: `make check-lower` leaves it out."""
    for item in items:
        if isinstance(item, pytest.Function) and item.path.is_relative_to(HERE) and only_fetches(item.module):
            item.add_marker("fetch")


@functools.cache
def only_fetches(module: ModuleType) -> bool:
    used = (getattr(value, "__module__", getattr(value, "__name__", "")) for value in vars(module).values())
    return not any(str(name).startswith(BEYOND) for name in used)


class Accounts:
    """Accounts on a server that no test has used; their names begin with `prefix`."""

    def __init__(self, dovecot: Dovecot, prefix: str = "user") -> None:
        self.dovecot = dovecot
        self._prefix = prefix
        self._numbers = itertools.count(1)
        self._free: list[str] = []
        self._lock = threading.Lock()

    def take(self) -> str:
        """Return the name of one, made with many others: each change of its users takes Dovecot a second."""
        with self._lock:
            if not self._free:
                self._free = [f"{self._prefix}{next(self._numbers)}" for _ in range(ACCOUNTS)]
                self.dovecot.add_users(dict.fromkeys(self._free, PASSWORD))
            return self._free.pop()


@pytest.fixture(scope="session")
def accounts() -> Iterator[Accounts]:
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ROOM
    with Dovecot({}, place=MEMORY if has_room else None, extra=FAST) as dovecot:
        yield Accounts(dovecot)


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder in memory, where there is one: what is tested there does not depend on a disk."""
    folder = Path(tempfile.mkdtemp(prefix="getmail-", dir=MEMORY if MEMORY.is_dir() else None))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def new_round(accounts: Accounts, memory: Path) -> NewRound:
    """Make a round with an account of its own, for a retriever."""
    numbers = itertools.count()

    def make(retriever: str) -> Round:
        folder = memory / f"round{next(numbers)}"
        (folder / "state").mkdir(parents=True, mode=0o700)
        return Round(accounts.dovecot, accounts.take(), retriever, folder / "mail", folder / "state")

    return make


@pytest.fixture
def api() -> Iterator[Api]:
    """The helpers, run by nobody: with systemd, root's would visit in a unit. tests/machine has these."""
    folder = Path(tempfile.mkdtemp(prefix="cockpit-getmail-"))
    yield Api(folder).as_user("nobody")
    shutil.rmtree(folder)


@pytest.fixture
def driver() -> Iterator[Driver]:
    with Driver() as driver:
        yield driver


class Drivers:
    """As many drivers as there are processors."""

    def __init__(self) -> None:
        self.count = os.cpu_count() or 2
        self._free: queue.Queue[Driver] = queue.Queue()
        self._stack = ExitStack()

    def __enter__(self) -> "Drivers":
        for _ in range(self.count):
            self._free.put(self._stack.enter_context(Driver()))
        return self

    def __exit__(self, *error: Any) -> None:
        self._stack.__exit__(*error)

    def fetch(self, plan: Plan) -> Outcome:
        driver = self._free.get()
        try:
            return driver.fetch(plan)
        finally:
            self._free.put(driver)

    def each(self, steps: int, attempt: Callable[[int], None]) -> None:
        """Call attempt(step) for each step from 1 on, several at once; tell at which one it failed."""

        def tell(step: int) -> None:
            try:
                attempt(step)
            except AssertionError as error:
                error.add_note(f"This was with step {step}.")
                raise

        with ThreadPoolExecutor(self.count) as pool:
            for _ in pool.map(tell, range(1, steps + 1)):
                pass


@pytest.fixture(scope="session")
def drivers() -> Iterator[Drivers]:
    with Drivers() as drivers:
        yield drivers
