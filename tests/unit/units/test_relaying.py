# SPDX-License-Identifier: LGPL-2.1-or-later
"""How the unit of a session is waited for; tests/machine has real ones.

`systemd-run` and `systemctl` are small programs here: the real ones do not fail as they are told.
"""

from pathlib import Path

import pytest

from cockpit_getmail.environment import ENVIRONMENT
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import place, relaying
from tests.support.fetching import make_connector

SETTINGS = Settings(fetch_user="nobody")


class Programs:
    """Programs by these names come first; the folder of credentials is the test's own."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._folder = folder / "bin"
        self._folder.mkdir()
        self.credentials = folder / "run"
        path = f"{self._folder}:{ENVIRONMENT['PATH']}"
        monkeypatch.setitem(ENVIRONMENT, "PATH", path)
        monkeypatch.setenv("PATH", path)
        monkeypatch.setattr(place, "RUN_FOLDER", str(self.credentials))
        for check in ("require_installation", "require_hiding"):
            monkeypatch.setattr(relaying, check, lambda *_: None)

    def put(self, name: str, script: str) -> None:
        path = self._folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    return Programs(tmp_path, monkeypatch)


def relay() -> int:
    return relaying.relay(make_connector("SimpleIMAPRetriever", 1), SETTINGS)


@pytest.mark.parametrize("state", ["activating", "active", "inactive"])
@pytest.mark.parametrize("status", [0, 69, 77])
def test_status_is_that_of_the_unit(programs: Programs, state: str, status: int) -> None:
    programs.put("systemctl", f"echo {state}")
    programs.put("systemd-run", f"sleep 0.2; exit {status}")
    assert relay() == status
    assert list(programs.credentials.iterdir()) == []


@pytest.mark.parametrize("status", [1, 243])
def test_unit_that_does_not_start(programs: Programs, status: int) -> None:
    """243 is a credential that does not open (systemd.exec(5))."""
    programs.put("systemctl", "echo inactive")
    programs.put("systemd-run", f"exit {status}")
    with pytest.raises(Problem, match="could not be started") as caught:
        relay()
    assert caught.value.cause == "internal"


def test_credentials_go_once_the_unit_has_them(programs: Programs) -> None:
    programs.put("systemctl", "echo active")
    # It ends when they are gone, and not before.
    programs.put(
        "systemd-run", f"while ls {programs.credentials}/*.credential; do sleep 0.05; done >/dev/null 2>&1"
    )
    assert relay() == 0


def test_start_that_takes_too_long_is_ended(
    programs: Programs, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(relaying, "START_SECONDS", 0.2)
    killed = tmp_path / "killed"
    programs.put("systemctl", f'case $1 in kill) echo "$@" >>{killed};; *) echo activating;; esac')
    programs.put("systemd-run", "exec sleep 60")
    with pytest.raises(Problem, match="took too long"):
        relay()
    assert "--signal=KILL -- cockpit-getmail-:imap-" in killed.read_text()
    assert list(programs.credentials.iterdir()) == []
