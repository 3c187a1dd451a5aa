# SPDX-License-Identifier: LGPL-2.1-or-later
"""The scheduler's own file, a real one."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from cockpit_getmail.ledger import Ledger, Start
from cockpit_getmail.problem import Problem, failure, not_valid
from cockpit_getmail.settings import Settings

NAME, OTHER = "giacomo@my.remote.com", "é|=\n"
NOW = 1_700_000_000.5
TOKEN = "0123456789abcdef" * 2
PROBLEM = failure("delivery", "The Maildir is not a folder.", path="/x")
REFUSAL = {"type": "GenericError", "cause": "delivery", "message": "The Maildir is not a folder."}
ROUNDS = 50
WRITER = f"""
import sys
from cockpit_getmail.ledger import Ledger
from cockpit_getmail.settings import Settings
for number in range({ROUNDS}):
    with Ledger(Settings(state_dir=sys.argv[1])) as ledger:
        ledger.started(f"{{sys.argv[2]}}.{{number}}", number)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state")


@pytest.fixture
def file(settings: Settings) -> Path:
    return Path(settings.state_dir, Ledger.FILE)


def run_writer(settings: Settings, name: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))}
    return subprocess.Popen([sys.executable, "-c", WRITER, settings.state_dir, name], env=environment)


def starts(settings: Settings) -> dict[str, Start]:
    with Ledger(settings) as opened:
        return opened.starts()


# What it remembers


def test_start_is_remembered(settings: Settings) -> None:
    with Ledger(settings) as opened:
        opened.started(NAME, NOW - 60)
        opened.started(NAME, NOW)
        opened.started(OTHER, NOW + 1)
        assert opened.find(OTHER) == Start(NOW + 1)
        assert opened.find("nobody") is None
    assert starts(settings) == {NAME: Start(NOW), OTHER: Start(NOW + 1)}


def test_token_is_that_of_the_last_start(settings: Settings) -> None:
    with Ledger(settings) as opened:
        opened.started(NAME, NOW, TOKEN)
        assert opened.find(NAME) == Start(NOW, token=TOKEN)
        opened.refused(NAME, NOW, PROBLEM)
        assert opened.starts()[NAME].token is None
        opened.started(NAME, NOW, TOKEN)
        opened.forgive(NAME, None)
        assert opened.starts() == {NAME: Start(None)}


def test_refusals_are_counted_until_a_start(settings: Settings) -> None:
    with Ledger(settings) as opened:
        for number in range(3):
            opened.refused(NAME, NOW + number, PROBLEM)
            assert opened.starts()[NAME] == Start(NOW + number, REFUSAL, failures=number + 1)  # type: ignore[arg-type]
        opened.started(NAME, NOW + 3)
        assert opened.starts() == {NAME: Start(NOW + 3)}


def test_hint_of_a_refusal_is_kept(settings: Settings) -> None:
    with Ledger(settings) as opened:
        opened.refused(NAME, NOW, failure("internal", "Broken.", hint="Mend it."))
        problem = opened.starts()[NAME].problem
    assert problem
    assert problem["hint"] == "Mend it."


def test_refused_input_has_a_cause(settings: Settings) -> None:
    with Ledger(settings) as opened:
        opened.refused(NAME, NOW, not_valid([{"parameter": "Time", "value": "3", "error": "minimum"}]))
        problem = opened.starts()[NAME].problem
    told = "The connector is not valid: Time (minimum)."
    assert problem == {"type": "NotValid", "cause": "connector", "message": told}


def test_forgiven_it_is_due_and_stays_forgiven(settings: Settings) -> None:
    with Ledger(settings) as opened:
        opened.refused(NAME, NOW, PROBLEM)
        opened.forgive(NAME, TOKEN)
        assert opened.starts() == {NAME: Start(None, None, TOKEN)}
        # A run that dies before it tells of itself leaves the report of the one before.
        opened.started(NAME, NOW + 1)
        assert opened.starts() == {NAME: Start(NOW + 1, None, TOKEN)}
        opened.forgive(OTHER, None)
        assert opened.starts()[OTHER] == Start(None)


def test_forgotten_it_is_not_there(settings: Settings) -> None:
    with Ledger(settings) as opened:
        opened.started(NAME, NOW)
        opened.started(OTHER, NOW)
        opened.forget(NAME)
        opened.forget("nobody")
    assert starts(settings) == {OTHER: Start(NOW)}


# The file


def test_it_is_for_root_alone(settings: Settings, file: Path) -> None:
    with Ledger(settings) as opened:
        opened.started(NAME, NOW)
        modes = {path.name: oct(path.stat().st_mode) for path in file.parent.iterdir()}
    assert modes[Ledger.FILE] == "0o100600"
    assert set(modes.values()) == {"0o100600"}


def test_reading_makes_nothing(settings: Settings, file: Path) -> None:
    assert Ledger.open_for_reading(settings) is None
    assert not file.exists()
    starts(settings)
    opened = Ledger.open_for_reading(settings)
    assert opened
    with opened:
        assert opened.starts() == {}


def test_reading_sees_what_is_being_written(settings: Settings) -> None:
    with Ledger(settings) as writer:
        writer.started(NAME, NOW)
        reader = Ledger.open_for_reading(settings)
        assert reader
        with reader:
            assert reader.starts() == {NAME: Start(NOW)}


@pytest.mark.long
def test_open_twice_here_and_once_elsewhere_nothing_is_lost(settings: Settings) -> None:
    with Ledger(settings) as first:
        with Ledger(settings) as second:
            second.started("second", NOW)
        assert run_writer(settings, "elsewhere").wait(60) == 0
        with Ledger(settings) as third:
            third.started("third", NOW)
        first.started("first", NOW)
    assert len(starts(settings)) == ROUNDS + 3


@pytest.mark.slow
def test_many_processes_write_at_once(settings: Settings) -> None:
    writers = [run_writer(settings, str(number)) for number in range(6)]
    assert [writer.wait(120) for writer in writers] == [0] * 6
    assert len(starts(settings)) == 6 * ROUNDS


@pytest.mark.parametrize("content", [b"no database " * 400, b"SQLite format 3\0" + b"\xff" * 4080])
def test_damaged_file_is_named_with_the_way_out(settings: Settings, file: Path, content: bytes) -> None:
    file.parent.mkdir()
    file.write_bytes(content)
    with pytest.raises(Problem, match="Remove it") as caught:
        starts(settings)
    assert caught.value.attributes == {"cause": "internal", "path": str(file), "damaged": True}
    assert str(file) in caught.value.message
    assert Ledger.open_for_reading(settings) is None
    assert Ledger.set_aside(settings) == f"{file}.damaged"
    assert starts(settings) == {}
    assert Path(f"{file}.damaged").read_bytes() == content


@pytest.mark.long
def test_page_that_is_damaged_later_is_told(settings: Settings, file: Path) -> None:
    with Ledger(settings) as opened:
        for number in range(2000):
            opened.started(f"{NAME}{number}", NOW)
    with file.open("r+b") as data:
        data.seek(8192)
        data.write(b"\xa5" * 16384)
    with pytest.raises(Problem, match="damaged"):
        starts(settings)


def test_file_of_another_version_is_named(settings: Settings, file: Path) -> None:
    with Ledger(settings) as opened:
        opened.started(NAME, NOW)
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(Problem, match=r"another version.*Remove it") as caught:
        starts(settings)
    assert isinstance(caught.value.attributes, dict)
    assert caught.value.attributes["damaged"]


def test_file_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    with pytest.raises(Problem, match=Ledger.FILE) as caught:
        Ledger(Settings(state_dir=tmp_path / "state"))
    assert caught.value.cause == "internal"


def test_link_is_not_followed(settings: Settings, file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    file.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Problem):
        Ledger(settings)
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.long
def test_nothing_dear_is_imported_before_it_is_opened() -> None:
    code = "import sys, cockpit_getmail.ledger, cockpit_getmail.schedule; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": ":".join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-S", "-c", code], env=environment, capture_output=True, text=True)
    assert "cockpit_getmail.ledger" in done.stdout
    assert not {"sqlite3", "hashlib", "typing", "pathlib", "datetime"} & set(done.stdout.split())
