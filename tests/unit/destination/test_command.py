# SPDX-License-Identifier: LGPL-2.1-or-later
"""Messages given to real programs, and what becomes of them."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from cockpit_getmail.destination import Target
from cockpit_getmail.destination.base import POSTPONED, REFUSED, Refusal, Staged
from cockpit_getmail.destination.command import (
    Command,
    parse_command,
    require_program,
)
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from cockpit_getmail.spool import MEMORY_OCTETS
from tests.support import need_root

MESSAGE = b"Return-Path: <a@b>\r\nSubject: x\r\n\r\nText.\rMore.\r\n"
STORED = MESSAGE.replace(b"\r\n", b"\n")


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("/bin/lda -e -d {account}", ["-e", "-d", "me@here"]),
        ("/bin/lda", []),
        ("/bin/lda -d{user} '{user} of {domain}' \"a b\"", ["-dme", "me of here", "a b"]),
        ("/bin/lda --folder={folder} -- {folder}", ["--folder=Work/Müll", "--", "Work/Müll"]),
        ("/bin/lda '$(id)' ; *", ["$(id)", ";", "*"]),
        (r"/bin/lda a\ b ''", ["a b", ""]),
    ],
)
def test_command_is_split_once_and_filled_in_by_value(command: str, arguments: list[str]) -> None:
    assert parse_command(command, "me@here", "Work/Müll") == ["/bin/lda", *arguments]


def test_value_is_never_syntax() -> None:
    account = "a b'\"$(id);{user}\\@x y"
    expected = ["/bin/lda", account, "a b'\"$(id);{user}\\", "INBOX"]
    assert parse_command("/bin/lda {account} {user} {folder}", account, "inbox") == expected


@pytest.mark.parametrize(
    ("command", "account", "folder"),
    [
        ("/bin/lda {account}", "-e@here", ""),
        ("/bin/lda {user}{domain}", "-e@here", ""),
        ("/bin/lda {domain}", "me@-e", ""),
        ("/bin/lda {folder}", "me", "-e"),
        ("/bin/lda {domain}", "me", ""),
        ("/bin/lda {account}", "a\0b", ""),
        ("/bin/lda {account}", "../root", ""),
        ("/bin/lda {user}", "..@here", ""),
        ("/bin/lda {account}", "", ""),
        ("/bin/lda {folder}", "me", "../x"),
        ("/bin/lda", "me", "a\nb"),
    ],
)
def test_value_that_no_command_may_be_given(command: str, account: str, folder: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_command(command, account, folder)
    assert caught.value.cause == "delivery"


def test_value_behind_a_dash_of_the_command_is_no_option_of_its_own() -> None:
    assert parse_command("/bin/lda -d{user} x{user}", "-e", "") == ["/bin/lda", "-d-e", "x-e"]


@pytest.mark.parametrize("command", ["lda -d {user}", "/bin/{user}", "/bin/lda 'x", "", "/bin/lda {name}"])
def test_command_that_is_none(command: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_command(command, "me", "")
    assert caught.value.cause == "settings"


@pytest.mark.parametrize(
    ("path", "reason"),
    [("/no/such/lda", "does not exist"), ("/etc", "is no program"), ("/etc/passwd", "may not be run")],
)
def test_program_that_is_missing_is_told(path: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        Command(Target("command", path, "me", ""), Settings(), tmp_path)
    assert (caught.value.cause, reason in caught.value.message) == ("delivery", True)
    require_program("/bin/sh")


class Tried:
    """A program that keeps what it gets as the $n-th, and ends as `then` has it, which is lines of shell."""

    def __init__(
        self, folder: Path, then: str = "", arguments: str = "", own: str = "", seconds: float = 60.0
    ) -> None:
        self.folder = folder
        program = folder / "mda"
        program.write_text(
            f'#!/bin/sh\ncd "{folder}"\nn=$(ls | grep -c got)\ncat >got$n\necho "$@" >>arguments\n{then}\n'
        )
        program.chmod(0o755)
        target = Target("command", f"{program} {arguments}", "me@here", own)
        self.command = Command(target, Settings(command_timeout=seconds), folder)

    def stage(self, *pieces: bytes, folder: str | None = None) -> Staged:
        staging = self.command.stage(folder)
        for piece in pieces:
            staging.write(piece)
        return staging.finish()

    def deliver(self, message: bytes = MESSAGE, folder: str | None = None) -> Refusal | None:
        staged = self.stage(message, folder=folder)
        self.command.sync([staged])
        return self.command.publish([staged]).get(staged.name)

    @property
    def got(self) -> Sequence[bytes]:
        return [(self.folder / f"got{n}").read_bytes() for n in range(len(list(self.folder.glob("got*"))))]


def test_message_comes_with_lines_as_on_this_host(tmp_path: Path) -> None:
    tried = Tried(tmp_path)
    assert tried.deliver() is None
    assert tried.got == [STORED]


def test_large_message_comes_through_the_disk_and_leaves_nothing(tmp_path: Path) -> None:
    tried = Tried(tmp_path)
    pieces = [b"x" * 4095 + b"\r", b"\n" + b"y" * 4095] * (MEMORY_OCTETS // 4096)
    staged = tried.stage(*pieces)
    assert staged.size > MEMORY_OCTETS
    before = len(os.listdir("/proc/self/fd"))
    assert tried.command.publish([staged]) == {}
    assert tried.got == [b"".join(pieces).replace(b"\r\n", b"\n")]
    assert len(os.listdir("/proc/self/fd")) == before - 1


@pytest.mark.long
def test_order_is_kept(tmp_path: Path) -> None:
    tried = Tried(tmp_path)
    batch = [tried.stage(b"%d" % number) for number in range(5)]
    assert tried.command.publish(batch) == {}
    assert tried.got == [b"%d" % number for number in range(5)]


def test_what_is_given_up_leaves_nothing_open(tmp_path: Path) -> None:
    tried = Tried(tmp_path)
    before = len(os.listdir("/proc/self/fd"))
    large = b"x" * (MEMORY_OCTETS + 1)
    tried.command.discard([tried.stage(large)])
    staging = tried.command.stage()
    staging.write(large)
    staging.abort()
    tried.stage(large)
    tried.command.close()
    assert len(os.listdir("/proc/self/fd")) == before
    assert tried.got == []


@pytest.mark.parametrize(
    ("then", "for_good", "reason"),
    [
        ("echo over quota; exit 75", False, "mda ended with status 75: over quota"),
        ("kill -TERM $$", False, "mda was ended by signal 15."),
        ("sh -c 'kill -KILL $$'; exit $?", False, "mda ended with status 137: "),
        ("exit 127", False, "mda ended with status 127."),
        ("exit 1", True, "mda ended with status 1."),
        ("printf 'no\\n such \\033[1muser\\377'; exit 67", True, r"status 67: no such \x1b[1muser\xff"),
        ("printf '%02000d' 0 >&2; exit 77", True, "status 77: 0000"),
    ],
)
def test_status_tells_what_becomes_of_a_message(
    tmp_path: Path, then: str, for_good: bool, reason: str
) -> None:
    tried = Tried(tmp_path, then)
    refusal = tried.deliver()
    assert refusal
    assert refusal.for_good == for_good
    assert reason in refusal.reason
    assert len(refusal.reason) <= 1100
    assert tried.command.trouble is None


@pytest.mark.long
def test_program_that_hangs_is_for_later(tmp_path: Path) -> None:
    refusal = Tried(tmp_path, "sleep 1000", seconds=0.5).deliver()
    assert refusal == Refusal("mda did not end within 0.5 seconds.", for_good=False)


@pytest.mark.long
def test_one_message_for_later_does_not_stop_the_others(tmp_path: Path) -> None:
    tried = Tried(tmp_path, "[ $((n % 3)) = 2 ] || exit 75")
    came = [tried.deliver() for _ in range(9)]
    assert [refusal is None for refusal in came] == [False, False, True] * 3
    assert tried.command.trouble is None


@pytest.mark.long
def test_many_for_later_in_a_row_are_trouble(tmp_path: Path) -> None:
    tried = Tried(tmp_path, "echo full; exit 75")
    batch = [tried.stage(MESSAGE) for _ in range(POSTPONED + 2)]
    refused = tried.command.publish(batch)
    assert refused.keys() == {staged.name for staged in batch}
    assert not any(refusal.for_good for refusal in refused.values())
    assert len(tried.got) == POSTPONED
    assert tried.command.trouble
    assert tried.command.trouble.cause == "delivery"
    assert tried.command.trouble.message == "No message is delivered: mda ended with status 75: full"


@pytest.mark.long
def test_command_that_takes_nothing_is_trouble(tmp_path: Path) -> None:
    tried = Tried(tmp_path, "exit 64")
    refused = [tried.deliver() for _ in range(REFUSED + 1)]
    assert [refusal.for_good for refusal in refused if refusal] == [True] * REFUSED + [False]
    assert tried.command.trouble


@pytest.mark.long
def test_command_that_takes_something_may_refuse_much(tmp_path: Path) -> None:
    tried = Tried(tmp_path, "[ $n = 0 ] || exit 77")
    for _ in range(REFUSED + 2):
        tried.deliver()
    assert tried.command.trouble is None


def test_program_that_cannot_be_started_is_trouble(tmp_path: Path) -> None:
    tried = Tried(tmp_path)
    (tmp_path / "mda").write_text("#!/no/such/shell\n")
    refused = tried.command.publish([tried.stage(MESSAGE), tried.stage(MESSAGE)])
    assert [refusal.for_good for refusal in refused.values()] == [False, False]
    assert tried.command.trouble
    assert tried.command.trouble.cause == "delivery"
    assert tried.command.trouble.message.startswith("mda cannot be started: ")


@pytest.mark.parametrize(
    ("own", "folder", "given"),
    [("", None, "INBOX"), ("Work/In", None, "Work/In"), ("Work", "Junk", "Junk"), ("Work", "INBOX", "INBOX")],
)
def test_folder_is_that_of_the_message(tmp_path: Path, own: str, folder: str | None, given: str) -> None:
    tried = Tried(tmp_path, arguments="-m {folder} {user}", own=own)
    assert tried.deliver(folder=folder) is None
    assert (tmp_path / "arguments").read_text() == f"-m {given} me\n"
    assert tried.got == [STORED]


def test_folder_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"needs \{folder\}") as caught:
        Tried(tmp_path, arguments="{account}", own="Work")
    assert caught.value.cause == "connector"


def test_folders_take_a_command_that_names_them(tmp_path: Path) -> None:
    Tried(tmp_path, arguments="-m {folder}").command.require_folders()
    with pytest.raises(Problem, match=r"into folders.* needs \{folder\}") as caught:
        Tried(tmp_path, arguments="{account}").command.require_folders()
    assert caught.value.cause == "connector"


def test_spam_goes_where_all_goes_if_no_folder_can_be_named(tmp_path: Path) -> None:
    tried = Tried(tmp_path, arguments="{account}")
    assert tried.deliver(folder="Junk") is None
    assert tried.got == [STORED]


def test_who_runs_it_may_not_be_allowed_to(tmp_path: Path) -> None:
    need_root()
    tried = Tried(tmp_path)
    (tmp_path / "mda").chmod(0o644)
    tried.deliver()
    assert tried.command.trouble
    assert "Permission denied" in tried.command.trouble.message


def test_nothing_is_known_of_a_run_that_was_cut_off(tmp_path: Path) -> None:
    tried = Tried(tmp_path)
    assert (tried.command.recover([tried.stage(MESSAGE)]), tried.command.remembers) == (set(), False)


KILLED = """
import sys
sys.path[:0] = sys.argv[1].split(":")
from cockpit_getmail.destination import Target
from cockpit_getmail.destination.command import Command
from cockpit_getmail.settings import Settings
opened = Command(Target("command", sys.argv[2] + "/mda", "me", ""), Settings(), sys.argv[2])
staging = opened.stage()
staging.write(b"x" * int(sys.argv[3]))
opened.publish([staging.finish()])
"""
SURVIVES = """#!/bin/sh
cd {}
exec 3<&0
(touch begun; while [ ! -e killed ]; do sleep 0.02; done; cat >part; mv part got) <&3 &
wait
"""


@pytest.mark.long
@pytest.mark.parametrize("size", [100_000, MEMORY_OCTETS + 100_000])
def test_no_half_of_a_message_is_taken_for_all_of_it(tmp_path: Path, size: int) -> None:
    """What a program has begun it may end, whatever becomes of the run."""
    (tmp_path / "mda").write_text(SURVIVES.format(tmp_path))
    (tmp_path / "mda").chmod(0o755)
    argv = [sys.executable, "-I", "-c", KILLED, ":".join(sys.path), str(tmp_path), str(size)]
    with subprocess.Popen(argv) as process:
        while not (tmp_path / "begun").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.kill()
    (tmp_path / "killed").touch()
    while not (tmp_path / "got").exists():
        time.sleep(0.02)
    assert (tmp_path / "got").stat().st_size == size
