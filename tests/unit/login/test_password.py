# SPDX-License-Identifier: LGPL-2.1-or-later
"""Passwords of files and programs, and what is no password."""

import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from cockpit_getmail.connector import Connector
from cockpit_getmail.formats import is_command
from cockpit_getmail.login import password
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from tests.support import need_root
from tests.support.processes import wait_until_gone

CANARY = "kanari-4711"
ALLOWED = Settings(allow_commands=True)


def write(path: Path, content: bytes = CANARY.encode(), mode: int = 0o600) -> str:
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


def make_command(*words: str) -> str:
    return shlex.join(words)


def shell(script: str) -> str:
    return make_command("/bin/sh", "-c", script)


def test_what_is_stored_needs_neither() -> None:
    assert password.find_password(Connector("n", {}, {"Password": CANARY}), Settings()) is None


def test_connector_tells_which(tmp_path: Path) -> None:
    file = Connector("n", {"PasswordFile": write(tmp_path / "f")})
    assert password.find_password(file, Settings()) == CANARY
    command = Connector("n", {"PasswordCommand": "/bin/echo of a command"})
    assert password.find_password(command, ALLOWED) == "of a command"


# PasswordFile


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"a", "a"),
        (b"a\n", "a"),
        (b"a\r\n", "a"),
        (b"a\n\n", "a"),
        (b"a\nsecond line", "a"),
        (b" a \n", " a "),
        ("é😀\n".encode(), "é😀"),
        (b"a\r\r\n", None),
        (b"", None),
        (b"\na", None),
        (b"a\0", None),
        (b"a\xff", None),
        (b"x" * 8192, "x" * 8192),
        (b"x" * 8193, None),
        (b"x\n" * 5000, None),
    ],
)
def test_first_line_of_a_file_is_the_password(tmp_path: Path, content: bytes, found: str | None) -> None:
    path = write(tmp_path / "f", content)
    if found is not None:
        assert password.read_file(path) == found
        return
    with pytest.raises(Problem, match=f"The PasswordFile {re.escape(path)} cannot be used: ") as caught:
        password.read_file(path)
    assert caught.value.cause == "connector"


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o610, 0o644, 0o777])
def test_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "f", mode=mode)
    with pytest.raises(Problem, match=f"others may read it; `chmod 600 {re.escape(path)}`") as caught:
        password.read_file(path)
    assert CANARY not in caught.value.message


def test_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    need_root()
    path = write(tmp_path / "f")
    os.chown(path, 65534, 65534)
    with pytest.raises(Problem, match="it belongs to user 65534; `chown root"):
        password.read_file(path)


@pytest.mark.parametrize("kind", ["folder", "fifo", "missing", "link to nothing"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "f"
    match kind:
        case "folder":
            path.mkdir(0o700)
        case "fifo":
            os.mkfifo(path, 0o600)
        case "link to nothing":
            path.symlink_to("nothing")
    with pytest.raises(Problem, match=r"regular file|No such file|Is a directory"):
        password.read_file(str(path))


def test_link_to_a_file_is_followed(tmp_path: Path) -> None:
    write(tmp_path / "f")
    (tmp_path / "link").symlink_to("f")
    assert password.read_file(str(tmp_path / "link")) == CANARY


@pytest.mark.parametrize("path", ["f", "./f", "~/f", "/a\0b"])
def test_path_that_cannot_be_one_is_refused(path: str) -> None:
    with pytest.raises(Problem) as caught:
        password.read_file(path)
    assert caught.value.cause == "connector"


# PasswordCommand


def test_command_needs_the_setting(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    with pytest.raises(Problem, match="ALLOW_COMMANDS=yes") as caught:
        password.run_command(make_command("/usr/bin/touch", str(mark)), Settings())
    assert caught.value.cause == "settings"
    assert not mark.exists()


@pytest.mark.parametrize(
    "command", ["", " ", "echo x", "./echo", "~/x", "'/bin/echo", "x /bin/echo", "$HOME/x"]
)
def test_command_must_be_one(command: str) -> None:
    assert not is_command(command)
    with pytest.raises(Problem, match="absolute path") as caught:
        password.run_command(command, ALLOWED)
    assert caught.value.cause == "connector"


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("/bin/echo a", "a"),
        ("/bin/echo 'a  b' \"c d\"", "a  b c d"),
        ("/bin/echo $HOME `id` ; id | * >x", "$HOME `id` ; id | * >x"),
        (r"/usr/bin/printf a\\nb", "a"),
        (r"/usr/bin/printf a\\r\\nb", "a"),
        (shell("cat; echo end"), "end"),
        (shell("pwd"), "/"),
        (shell("ls /proc/self/fd | wc -l"), "4"),
    ],
)
@pytest.mark.long
def test_first_line_that_it_prints_is_the_password(command: str, found: str) -> None:
    assert is_command(command)
    assert password.run_command(command, ALLOWED) == found


@pytest.mark.long
def test_environment_is_clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", CANARY)
    print_names = "import os; print(*sorted(os.environ))"
    found = password.run_command(make_command(sys.executable, "-IS", "-c", print_names), ALLOWED)
    assert set(found.split()) - {"LC_CTYPE"} == {"HOME", "LANG", "LOGNAME", "PATH", "USER"}


@pytest.mark.parametrize(
    ("script", "cause", "told"),
    [
        (
            f"echo {CANARY}; echo 'vault is\033 locked.' >&2; exit 3",
            "credentials",
            r"exit status 3, vault is\x1b locked.",
        ),
        (f"echo {CANARY}; exit 1", "credentials", "exit status 1."),
        (f"echo {CANARY}; kill -9 $$", "credentials", "signal 9."),
        ("true", "credentials", "the first line of what it prints is empty."),
        (f"printf '{CANARY}\\377'", "credentials", "is not UTF-8."),
        (f"printf '{CANARY}\\001'", "credentials", "has a control character in it."),
        ("yes", "credentials", "it printed without end."),
        ("yes >&2", "credentials", "it printed without end."),
    ],
)
@pytest.mark.long
def test_command_that_gives_none_is_told_without_what_it_prints(script: str, cause: str, told: str) -> None:
    with pytest.raises(Problem, match=re.escape(told)) as caught:
        password.run_command(shell(script), ALLOWED)
    assert caught.value.cause == cause
    assert CANARY not in f"{caught.value.message} {caught.value.attributes}"


@pytest.mark.long
def test_program_that_is_missing_is_told() -> None:
    with pytest.raises(Problem, match="/no/such/program cannot be run: No such file") as caught:
        password.run_command("/no/such/program a", ALLOWED)
    assert caught.value.cause == "connector"


@pytest.mark.long
def test_command_that_hangs_is_ended_with_all_it_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(password, "COMMAND_SECONDS", 2.0)
    script = f"trap '' TERM; sleep 600 & echo $! >{tmp_path}/pid; echo $$ >>{tmp_path}/pid; sleep 600"
    with pytest.raises(Problem, match=r"did not end within 2 seconds"):
        password.run_command(shell(script), ALLOWED)
    for pid in (tmp_path / "pid").read_text().split():
        wait_until_gone(int(pid))
