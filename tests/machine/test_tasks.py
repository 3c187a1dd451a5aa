# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs by their tokens in the booted machine: waited for, followed, cancelled, cut off, looked up."""

import json
import random
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cockpit_getmail.connector import make_token, unit_name
from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, hang, pop3
from tests.support.installed import PASSWORD, PYTHON, Installed
from tests.support.machine import Machine
from tests.support.proxy import Proxy
from tests.support.schemas import check_schema

MESSAGES = 60
SIZE = 20_000
ONE = [("1", b"Subject: x\r\n\r\n")]
ODD = ["a b+c", "\N{LATIN SMALL LETTER E WITH ACUTE}@h", "[x]*?", ":x", "@", "x.service"]


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot({"u": PASSWORD, "slow": PASSWORD}) as server:
        server.fill("u", 5)
        server.fill("slow", MESSAGES, SIZE)
        yield server


def add(installed: Installed, name: str, port: int, **props: str) -> None:
    installed.add(name, "SimpleIMAPRetriever", port, TLS="none", **props)


def slowly(dovecot: Dovecot, rate: int) -> Proxy:
    """Return a way to the server that lets so many octets a second pass."""

    def wait(_sender: str, piece: bytes) -> bool:
        time.sleep(len(piece) / rate)
        return False

    return Proxy(dovecot.host, dovecot.imap, cut_when=wait)


def follow(installed: Installed, token: str, version: int = 0) -> tuple[list[dict[str, Any]], str]:
    """Ask for progress until the end; return all answers, and what they had of the log together."""
    found: list[dict[str, Any]] = []
    log = ""
    deadline = time.monotonic() + 60
    while not found or found[-1]["statusCode"] == "running":
        assert time.monotonic() < deadline
        found.append(installed.ask("read", "progress", token=token, version=version))
        log += found[-1]["logOutput"] or ""
        version = found[-1]["statusVersion"]
    return found, log


def test_run_is_waited_for(installed: Installed, dovecot: Dovecot) -> None:
    add(installed, "waited", dovecot.imap)
    answer = installed.ask("execute", "run", name="waited", wait=60_000)
    assert answer["unit"] == "cockpit-getmail-waited"
    assert (answer["statusCode"], answer["percentProgress"], answer["error"]) == ("succeeded", 100, None)
    done = {what: number for what, number in answer["result"].items() if number}
    assert done == {"messages": 5, "bytes": 10_000}
    lines = answer["logOutput"].splitlines()
    assert lines[0].startswith("Connected")
    assert lines[-1] == answer["statusText"] == "5 messages delivered, 10.0 kB."
    again = installed.ask("read", "progress", token=answer["token"], version=answer["statusVersion"])
    assert again["logOutput"] is None
    assert again["result"] == answer["result"]


def test_failure_is_told(installed: Installed, dovecot: Dovecot) -> None:
    add(installed, "refused", dovecot.imap, Password="wrong")
    answer = installed.ask("execute", "run", name="refused", wait=60_000)
    assert answer["statusCode"] == "failed"
    assert answer["error"]["cause"] == "credentials"
    assert answer["error"]["hint"]
    [run] = installed.ask("read", "history", name="refused")["runs"]
    assert (run["result"], run["cause"]) == ("failed", "credentials")
    assert run["end"] >= run["start"]


def test_progress_grows_and_tells_each_line_once(installed: Installed, dovecot: Dovecot) -> None:
    with slowly(dovecot, 800_000) as slow:
        add(installed, "followed", slow.port, Username="slow")
        started = installed.ask("execute", "run", name="followed", wait=0)
        assert started["statusCode"] == "running"
        again = installed.ask("execute", "run", name="followed")
        assert (again["token"], again["running"]) == (started["token"], True)
        [run, *_] = installed.ask("read", "history", name="followed")["runs"]
        assert (run["token"], run["result"], run["end"]) == (started["token"], "running", None)
        [condition] = installed.ask("read", "status", name="followed")["connectors"]
        while "percent" not in condition:
            assert condition["running"]
            [condition] = installed.ask("read", "status", name="followed")["connectors"]
        assert 0 <= condition["percent"] < 100
        found, log = follow(installed, started["token"])
        [condition] = installed.ask("read", "status", name="followed")["connectors"]
    assert "percent" not in condition
    assert sum(condition["days"].values()) == MESSAGES
    percents = [answer["percentProgress"] for answer in found if answer["percentProgress"] is not None]
    assert percents == sorted(percents)
    assert any(0 < percent < 100 for percent in percents)
    assert [answer["statusVersion"] for answer in found] == sorted(a["statusVersion"] for a in found)
    whole = installed.ask("read", "progress", token=started["token"])
    assert log == whole["logOutput"]
    assert found[-1]["result"]["messages"] == MESSAGES


def test_ended_run_is_known_when_others_came(installed: Installed, dovecot: Dovecot) -> None:
    add(installed, "twice", dovecot.imap)
    first = installed.ask("execute", "run", name="twice", wait=60_000)
    second = installed.ask("execute", "run", name="twice", wait=60_000)
    assert installed.ask("read", "progress", token=first["token"]) == {
        name: value for name, value in first.items() if name != "unit"
    }
    runs = installed.ask("read", "history", name="twice")["runs"]
    assert [run["token"] for run in runs] == [second["token"], first["token"]]
    assert [run["messages"] for run in runs] == [0, 5]
    assert len(installed.ask("read", "history", name="twice", limit=1)["runs"]) == 1
    unknown = first["token"][:16] + "0" * 16
    assert installed.ask("read", "progress", token=unknown)["type"] == "NotFound"
    assert installed.ask("read", "progress", token="0" * 32)["type"] == "NotFound"


@pytest.mark.parametrize("name", ODD)
def test_odd_names(installed: Installed, dovecot: Dovecot, name: str) -> None:
    add(installed, name, dovecot.imap, Account="odd")
    answer = installed.ask("execute", "run", name=name, wait=60_000)
    assert answer["statusCode"] == "succeeded"
    installed.machine.run(["journalctl", "--sync"])
    by_name = installed.ask("read", "log", name=name)["lines"]
    assert any(line["message"].startswith("Connected") for line in by_name)
    by_token = installed.ask("read", "log", token=answer["token"], lines=2)["lines"]
    assert len(by_token) == 2
    assert {line["message"] for line in by_token} <= {line["message"] for line in by_name}
    assert installed.ask("execute", "cancel", name=name)["type"] == "Conflict"


def test_log_has_priorities(installed: Installed, dovecot: Dovecot) -> None:
    add(installed, "told", dovecot.imap, Password="wrong")
    token = installed.ask("execute", "run", name="told", wait=60_000)["token"]
    installed.machine.run(["journalctl", "--sync"])
    lines = installed.ask("read", "log", token=token)["lines"]
    assert [line["message"] for line in lines if line["priority"] == 3]
    times = [line["time"] for line in lines]
    assert times == sorted(times)


def log(installed: Installed, **which: Any) -> tuple[list[str], Any, bool]:
    """Return what was logged, where that ends, and whether that is from the journal's end."""
    installed.machine.run(["journalctl", "--sync"])
    answer = installed.ask("read", "log", **which)
    check_schema("read/log.output.json", answer)
    return [line["message"] for line in answer["lines"]], answer.get("cursor"), answer.get("restarted", False)


def test_log_can_be_followed(installed: Installed, dovecot: Dovecot) -> None:
    """By name over several runs, and by token."""
    add(installed, "tail", dovecot.imap)
    assert log(installed, name="tail") == ([], None, False)
    token = installed.ask("execute", "run", name="tail", wait=60_000)["token"]
    installed.wait("cockpit-getmail-tail")
    first, cursor, _ = log(installed, name="tail")
    assert first
    assert log(installed, name="tail", after=cursor) == ([], cursor, False)
    installed.ask("execute", "run", name="tail", wait=60_000)
    installed.wait("cockpit-getmail-tail")
    whole, end, _ = log(installed, name="tail")
    assert whole[: len(first)] == first
    assert log(installed, name="tail", after=cursor) == (whole[len(first) :], end, False)
    # A few at a time, and none is missed.
    for which, match in (
        ({"name": "tail"}, "--unit=cockpit-getmail-tail.service"),
        ({"token": token}, f"COCKPIT_GETMAIL_TOKEN={token}"),
    ):
        expected, end, _ = log(installed, **which)
        assert log(installed, **which, lines=1) == (expected[-1:], end, False)
        known = installed.machine.run(["journalctl", "--output=json", match]).stdout.splitlines()[0]
        at, message = (json.loads(known)[field] for field in ("__CURSOR", "MESSAGE"))
        found, more = [], [message]
        while more:
            found += more
            more, at, restarted = log(installed, **which, lines=2, after=at)
            assert (len(more) <= 2, restarted) == (True, False)
        assert (found, at) == (expected[expected.index(message) :], end)
        assert len(found) > 2
    # Where the journal does not have the line, or it is another connector's.
    whole, end, _ = log(installed, name="tail")
    add(installed, "other tail", dovecot.imap)
    installed.ask("execute", "run", name="other tail", wait=60_000)
    _, foreign, _ = log(installed, name="other tail")
    for unknown in (foreign, "x", "s=;;", re.sub("i=[0-9a-f]+", "i=1", end), re.sub("s=..", "s=00", end)):
        found, at, restarted = log(installed, name="tail", after=unknown, lines=3)
        assert (found, at, restarted) == (whole[-3:], end, True)
    assert log(installed, token=token[:16] + "0" * 16, after=end) == ([], end, True)


def test_log_of_a_task_has_how_its_unit_ended_and_nothing_else(installed: Installed) -> None:
    with Server(pop3(ONE, {r"RETR (\d+)": hang})) as busy:
        installed.add("killed", "SimplePOP3Retriever", busy.port, Account="killed")
        before = installed.ask("execute", "run", name="killed")["token"]
        installed.ask("execute", "cancel", token=before)
        follow(installed, before)
        installed.wait("cockpit-getmail-killed")
        token = installed.ask("execute", "run", name="killed")["token"]
        deadline = time.monotonic() + 60
        while not installed.ask("read", "progress", token=token)["logOutput"]:
            assert time.monotonic() < deadline
        forged = f"MESSAGE=forged\nPRIORITY=3\nCOCKPIT_GETMAIL_TOKEN={token}\n"
        argv = ["setpriv", "--reuid=nobody", "--clear-groups", "--", "logger", "--journald"]
        installed.machine.run(argv, input=forged)
        installed.machine.run(["systemctl", "kill", "--signal=KILL", "cockpit-getmail-killed.service"])
        installed.wait("cockpit-getmail-killed")
    installed.machine.run(["journalctl", "--sync"])
    [ended] = {answer["statusCode"] for answer in follow(installed, token)[0]}
    assert ended == "failed"
    lines = [line["message"] for line in installed.ask("read", "log", token=token)["lines"]]
    assert [line for line in lines if "status=9/KILL" in line]
    assert "forged" not in lines
    assert not [line for line in lines if "Cancelled" in line]
    assert "forged" in installed.machine.journal()


def test_running_units_are_named_as_their_connectors(installed: Installed) -> None:
    names = [*ODD, "-x", "%n", "$(id)", "x" * 300, "\N{GRINNING FACE}" * 60, "@x@", "~", "a\\b"]
    script = "import json; from cockpit_getmail import units; print(json.dumps(sorted(units.running())))"
    with Server(pop3(ONE, {r"RETR (\d+)": hang})) as busy:
        for name in names:
            installed.add(name, "SimplePOP3Retriever", busy.port, Account="busy")
        started = {str(installed.ask("execute", "run", name=name)["unit"]) for name in names}
        assert started == set(map(unit_name, names))
        running = json.loads(installed.machine.run([PYTHON, "-I", "-c", script]).stdout)
        assert started <= set(running)
        for name in names:
            assert installed.ask("execute", "cancel", name=name)["state"] == "success"
    for unit in started:
        installed.wait(unit)
    assert not started & set(json.loads(installed.machine.run([PYTHON, "-I", "-c", script]).stdout))


def test_question_makes_no_state_and_leaves_no_unit(installed: Installed, dovecot: Dovecot) -> None:
    add(installed, "new", dovecot.imap)
    token = make_token("new")
    assert installed.ask("read", "history", name="new") == {"runs": []}
    assert installed.ask("read", "progress", token=token)["type"] == "NotFound"
    assert not (installed.folder / "state/new").exists()
    installed.ask("execute", "run", name="new", wait=60_000)
    assert installed.ask("read", "progress", token=token)["type"] == "NotFound"
    installed.wait("cockpit-getmail-new")
    listed = ["systemctl", "list-units", "--all", "--no-legend", "cockpit-getmail-:ask-*"]
    assert installed.machine.run(listed).stdout == ""
    owners = {path.stat().st_uid for path in (installed.folder / "state/new").iterdir()}
    assert owners == {installed.uid}


@pytest.mark.parametrize("by", ["name", "token"])
def test_cancel_at_any_moment(installed: Installed, dovecot: Dovecot, by: str) -> None:
    with slowly(dovecot, 3_000_000) as slow:
        for number in range(5):
            name = f"cancelled-{by}-{number}"
            add(installed, name, slow.port, Username="slow", Account=name)
            token = installed.ask("execute", "run", name=name)["token"]
            time.sleep(random.uniform(0, 0.8))
            which = {"name": name} if by == "name" else {"token": token}
            answer = installed.ask("execute", "cancel", **which)
            if "type" not in answer:
                assert answer["token"] == token
            found, _ = follow(installed, token)
            assert found[-1]["statusCode"] in ("cancelled", "succeeded"), found[-1]
            installed.wait(f"cockpit-getmail-{name}")
            maildir = installed.folder / "mail" / name
            delivered = installed.mail(name)
            assert not (maildir / "tmp").is_dir() or not list((maildir / "tmp").iterdir())
            if found[-1]["result"]:
                assert found[-1]["result"]["messages"] == len(delivered)
            condition = installed.ask("read", "status", name=name)["connectors"][0]
            assert condition["status"] in ("OK", "NEVER_RUN")
            last = installed.ask("execute", "run", name=name, wait=60_000)
            assert last["statusCode"] == "succeeded"
            assert len(installed.mail(name)) == MESSAGES
            assert len(set(installed.mail(name))) == MESSAGES


def test_reboot_in_the_middle_of_a_run(dovecot: Dovecot) -> None:
    with Machine() as machine, slowly(dovecot, 200_000) as slow:
        machine.install()
        installed = Installed(machine)
        add(installed, "rebooted", slow.port, Username="slow")
        token = installed.ask("execute", "run", name="rebooted")["token"]
        deadline = time.monotonic() + 60
        while not installed.ask("read", "progress", token=token)["percentProgress"]:
            assert time.monotonic() < deadline
        machine.switch_off(cut=True)
        machine.switch_on()
        installed = Installed(machine)
        found = installed.ask("read", "progress", token=token)
        assert (found["statusCode"], found["error"]["cause"]) == ("failed", "internal")
        assert "cut off" in found["logOutput"]
        [run] = installed.ask("read", "history", name="rebooted")["runs"]
        assert (run["result"], run["cause"]) == ("failed", "internal")
        [condition] = installed.ask("read", "status", name="rebooted")["connectors"]
        assert (condition["cause"], condition["failures"], condition["running"]) == ("internal", 1, False)
        slow.cut_when = None
        last = installed.ask("execute", "run", name="rebooted", wait=60_000)
        assert last["statusCode"] == "succeeded"
        assert len(installed.mail()) == len(set(installed.mail())) == MESSAGES
        runs = installed.ask("read", "history", name="rebooted")["runs"]
        assert [(run["result"], run.get("cause")) for run in runs] == [
            ("succeeded", None),
            ("failed", "internal"),
        ]
        assert installed.ask("read", "progress", token=token)["statusCode"] == "failed"
