# SPDX-License-Identifier: LGPL-2.1-or-later
"""Deleting: the record first, what it remembers last, and neither while it runs."""

import os
from pathlib import Path

import pytest

from cockpit_getmail import database, state, state_file
from cockpit_getmail.actions.delete.delete import answer
from cockpit_getmail.connector import folder_name
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from tests.support import need_root

NAME = "u@mail.example"


@pytest.fixture
def folder(settings: Settings) -> Path:
    """The state folder of a connector that has run."""
    with database.transaction(settings.connectors_db) as content:
        content.put(NAME, "getmail", {"Account": "a"})
    found = Path(settings.state_dir) / folder_name(NAME)
    found.mkdir(parents=True)
    with state.State(found) as opened:
        assert opened.token
    return found


def test_all_is_gone(settings: Settings, folder: Path) -> None:
    assert answer({"name": NAME}, settings)["name"] == NAME
    assert database.read(settings.connectors_db).records == []
    assert list(Path(settings.state_dir).iterdir()) == []


def test_run_keeps_all(settings: Settings, folder: Path) -> None:
    before = sorted(path.name for path in folder.iterdir())
    lock = state_file.lock(folder)
    with pytest.raises(Problem) as caught:
        answer({"name": NAME}, settings)
    os.close(lock)
    assert (caught.value.type, caught.value.cause) == ("Conflict", "running")
    assert database.read(settings.connectors_db).get(NAME)
    assert sorted(path.name for path in folder.iterdir()) == before


def test_state_that_was_left_goes_the_second_time(settings: Settings, folder: Path) -> None:
    with database.transaction(settings.connectors_db) as content:
        content.remove(NAME)
    answer({"name": NAME}, settings)
    assert not folder.exists()
    with pytest.raises(Problem) as caught:
        answer({"name": NAME}, settings)
    assert caught.value.type == "NotFound"


def test_state_on_its_way_out_goes_the_second_time(settings: Settings, folder: Path) -> None:
    answer({"name": NAME}, settings)
    (Path(settings.state_dir) / f".{folder_name(NAME)}.removed" / "folder").mkdir(parents=True)
    assert answer({"name": NAME}, settings)["state"] == "success"
    assert list(Path(settings.state_dir).iterdir()) == []
    with pytest.raises(Problem) as caught:
        answer({"name": NAME}, settings)
    assert caught.value.type == "NotFound"


def test_folder_that_only_has_the_name_stays(settings: Settings) -> None:
    mail = Path(settings.state_dir) / "mail"
    (mail / "new").mkdir(parents=True)
    with pytest.raises(Problem) as caught:
        answer({"name": "mail"}, settings)
    assert caught.value.type == "NotFound"
    assert (mail / "new").exists()


@pytest.mark.long
@pytest.mark.root
@pytest.mark.parametrize("hindrance", ["lock", "depth"])
def test_user_of_the_run_cannot_keep_a_connector(settings: Settings, folder: Path, hindrance: str) -> None:
    """Nor its password; and the next of that name begins with nothing."""
    need_root()
    for path in (folder, *folder.iterdir()):
        os.chown(path, 65534, 65534)
    lock = state_file.lock(folder)
    if hindrance == "depth":
        here = os.open(folder, os.O_RDONLY)
        for _ in range(3000):
            os.mkdir("d", dir_fd=here)
            here, above = os.open("d", os.O_RDONLY, dir_fd=here), here
            os.close(above)
        os.close(here)
    answer({"name": NAME}, settings)
    os.close(lock)
    assert database.read(settings.connectors_db).records == []
    assert list(Path(settings.state_dir).iterdir()) == []
    with database.transaction(settings.connectors_db) as content:
        content.put(NAME, "getmail", {})
    folder.mkdir()
    with state.State(folder) as opened:
        assert opened.open_intents() == {}
    answer({"name": NAME}, settings)
    assert list(Path(settings.state_dir).iterdir()) == []


def test_other_record_of_that_name_stays(settings: Settings, folder: Path) -> None:
    with database.transaction(settings.connectors_db) as content:
        content.put(NAME, "mailbox", {})
    answer({"name": NAME}, settings)
    assert [record.type for record in database.read(settings.connectors_db).records] == ["mailbox"]


def test_without_state_only_the_record_goes(settings: Settings) -> None:
    with database.transaction(settings.connectors_db) as content:
        content.put(NAME, "getmail", {})
    answer({"name": NAME}, settings)
    assert database.read(settings.connectors_db).records == []
    assert not Path(settings.state_dir).exists()


def test_database_that_cannot_be_written_keeps_the_state(settings: Settings, folder: Path) -> None:
    """A connector without memory would fetch everything again."""
    lock = Path(settings.connectors_db + ".lock")
    lock.unlink(missing_ok=True)
    lock.mkdir()
    with pytest.raises(Problem):
        answer({"name": NAME}, settings)
    lock.rmdir()
    assert database.read(settings.connectors_db).get(NAME)
    assert (folder / "state.sqlite").exists()
