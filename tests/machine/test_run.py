# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs as units of a real systemd, from a real Dovecot."""

import json
from collections.abc import Iterator

import pytest

from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, hang, pop3
from tests.support.installed import PASSWORD, Installed

COUNT = 20
NAMES = ["../x", "-x", "a b", "$(id)", "%n", "x" * 300, "é@h", "foo@", "a:b", "~", "user+tag@h@h", "😀" * 60]
NAMES += ["@x@h", "@x@", "-@h", "h@a.service"]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot({"u": PASSWORD}) as dovecot:
        dovecot.fill("u", COUNT)
        yield dovecot


@pytest.fixture
def busy() -> Iterator[Server]:
    """A server that a run stays at, logged in."""
    with Server(pop3([("1", b"Subject: x\r\n\r\n")], {r"RETR (\d+)": hang})) as server:
        yield server


@pytest.fixture
def running(installed: Installed, busy: Server) -> Iterator[str]:
    """The unit of a run that is under way."""
    installed.add("busy@here", "SimplePOP3Retriever", busy.port, Account="busy")
    unit = installed.start("busy@here")
    busy.wait_for(b"RETR 1")
    yield unit
    installed.stop(unit)


def stored(dovecot: Dovecot) -> list[bytes]:
    return sorted(message.replace(b"\r\n", b"\n") for message in dovecot.messages("u"))


# What it does


@pytest.mark.parametrize(
    ("retriever", "port"), [("SimpleIMAPRetriever", "imap"), ("SimplePOP3Retriever", "pop3")]
)
def test_mail_is_fetched_once(installed: Installed, dovecot: Dovecot, retriever: str, port: str) -> None:
    name, account = f"{port}@my.remote.com", f"{port}@here"
    installed.add(name, retriever, getattr(dovecot, port), Account=account)
    assert installed.start(name) == f"cockpit-getmail-{name}"
    installed.wait(f"cockpit-getmail-{name}")
    assert installed.mail(account) == stored(dovecot)
    assert "0 messages delivered" in installed.run(name)
    assert len(installed.mail(account)) == COUNT
    assert installed.owner(f"mail/{account}") == (installed.uid, 0o700)
    assert installed.owner(f"state/{name}") == (installed.uid, 0o700)


def test_journal_tells_what_happens(installed: Installed, dovecot: Dovecot) -> None:
    installed.add("log@here", "SimpleIMAPRetriever", dovecot.imap, Account="log")
    log = installed.run("log@here")
    assert "Started cockpit-getmail-log@here.service - Mail of log@here.\n" in log
    assert "Connected to 127.0.0.1 (not encrypted).\n" in log
    assert f"{COUNT} of {COUNT} delivered.\n" in log
    priorities = installed.machine.journal("cockpit-getmail-log@here", "--priority=warning")
    assert "Connected" not in priorities
    identifiers = installed.machine.journal(None, "--identifier=cockpit-getmail")
    assert f"{COUNT} of {COUNT} delivered.\n" in identifiers


@pytest.mark.parametrize("name", NAMES, ids=lambda name: str(name)[:12])
def test_any_name_runs(installed: Installed, dovecot: Dovecot, name: str) -> None:
    account = f"{NAMES.index(name)} name:%n \"'é\\"
    installed.add(name, "SimpleIMAPRetriever", dovecot.imap, Account=account)
    before = len(list(installed.folder.joinpath("state").iterdir()))
    log = installed.run(name)
    assert f"{COUNT} of {COUNT} delivered.\n" in log
    assert len(installed.mail(account)) == COUNT
    assert len(list(installed.folder.joinpath("state").iterdir())) == before + 1


@pytest.mark.parametrize("name", NAMES, ids=lambda name: str(name)[:12])
def test_any_name_is_in_the_sandbox_and_can_be_stopped(installed: Installed, busy: Server, name: str) -> None:
    installed.add(name, "SimplePOP3Retriever", busy.port, Account="busy")
    unit = installed.start(name)
    busy.wait_for(b"RETR 1")
    assert installed.show(unit, "DropInPaths").endswith("cockpit-getmail-.service.d/10-fetch.conf")
    assert installed.show(unit, "NoNewPrivileges") == "yes"
    # As people type it, and twice: then it does not wait for the server.
    installed.machine.run(["systemctl", "kill", "--kill-whom=main", "--", unit])
    installed.machine.run(["systemctl", "stop", "--", unit])
    assert installed.show(unit, "ActiveState") == "inactive"


def test_names_that_differ_in_escaped_bytes_are_two(installed: Installed, dovecot: Dovecot) -> None:
    names = ["one name", "one\\x20name", "one_20name", "one_name"]
    for name in names:
        installed.add(name, "SimpleIMAPRetriever", dovecot.imap, Account="shared")
    units = {installed.start(name) for name in names}
    assert len(units) == len(names)
    for unit in units:
        installed.wait(unit)
    assert len(installed.mail("shared")) == COUNT * len(names)


def test_no_start_of_many_fails(installed: Installed, dovecot: Dovecot) -> None:
    dovecot.add_user("none", PASSWORD)
    installed.add("often", "SimplePOP3Retriever", dovecot.pop3, Account="often", Username="none")
    script = (
        "import sys\n"
        "from cockpit_getmail import database, settings, units\n"
        "from cockpit_getmail.connector import Connector, make_token\n"
        "found = settings.load()\n"
        "record = database.read(found.connectors_db).get('often')\n"
        "for number in range(60):\n"
        "    connector = Connector.from_record(f'often{number}', record.props)\n"
        "    units.start_run(connector, found, make_token(connector.name))\n"
    )
    installed.machine.run(["/usr/local/lib/cockpit-getmail/bin/python", "-I", "-c", script])
    for number in range(60):
        installed.wait(f"cockpit-getmail-often{number}")
    log = installed.machine.journal("cockpit-getmail-often*")
    assert log.count("0 messages delivered") == 60
    assert "CREDENTIALS" not in log


def test_run_that_failed_can_be_started_again(installed: Installed) -> None:
    installed.add("bad", "SimplePOP3Retriever", 1, Account="bad")
    for _ in range(3):
        log = installed.run("bad")
        assert "refuses connections on port 1" in log
        assert "status=69" in log
    assert installed.show("cockpit-getmail-bad", "LoadState") == "not-found"


# While it runs


def test_program_is_confined(installed: Installed, running: str) -> None:
    status = installed.status(running)
    assert status["Uid"].split() == [str(installed.uid)] * 4
    assert installed.uid != 0
    assert status["NoNewPrivs"] == "1"
    assert status["Seccomp"] == "2"
    assert {status[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    assert installed.show(running, "Slice") == "cockpit-getmail.slice"
    assert installed.show(running, "Type") == "exec"


def test_started_while_it_runs_it_is_the_same_unit(installed: Installed, running: str) -> None:
    pid = installed.show(running, "MainPID")
    answer = installed.call("execute", action="run", name="busy@here")
    assert (answer["unit"], answer["running"]) == (running, True)
    assert installed.show(running, "MainPID") == pid


def test_many_started_at_once_are_one(installed: Installed, busy: Server) -> None:
    installed.add("busy@here", "SimplePOP3Retriever", busy.port, Account="busy")
    request = json.dumps({"action": "run", "name": "busy@here"})
    call = f"echo '{request}' | /usr/local/libexec/cockpit-getmail/execute &\n"
    done = installed.machine.run(["sh", "-c", call * 8 + "wait"])
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert sorted(answer.get("running", False) for answer in answers) == [False] + [True] * 7
    assert {answer["unit"] for answer in answers} == {"cockpit-getmail-busy@here"}
    busy.wait_for(b"RETR 1")
    assert busy.connections == 1
    installed.stop("cockpit-getmail-busy@here")


def test_foreground_does_not_run_beside_a_unit(installed: Installed, running: str) -> None:
    done = installed.machine.run(["cockpit-getmail", "fetch", "busy@here"], check=False)
    assert done.returncode == 75
    assert "being fetched now" in done.stderr


def test_stopped_run_has_not_failed(installed: Installed, running: str) -> None:
    installed.stop(running)
    log = installed.machine.journal(running, "--lines=2")
    assert "Deactivated successfully." in log
    assert "Traceback" not in log


def test_delete_ends_a_run(installed: Installed, running: str) -> None:
    assert installed.call("delete", name="busy@here")["state"] == "success"
    assert installed.show(running, "ActiveState") == "inactive"
    assert not (installed.folder / "state/busy@here").exists()


def test_password_shows_nowhere(installed: Installed, running: str, busy: Server) -> None:
    machine = installed.machine
    seen = {
        "properties": machine.run(["systemctl", "show", f"{running}.service"]).stdout,
        "status": machine.run(["systemctl", "status", "--full", f"{running}.service"]).stdout,
        "unit file": machine.run(["systemctl", "cat", f"{running}.service"]).stdout,
        "journal": machine.journal(None, "--output=export"),
        "processes": machine.read_processes(),
    }
    # Each has been looked at where the run is, and the password has been there.
    for what, text in seen.items():
        assert ("fetch\0--unit" if what == "processes" else "busy@here") in text, what
        assert PASSWORD not in text, what
    assert f"PASS {PASSWORD}".encode() in busy.received
    found = installed.files_with(PASSWORD, "/run", "/tmp", "/var/log", "/var/lib/systemd")
    assert found == [f"/run/credentials/{running}.service/Password"]


def test_credential_files_are_gone_once_it_runs(installed: Installed, running: str) -> None:
    assert not list(installed.path("/run/cockpit-getmail").glob("*.credential"))
    assert oct(installed.path("/run/cockpit-getmail").stat().st_mode) == "0o40700"


def test_nothing_is_written_to_systemds_folders(installed: Installed, dovecot: Dovecot) -> None:
    folders = ("/etc", "/run/systemd/system", "/usr/lib/systemd", "/usr/local/lib/systemd")
    ask = ["systemctl", "show", "--value", "--property=UnitsLoadStartTimestampMonotonic"]
    installed.add("tidy", "SimpleIMAPRetriever", dovecot.imap, Account="tidy")
    before, loaded = installed.snapshot(*folders), installed.machine.run(ask).stdout
    installed.run("tidy")
    assert installed.snapshot(*folders) == before
    assert not list(installed.path("/run/systemd/transient").iterdir())
    assert int(loaded) > 0
    assert installed.machine.run(ask).stdout == loaded, "systemd has loaded all units again"


def test_reload_of_systemd_does_not_disturb_a_run(installed: Installed, busy: Server) -> None:
    installed.add("odd name", "SimplePOP3Retriever", busy.port, Account="a b:%n")
    unit = installed.start("odd name")
    busy.wait_for(b"RETR 1")
    pid = installed.show(unit, "MainPID")
    installed.machine.run(["systemctl", "daemon-reload"])
    assert installed.show(unit, "MainPID") == pid
    answer = installed.call("execute", action="run", name="odd name")
    assert (answer["unit"], answer["running"]) == (unit, True)
    installed.stop(unit)


# Where it cannot run


def test_without_systemd_the_way_out_is_told(installed: Installed, dovecot: Dovecot) -> None:
    installed.add("alone", "SimpleIMAPRetriever", dovecot.imap, Account="alone")
    request = json.dumps({"action": "run", "name": "alone"})
    script = "mount -t tmpfs none /run/systemd && echo '%s' | /usr/local/libexec/cockpit-getmail/execute"
    done = installed.machine.run(["unshare", "--mount", "sh", "-c", script % request], check=False)
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["type"], answer["attributes"]["cause"]) == (1, "GenericError", "internal")
    assert "no systemd" in answer["message"]
    assert answer["message"].endswith("cockpit-getmail fetch alone")
    foreground = "mount -t tmpfs none /run/systemd && cockpit-getmail fetch alone"
    done = installed.machine.run(["unshare", "--mount", "sh", "-c", foreground])
    assert f"{COUNT} messages delivered" in done.stdout
    assert len(installed.mail("alone")) == COUNT


def test_systemd_that_does_not_answer_is_told(installed: Installed, dovecot: Dovecot) -> None:
    installed.add("mute", "SimpleIMAPRetriever", dovecot.imap)
    request = json.dumps({"action": "run", "name": "mute"})
    hide = "mount -t tmpfs none /run/systemd; mkdir /run/systemd/system; mount -t tmpfs none /run/dbus; "
    script = f"{hide} echo '{request}' | /usr/local/libexec/cockpit-getmail/execute"
    done = installed.machine.run(["unshare", "--mount", "sh", "-c", script], check=False)
    message = json.loads(done.stdout)["message"]
    assert "systemd does not answer" in message
    assert message.endswith("cockpit-getmail fetch mute")
    assert not list(installed.path("/run/cockpit-getmail").glob("*.credential"))


def test_program_that_the_user_cannot_run_is_told(installed: Installed, dovecot: Dovecot) -> None:
    installed.add("shut", "SimpleIMAPRetriever", dovecot.imap)
    python = "/usr/local/lib/cockpit-getmail"
    request = json.dumps({"action": "run", "name": "shut"})
    script = f"chmod 700 {python}; echo '{request}' | /usr/local/libexec/cockpit-getmail/execute; "
    done = installed.machine.run(["sh", "-c", f"{script} chmod 755 {python}"])
    message = json.loads(done.stdout)["message"]
    assert "could not be started" in message
    assert "journalctl -u 'cockpit-getmail-shut'" in message
    assert "Permission denied" in installed.machine.journal("cockpit-getmail-shut")


@pytest.mark.parametrize(
    ("setting", "value", "told"),
    [
        ("STATE_DIR", "/srv/state", "/var/lib"),
        ("FETCH_USER", "no-such-user", "systemd-sysusers"),
        ("DESTINATION", "maildir:/root/mail/{account}", "Permission denied"),
        ("DESTINATION", "maildir:/etc/passwd", "not a folder"),
        ("DESTINATION", "maildir:/usr", "belongs to root"),
    ],
)
def test_setting_that_no_unit_can_have_is_told(
    installed: Installed, dovecot: Dovecot, setting: str, value: str, told: str
) -> None:
    installed.add("odd", "SimpleIMAPRetriever", dovecot.imap)
    environment = {f"COCKPIT_GETMAIL_{setting}": value}
    answer = installed.call("execute", environment, action="run", name="odd")
    assert answer["type"] == "GenericError"
    assert told in answer["message"]


def test_missing_sandbox_is_told(installed: Installed, dovecot: Dovecot) -> None:
    installed.add("bare", "SimpleIMAPRetriever", dovecot.imap)
    drop_in = "/usr/local/lib/systemd/system/cockpit-getmail-.service.d/10-fetch.conf"
    request = json.dumps({"action": "run", "name": "bare"})
    script = f"mv {drop_in} {drop_in}.away; echo '{request}' | /usr/local/libexec/cockpit-getmail/execute; "
    done = installed.machine.run(["sh", "-c", f"{script} mv {drop_in}.away {drop_in}"])
    assert "make install" in json.loads(done.stdout)["message"]
