# SPDX-License-Identifier: LGPL-2.1-or-later
"""How a connector is, from a wrong password to a right one, and changes that count at once."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from cockpit_getmail.connector import token_prefix
from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, close, drip_once, hang, pop3, stuff
from tests.support.installed import PASSWORD, PYTHON, Installed

COUNT = 5
MESSAGES = [(f"uid{number}", b"Subject: %d\r\n\r\nx\r\n" % number) for number in range(1, 5)]
SLOW = drip_once(b"+OK\r\n" + stuff(MESSAGES[1][1]), 0.05)
"""The second message comes, but takes its time."""
DAY = 86400


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot({"u": PASSWORD}) as dovecot:
        dovecot.fill("u", COUNT)
        yield dovecot


def look(installed: Installed, name: str) -> dict[str, Any]:
    """Return how a connector is, which list tells just so."""
    (found,) = installed.call("read", action="status", name=name)["connectors"]
    groups = installed.call("read", action="list")["connectors"]
    (listed,) = [each for group in groups.values() for each in group if each["name"] == name]
    same = found.keys() & listed.keys() - {"next_run"}
    assert {key: listed[key] for key in same} == {key: found[key] for key in same}
    assert isinstance(found, dict)
    return found


def is_due(found: dict[str, Any]) -> bool:
    return bool(found["next_run"] <= time.time())


# Failures


def test_run_that_can_tell_nothing_is_no_success(installed: Installed, dovecot: Dovecot) -> None:
    """Its program cannot be read: as after an upgrade that went wrong."""
    name = "silent@here"
    installed.add(name, "SimpleIMAPRetriever", dovecot.imap, Account="silent")
    where = [PYTHON, "-c", "import cockpit_getmail.__main__ as main; print(main.__file__)"]
    main = installed.path(installed.machine.run(where).stdout.strip())
    main.chmod(0o600)
    try:
        assert "can't open file" in installed.run(name)
        # A minute later.
        change = (
            "import sqlite3, sys; sqlite3.connect(sys.argv[1], isolation_level=None).execute(sys.argv[2])"
        )
        ledger = "/var/lib/cockpit-getmail/state/.schedule.sqlite"
        installed.machine.run([PYTHON, "-c", change, ledger, "UPDATE start SET at = at - 61"])
        found = look(installed, name)
        assert (found["status"], found["cause"], found["failures"]) == (
            "NO_ACCESS_TO_ALL_MAIL",
            "internal",
            1,
        )
    finally:
        main.chmod(0o644)
    installed.run(name)
    assert look(installed, name)["status"] == "OK"


def test_wrong_password_then_right(installed: Installed, dovecot: Dovecot) -> None:
    name = "wrong@here"
    installed.add(name, "SimpleIMAPRetriever", dovecot.imap, Account="wrong", Password="no", Label="w")
    found = look(installed, name)
    assert (found["status"], found["last_run"], is_due(found)) == ("NEVER_RUN", None, True)
    for count in range(1, 5):
        installed.run(name)
        found = look(installed, name)
        assert (found["status"], found["cause"]) == ("INVALID_CREDENTIALS", "credentials")
        assert (found["failures"], found["running"], is_due(found)) == (count, False, False)
    assert 8 * 1800 - 60 < found["next_run"] - time.time() < 8 * 1800 + 60
    installed.run(name)
    found = look(installed, name)
    assert (found["status"], found["failures"]) == ("TEMP_DISABLED", 5)
    assert DAY - 60 < found["next_run"] - time.time() < DAY + 60
    assert found["message"]
    assert found["hint"]
    # Another place for the mail is no reason to try again, and forgives nothing.
    installed.call("update", action="update", name=name, Time=60)
    assert look(installed, name)["status"] == "TEMP_DISABLED"
    installed.call("update", action="update", name="w", account="wrong", Password=PASSWORD)
    found = look(installed, name)
    assert (found["status"], found["failures"], is_due(found)) == ("NEVER_RUN", 0, True)
    installed.run(name)
    found = look(installed, name)
    assert (found["status"], found["messages"], found["failures"]) == ("OK", COUNT, 0)
    assert not is_due(found)
    assert len(installed.mail("wrong")) == COUNT


def test_network_trouble_is_no_refusal(installed: Installed) -> None:
    """Three refusals, two broken connections, two refusals; then reset, and one more."""
    refusing = pop3([], {"PASS .*": b"-ERR [AUTH] no\r\n", "AUTH PLAIN .*": b"-ERR [AUTH] no\r\n"})
    told = []
    with Server(*[refusing] * 3, [close], [close], refusing) as server:
        installed.add("flaky@here", "SimplePOP3Retriever", server.port, Account="flaky", TLS="none")
        for _ in range(7):
            installed.run("flaky@here")
            told.append(look(installed, "flaky@here")["status"])
        refused, lost = "INVALID_CREDENTIALS", "CONNECTION_IMPOSSIBLE"
        assert told == [refused] * 3 + [lost] * 2 + [refused, "TEMP_DISABLED"]
        installed.call("update", action="reset", name="flaky@here")
        found = look(installed, "flaky@here")
        assert (found["status"], found["failures"], is_due(found)) == ("NEVER_RUN", 0, True)
        installed.run("flaky@here")
    found = look(installed, "flaky@here")
    assert (found["status"], found["failures"]) == (refused, 1)


def test_start_that_fails_is_told(installed: Installed, dovecot: Dovecot) -> None:
    maildir = installed.folder / "mail" / "nowhere"
    maildir.parent.mkdir(exist_ok=True)
    maildir.write_text("no folder")
    installed.add("nowhere@here", "SimpleIMAPRetriever", dovecot.imap, Account="nowhere")
    assert installed.call("execute", action="run", name="nowhere@here")["type"] == "GenericError"
    found = look(installed, "nowhere@here")
    assert (found["status"], found["cause"], found["failures"]) == ("NO_ACCESS_TO_ALL_MAIL", "delivery", 1)
    assert not is_due(found)
    maildir.unlink()
    installed.run("nowhere@here")
    assert look(installed, "nowhere@here")["status"] == "OK"


def test_run_that_is_killed_was_cut_off(installed: Installed) -> None:
    with Server(pop3(MESSAGES, {"RETR 2": hang})) as server:
        installed.add("killed@here", "SimplePOP3Retriever", server.port, Account="killed")
        unit = installed.start("killed@here")
        server.wait_for(b"RETR 2")
        found = look(installed, "killed@here")
        assert (found["status"], found["running"]) == ("NEVER_RUN", True)
        installed.machine.run(["systemctl", "kill", "--signal=KILL", f"{unit}.service"])
        installed.wait(unit)
    found = look(installed, "killed@here")
    assert (found["status"], found["cause"], found["running"]) == ("NO_ACCESS_TO_ALL_MAIL", "internal", False)
    assert (found["failures"], "cut off" in found["message"]) == (1, True)


def test_run_in_the_foreground_is_seen(installed: Installed) -> None:
    with Server(pop3(MESSAGES, {"RETR 2": hang})) as server:
        installed.add("shown@here", "SimplePOP3Retriever", server.port, Account="shown")
        process = installed.begin("/usr/local/sbin/cockpit-getmail", "fetch", "shown@here")
        server.wait_for(b"RETR 2")
        assert look(installed, "shown@here")["running"]
    process.communicate(timeout=60)
    found = look(installed, "shown@here")
    assert (found["status"], found["running"]) == ("CONNECTION_IMPOSSIBLE", False)


# At once


@pytest.fixture
def slow(installed: Installed) -> Iterator[Server]:
    """A server that a run of slow@here is at, in the middle of the second of its messages."""
    with Server(pop3(MESSAGES, {"RETR 2": SLOW})) as server:
        installed.add("slow@here", "SimplePOP3Retriever", server.port, Account="slow")
        installed.start("slow@here")
        server.wait_for(b"RETR 2")
        yield server
    installed.stop("cockpit-getmail-slow@here")
    installed.machine.run(["rm", "-rf", "/var/lib/cockpit-getmail/mail/slow"])
    installed.call("delete", name="slow@here")


@pytest.mark.parametrize("change", [{"action": "disable"}, {"action": "update", "status": "disabled"}])
def test_disable_ends_the_run_cleanly(installed: Installed, slow: Server, change: dict[str, Any]) -> None:
    assert installed.call("update", name="slow@here", **change)["state"] == "success"
    assert installed.show("cockpit-getmail-slow@here", "ActiveState") == "inactive"
    found = look(installed, "slow@here")
    assert (found["status"], found["running"], found["failures"]) == ("DISABLED", False, 0)
    assert found["next_run"] is None
    # The message it was at has come to its end.
    assert installed.mail("slow") == [data.replace(b"\r\n", b"\n") for _, data in MESSAGES[:2]]
    assert installed.call("execute", action="run", name="slow@here")["type"] == "Conflict"
    installed.call("update", action="enable", name="slow@here")
    assert look(installed, "slow@here")["status"] == "NEVER_RUN"
    installed.run("slow@here")
    assert installed.mail("slow") == sorted(data.replace(b"\r\n", b"\n") for _, data in MESSAGES)
    assert look(installed, "slow@here")["status"] == "OK"


def test_update_lets_the_run_go_on(installed: Installed, slow: Server) -> None:
    installed.call("update", action="update", name="slow@here", Time=5)
    assert look(installed, "slow@here")["running"]
    installed.wait("cockpit-getmail-slow@here")
    assert len(installed.mail("slow")) == len(MESSAGES)


def test_delete_ends_the_run_and_touches_no_mail(installed: Installed, slow: Server) -> None:
    verification = f"cockpit-getmail-:verify-{token_prefix('slow@here')}"
    other = f"cockpit-getmail-:verify-{token_prefix('other@here')}"
    for unit in (verification, other):
        installed.machine.run(["systemd-run", "--quiet", f"--unit={unit}.service", "sleep", "1000"])
    assert installed.call("delete", name="slow@here")["state"] == "success"
    for unit in ("cockpit-getmail-slow@here", verification):
        assert installed.show(unit, "ActiveState") == "inactive"
    assert installed.show(other, "ActiveState") == "active"
    installed.stop(other)
    assert not (installed.folder / "state" / "slow@here").exists()
    assert len(installed.mail("slow")) == 2
    assert installed.call("read", action="status", name="slow@here")["type"] == "NotFound"
    # One of that name begins with nothing.
    installed.add("slow@here", "SimplePOP3Retriever", slow.port, Account="slow")
    found = look(installed, "slow@here")
    assert (found["status"], found["last_run"], is_due(found)) == ("NEVER_RUN", None, True)
