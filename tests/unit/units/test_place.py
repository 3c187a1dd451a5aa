# SPDX-License-Identifier: LGPL-2.1-or-later
"""Who a run is and where it works."""

import errno
import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import place
from tests.support import need_root

SOMEBODY = pwd.getpwnam("nobody")


@pytest.fixture
def roots(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder above which only root may write, as it is not below /tmp."""
    need_root()
    monkeypatch.setattr(place, "RUN_FOLDER", tmp_path / "run")
    folder = Path(tempfile.mkdtemp(prefix="cockpit-getmail-test-", dir="/var/lib"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def make_settings(folder: Path, destination: str = "mail/{account}", user: str = "nobody") -> Settings:
    return Settings(folder / "db", folder / "state", f"maildir:{folder}/{destination}", user, 1.0)


def make_connector(account: str = "me@here", name: str = "me@there") -> Connector:
    return Connector(name, {"Account": account}, {})


def problem(connector: Connector, settings: Settings) -> Problem:
    with pytest.raises(Problem) as caught:
        place.prepare(connector, settings, foreground=True)
    return caught.value


def test_folders_are_made_for_the_user(roots: Path) -> None:
    found = place.prepare(make_connector(), make_settings(roots), foreground=True)
    assert found == place.Place(
        "nobody",
        SOMEBODY.pw_uid,
        SOMEBODY.pw_gid,
        SOMEBODY.pw_dir,
        str(roots / "state/me@there"),
        str(roots / "mail/me@here"),
    )
    for folder in (roots / "state/me@there", roots / "mail/me@here"):
        assert (folder.stat().st_uid, folder.stat().st_mode & 0o777) == (SOMEBODY.pw_uid, 0o700)
    assert place.prepare(make_connector(), make_settings(roots), foreground=True) == found


def test_systemd_makes_the_state_folder_of_a_unit(roots: Path) -> None:
    place.prepare(make_connector(), make_settings(roots))
    assert (roots / "mail/me@here").is_dir()
    assert not (roots / "state").exists()


@pytest.mark.parametrize("what", ["mail/me@here", "state/me@there"])
def test_folder_of_another_owner_is_told(roots: Path, what: str) -> None:
    (roots / what).mkdir(parents=True)
    message = problem(make_connector(), make_settings(roots)).message
    assert f"{roots / what} belongs to root, and nobody fetches" in message


@pytest.mark.parametrize("foreground", [False, True])
@pytest.mark.parametrize("kind", ["theirs", "link", "file"])
def test_state_that_somebody_else_made_is_not_believed(roots: Path, kind: str, foreground: bool) -> None:
    state = roots / "state/me@there"
    (roots / "mine").mkdir(parents=True)
    os.chown(roots / "mine", SOMEBODY.pw_uid, SOMEBODY.pw_gid)
    state.parent.mkdir()
    if kind == "link":
        state.symlink_to(roots / "mine")
    elif kind == "file":
        state.touch()
    else:
        state.mkdir()
        os.chown(state, SOMEBODY.pw_uid + 1, -1)
    with pytest.raises(Problem) as caught:
        place.prepare(make_connector(), make_settings(roots), foreground=foreground)
    assert caught.value.cause == "settings"
    assert f"{state} {'belongs to' if kind == 'theirs' else 'is not a folder'}" in caught.value.message
    assert not (roots / "mail").exists()


@pytest.mark.parametrize(("what", "cause"), [("mail/me@here", "delivery"), ("state/me@there", "settings")])
def test_file_in_the_way_is_told(roots: Path, what: str, cause: str) -> None:
    (roots / what).parent.mkdir(parents=True)
    (roots / what).touch()
    found = problem(make_connector(), make_settings(roots))
    assert (found.cause, "is not a folder" in found.message) == (cause, True)


def test_where_others_may_write_the_user_makes_the_folder(roots: Path) -> None:
    (roots / "open").mkdir()
    (roots / "open").chmod(0o777)
    settings = make_settings(roots, "open/{user}/Maildir")
    place.prepare(make_connector(), settings)
    owners = {path.stat().st_uid for path in (roots / "open/me", roots / "open/me/Maildir")}
    assert owners == {SOMEBODY.pw_uid}


def test_link_of_another_user_gives_root_nothing_to_do(roots: Path) -> None:
    for name in ("theirs", "secret"):
        (roots / name).mkdir()
    os.chown(roots / "theirs", SOMEBODY.pw_uid, SOMEBODY.pw_gid)
    (roots / "theirs/link").symlink_to(roots / "secret")
    found = problem(make_connector(), make_settings(roots, "theirs/link/{account}"))
    assert (found.cause, "Permission denied" in found.message) == ("delivery", True)
    assert not list((roots / "secret").iterdir())


@pytest.mark.long
def test_time_spent_as_the_user_is_bounded(roots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Stands for a home on a network that is down: a folder cannot be made to hang here.
    monkeypatch.setattr(place, "make_folder", lambda _: time.sleep(60))
    monkeypatch.setattr(place, "AS_USER_SECONDS", 0.2)
    (roots / "open").mkdir()
    (roots / "open").chmod(0o777)
    found = problem(make_connector(), make_settings(roots, "open/{account}"))
    assert os.strerror(errno.ETIMEDOUT) in found.message


@pytest.mark.long
def test_two_at_once_share_a_new_maildir(roots: Path) -> None:
    children = []
    for _ in range(8):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                place.prepare(make_connector(), make_settings(roots))
                status = 0
            finally:
                os._exit(status)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(children)
    assert [path.name for path in (roots / "mail").iterdir()] == ["me@here"]


def test_fetch_user_that_is_missing_can_be_made(roots: Path) -> None:
    found = problem(make_connector(), make_settings(roots, user="no-such-user"))
    assert found.cause == "settings"
    assert "systemd-sysusers" in found.message
    assert isinstance(found.attributes, dict)
    assert found.attributes["setting"] == "FETCH_USER"


def test_root_by_any_name_is_refused(roots: Path) -> None:
    found = problem(make_connector(), make_settings(roots, user="root"))
    assert (found.cause, "never fetched as root" in found.message) == ("settings", True)


def test_mail_of_root_is_refused(roots: Path) -> None:
    settings = Settings(roots / "db", roots / "state", "maildir:/root/no-such-Maildir", "nobody")
    found = problem(make_connector("root@here"), settings)
    assert (found.cause, "never fetched as root" in found.message) == ("settings", True)
    assert not Path("/root/no-such-Maildir").exists()


def test_account_without_a_user_gets_no_home(roots: Path) -> None:
    settings = Settings(roots / "db", roots / "state", "maildir:/home/{user}/Maildir", "nobody")
    found = problem(make_connector("no-such-user@here"), settings)
    assert (found.cause, "Permission denied" in found.message) == ("delivery", True)
    assert not Path("/home/no-such-user").exists()


def to_home(roots: Path, monkeypatch: pytest.MonkeyPatch, home: Path) -> Settings:
    """Give `nobody` a home; return settings by which mail goes there."""
    user = pwd.struct_passwd(("nobody", "x", SOMEBODY.pw_uid, SOMEBODY.pw_gid, "", str(home), "/bin/sh"))
    users = {"nobody": user, "daemon": pwd.getpwnam("daemon")}
    monkeypatch.setattr(pwd, "getpwnam", users.__getitem__)
    return Settings(roots / "db", roots / "state", "maildir:~/mail/Maildir", "daemon")


def test_mail_in_a_home_is_fetched_as_its_user(roots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = to_home(roots, monkeypatch, roots / "home")
    (roots / "home").mkdir()
    os.chown(roots / "home", SOMEBODY.pw_uid, SOMEBODY.pw_gid)
    found = place.prepare(make_connector("nobody@here"), settings)
    assert (found.user, found.home, found.maildir) == (
        "nobody", str(roots / "home"), f"{roots}/home/mail/Maildir"
    )  # fmt: skip
    owners = {path.stat().st_uid for path in (roots / "home/mail", roots / "home/mail/Maildir")}
    assert owners == {SOMEBODY.pw_uid}


def test_account_without_a_user_is_nobody_else(roots: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = problem(make_connector("me@nobody"), to_home(roots, monkeypatch, roots / "home"))
    assert (found.cause, "no user of this machine" in found.message) == ("connector", True)


@pytest.mark.parametrize(("home", "reason"), [("none", "No such file"), ("roots", "belongs to root")])
def test_home_must_be_there_and_the_users_own(
    roots: Path, monkeypatch: pytest.MonkeyPatch, home: str, reason: str
) -> None:
    (roots / "roots").mkdir()
    found = problem(make_connector("nobody"), to_home(roots, monkeypatch, roots / home))
    assert (found.cause, reason in found.message) == ("delivery", True)
    assert sorted(path.name for path in roots.iterdir()) == ["roots"]


def test_command_is_run_by_fetch_user(roots: Path) -> None:
    settings = Settings(roots / "db", roots / "state", "command:/bin/true {account}", "nobody")
    found = place.prepare(make_connector("root"), settings)
    assert (found.user, found.maildir) == ("nobody", None)


def test_way_out_of_the_folder_is_refused(roots: Path) -> None:
    found = problem(make_connector(), make_settings(roots, "../{account}"))
    assert found.cause == "settings"


BECOME = """
import json, os, sys
sys.path[:0] = json.loads(sys.argv[1])
from pathlib import Path
from cockpit_getmail.units.place import Place, become
become(Place("nobody", int(sys.argv[2]), int(sys.argv[3]), "/nonexistent", Path("/"), None))
try:
    os.setresuid(0, 0, 0)
except PermissionError:
    pass
os.mkdir("/tmp/" + sys.argv[4])
print(json.dumps([os.getresuid(), os.getresgid(), os.getgroups(), os.getcwd(), os.environ["HOME"],
    os.stat("/tmp/" + sys.argv[4]).st_mode & 0o777]))
os.rmdir("/tmp/" + sys.argv[4])
"""


@pytest.mark.long
def test_root_becomes_the_user_for_good(tmp_path: Path) -> None:
    need_root()
    uid, gid = SOMEBODY.pw_uid, SOMEBODY.pw_gid
    argv = [sys.executable, "-I", "-c", BECOME, json.dumps(sys.path), str(uid), str(gid), tmp_path.name]
    done = subprocess.run(argv, capture_output=True, check=True, cwd=tmp_path, text=True)
    assert json.loads(done.stdout) == [[uid] * 3, [gid] * 3, [gid], "/", "/nonexistent", 0o700]


def test_nobody_becomes_root() -> None:
    with pytest.raises(Problem):
        place.become(place.Place("root", 0, 0, "/root", "/", None))


# As another user


@pytest.fixture
def theirs() -> Iterator[Path]:
    """A folder of another user's than root."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if os.geteuid() == 0:
            os.chown(folder, SOMEBODY.pw_uid, SOMEBODY.pw_gid)
        yield folder


def prepare_as_another(settings: Settings) -> tuple[int, str]:
    """Prepare a run in the foreground; return its uid, and the message of the Problem if there is one."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(*[SOMEBODY.pw_gid] * 3)
                os.setresuid(*[SOMEBODY.pw_uid] * 3)
            try:
                found, message = place.prepare(make_connector(), settings, foreground=True).uid, ""
            except Problem as caught:
                found, message = -1, caught.message
            os.write(writing, f"{found} {message}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, encoding="utf-8") as answer:
        uid, _, message = answer.read().partition(" ")
    os.waitpid(child, 0)
    return int(uid), message


def test_another_user_fetches_as_themselves(theirs: Path) -> None:
    uid = os.geteuid() or SOMEBODY.pw_uid
    assert prepare_as_another(make_settings(theirs, user="no-such-user")) == (uid, "")
    assert (theirs / "mail/me@here").stat().st_uid == uid
    assert (theirs / "state/me@there").stat().st_uid == uid


@pytest.mark.long
@pytest.mark.parametrize("what", ["mail/me@here", "state/me@there"])
def test_folder_that_is_not_writable_is_told(theirs: Path, what: str) -> None:
    (theirs / what).mkdir(parents=True)
    for folder in (theirs / what, (theirs / what).parent):
        folder.chmod(0o555)
    assert f"{theirs / what} cannot be used by" in prepare_as_another(make_settings(theirs))[1]
