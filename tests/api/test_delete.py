# SPDX-License-Identifier: LGPL-2.1-or-later
"""api/delete."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from cockpit_getmail.connector import folder_name
from tests.api.conftest import Api


def give_state(api: Api, name: str) -> Path:
    """Make state as a run leaves it, and mail."""
    folder = api.state / folder_name(name)
    mail = api.folder / "mail" / "admin@local.neth.eu" / "new"
    for made in (folder, mail):
        made.mkdir(parents=True, exist_ok=True)
    for file in (folder / "state.sqlite", folder / "lock", mail / "message"):
        file.write_bytes(b"")
    if api.user:
        api.as_user(api.user.pw_name)
    return folder


def test_record_and_state_go_and_mail_stays(api: Api, put: Callable[[str], None]) -> None:
    put("ibay=ibay\n")
    first, second = api.add(), api.add(Username="a/b")
    folders = [give_state(api, name) for name in (first, second)]
    assert api.succeed("delete", name=second, type="getmail")["name"] == second
    assert [folder.exists() for folder in folders] == [True, False]
    assert [record["name"] for record in api.connectors()["admin"]] == [first]
    api.succeed("delete", "delete", name=first)
    assert api.connectors() == {}
    assert list(api.state.iterdir()) == []
    assert api.db.read_text() == "ibay=ibay\n"
    assert "mail/admin@local.neth.eu/new/message" in api.files()


@pytest.mark.long
def test_name_that_is_unknown_removes_nothing(api: Api, put: Callable[[str], None]) -> None:
    text = "ibay=ibay\nno record\n"
    put(text)
    api.add(Username="a")
    folder = give_state(api, "a@my.remote.com")
    before = api.files()
    for name in ("..", "../x", "ibay", "", "x" * 5000):
        answer = api.fail("delete", name=name)
        assert answer["type"] == ("NotFound" if 0 < len(name) < 5000 else "NotValid"), name
    assert api.faults("delete") == {"name": "required"}
    assert api.faults("delete", name=None) == {"name": "type"}
    assert folder.exists()
    assert api.files() == before


@pytest.mark.long
def test_names_are_kept_apart(api: Api) -> None:
    """None leads out of the state's folder, and none takes another's."""
    users = ["../x", "-x", "a b", "a_b", "$(id)", "%n", "x" * 300, "é", "=C3=A9", ".."]
    names = [api.add(Username=user, Server="h") for user in users]
    folders = [give_state(api, name) for name in names]
    assert len(set(folders)) == len(users)
    assert all(folder.parent == api.state and folder.is_dir() for folder in folders)
    for number in (0, 2, 7, 9):
        api.succeed("delete", name=names[number])
    assert [folder.exists() for folder in folders] == [number not in (0, 2, 7, 9) for number in range(10)]
    assert len(api.connectors()["admin"]) == 6


@pytest.mark.long
def test_run_in_the_foreground_is_not_disturbed(api: Api) -> None:
    """Nothing is lost: neither the record nor what the run writes now."""
    name = api.add()
    folder = give_state(api, name)
    before = api.files()
    with open(folder / "lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = api.fail("delete", name=name)
    assert answer["type"] == "Conflict"
    assert answer["attributes"]["cause"] == "running"
    assert api.files() == before
    api.succeed("delete", name=name)
    assert not folder.exists()


@pytest.mark.long
def test_state_is_no_way_out_of_its_folder(api: Api) -> None:
    """A link in the place of the state folder: what it leads to is not ours."""
    name = api.add()
    other = api.folder / "other"
    other.mkdir()
    (other / "precious").write_text("")
    api.state.mkdir()
    os.symlink(other, api.state / folder_name(name))
    if api.user:
        api.as_user(api.user.pw_name)
    api.run("delete", b'{"name": "%s"}' % name.encode())
    assert (other / "precious").exists()
