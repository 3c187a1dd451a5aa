# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is beyond the page: files of the machine, and lines to real servers, slow ones."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from cockpit_getmail.connector import folder_name
from cockpit_getmail.database import Database
from tests.support import need_programs
from tests.support.certificates import Authority
from tests.support.installed import PYTHON, Installed
from tests.support.machine import Machine
from tests.support.proxy import Proxy, Sender

PATIENCE = 60.0
PIECE_SECONDS = 0.05
"""For each 16 KiB: 320 KiB a second."""
SQL = """
import sqlite3, sys
with sqlite3.connect(sys.argv[1], 10) as db:
    db.executescript(sys.argv[2])
"""


def until(holds: Callable[[], object], seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def stored(installed: Installed) -> dict[str, dict[str, str]]:
    """Return the props in the database file by connector."""
    file = installed.folder / "connectors"
    database = Database(file.read_bytes() if file.exists() else b"")
    return {record.key: dict(record.props) for record in database.records}


def put(installed: Installed, connectors: Mapping[str, Mapping[str, str]]) -> None:
    """Write connectors into the database file, all at once and whatever they are."""
    database = Database(b"")
    for name, props in connectors.items():
        database.put(name, "getmail", dict(props))
    file = installed.folder / "connectors"
    file.touch(mode=0o600)
    file.write_bytes(database.format())


def configure(installed: Installed, **settings: str) -> None:
    """Write the settings of the machine."""
    lines = "".join(f"{name}='{value}'\n" for name, value in settings.items())
    installed.path("/etc/cockpit-getmail.env").write_text(lines)


def change_state(installed: Installed, name: str, script: str) -> None:
    """Run SQL on what a connector remembers."""
    path = f"/var/lib/cockpit-getmail/state/{folder_name(name)}/state.sqlite"
    installed.machine.run([PYTHON, "-I", "-c", SQL, path, script])


def trust(machine: Machine, authority: Authority) -> None:
    """Let the machine believe an authority."""
    need_programs("update-ca-certificates")
    machine.copy(authority.ca, "/usr/local/share/ca-certificates/browser-tests.crt")
    machine.run(["update-ca-certificates"])


def unit_of(name: str) -> str:
    return f"cockpit-getmail-{name}"


@contextmanager
def stalled(host: str, port: int, octets: int) -> Iterator[tuple[Proxy, threading.Event]]:
    """Pass on so much of what the server says, and the rest when the event is set."""
    goes_on = threading.Event()
    passed = 0

    def hold(sender: Sender, piece: bytes) -> bool:
        nonlocal passed
        passed += len(piece) if sender == "server" else 0
        if passed > octets:
            goes_on.wait(PATIENCE)
        return False

    with Proxy(host, port, cut_when=hold) as proxy:
        try:
            yield proxy, goes_on
        finally:
            goes_on.set()


@contextmanager
def slow(host: str, port: int) -> Iterator[Proxy]:
    def wait(sender: Sender, piece: bytes) -> bool:
        if sender == "server":
            time.sleep(PIECE_SECONDS)
        return False

    with Proxy(host, port, cut_when=wait) as proxy:
        yield proxy
