# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callbacks on a booted machine: by the unit that sends them, to a real web server."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.certificates import Authority
from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, hang, pop3
from tests.support.installed import PASSWORD, PYTHON, Installed
from tests.support.machine import Machine
from tests.support.receiver import Receiver

SECRET = "secret-canary-0815"
UNIT = "cockpit-getmail@callback"
QUEUE = "state/.callbacks.sqlite"
# What the schedule does, with a time and statuses of our own.
TICK = """
import json, sys, time
from cockpit_getmail import callbacks, database, settings
from cockpit_getmail.actions import select
from cockpit_getmail.connector import Connector

statuses, ahead = json.load(sys.stdin)
found = settings.load()
records = select(database.read(found.connectors_db))
connectors = [Connector.from_record(record.key, record.props) for record in records]
callbacks.observe(found, connectors, lambda connector: {"status": statuses[connector.name]})
print(json.dumps(callbacks.send_due(found, time.time() + ahead)))
"""


# A minute of it takes a second here.
LONG_TICK = """
import sys
from cockpit_getmail import report, scheduler, settings

scheduler.STALE_SECONDS = 1.0
scheduler.run_due(settings.load(), report.Lines(sys.stderr))
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture(autouse=True)
def fresh(installed: Installed) -> Iterator[None]:
    yield
    left = "/etc/cockpit-getmail.env /var/lib/cockpit-getmail/connectors"
    installed.machine.run(["sh", "-c", f"rm -f {left} /var/lib/cockpit-getmail/state/.callbacks*"])


def configure(installed: Installed, *lines: str) -> None:
    text = "\n".join((f"CALLBACK_SECRET={SECRET}", *lines))
    path = installed.path("/etc/cockpit-getmail.env")
    path.touch(0o600)
    path.write_text(f"{text}\n")


def tick(installed: Installed, statuses: dict[str, str], ahead: float = 0.0) -> tuple[float | None, str]:
    """Observe and send what is due in so many seconds; return when the next is due, and what was said."""
    told = json.dumps([statuses, ahead])
    done = installed.machine.run([PYTHON, "-Ic", TICK], input=told)
    return json.loads(done.stdout), done.stderr


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not what():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def allowed(installed: Installed) -> None:
    configure(installed, "CALLBACK_ALLOW_PRIVATE=yes")


@pytest.mark.usefixtures("allowed")
def test_change_is_told_once(installed: Installed, receiver: Receiver) -> None:
    installed.add("c", "SimpleIMAPRetriever", 1, StatusCallbackUrl=receiver.url("/204?key"), Label="work")
    assert tick(installed, {"c": "OK"}) == (None, "")
    for _ in range(2):
        assert tick(installed, {"c": "CONNECTION_IMPOSSIBLE"}) == (None, "")
    [call] = receiver.calls
    assert call.path == "/204?key"
    assert (call.body["status"], call.body["previous_status"]) == ("CONNECTION_IMPOSSIBLE", "OK")
    signed = f"{call.body['timestamp']}{call.body['token']}"
    argv = ["openssl", "dgst", "-sha256", "-hmac", SECRET, "-r"]
    digest = subprocess.run(argv, input=signed, check=True, capture_output=True, text=True).stdout
    assert call.body["signature"] == digest.split()[0]
    assert installed.owner(QUEUE) == (0, 0o600)


@pytest.mark.usefixtures("allowed")
def test_from_the_first_run_to_the_receiver(installed: Installed, receiver: Receiver) -> None:
    """The run is over before the schedule has ever seen the connector."""
    with Dovecot({"u": PASSWORD}) as dovecot:
        dovecot.fill("u", 3)
        urls: dict[str, Any] = {
            "CallbackUrl": receiver.url("/200"),
            "StatusCallbackUrl": receiver.url("/204"),
        }
        log_in: dict[str, Any] = {
            "Server": "127.0.0.1",
            "Port": dovecot.imap,
            "Username": "u",
            "Password": PASSWORD,
        }
        props = {"Retriever": "SimpleIMAPRetriever", "Account": "told", "Time": 999999, **log_in, **urls}
        name = installed.call("create", action="create", **props)["name"]
        begun = time.time()
        installed.run(name)
        schedule(installed)
    first = {call.path: call.body for call in receiver.calls}
    assert len(receiver.calls) == 2
    assert begun - 1 <= first["/200"]["timestamp"] <= time.time()
    assert first["/200"]["source_label"] == name
    assert (first["/204"]["previous_status"], first["/204"]["status"]) == ("NEVER_RUN", "OK")
    schedule(installed)
    assert len(receiver.calls) == 2
    # Nobody is there any more.
    installed.run(name)
    schedule(installed)
    [last] = receiver.calls[2:]
    assert (last.body["status"], last.body["cause"]) == ("CONNECTION_IMPOSSIBLE", "network")
    assert last.body["message"]
    installed.call("delete", name=name)


def test_change_in_a_long_tick_is_told_before_its_end(installed: Installed, receiver: Receiver) -> None:
    configure(installed, "CALLBACK_ALLOW_PRIVATE=yes", "MAX_RUNS=1")
    with Server(pop3([("1", b"Subject: x\r\n\r\n")], {r"RETR (\d+)": hang})) as server:
        for name in ("busy", "waits"):
            installed.add(name, "SimplePOP3Retriever", server.port, Account=name)
        told = {"StatusCallbackUrl": receiver.url("/200"), "status": "disabled"}
        installed.add("told", "SimplePOP3Retriever", server.port, Account="told", **told)
        with installed.begin(PYTHON, "-Ic", LONG_TICK) as begun:
            wait_for(lambda: any(line.startswith(b"RETR") for line in server.received))
            installed.call("update", action="enable", name="told")
            wait_for(lambda: receiver.calls)
            assert begun.poll() is None
            begun.terminate()
        for name in ("busy", "waits", "told"):
            installed.stop(f"cockpit-getmail-{name}")
    [call] = receiver.calls
    assert (call.body["previous_status"], call.body["status"]) == ("DISABLED", "NEVER_RUN")


def schedule(installed: Installed) -> None:
    installed.machine.run(["systemctl", "start", "cockpit-getmail.service"])


@pytest.mark.usefixtures("allowed")
def test_five_tries_over_an_hour(installed: Installed, receiver: Receiver) -> None:
    installed.add("c", "SimpleIMAPRetriever", 1, StatusCallbackUrl=receiver.url("/500"))
    tick(installed, {"c": "OK"})
    said = ""
    for minutes in (0, 1, 5, 20, 60, 61, 600):
        # The clock of the machine goes on between the calls.
        due, said = tick(installed, {"c": "DISABLED"}, minutes * 60 + 5)
        assert (due is None) == (minutes >= 60)
        assert ("is given up" in said) == (minutes == 60)
    assert not said
    assert [call.path for call in receiver.calls] == ["/500"] * 5
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1
    assert len({json.dumps(call.body) for call in receiver.calls}) == 1


def test_what_waits_is_there_after_a_power_cut(receiver: Receiver) -> None:
    with Machine() as machine:
        machine.install()
        before = Installed(machine)
        configure(before, "CALLBACK_ALLOW_PRIVATE=yes")
        before.add("c", "SimpleIMAPRetriever", 1, StatusCallbackUrl=receiver.url("/switch"))
        tick(before, {"c": "OK"})
        receiver.status = 503
        tick(before, {"c": "DISABLED"})
        with hanging(receiver, before, {"c": "DISABLED"}):
            machine.switch_off(cut=True)
        machine.switch_on()
        receiver.status = 200
        statuses = {"c": "DISABLED", "hang": "DISABLED"}
        assert tick(Installed(machine), statuses, 3600) == (None, "")
    paths = [call.path for call in receiver.calls]
    assert (paths.count("/switch"), paths.count("/switch?hang")) == (2, 2)
    assert len({(call.path, call.headers["webhook-id"]) for call in receiver.calls}) == 2


@pytest.mark.usefixtures("allowed")
@pytest.mark.parametrize("years", [1, -1])
def test_jumping_clock_loses_nothing(installed: Installed, receiver: Receiver, years: int) -> None:
    installed.add("c", "SimpleIMAPRetriever", 1, StatusCallbackUrl=receiver.url("/switch"))
    tick(installed, {"c": "OK"})
    receiver.status = 500
    year = years * 365 * 86400
    due, _ = tick(installed, {"c": "DISABLED"}, year)
    assert due is not None
    receiver.status = 200
    # Back again.
    assert tick(installed, {"c": "DISABLED"}, 0) == (None, "")
    assert len(receiver.calls) == 2


@pytest.mark.usefixtures("allowed")
def test_certificate_is_verified(installed: Installed, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    argv = ["openssl", "x509", "-noout", "-hash", "-in", str(authority.ca)]
    name = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
    with Receiver(authority.issue(["localhost"])) as receiver:
        for number, host in enumerate(("localhost", "127.0.0.1")):
            url = receiver.url("/200", host)
            installed.add(f"c{number}", "SimpleIMAPRetriever", 1, StatusCallbackUrl=url)
        tick(installed, {"c0": "OK", "c1": "OK"})
        changed = {"c0": "DISABLED", "c1": "DISABLED"}
        assert tick(installed, changed)[1].count("is not trusted") == 2
        assert not receiver.calls
        # As an administrator makes this machine believe an authority of his own.
        installed.machine.copy(authority.ca, f"/etc/ssl/certs/{name}.0")
        _, said = tick(installed, changed, 90)
        installed.machine.run(["rm", f"/etc/ssl/certs/{name}.0"])
    assert len(receiver.calls) == 1
    assert "c1" in said
    assert "is not trusted" in said
    assert "c0" not in said


def test_private_address_is_refused(installed: Installed, receiver: Receiver) -> None:
    configure(installed)
    hosts = installed.path("/etc/hosts")
    before = hosts.read_text()
    hosts.write_text(f"{before}8.8.8.8 both.example\n127.0.0.1 both.example one.example\n")
    try:
        names = ("127.0.0.1", "localhost", "one.example", "both.example")
        for number, name in enumerate(names):
            url = receiver.url("/200", name)
            installed.add(f"c{number}", "SimpleIMAPRetriever", 1, StatusCallbackUrl=url)
        tick(installed, {f"c{number}": "OK" for number in range(len(names))})
        said = tick(installed, {f"c{number}": "DISABLED" for number in range(len(names))})[1]
    finally:
        hosts.write_text(before)
    for number, name in enumerate(names):
        [line] = [line for line in said.splitlines() if f" c{number} " in line]
        assert f"http://{name}:{receiver.port} failed" in line
        assert "is not an address of the public internet" in line
    assert not receiver.calls


def test_without_a_secret_nothing_is_sent(installed: Installed, receiver: Receiver) -> None:
    installed.add("c", "SimpleIMAPRetriever", 1, StatusCallbackUrl=receiver.url("/200"))
    assert "CALLBACK_SECRET" in tick(installed, {"c": "OK"})[1]
    assert tick(installed, {"c": "DISABLED"}) == (None, "")
    configure(installed, "CALLBACK_ALLOW_PRIVATE=yes")
    assert tick(installed, {"c": "DISABLED"}) == (None, "")
    assert not receiver.calls
    assert tick(installed, {"c": "OK"}) == (None, "")
    assert [call.body["previous_status"] for call in receiver.calls] == ["DISABLED"]


@pytest.mark.usefixtures("allowed")
def test_unit_sees_nothing_and_tells_no_secret(installed: Installed, receiver: Receiver) -> None:
    with hanging(receiver, installed, {}) as begun:
        machine, pid = installed.machine, installed.show(UNIT, "MainPID")
        assert installed.show(UNIT, "DropInPaths").endswith("callback.service.d/10-callback.conf")
        assert "10-fetch.conf" not in installed.show(UNIT, "DropInPaths")
        status = installed.status(UNIT)
        # A dynamic one (systemd.exec(5)), not the user who fetches.
        assert 61184 <= int(status["Uid"].split()[0]) <= 65519
        assert (status["NoNewPrivs"], status["CapEff"], status["Seccomp"]) == ("1", "0" * 16, "2")
        root = f"/proc/{pid}/root"
        for folder in ("/var/lib/cockpit-getmail", "/root", "/home"):
            assert machine.run(["ls", "-A", f"{root}{folder}"]).stdout == ""
        assert machine.run(["stat", "-c", "%a %s", f"{root}/etc/cockpit-getmail.env"]).stdout == "0 0\n"
        properties = machine.run(["systemctl", "show", f"{UNIT}.service"]).stdout
        processes = machine.read_processes()
        assert "callback" in processes
        assert SECRET not in properties + processes
        end(installed, begun)
    assert SECRET not in machine.journal()
    assert installed.files_with(SECRET, "/run", "/var", "/tmp") == []


@pytest.mark.usefixtures("allowed")
def test_only_one_sends(installed: Installed, receiver: Receiver) -> None:
    with hanging(receiver, installed, {}) as begun:
        installed.add("c", "SimpleIMAPRetriever", 1, StatusCallbackUrl=receiver.url("/200"))
        tick(installed, {"hang": "DISABLED", "c": "OK"})
        told = json.dumps([{"hang": "DISABLED", "c": "DISABLED"}, 0])
        done = installed.machine.run([PYTHON, "-Ic", TICK], input=told, check=False)
        assert "Another process is sending callbacks." in done.stderr
        end(installed, begun)
        receiver.status = 200
    assert tick(installed, {"hang": "DISABLED", "c": "DISABLED"}, 90) == (None, "")
    assert [call.path for call in receiver.calls if call.path == "/200"] == ["/200"]


@contextmanager
def hanging(
    receiver: Receiver, installed: Installed, others: Mapping[str, str]
) -> Iterator[subprocess.Popen[str]]:
    """While a unit waits for an answer, give the process that has started it."""
    receiver.status = 0
    installed.add("hang", "SimpleIMAPRetriever", 1, StatusCallbackUrl=receiver.url("/switch?hang"))
    tick(installed, {"hang": "OK", **others})
    told = json.dumps([{"hang": "DISABLED", **others}, 0])
    with installed.begin(PYTHON, "-Ic", TICK, stdin=told) as begun:
        wait_for(lambda: any(call.path == "/switch?hang" for call in receiver.calls))
        yield begun


def end(installed: Installed, begun: subprocess.Popen[str]) -> None:
    """End what hangs, the unit included."""
    begun.terminate()
    installed.machine.run(["systemctl", "stop", f"{UNIT}.service"])
