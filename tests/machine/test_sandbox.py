# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a run can get at: its own, and nothing of another's."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import intruder
from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, hang, pop3
from tests.support.installed import PASSWORD, PYTHON, Installed

COUNT = 3
VICTIM = "victim@here"
INTRUDER = "/usr/local/lib/intruder.py"
# Started by what starts runs, with everything that a run gets, but for the program.
START = """
import subprocess, sys
from cockpit_getmail import database, settings
from cockpit_getmail.connector import Connector, unit_name
from cockpit_getmail.units import credentials, prepare, sandbox, systemd
name, command = sys.argv[1], sys.argv[2:]
found = settings.load()
connector = Connector.from_record(name, database.read(found.connectors_db).get(name).props)
place = prepare(connector, found)
with credentials.written(connector, found) as files:
    properties = systemd.run_properties(place, systemd.state_directory(found), files)
    properties += sandbox.hiding_properties(found)
    argv = systemd.start_argv(unit_name(name), "Test", properties, "fetch", "--pipe", "--wait")
    sys.exit(subprocess.run([*argv[:argv.index("--") + 1], *command]).returncode)
"""


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot({"u": PASSWORD}) as dovecot:
        dovecot.fill("u", COUNT)
        yield dovecot


@pytest.fixture(scope="module")
def victim(installed: Installed) -> Iterator[list[str]]:
    """A run that is under way, as arguments for the intruder."""
    installed.machine.copy(Path(intruder.__file__), INTRUDER)
    with Server(pop3([("1", b"Subject: x\r\n\r\n")], {r"RETR (\d+)": hang})) as server:
        installed.add(VICTIM, "SimplePOP3Retriever", server.port, Account=VICTIM)
        unit = installed.start(VICTIM)
        while b"RETR 1" not in server.received:
            time.sleep(0.02)
        folders = [f"/var/lib/cockpit-getmail/{kind}/{VICTIM}" for kind in ("state", "mail")]
        for folder in folders:
            secret = f"{folder}/secret"
            installed.machine.run(["sh", "-c", f"echo secret >{secret}; chown cockpit-getmail: {secret}"])
        yield [installed.show(unit, "MainPID"), unit, *folders]
        installed.stop(unit)


def run_inside(installed: Installed, *command: str, env: dict[str, str] | None = None) -> str:
    """Run a program with the sandbox and all else that a run of `other@here` has."""
    installed.add("other@here", "SimplePOP3Retriever", 1, Account="other@here")
    return installed.machine.run([PYTHON, "-I", "-c", START, "other@here", *command], env=env).stdout


def test_one_run_gets_at_nothing_of_another(installed: Installed, victim: list[str]) -> None:
    came_of = json.loads(run_inside(installed, PYTHON, "-I", INTRUDER, *victim))
    assert [name for name, got in came_of.items() if got is not None] == []
    assert installed.show(victim[1], "ActiveState") == "active"


def test_intruder_gets_at_much_without_the_sandbox(installed: Installed, victim: list[str]) -> None:
    # Or the test above would say nothing.
    command = [PYTHON, "-I", INTRUDER, *victim]
    user = f"--reuid={installed.uid}"
    same_user = json.loads(installed.machine.run(["setpriv", user, "--clear-groups", *command]).stdout)
    assert same_user["state"] == same_user["mail"] == "secret\n"
    assert same_user["command line"]
    needs_root = {
        "credential": PASSWORD,
        "state by way of its process": "secret\n",
        "credential by way of its process": f"['{victim[1]}.service']",
    }
    assert json.loads(installed.machine.run([*command, *needs_root]).stdout) == needs_root
    others = ["database", "files for systemd", "environment", "open files", "memory", "its descriptors"]
    assert None not in json.loads(installed.machine.run([*command, *others]).stdout).values()


def test_run_gets_at_its_own(installed: Installed) -> None:
    script = (
        'cat "$CREDENTIALS_DIRECTORY/Password"; echo;'
        'cd "$STATE_DIRECTORY" && touch x && pwd;'
        "cd /var/lib/cockpit-getmail/mail/other@here && touch x && pwd;"
        "ls /var/lib/cockpit-getmail/state /var/lib/cockpit-getmail/mail /run/credentials;"
        "id -un; umask; ulimit -c; nice"
    )
    assert run_inside(installed, "sh", "-c", script).splitlines() == [
        PASSWORD,
        "/var/lib/cockpit-getmail/state/other@here",
        "/var/lib/cockpit-getmail/mail/other@here",
        "/run/credentials:",
        "cockpit-getmail-other@here.service",
        "",
        "/var/lib/cockpit-getmail/mail:",
        "other@here",
        "",
        "/var/lib/cockpit-getmail/state:",
        "other@here",
        "cockpit-getmail",
        "0077",
        "0",
        "10",
    ]


def test_other_places_for_state_and_mail_are_hidden_too(installed: Installed) -> None:
    environment = {
        "COCKPIT_GETMAIL_STATE_DIR": "/var/lib/other place/st:ate",
        "COCKPIT_GETMAIL_DESTINATION": "maildir:/srv/all mail/{domain}/{user}",
    }
    installed.machine.run(["mkdir", "-p", "/srv/all mail/here/else", "/var/lib/other place/st:ate/else"])
    script = "ls '/srv/all mail/here' '/var/lib/other place/st:ate'; echo x >'/srv/all mail/here/other/x'"
    found = run_inside(installed, "sh", "-c", script, env=environment).splitlines()
    assert found == ["/srv/all mail/here:", "other", "", "/var/lib/other place/st:ate:", "other@here"]
    assert (installed.path("/srv/all mail/here/other/x")).read_text() == "x\n"


@pytest.mark.parametrize(
    "folder", ["/usr/local/vmail", "/run/vmail", "/etc/vmail", "/tmp/vmail", "/home/vmail"]
)
def test_mail_in_a_system_folder_is_hidden_too(installed: Installed, folder: str) -> None:
    environment = {"COCKPIT_GETMAIL_DESTINATION": f"maildir:{folder}/{{account}}"}
    installed.machine.run(
        ["sh", "-c", f"mkdir -p {folder}/else {folder}/other@here; chmod 777 {folder}/else"]
    )
    installed.machine.run(["chown", "cockpit-getmail:", f"{folder}/other@here"])
    script = f"ls {folder}; echo x >{folder}/other@here/x; touch {folder}/else/x"
    found = run_inside(installed, "sh", "-c", f"({script}) 2>/dev/null; true", env=environment).splitlines()
    assert found == ["other@here"]
    assert installed.path(f"{folder}/other@here/x").read_text() == "x\n"
    assert not installed.path(f"{folder}/else/x").exists()


@pytest.mark.parametrize("folder", ["", "/var/lib", "/usr/share/vmail"])
def test_mail_that_cannot_be_hidden_is_refused(installed: Installed, dovecot: Dovecot, folder: str) -> None:
    environment = {"COCKPIT_GETMAIL_DESTINATION": f"maildir:{folder}/{{account}}/Maildir"}
    installed.add("seen@here", "SimpleIMAPRetriever", dovecot.imap, Account="seen@here")
    run = installed.call("execute", environment, action="run", name="seen@here")
    server = {"Retriever": "SimpleIMAPRetriever", "Server": "127.0.0.1", "Port": str(dovecot.imap)}
    log_in = {"Username": "u", "Password": PASSWORD}
    check = installed.call("read", environment, action="check-credentials", **server, **log_in)
    for answer in (run, check):
        assert answer["attributes"]["setting"] == "DESTINATION", answer
        assert answer["attributes"]["cause"] == "settings"
    assert not installed.path(f"{folder}/seen@here").exists()


def test_mail_that_was_moved_elsewhere_is_hidden_there(installed: Installed) -> None:
    mail = "/var/lib/cockpit-getmail/mail"
    installed.machine.run(
        ["sh", "-c", f"mv {mail} /srv/moved; ln -s /srv/moved {mail}; mkdir -p /srv/moved/else"]
    )
    try:
        found = run_inside(installed, "sh", "-c", f"ls /srv/moved; touch {mail}/other@here/moved; ls {mail}")
    finally:
        installed.machine.run(["sh", "-c", f"rm {mail}; mv /srv/moved {mail}"])
    assert found.splitlines() == ["other@here"]
    assert (installed.folder / "mail/other@here/moved").exists()


# Mail in homes


@pytest.fixture(scope="module")
def people(installed: Installed) -> None:
    for name in ("anna", "berta"):
        installed.machine.run(["useradd", "--create-home", name])


IN_HOMES = {"COCKPIT_GETMAIL_DESTINATION": "maildir:/home/{user}/Maildir"}


def owner(installed: Installed, path: str) -> str:
    return installed.machine.run(["stat", "--format=%U %a", path]).stdout.strip()


def test_mail_in_a_home_is_fetched_by_its_user(installed: Installed, dovecot: Dovecot, people: None) -> None:
    installed.add("home@here", "SimpleIMAPRetriever", dovecot.imap, Account="anna@here")
    log = installed.run("home@here", IN_HOMES)
    assert f"{COUNT} messages delivered" in log
    assert owner(installed, "/home/anna/Maildir") == "anna 700"
    assert owner(installed, "/var/lib/cockpit-getmail/state/home@here") == "anna 700"
    assert len(list(installed.path("/home/anna/Maildir/new").iterdir())) == COUNT


def test_other_programs_of_the_user_keep_their_ipc(
    installed: Installed, dovecot: Dovecot, people: None
) -> None:
    as_anna = ["runuser", "-u", "anna", "--"]
    installed.machine.run([*as_anna, "ipcmk", "-Q"])
    queues = installed.machine.run([*as_anna, "ipcs", "-q"]).stdout
    assert "anna" in queues
    installed.add("ipc@here", "SimpleIMAPRetriever", dovecot.imap, Account="anna@here")
    installed.run("ipc@here", IN_HOMES)
    assert installed.machine.run([*as_anna, "ipcs", "-q"]).stdout == queues


def test_state_of_another_user_is_refused(installed: Installed, dovecot: Dovecot, people: None) -> None:
    installed.add("moved@here", "SimpleIMAPRetriever", dovecot.imap, Account="anna@here")
    installed.run("moved@here", IN_HOMES)
    state = "/var/lib/cockpit-getmail/state/moved@here"
    answer = installed.call("execute", action="run", name="moved@here")
    assert answer["attributes"]["cause"] == "settings"
    assert f"{state} belongs to anna" in answer["message"]
    assert owner(installed, state) == "anna 700"
    installed.machine.run(["chown", "-R", "cockpit-getmail:", state])
    assert "0 messages delivered" in installed.run("moved@here")
    # Or all over again.
    installed.machine.run(["chown", "-R", "anna:", state])
    installed.call("delete", name="moved@here")
    installed.add("moved@here", "SimpleIMAPRetriever", dovecot.imap, Account="anna@here")
    assert f"{COUNT} messages delivered" in installed.run("moved@here")


def test_maildir_of_another_user_is_refused(installed: Installed, dovecot: Dovecot, people: None) -> None:
    machine = installed.machine
    machine.run(["runuser", "-u", "berta", "--", "ln", "-sfn", "/home/anna/Maildir", "/home/berta/Maildir"])
    installed.add("theft@here", "SimpleIMAPRetriever", dovecot.imap, Account="berta@here")
    # Whose home it leads to, the unit could not write there either.
    machine.run(["mkdir", "-p", "/home/anna/Maildir"])
    answer = installed.call("execute", IN_HOMES, action="run", name="theft@here")
    assert "cannot be used" in answer["message"] or "belongs to" in answer["message"]


def test_link_in_a_home_makes_root_write_nowhere(
    installed: Installed, dovecot: Dovecot, people: None
) -> None:
    machine = installed.machine
    machine.run(["runuser", "-u", "berta", "--", "ln", "-sfn", "/etc/new", "/home/berta/Maildir"])
    installed.add("link@here", "SimpleIMAPRetriever", dovecot.imap, Account="berta@here")
    answer = installed.call("execute", IN_HOMES, action="run", name="link@here")
    assert answer["attributes"]["cause"] == "delivery"
    assert not installed.path("/etc/new").exists()


def test_account_without_a_user_has_no_home(installed: Installed, dovecot: Dovecot) -> None:
    installed.add("nobody@here", "SimpleIMAPRetriever", dovecot.imap, Account="no-such-user@here")
    answer = installed.call("execute", IN_HOMES, action="run", name="nobody@here")
    assert answer["attributes"]["cause"] == "delivery"
    assert not installed.path("/home/no-such-user").exists()


def test_account_of_root_is_refused(installed: Installed, dovecot: Dovecot) -> None:
    installed.add("root@here", "SimpleIMAPRetriever", dovecot.imap, Account="root@here")
    environment = {"COCKPIT_GETMAIL_DESTINATION": "maildir:/{user}/Maildir"}
    answer = installed.call("execute", environment, action="run", name="root@here")
    assert "never fetched as root" in answer["message"]
    assert not installed.path("/root/Maildir").exists()
