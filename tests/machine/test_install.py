# SPDX-License-Identifier: LGPL-2.1-or-later
"""`make install` and `make uninstall`."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import need_programs, need_root
from tests.support.machine import PROJECT, Machine

HELPERS = ["read", "validate", "create", "update", "delete", "execute"]
LIBEXEC = "/usr/local/libexec/cockpit-getmail"
CONNECTOR = {
    "Retriever": "SimpleIMAPRetriever",
    "Server": "imap.example.com",
    "Username": "giacomo",
    "Password": "Nethesis,1234",
    "Account": "giacomo@local.example.com",
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a package would hold."""
    folder = tmp_path_factory.mktemp("stage")
    make("install", "PREFIX=/usr", f"DESTDIR={folder}")
    return folder


def test_no_file_knows_where_it_was_staged(stage: Path) -> None:
    names = (str(stage).encode(), str(PROJECT).encode())
    telling = [
        path
        for path in walk(stage)
        for content in [os.fsencode(path.readlink()) if path.is_symlink() else path.read_bytes()]
        if any(name in content for name in names)
    ]
    assert not telling


def test_all_is_byte_compiled(stage: Path) -> None:
    sources = [path for path in walk(stage) if path.suffix == ".py"]
    compiled = {path.name.split(".")[0] for path in walk(stage) if path.suffix == ".pyc"}
    assert len(sources) > 100
    assert {path.stem for path in sources} <= compiled


def test_nobody_but_root_may_write(stage: Path) -> None:
    writable = [path for path in walk(stage) if not path.is_symlink() and path.stat().st_mode & 0o022]
    assert not writable
    unreadable = [path for path in walk(stage) if not path.is_symlink() and not path.stat().st_mode & 0o004]
    assert not unreadable


def test_uninstall_removes_what_install_made(stage: Path, tmp_path: Path) -> None:
    for command in ("install", "uninstall"):
        make(command, "PREFIX=/usr", f"DESTDIR={tmp_path}")
    assert list(walk(stage))
    assert not list(walk(tmp_path))


@pytest.mark.parametrize("verb", HELPERS)
def test_helper_runs_as_any_user(machine: Machine, verb: str) -> None:
    done = machine.run(["setpriv", "--reuid=nobody", "--clear-groups", f"{LIBEXEC}/{verb}"], check=False)
    answer = json.loads(done.stdout)
    assert (answer["type"], answer["message"]) == ("InvalidInput", "no_json_data_available")
    assert (done.returncode, done.stderr) == (1, "")


def test_helpers_share_the_database(machine: Machine) -> None:
    created = call(machine, "create", CONNECTOR)
    assert (created["state"], created["name"]) == ("success", "giacomo@imap.example.com")
    listed = call(machine, "read", {"action": "list"})
    assert [record["name"] for record in listed["connectors"]["giacomo"]] == [created["name"]]
    assert call(machine, "delete", {"name": created["name"]})["state"] == "success"


def test_command_runs_as_any_user(machine: Machine) -> None:
    done = machine.run(["setpriv", "--reuid=nobody", "--clear-groups", "cockpit-getmail", "--version"])
    assert done.stdout.startswith("cockpit-getmail ")
    unknown = machine.run(["cockpit-getmail", "fetch", "nobody@example.com"], check=False)
    assert unknown.returncode == 78


def test_user_and_folders_are_there(machine: Machine) -> None:
    assert machine.run(["id", "-un", "cockpit-getmail"]).stdout == "cockpit-getmail\n"
    modes = machine.run(["stat", "-c", "%U %a", "/var/lib/cockpit-getmail/state", "/run/cockpit-getmail"])
    assert modes.stdout == "root 755\nroot 700\n"


def test_man_page_renders_without_a_warning(machine: Machine) -> None:
    page = "/usr/local/share/man/man8/cockpit-getmail.8"
    done = machine.run(["man", "--warnings", "-l", page], env={"MANPAGER": "cat", "MANROFFOPT": "-ww"})
    assert done.stderr == ""
    assert f"{LIBEXEC}/read" in done.stdout
    assert "@" not in machine.run(["sed", "s/[a-z]*@imap.example.com//", page]).stdout


@pytest.fixture
def other_machine() -> Iterator[Machine]:
    with Machine() as booted:
        booted.install()
        yield booted


def test_uninstall_leaves_configuration_and_mail(other_machine: Machine) -> None:
    machine = other_machine
    call(machine, "create", CONNECTOR)
    kept = {
        "/etc/cockpit-getmail.env": "CHECK_TIMEOUT=5\n",
        "/etc/systemd/system/cockpit-getmail-.service.d/50-local.conf": "[Service]\nMemoryMax=1G\n",
        "/var/lib/cockpit-getmail/mail/giacomo/new/1.mail": "Subject: mail\n\n",
        "/var/lib/cockpit-getmail/state/giacomo/state": "state",
    }
    for name, content in kept.items():
        path = machine.root / name[1:]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    kept["/var/lib/cockpit-getmail/connectors"] = (
        machine.root / "var/lib/cockpit-getmail/connectors"
    ).read_text()
    machine.run(["make", "--directory", PROJECT, "uninstall"])
    assert {name: (machine.root / name[1:]).read_text() for name in kept} == kept
    places = ["/usr/local", "/run/systemd", "/etc/fish"]
    left = machine.run(["find", *places, "-name", "*cockpit-getmail*"]).stdout
    assert left == ""
    # And what is installed again goes on with it.
    machine.install()
    assert "giacomo" in call(machine, "read", {"action": "list"})["connectors"]


def make(*args: str) -> None:
    need_root()
    need_programs("make")
    done = subprocess.run(
        ["make", "--silent", *args], cwd=PROJECT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def walk(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (Path(parent, name) for name in names)


def call(machine: Machine, verb: str, data: Mapping[str, Any]) -> dict[str, Any]:
    answer = json.loads(machine.run([f"{LIBEXEC}/{verb}"], input=json.dumps(data), check=False).stdout)
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize("way", ["enable", "start"])
def test_dovecot_of_the_machine_is_left_alone(machine: Machine, way: str) -> None:
    undo = {"enable": "disable", "start": "stop"}[way]
    # The real one does not start where others listen on its ports.
    text = "[Service]\nExecStart=sleep infinity\n[Install]\nWantedBy=multi-user.target\n"
    unit = "/etc/systemd/system/dovecot.service"
    machine.run(["sh", "-c", f"cat >{unit} && systemctl daemon-reload"], input=text)
    try:
        machine.run(["systemctl", way, "dovecot.service"])
        done = machine.run([PROJECT / "packaging/need-packages", "dovecot-no-such-part"], check=False)
    finally:
        machine.run(["systemctl", undo, "dovecot.service"])
        machine.run(["sh", "-c", f"rm {unit} && systemctl daemon-reload"])
    assert (done.returncode, done.stdout) == (1, "")
    assert "has a Dovecot of its own (dovecot.service)" in done.stderr
    assert "dovecot-no-such-part" in done.stderr
