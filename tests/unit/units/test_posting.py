# SPDX-License-Identifier: LGPL-2.1-or-later
"""The unit that sends callbacks: its drop-in holds all it bears. tests/machine starts it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import posting, sandbox
from tests.support import need_programs

ROOT = Path(__file__).parents[3]
DROP_IN = ROOT / "systemd" / posting.DROP_IN
EXPOSURE_LIMIT = 1.2


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """A unit file as systemd-run has it, beside the drop-in."""
    shutil.copytree(DROP_IN.parent, tmp_path / DROP_IN.parent.name)
    path = tmp_path / f"{posting.UNIT}.service"
    path.write_text("[Service]\nExecStart=/bin/true\nType=exec\nKillMode=mixed\n")
    return path


def test_exposure_is_low(unit: Path) -> None:
    need_programs("systemd-analyze")
    argv = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    found = re.search(r"Overall exposure level for .*: ([0-9.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= EXPOSURE_LIMIT, done.stdout


@pytest.mark.long
def test_systemd_knows_all_that_the_drop_in_says(unit: Path) -> None:
    need_programs("systemd-analyze")
    argv = ["systemd-analyze", "verify", "--man=no", str(unit)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert DROP_IN.name not in done.stderr
    assert unit.name not in done.stderr


def test_its_user_is_no_other() -> None:
    """systemd names a dynamic user as the unit, and takes an existing one of that name."""
    found = dict(re.findall("^(DynamicUser|User)=(.*)", DROP_IN.read_text(), re.MULTILINE))
    assert found == {"DynamicUser": "yes", "User": "cockpit-getmail-callback"}
    assert found["User"] != Settings().fetch_user
    # systemd takes no more for a dynamic one.
    assert len(found["User"]) <= 31


def test_it_bears_what_runs_bear() -> None:
    """Neither unit's drop-in reaches the other's."""
    runs = (ROOT / "systemd" / sandbox.DROP_IN).read_text()
    own = DROP_IN.read_text()
    for line in re.findall(
        "^(?:Protect|Private|Restrict|SystemCall|MemoryDenyW|NoNew|Cap|Lock).*=.*", runs, re.M
    ):
        assert f"\n{line}\n" in own


def test_it_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (sandbox, posting):
        monkeypatch.setattr(module, "UNIT_FOLDERS", (str(tmp_path),))
    monkeypatch.setattr(sandbox, "HOMES", ())
    (tmp_path / sandbox.DROP_IN).parent.mkdir()
    (tmp_path / sandbox.DROP_IN).touch()
    with pytest.raises(Problem, match=r"sandbox of callbacks is not installed"):
        posting.run_unit(b"{}", Settings(), 1.0, 100)
