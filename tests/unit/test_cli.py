# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command `cockpit-getmail`, as a process."""

import fcntl
import os
import pty
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import pytest

from cockpit_getmail import __version__, cli, database, settings, status_file
from cockpit_getmail.actions.update import reset
from cockpit_getmail.oauth import cache
from cockpit_getmail.words import Cause
from tests.support import need_root
from tests.support.hostile import Server, pop3
from tests.support.processes import find_children
from tests.support.tokens import TokenEndpoint, make_props

COMMAND = [sys.executable, "-I", "-m", "cockpit_getmail"]
ENOUGH = 60
FETCHER = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


@dataclass(frozen=True)
class Site:
    """An installation of its own: settings, database, state and mail."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "COCKPIT_GETMAIL_CONNECTORS_DB": str(self.folder / "connectors"),
            "COCKPIT_GETMAIL_STATE_DIR": str(self.folder / "state"),
            "COCKPIT_GETMAIL_DESTINATION": f"maildir:{self.folder}/mail/{{account}}",
            "COCKPIT_GETMAIL_FETCH_USER": FETCHER.pw_name,
        }

    def add(self, name: str, **props: str) -> None:
        common = {
            "Retriever": "SimplePOP3Retriever",
            "Server": "127.0.0.1",
            "Username": "me@there",
            "Password": "canary",
            "Account": "other@here",
            "Port": "1",
        }
        with database.transaction(self.folder / "connectors") as connectors:
            connectors.put(name, "getmail", common | props)

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*COMMAND, *arguments],
            env=self.environment | variables,
            capture_output=True,
            text=True,
            timeout=ENOUGH,
            check=False,
        )


@pytest.fixture
def site() -> Iterator[Site]:
    # As root, not below /tmp: what root makes there, it makes as the user.
    folder = Path(
        tempfile.mkdtemp(prefix="cockpit-getmail-test-", dir="/var/lib" if os.geteuid() == 0 else None)
    )
    folder.chmod(0o755)
    yield Site(folder)
    shutil.rmtree(folder)


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A server that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(ENOUGH)
        yield listener


@pytest.mark.long
def test_version(site: Site) -> None:
    assert site.run("--version").stdout == f"cockpit-getmail {__version__}\n"


@pytest.mark.long
@pytest.mark.parametrize(
    "arguments",
    [(), ("fetch",), ("fetch", "--unit", "name"), ("check",), ("fetch", "a", "b"), ("fetch", "-x")],
)
def test_wrong_use_is_told(site: Site, arguments: tuple[str, ...]) -> None:
    done = site.run(*arguments)
    assert (done.returncode, done.stdout) == (64, "")
    assert "usage: cockpit-getmail" in done.stderr


def test_every_cause_has_an_exit_status() -> None:
    assert set(cli.STATUSES) == set(get_args(Cause))
    assert 0 not in cli.STATUSES.values()


@pytest.mark.long
@pytest.mark.parametrize("name", ["unknown", "other", "off"])
def test_connector_that_cannot_run_is_configuration(site: Site, name: str) -> None:
    with database.transaction(site.folder / "connectors") as connectors:
        connectors.put("other", "mailbox", {})
    site.add("off", status="disabled")
    done = site.run("fetch", name)
    assert (done.returncode, done.stdout) == (78, "")
    assert name in done.stderr


@pytest.mark.long
def test_faults_of_a_connector_are_listed(site: Site) -> None:
    site.add("me", Retriever="IMAP", Server="")
    done = site.run("fetch", "me")
    assert (done.returncode, done.stdout) == (78, "")
    assert "Server (" in done.stderr
    assert "Retriever (enum)" in done.stderr


@pytest.mark.long
def test_setting_that_is_wrong_is_configuration(site: Site) -> None:
    done = site.run("fetch", "me", COCKPIT_GETMAIL_CHECK_TIMEOUT="soon")
    assert done.returncode == 78
    assert "CHECK_TIMEOUT" in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("command", ["fetch", "verify", "check", "ask", "callback"])
def test_what_is_for_units_is_for_units(site: Site, command: str) -> None:
    done = site.run(command, "--unit")
    assert (done.returncode, done.stdout) == (70, "")
    assert done.stderr.startswith("cockpit-getmail: ")


@pytest.mark.long
def test_session_that_is_none_is_told_to_both(site: Site) -> None:
    """The program that asks reads one, whoever looks after it the other."""
    site.add("me", Retriever="SimplePOP3Retriever")
    for words, status, code in (
        (("imap", "me"), 78, "Conflict connector"),
        (("imap", "nobody"), 78, "NotFound connector"),
        (("imap", "me", "--of", "else"), 78, "NotFound connector"),
    ):
        done = site.run(*words)
        assert done.returncode == status
        assert done.stdout.startswith(f"* BYE [XPROBLEM {code}] ")
        assert done.stderr == f"cockpit-getmail: {done.stdout.partition('] ')[2]}"
    assert site.run("imap", "--unit").returncode == 70


@pytest.mark.long
def test_failures_that_were_forgiven_do_not_count(site: Site) -> None:
    site.add("me")
    found = settings.load({**site.environment})
    folder = site.folder / "state" / "me"

    def count_failures() -> int:
        assert site.run("fetch", "me").returncode == 69
        told = status_file.read(folder)
        assert told
        return told["failures"]

    assert [count_failures() for _ in range(2)] == [1, 2]
    reset.answer({"name": "me"}, found)
    assert [count_failures() for _ in range(2)] == [1, 2]


@pytest.mark.long
@pytest.mark.parametrize("name", ["me@there", "-x", "../x", "a b", "é@h"])
def test_server_that_refuses_is_a_network_failure(site: Site, name: str) -> None:
    site.add(name)
    done = site.run("fetch", "--", name)
    assert done.returncode == 69, done.stderr
    assert "refuses connections on port 1" in done.stderr
    assert "canary" not in done.stdout + done.stderr


@pytest.mark.long
def test_folders_are_made_for_who_fetches(site: Site) -> None:
    site.add("../x")
    site.run("fetch", "../x")
    made = [site.folder / "state/=2E.=2Fx", site.folder / "mail/other@here"]
    assert [(path.stat().st_uid, path.stat().st_mode & 0o777) for path in made] == [
        (FETCHER.pw_uid, 0o700)
    ] * 2


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_ends_a_run_at_once(site: Site, silent: socket.socket, number: signal.Signals) -> None:
    site.add("me@there", Port=str(silent.getsockname()[1]))
    argv = [*COMMAND, "fetch", "me@there"]
    with subprocess.Popen(argv, env=site.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        connection, _ = silent.accept()
        with connection:
            run.send_signal(number)
            output, errors = run.communicate(timeout=ENOUGH)
    assert (run.returncode, errors) == (-number, b"")
    assert b"canary" not in output


@pytest.mark.long
def test_run_that_runs_already_is_told(site: Site, silent: socket.socket) -> None:
    site.add("me@there", Port=str(silent.getsockname()[1]))
    argv = [*COMMAND, "fetch", "me@there"]
    with subprocess.Popen(argv, env=site.environment) as run:
        connection, _ = silent.accept()
        with connection:
            second = site.run("fetch", "me@there")
        run.terminate()
    assert second.returncode == 75
    assert "being fetched now" in second.stderr


@dataclass(frozen=True)
class Process:
    """What /proc tells of a run."""

    status: dict[str, str]
    tty: int
    files: dict[str, str]
    environment: dict[str, str]


def child_of(run: subprocess.Popen[bytes]) -> int:
    [child] = find_children(run.pid)
    return child


def look(pid: int) -> Process:
    folder = Path(f"/proc/{pid}")
    status = dict(line.split(":\t", 1) for line in (folder / "status").read_text().splitlines())
    tty = int((folder / "stat").read_text().rpartition(")")[2].split()[4])
    files = {path.name: str(path.readlink()) for path in (folder / "fd").iterdir()}
    variables = (folder / "environ").read_text().split("\0")
    return Process(status, tty, files, dict(line.split("=", 1) for line in variables if line))


@pytest.mark.long
def test_root_has_it_fetched_by_the_user_of_the_unit(site: Site, silent: socket.socket) -> None:
    need_root()
    site.add("me@there", Port=str(silent.getsockname()[1]))
    mine, terminal = pty.openpty()
    environment = site.environment | {"TERM": "xterm", "CANARY": "canary"}
    argv = [*COMMAND, "fetch", "me@there"]

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    with subprocess.Popen(
        argv, stdin=terminal, stdout=terminal, stderr=terminal, env=environment, preexec_fn=take_terminal
    ) as run:
        connection, _ = silent.accept()
        with connection:
            roots, found = look(run.pid), look(child_of(run))
        run.terminate()
    assert run.returncode == -signal.SIGTERM
    assert found.status["Uid"].split() == [str(FETCHER.pw_uid)] * 4
    assert found.status["Gid"].split() == [str(FETCHER.pw_gid)] * 4
    assert found.status["Groups"].split() == [str(FETCHER.pw_gid)]
    assert int(found.status["CapPrm"], 16) == 0
    assert found.status["Umask"] == "0077"
    assert (roots.tty != 0, found.tty) == (True, 0)
    assert (found.files["0"], found.files["1"]) == ("/memfd:stdin (deleted)", os.ttyname(terminal))
    assert set(found.environment) == {"PATH", "LANG", "TERM", "HOME", "USER", "LOGNAME"}
    assert found.environment["HOME"] == FETCHER.pw_dir
    os.close(terminal)
    os.close(mine)


@pytest.mark.long
def test_run_by_token(site: Site) -> None:
    mailbox = [("1", b"Subject: 1\r\n\r\n"), ("2", b"Subject: 2\r\n\r\n")]
    script = pop3(mailbox, {r"AUTH \w+.*": b"+OK\r\n"}, ("UIDL", "SASL XOAUTH2"))
    name = f"token-{os.getpid()}@there"
    with TokenEndpoint() as provider, Server(script) as server:
        provider.lifetime = 0
        with database.transaction(site.folder / "connectors") as connectors:
            connectors.put(name, "getmail", make_props(provider, server.port, Account="other@here"))
        done = site.run("fetch", name)
        assert (done.returncode, done.stderr) == (0, "")
        # By then the token has expired; the next run has another one.
        assert "1 message delivered" in done.stdout
        assert "the rest follows at once" in done.stdout
        assert "1 message delivered" in site.run("fetch", name).stdout
        assert [form["refresh_token"] for form in provider.asked] == ["refresh-0", "refresh-1"]
        asked = len(server.received)
        provider.answer = (400, b'{"error": "invalid_grant"}')
        done = site.run("fetch", name)
        assert (done.returncode, "invalid_grant" in done.stderr) == (cli.STATUSES["credentials"], True)
        assert len(server.received) == asked
    found = status_file.read(site.folder / "state" / name)
    assert found
    assert (found["state"], found["cause"], found["refused"]) == ("failed", "credentials", 1)
    assert "Sign in again" in found["hint"]
    cache.forget(name, settings.Settings(site.folder / "connectors", site.folder / "state"))


@pytest.mark.long
def test_end_of_the_users_process_is_told(site: Site, silent: socket.socket) -> None:
    need_root()
    site.add("me@there", Port=str(silent.getsockname()[1]))
    with subprocess.Popen([*COMMAND, "fetch", "me@there"], env=site.environment) as run:
        connection, _ = silent.accept()
        with connection:
            os.kill(child_of(run), signal.SIGKILL)
    assert run.returncode == 128 + signal.SIGKILL


@pytest.mark.long
def test_what_is_for_roots_child_is_for_it(site: Site) -> None:
    argv = [*COMMAND, "fetch", "--child"]
    if os.geteuid() == 0:
        argv = ["setpriv", f"--reuid={FETCHER.pw_uid}", "--clear-groups", *argv]
    for request in ("", "{}", "[]", '{"name": 1}'):
        done = subprocess.run(argv, input=request, capture_output=True, text=True, check=False, cwd="/")
        assert (done.returncode, done.stdout) == (70, "")
        assert "runs that root starts" in done.stderr


@pytest.mark.long
def test_bug_is_told_without_what_was_said() -> None:
    script = (
        "import sys; from cockpit_getmail import cli\n"
        "def fail(name): raise ValueError('canary')\n"
        "cli._fetch = fail\n"
        "sys.exit(cli.main(['fetch', 'me']))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (70, "")
    assert "ValueError" in done.stderr
    assert "canary" not in done.stderr
