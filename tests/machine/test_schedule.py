# SPDX-License-Identifier: LGPL-2.1-or-later
"""The schedule on booted machines of its own, from the timer to the mail."""

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cockpit_getmail.units.folders import HOMES
from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, hang, pop3
from tests.support.installed import PASSWORD, PYTHON, Installed
from tests.support.machine import PROJECT, Machine
from tests.support.proxy import Proxy
from tests.support.receiver import Receiver
from tests.support.tokens import TokenEndpoint, make_props

COUNT = 5
SERVICE, TIMER = "cockpit-getmail.service", "cockpit-getmail.timer"
LEDGER = "/var/lib/cockpit-getmail/state/.schedule.sqlite"
SETTINGS = "/etc/cockpit-getmail.env"
MINUTE, DAY = 60, 86400
YEAR = 365 * DAY
CLOCK = """
import runpy, sys, time
real, ahead = time.time, int(sys.argv[1])
time.time = lambda: real() + ahead
del sys.argv[1]
runpy.run_module("cockpit_getmail", run_name="__main__")
"""
SQL = """
import json, sqlite3, sys
with sqlite3.connect(sys.argv[1], 10) as db:
    print(json.dumps(db.execute(sys.argv[2]).fetchall()))
"""


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot({"u": PASSWORD}) as dovecot:
        dovecot.fill("u", COUNT)
        yield dovecot


@pytest.fixture(scope="module")
def booted() -> Iterator[Installed]:
    with Machine() as machine:
        machine.install()
        yield Installed(machine)


@pytest.fixture
def quiet(booted: Installed) -> Iterator[Installed]:
    """A machine without its timer: a tick is a start of the service. No connectors, nothing known of them."""
    yield booted
    machine = booted.machine
    machine.run(["systemctl", "stop", SERVICE])
    end(booted, "*")
    drop_ins = "/run/systemd/system/cockpit-getmail*.service.d/time.conf"
    machine.run(["sh", "-c", f"rm -rf /var/lib/cockpit-getmail/* {SETTINGS} {drop_ins}"])
    machine.run(["systemctl", "daemon-reload"])
    machine.run(["systemd-tmpfiles", "--create", "cockpit-getmail.conf"])


@pytest.fixture
def busy() -> Iterator[Server]:
    """A server at which runs stay."""
    with Server(pop3([("1", b"Subject: x\r\n\r\n")], {r"RETR (\d+)": hang})) as server:
        yield server


def tick(installed: Installed) -> None:
    """Start what is due, and wait until it has ended."""
    done = installed.machine.run(["systemctl", "start", SERVICE], check=False)
    assert done.returncode == 0, installed.machine.journal(SERVICE, "--lines=20")
    until(lambda: not running(installed))


def begin_tick(installed: Installed) -> None:
    installed.machine.run(["systemctl", "start", "--no-block", SERVICE])


def running(installed: Installed) -> set[str]:
    """Return the names of the connectors that run."""
    argv = ["systemctl", "list-units", "--plain", "--no-legend", "--full", "--type=service"]
    argv += ["--state=activating,active,deactivating", "cockpit-getmail-*"]
    lines = installed.machine.run(argv).stdout.splitlines()
    prefix = "cockpit-getmail-"
    return {line.split()[0].removeprefix(prefix).removesuffix(".service") for line in lines}


def end(installed: Installed, name: str) -> None:
    """End runs at once, whatever they are at."""
    pattern = f"cockpit-getmail-{name}.service"
    installed.machine.run(["systemctl", "kill", "--signal=KILL", "--", pattern], check=False)
    until(lambda: not running(installed).intersection({name} if name != "*" else running(installed)))


def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def query(installed: Installed, statement: str) -> list[tuple[Any, ...]]:
    """Ask or change the record of starts, where the machine has it."""
    answer = installed.machine.run([PYTHON, "-I", "-c", SQL, LEDGER, statement]).stdout
    return [tuple(row) for row in json.loads(answer)]


def starts(installed: Installed) -> dict[str, float | None]:
    return dict(query(installed, "SELECT name, at FROM start"))


def age(installed: Installed, seconds: float, name: str = "") -> None:
    """Let the last start lie further back, of one or of all."""
    query(installed, f"UPDATE start SET at = at - {seconds} WHERE '{name}' IN ('', name)")


def runs(installed: Installed, name: str) -> int:
    log = installed.machine.journal(f"cockpit-getmail-{name}")
    return log.count(f"Started cockpit-getmail-{name}.service")


def condition(installed: Installed, name: str) -> dict[str, Any]:
    [found] = installed.call("read", action="status", name=name)["connectors"]
    assert isinstance(found, dict)
    return found


# By the timer


@pytest.mark.slow
def test_timer_fetches_what_is_due_and_once_what_was_missed(dovecot: Dovecot) -> None:
    with Machine() as machine:
        machine.install(timer=True)
        installed = Installed(machine)
        installed.add("first", "SimpleIMAPRetriever", dovecot.imap, Account="first")
        until(lambda: len(installed.mail("first")) == COUNT, 90)
        # And again a minute later.
        installed.add("second", "SimplePOP3Retriever", dovecot.pop3, Account="second")
        until(lambda: len(installed.mail("second")) == COUNT, 90)
        until(lambda: not running(installed))
        assert (runs(installed, "first"), runs(installed, "second")) == (1, 1)

        age(installed, 100 * 30 * MINUTE)
        machine.switch_off()
        machine.switch_on()
        until(lambda: runs_since_boot(installed), 90)
        tick(installed)
        assert runs_since_boot(installed) == 2


def runs_since_boot(installed: Installed) -> int:
    # Until the first one there is no unit with such a name in the journal.
    done = installed.machine.run(
        ["journalctl", "--boot", "--output=cat", "--grep=^Started cockpit-getmail-"], check=False
    )
    return done.stdout.count("Started")


def test_who_disables_the_timer_finds_it_disabled() -> None:
    with Machine() as machine:
        machine.install(timer=True)
        ask = ["systemctl", "is-enabled", TIMER]
        assert machine.run(ask).stdout == "enabled\n"
        assert machine.run(["systemctl", "is-active", TIMER]).stdout == "active\n"
        machine.run(["systemctl", "disable", "--now", TIMER])
        machine.install(timer=True)
        assert machine.run(ask, check=False).stdout == "disabled\n"
        machine.run(["systemctl", "enable", "--now", TIMER])
        machine.run(["make", "--silent", "--directory", PROJECT, "uninstall"])
        assert machine.run(["systemctl", "is-active", TIMER], check=False).stdout == "inactive\n"
        assert not machine.run(["find", "/etc/systemd", "-name", "cockpit-getmail*"]).stdout


def test_checkout_has_a_schedule_too() -> None:
    with Machine() as machine:
        # Makes what the checkout needs, outside of the machine.
        machine.install()
        machine.run(["make", "--silent", "--directory", PROJECT, "uninstall"])
        machine.run(["make", "--silent", "--directory", PROJECT, "devel-install"])
        assert machine.run(["systemctl", "is-active", TIMER]).stdout == "active\n"
        started = machine.run(["systemctl", "show", "--property=ExecStart", SERVICE]).stdout
        assert f"argv[]={PROJECT}/.venv/bin/cockpit-getmail schedule ;" in started
        done = machine.run(["systemctl", "start", SERVICE], check=False)
        # One that lies in a home cannot start units, and says so.
        in_home = any(PROJECT.is_relative_to(home) for home in HOMES)
        assert (done.returncode != 0) == in_home
        assert ("Units do not see" in machine.journal(SERVICE)) == in_home


# What a tick starts


def test_run_that_ended_with_its_token_goes_on_at_once(quiet: Installed) -> None:
    mailbox = [(str(number), b"Subject: %d\r\n\r\n" % number) for number in range(3)]
    rules = {r"AUTH \w+.*": b"+OK\r\n"}
    with TokenEndpoint() as provider, Server(pop3(mailbox, rules, ("UIDL", "SASL XOAUTH2"))) as server:
        provider.lifetime = 0
        quiet.put("brief", make_props(provider, server.port, Account="brief"))
        for number in range(1, len(mailbox) + 2):
            tick(quiet)
            delivered = min(number, len(mailbox))
            # When all is here, it waits as any other.
            assert (len(quiet.mail("brief")), runs(quiet, "brief")) == (delivered, delivered)
            assert len(provider.asked) == delivered
        provider.answer = (400, b'{"error": "invalid_grant"}')
        age(quiet, 40 * MINUTE)
        tick(quiet)
        tick(quiet)
    found = condition(quiet, "brief")
    assert (found["status"], found["failures"]) == ("INVALID_CREDENTIALS", 1)
    assert found["next_run"] > time.time()
    assert "Sign in again" in found["hint"]


def test_service_account_signs_within_the_sandbox_of_the_schedule(quiet: Installed) -> None:
    key = rsa.generate_private_key(65537, 2048)
    file = quiet.folder / "key.pem"
    file.touch(mode=0o600)
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    script = pop3([("1", b"Subject: x\r\n\r\n")], {r"AUTH \w+.*": b"+OK\r\n"}, ("UIDL", "SASL XOAUTH2"))
    with TokenEndpoint() as provider, Server(script) as server:
        grant = {"Grant": "jwt", "KeyFile": "/var/lib/cockpit-getmail/key.pem"}
        quiet.put("robot", make_props(provider, server.port, Account="robot", **grant))
        tick(quiet)
        [form] = provider.asked
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert form["assertion"].count(".") == 2
    assert len(quiet.mail("robot")) == 1


def test_refresh_token_is_not_used_up_where_the_new_one_cannot_be_stored(quiet: Installed) -> None:
    machine = quiet.machine
    with TokenEndpoint() as provider:
        quiet.put("kept", make_props(provider, 1, Account="kept"))
        database = "/etc/cockpit-getmail-test/connectors"
        machine.run(["install", "-D", "-m", "600", "/var/lib/cockpit-getmail/connectors", database])
        machine.run(["tee", SETTINGS], input=f"CONNECTORS_DB={database}\n")
        tick(quiet)
        found = condition(quiet, "kept")
        assert "could not be stored in /etc/cockpit-getmail-test" in found["message"]
        assert "ReadWritePaths=" in found["hint"]
        assert not provider.asked
        # A helper may write there.
        ended = quiet.call("execute", action="run", name="kept", wait=30_000)
        assert ended["error"]["cause"] == "network"
        assert len(provider.asked) == 1
        assert provider.refresh_token in machine.run(["cat", database]).stdout
    machine.run(["rm", "-r", "/etc/cockpit-getmail-test"])


def test_each_runs_once_in_its_time(quiet: Installed, dovecot: Dovecot) -> None:
    quiet.add("one", "SimpleIMAPRetriever", dovecot.imap, Account="one")
    quiet.add("other", "SimplePOP3Retriever", dovecot.pop3, Account="other", Time="1440")
    quiet.add("off", "SimplePOP3Retriever", dovecot.pop3, Account="off", status="disabled")
    before = runs(quiet, "one")
    tick(quiet)
    tick(quiet)
    assert (len(quiet.mail("one")), len(quiet.mail("other"))) == (COUNT, COUNT)
    assert starts(quiet).keys() == {"one", "other"}
    assert runs(quiet, "one") == before + 1
    age(quiet, 30 * MINUTE, "one")
    tick(quiet)
    tick(quiet)
    assert runs(quiet, "one") == before + 2
    assert quiet.machine.journal(SERVICE, "--lines=1") == ""


def test_no_more_than_max_runs_and_those_first_that_wait_longest(quiet: Installed, busy: Server) -> None:
    quiet.path(SETTINGS).write_text("MAX_RUNS=2\n")
    tick(quiet)
    for number in range(6):
        quiet.add(f"busy{number}", "SimplePOP3Retriever", busy.port, Account="busy")
    # By hand one may start more than that; they count.
    for number in range(3):
        quiet.call("execute", action="run", name=f"busy{number}")
    for number in range(3, 6):
        query(quiet, f"INSERT INTO start (name, at) VALUES ('busy{number}', {number} * 10000)")
    begin_tick(quiet)
    time.sleep(3)
    assert running(quiet) == {"busy0", "busy1", "busy2"}
    for ends, begins in [(0, None), (1, 3), (2, 4), (3, 5)]:
        end(quiet, f"busy{ends}")
        if begins is not None:
            until(lambda begins=begins: f"busy{begins}" in running(quiet))  # type: ignore[misc]
        assert len(running(quiet)) == 2
    # Nobody waits any more: the tick does not either.
    until(lambda: quiet.show("cockpit-getmail", "ActiveState") == "inactive")
    assert running(quiet) == {"busy4", "busy5"}


def test_what_changes_while_it_waits_counts(quiet: Installed, busy: Server, dovecot: Dovecot) -> None:
    quiet.path(SETTINGS).write_text("MAX_RUNS=1\n")
    for name in ("a", "b", "c", "d"):
        quiet.add(name, "SimplePOP3Retriever", busy.port, Account="busy")
    begin_tick(quiet)
    until(lambda: running(quiet))
    [first] = running(quiet)
    off, gone, last = sorted({"a", "b", "c", "d"} - {first})
    quiet.call("update", action="disable", name=off)
    quiet.call("delete", name=gone)
    quiet.call("update", action="update", name=last, Port=dovecot.pop3)
    end(quiet, first)
    until(lambda: quiet.show("cockpit-getmail", "ActiveState") == "inactive")
    until(lambda: not running(quiet))
    assert starts(quiet).keys() == {first, last}
    assert len(quiet.mail("busy")) == COUNT


def test_stopped_it_ends_at_once_and_runs_go_on(quiet: Installed, busy: Server) -> None:
    quiet.path(SETTINGS).write_text("MAX_RUNS=1\n")
    for name in ("a", "b"):
        quiet.add(name, "SimplePOP3Retriever", busy.port, Account="busy")
    begin_tick(quiet)
    until(lambda: busy.connections)
    assert (
        quiet.machine.run(["cockpit-getmail", "schedule"]).stdout == "Another process is at the schedule.\n"
    )
    runs_now = running(quiet)
    quiet.machine.run(["systemctl", "stop", SERVICE])
    assert quiet.show("cockpit-getmail", "Result") == "success"
    assert running(quiet) == runs_now
    assert len(runs_now) == 1
    assert not list(quiet.path("/run/cockpit-getmail").glob("*.credential"))


def test_maildir_in_a_home_is_made_by_its_user(quiet: Installed, dovecot: Dovecot) -> None:
    quiet.machine.run(["useradd", "--create-home", "giacomo"])
    quiet.path(SETTINGS).write_text("DESTINATION=maildir:/home/{user}/Maildir\n")
    quiet.add("home", "SimpleIMAPRetriever", dovecot.imap, Account="giacomo@here")
    tick(quiet)
    listed = quiet.machine.run(["find", "/home/giacomo/Maildir/new", "-user", "giacomo", "-type", "f"]).stdout
    assert len(listed.splitlines()) == COUNT


# What goes wrong


def test_server_that_goes_away_and_comes_back(quiet: Installed, dovecot: Dovecot) -> None:
    with Proxy(dovecot.host, dovecot.imap) as proxy:
        quiet.add("one", "SimpleIMAPRetriever", proxy.port, Account="one")
        tick(quiet)
        assert condition(quiet, "one")["status"] == "OK"
        proxy.cut_after = 0
        for failures in (1, 2):
            age(quiet, 30 * MINUTE)
            tick(quiet)
            told = condition(quiet, "one")
            assert (told["status"], told["failures"]) == ("CONNECTION_IMPOSSIBLE", failures)
        assert told["next_run"] - told["last_run"] in (60 * MINUTE, 60 * MINUTE - 1)
        # Backing off, it is let alone.
        connections = proxy.connections
        age(quiet, 30 * MINUTE)
        tick(quiet)
        assert proxy.connections == connections
        proxy.cut_after = None
        age(quiet, 30 * MINUTE)
        tick(quiet)
        told = condition(quiet, "one")
        assert (told["status"], told["failures"]) == ("OK", 0)
        assert told["next_run"] - told["last_run"] <= 30 * MINUTE


def test_wrong_password_and_then_the_right_one(quiet: Installed, dovecot: Dovecot) -> None:
    quiet.add("one", "SimpleIMAPRetriever", dovecot.imap, Account="one", Password="wrong")
    for failures in range(1, 6):
        tick(quiet)
        age(quiet, DAY)
        told = condition(quiet, "one")
        assert (told["cause"], told["failures"]) == ("credentials", failures)
    assert told["status"] == "TEMP_DISABLED"
    age(quiet, -60 * MINUTE)
    tick(quiet)
    assert condition(quiet, "one")["failures"] == 5
    age(quiet, 60 * MINUTE)
    tick(quiet)
    assert condition(quiet, "one")["failures"] == 6
    # New credentials are tried at once, and clear it.
    quiet.call("update", action="update", name="one", Password=PASSWORD)
    tick(quiet)
    told = condition(quiet, "one")
    assert (told["status"], told["failures"]) == ("OK", 0)
    assert len(quiet.mail("one")) == COUNT


def test_connector_that_cannot_be_started_stops_no_other(quiet: Installed, dovecot: Dovecot) -> None:
    quiet.add("good", "SimpleIMAPRetriever", dovecot.imap, Account="good")
    quiet.add("invalid", "SimpleIMAPRetriever", dovecot.imap, Server="")
    quiet.add("blocked", "SimpleIMAPRetriever", dovecot.imap, Account="blocked")
    quiet.path("/var/lib/cockpit-getmail/mail/blocked").write_text("no folder")
    with quiet.path("/var/lib/cockpit-getmail/connectors").open("a") as file:
        file.write("no record\n")
    tick(quiet)
    tick(quiet)
    assert len(quiet.mail("good")) == COUNT
    said = quiet.machine.journal(SERVICE, "--since=-1min")
    assert said.count("invalid cannot be started: The connector is not valid: Server (minLength).") == 1
    assert said.count("blocked cannot be started: ") == 1
    assert said.count("connectors, line 4 is left out: it has no `=`.") == 1
    told = condition(quiet, "blocked")
    assert (told["status"], told["cause"], told["failures"]) == ("NO_ACCESS_TO_ALL_MAIL", "delivery", 1)
    assert condition(quiet, "invalid")["cause"] == "connector"
    # Put right, it runs when its time has come.
    quiet.path("/var/lib/cockpit-getmail/mail/blocked").unlink()
    age(quiet, 30 * MINUTE)
    tick(quiet)
    assert len(quiet.mail("blocked")) == COUNT
    assert condition(quiet, "blocked")["status"] == "OK"


def test_damaged_record_of_starts_is_put_aside_and_told(quiet: Installed, dovecot: Dovecot) -> None:
    quiet.add("one", "SimpleIMAPRetriever", dovecot.imap, Account="one")
    quiet.path(LEDGER).write_text("no database " * 1000)
    tick(quiet)
    assert len(quiet.mail("one")) == COUNT
    said = quiet.machine.journal(SERVICE, "--since=-1min")
    assert f"The record of starts {LEDGER} is damaged" in said
    assert f"This one is kept as {LEDGER}.damaged." in said
    assert starts(quiet).keys() == {"one"}


def test_starts_that_cannot_be_recorded_keep_none_from_running(quiet: Installed, dovecot: Dovecot) -> None:
    """As on a full disk."""
    quiet.add("first", "SimpleIMAPRetriever", dovecot.imap, Account="first")
    tick(quiet)
    query(quiet, "CREATE TRIGGER f BEFORE INSERT ON start BEGIN SELECT RAISE(FAIL, 'disk is full'); END")
    names = [f"n{number}" for number in range(6)]
    for name in names:
        quiet.add(name, "SimpleIMAPRetriever", dovecot.imap, Account=name)
    tick(quiet)
    assert [runs(quiet, name) for name in names] == [1] * len(names)
    assert all(len(quiet.mail(name)) == COUNT for name in names)
    assert "disk is full" in quiet.machine.journal(SERVICE, "--since=-1min")
    # What they told themselves keeps the next tick from starting them again.
    tick(quiet)
    assert [runs(quiet, name) for name in names] == [1] * len(names)


def test_what_stops_all_is_told_and_recorded_of_none(quiet: Installed, dovecot: Dovecot) -> None:
    quiet.add("one", "SimpleIMAPRetriever", dovecot.imap, Account="one")
    quiet.path(SETTINGS).write_text("FETCH_USER=nobody-there\n")
    assert quiet.machine.run(["systemctl", "start", SERVICE], check=False).returncode != 0
    assert "nobody-there (FETCH_USER) does not exist" in quiet.machine.journal(SERVICE, "--lines=5")
    quiet.path(SETTINGS).unlink()
    tick(quiet)
    assert len(quiet.mail("one")) == COUNT


# Callbacks


def test_change_is_told_and_no_fetch_waits_for_that(quiet: Installed, dovecot: Dovecot) -> None:
    settings = quiet.path(SETTINGS)
    settings.touch(0o600)
    settings.write_text("CALLBACK_SECRET=secret\nCALLBACK_ALLOW_PRIVATE=yes\n")
    with Receiver() as receiver:
        quiet.add("told", "SimpleIMAPRetriever", dovecot.imap, StatusCallbackUrl=receiver.url("/204"))
        quiet.add("slow", "SimpleIMAPRetriever", dovecot.imap, StatusCallbackUrl=receiver.url("/hang"))
        tick(quiet)
        begin_tick(quiet)
        until(lambda: {call.path for call in receiver.calls} == {"/204", "/hang"})
        assert quiet.show("cockpit-getmail", "ActiveState") == "activating"
        quiet.add("next", "SimpleIMAPRetriever", dovecot.imap, Account="next")
        until(lambda: len(quiet.mail("next")) == COUNT)
        assert quiet.show("cockpit-getmail", "ActiveState") == "activating"
        [body] = [call.body for call in receiver.calls if call.path == "/204"]
        assert (body["status"], body["previous_status"]) == ("OK", "NEVER_RUN")
        quiet.machine.run(["systemctl", "stop", SERVICE])


# The clock


def test_clock_a_year_ahead_and_back(quiet: Installed, dovecot: Dovecot) -> None:
    dovecot.add_user("clock", PASSWORD)
    dovecot.fill("clock", COUNT)
    quiet.add("one", "SimpleIMAPRetriever", dovecot.imap, Account="one", Username="clock", Delete="7")
    before = runs(quiet, "one")
    tick(quiet)
    set_clock(quiet, YEAR)
    tick(quiet)
    tick(quiet)
    [ahead] = starts(quiet).values()
    assert ahead
    assert ahead > time.time() + YEAR - 1000
    assert runs(quiet, "one") == before + 2
    set_clock(quiet, 0)
    assert condition(quiet, "one")["next_run"] <= time.time()
    dovecot.fill("clock", 1)
    tick(quiet)
    tick(quiet)
    assert runs(quiet, "one") == before + 3
    assert len(quiet.mail("one")) == COUNT + 1
    # A year of seconds is not a week of days in which it ran.
    assert len(dovecot.messages("clock")) == COUNT + 1
    told = condition(quiet, "one")
    assert told["status"] == "OK"
    assert 0 <= told["next_run"] - told["last_run"] <= 30 * MINUTE


def set_clock(installed: Installed, ahead: int) -> None:
    """Let the schedule and all runs believe that it is so much later: the machine has the host's clock."""
    installed.path("/usr/local/lib/clock.py").write_text(CLOCK)
    for unit, command in {"cockpit-getmail": "schedule", "cockpit-getmail-": "fetch --unit"}.items():
        folder = installed.path(f"/run/systemd/system/{unit}.service.d")
        folder.mkdir(parents=True, exist_ok=True)
        started = f"{PYTHON} -I /usr/local/lib/clock.py {ahead} {command}"
        (folder / "time.conf").write_text(f"[Service]\nExecStart=\nExecStart={started}\n")
    installed.machine.run(["systemctl", "daemon-reload"])
