# SPDX-License-Identifier: LGPL-2.1-or-later
"""Mail that Dovecot's own program delivers, and mail in homes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.machine.test_sandbox import run_inside
from tests.support import need_programs
from tests.support.dovecot import Dovecot
from tests.support.installed import PASSWORD, Installed
from tests.support.machine import PROJECT

EXAMPLE = PROJECT / "docs/examples/20-dovecot-lda.conf"
DROP_INS = "/etc/systemd/system/cockpit-getmail-.service.d"
COUNT = 5
CONFIGURATION = """
protocols =
listen = 127.0.0.1
ssl = no
mail_location = maildir:~/Maildir
postmaster_address = postmaster@here
lda_mailbox_autocreate = yes
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=vmail gid=vmail home=/srv/vmail/%d/%n allow_all_users=yes
}
protocol lda {
  mail_plugins = $mail_plugins sieve
}
"""
SIEVE = """
require ["fileinto", "mailbox"];
if header :contains "subject" "2" { fileinto :create "Two"; }
"""


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot({"u": PASSWORD, "few": PASSWORD}) as dovecot:
        dovecot.fill("u", COUNT)
        dovecot.fill("few", 1)
        yield dovecot


def make_input(dovecot: Dovecot, **props: str) -> dict[str, Any]:
    common = {"Retriever": "SimpleIMAPRetriever", "Server": "127.0.0.1", "Port": str(dovecot.imap)}
    return {**common, "Username": "u", "Password": PASSWORD, **props}


def write(installed: Installed, path: str, text: str) -> None:
    installed.machine.run(["install", "-D", "/dev/stdin", path], input=text)


def find_messages(installed: Installed, folder: str) -> list[bytes]:
    """Return the messages below a folder, whoever may look there."""
    found = installed.path(folder).glob("**/new/*")
    return sorted(path.read_bytes() for path in found)


@contextmanager
def drop_in(installed: Installed, text: str) -> Iterator[None]:
    """Let an administrator give units more."""
    write(installed, f"{DROP_INS}/{EXAMPLE.name}", text)
    installed.machine.run(["systemctl", "daemon-reload"])
    try:
        yield
    finally:
        installed.machine.run(["rm", "-r", DROP_INS])
        installed.machine.run(["systemctl", "daemon-reload"])


# dovecot-lda


@pytest.fixture(scope="module")
def vmail(installed: Installed) -> Iterator[dict[str, str]]:
    """A Dovecot with virtual mailboxes of one user; the settings for it."""
    need_programs("/usr/lib/dovecot/dovecot-lda", "sievec")
    machine = installed.machine
    machine.run(["useradd", "--system", "--home-dir", "/srv/vmail", "--create-home", "vmail"])
    write(installed, "/etc/dovecot/dovecot.conf", CONFIGURATION)
    write(installed, "/srv/vmail/here/ann/.dovecot.sieve", SIEVE)
    machine.run(["chown", "-R", "vmail:", "/srv/vmail"])
    machine.run(["systemctl", "start", "dovecot"])
    [line] = [line for line in EXAMPLE.read_text().splitlines() if "DESTINATION=" in line]
    yield {
        "COCKPIT_GETMAIL_FETCH_USER": "vmail",
        "COCKPIT_GETMAIL_DESTINATION": line.partition("DESTINATION=")[2],
    }
    machine.run(["systemctl", "stop", "dovecot"])


def test_dovecot_lda_needs_the_example(installed: Installed, dovecot: Dovecot, vmail: dict[str, str]) -> None:
    installed.add("lda", "SimpleIMAPRetriever", dovecot.imap, Account="ann@here", Delete="0")
    log = installed.run("lda", vmail)
    assert "No message is delivered: dovecot-lda ended with status 75:" in log, log
    assert "Operation not permitted" in log
    assert len(dovecot.messages("u")) == COUNT
    status = installed.call("read", vmail, action="status", name="lda")
    assert "delivery" in str(status)
    wanted = sorted(message.replace(b"\r\n", b"\n") for message in dovecot.messages("u"))
    # Mail that others have there is not hidden from a program that delivers it.
    own = vmail["COCKPIT_GETMAIL_DESTINATION"]
    installed.add("lda", "SimpleIMAPRetriever", dovecot.imap, Account="ann@here", Delete="0", Destination=own)
    shared = {**vmail, "COCKPIT_GETMAIL_DESTINATION": "maildir:/srv/vmail/{domain}/{user}/Maildir"}
    with drop_in(installed, EXAMPLE.read_text()):
        log = installed.run("lda", shared)
    assert f"{COUNT} messages delivered" in log, log
    assert dovecot.messages("u") == []
    found = find_messages(installed, "/srv/vmail/here/ann")
    assert len(found) == COUNT
    # It puts header fields of its own on top.
    for message in wanted:
        assert [text for text in found if text.endswith(message)], message
    assert len(find_messages(installed, "/srv/vmail/here/ann/Maildir/.Two")) == 1
    dovecot.fill("u", COUNT)


def test_program_is_not_let_write_where_nothing_lasts(
    installed: Installed, dovecot: Dovecot, vmail: dict[str, str]
) -> None:
    installed.add("wide", "SimpleIMAPRetriever", dovecot.imap, Username="few", Account="ann@here", Delete="0")
    with drop_in(installed, "[Service]\nTemporaryFileSystem=/srv/vmail\nSystemCallFilter=@setuid @chown\n"):
        log = installed.run("wide", vmail)
    assert "What is written to /srv/vmail would end with the run" in log, log
    assert len(dovecot.messages("few")) == 1
    script = "for folder in /home /root /run/user /var/lib/cockpit-getmail; do touch $folder/x; done 2>&1"
    assert run_inside(installed, "sh", "-c", f"{script}; true").count("Read-only file system") == 4


def test_program_ends_with_its_run(installed: Installed, dovecot: Dovecot) -> None:
    name = "hung"
    destination = "command:/bin/sleep 123456"
    installed.add(name, "SimpleIMAPRetriever", dovecot.imap, Username="few", Destination=destination)
    unit = installed.start(name)
    machine = installed.machine
    while machine.run(["pgrep", "-f", "sleep 123456"], check=False).returncode:
        assert installed.show(unit, "ActiveState") == "active"
        time.sleep(0.05)
    machine.run(["systemctl", "kill", "--kill-whom=main", "--signal=KILL", unit])
    installed.wait(unit)
    assert machine.run(["pgrep", "-f", "sleep 123456"], check=False).returncode == 1
    assert len(dovecot.messages("few")) == 1


# Homes


@pytest.fixture(scope="module")
def zoe(installed: Installed) -> str:
    installed.machine.run(["useradd", "--create-home", "zoe"])
    return installed.machine.run(["id", "-u", "zoe"]).stdout.strip()


def test_mail_in_a_home_is_fetched_as_its_user(installed: Installed, dovecot: Dovecot, zoe: str) -> None:
    props = {"Account": "zoe@example.org", "Destination": "maildir:~/mail/Maildir", "Folder": "Work/Müll"}
    name = installed.call("create", **make_input(dovecot, **props))["name"]
    assert f"{COUNT} messages delivered" in installed.run(name)
    maildir = "/home/zoe/mail/Maildir"
    assert len(find_messages(installed, f"{maildir}/.Work.M&APw-ll")) == COUNT
    owners = installed.machine.run(["find", "/home/zoe/mail", "-printf", "%U %m %y\\n"]).stdout
    assert {*owners.splitlines()} == {f"{zoe} 700 d", f"{zoe} 600 f"}
    assert installed.owner(f"state/{name}") == (int(zoe), 0o700)
    token = installed.call("execute", action="verify", name=name)["token"]
    result = installed.call("read", action="progress", token=token)
    while result["statusCode"] == "running":
        time.sleep(0.05)
        result = installed.call("read", action="progress", token=token)
    assert (result["result"]["present"], result["result"]["missing_count"]) == (COUNT, 0)
    done = installed.machine.run(["cockpit-getmail", "fetch", name])
    assert "0 messages delivered" in done.stdout


@pytest.mark.parametrize("account", ["no-such-user", "no-such-user@zoe", "root", "root@here"])
@pytest.mark.parametrize("by", ["prop", "setting"])
def test_account_without_a_home_is_refused(
    installed: Installed, dovecot: Dovecot, zoe: str, account: str, by: str
) -> None:
    destination = "maildir:~/Maildir"
    env = {"COCKPIT_GETMAIL_DESTINATION": destination} if by == "setting" else {}
    props = {"Account": account, **({} if env else {"Destination": destination})}
    answer = installed.call("create", env, **make_input(dovecot, **props))
    assert (answer["type"], answer["attributes"]) == (
        "NotValid",
        [{"parameter": "Account", "value": account, "error": "unknown"}],
    )
    # Put there by hand.
    installed.add("by hand", "SimpleIMAPRetriever", dovecot.imap, **props)
    answer = installed.call("execute", env, action="run", name="by hand")
    assert (answer["type"], answer["attributes"]["cause"]) == ("GenericError", "connector")
    assert account in answer["message"]


def test_accounts_tell_who_has_a_home(installed: Installed, zoe: str) -> None:
    env = {"COCKPIT_GETMAIL_DESTINATION": "maildir:~/Maildir"}
    accounts = {each["name"]: each for each in installed.call("read", env, action="accounts")["accounts"]}
    assert accounts["zoe"] == {"name": "zoe", "user": True, "connectors": 0, "fits": True}


def test_mail_of_a_single_connector_is_hidden_from_others(installed: Installed, dovecot: Dovecot) -> None:
    props = {"Account": "alone", "Destination": "maildir:/srv/alone/{user}"}
    installed.add("alone", "SimpleIMAPRetriever", dovecot.imap, **props)
    assert f"{COUNT} messages delivered" in installed.run("alone")
    assert len(find_messages(installed, "/srv/alone/alone")) == COUNT
    assert run_inside(installed, "ls", "/srv/alone") == ""
