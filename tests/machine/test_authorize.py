# SPDX-License-Identifier: LGPL-2.1-or-later
"""People signing in, in the booted machine: root's unit waits for them, and then their mail comes."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cockpit_getmail.connector import token_prefix
from cockpit_getmail.database import Database
from tests.support.dovecot import Dovecot
from tests.support.installed import END_SECONDS, Installed
from tests.support.machine import ENVIRONMENT, Machine
from tests.support.oidc import SECRET, Oidc
from tests.support.terminal import Terminal

USER = "giacomo@example.com"
MESSAGES = 3
RECORDS = "/run/cockpit-getmail/authorize"


@pytest.fixture(scope="module")
def oidc(installed: Installed) -> Iterator[Oidc]:
    with Oidc() as running:
        yield running
        # Of a test that failed; others look at all processes there are.
        installed.machine.run(["systemctl", "stop", "cockpit-getmail@authorize-*"])


@pytest.fixture(scope="module")
def dovecot(oidc: Oidc) -> Iterator[Dovecot]:
    with Dovecot({USER: "unused"}, oauth2=oidc.introspection()) as running:
        running.fill(USER, MESSAGES)
        yield running


def add(installed: Installed, dovecot: Dovecot, oidc: Oidc, name: str, **props: str) -> None:
    """Put a connector into the database that logs in by OAuth2, and for which nobody has signed in."""
    own = {
        "Retriever": "SimpleIMAPRetriever",
        "Server": dovecot.host,
        "Port": str(dovecot.imap),
        "Username": USER,
        "Account": name,
        **oidc.props(DeviceUrl=oidc.device_url),
        **props,
    }
    file = installed.folder / "connectors"
    connectors = Database(file.read_bytes() if file.exists() else b"")
    connectors.put(name, "getmail", {prop: value for prop, value in own.items() if value})
    file.touch(mode=0o600)
    file.write_bytes(connectors.format())


def follow(installed: Installed, token: str) -> dict[str, Any]:
    """Return how a task ended."""
    deadline = time.monotonic() + END_SECONDS
    while (found := installed.ask("read", "progress", token=token))["statusCode"] == "running":
        assert time.monotonic() < deadline
        time.sleep(0.2)
    return found


def secrets(installed: Installed, name: str) -> dict[str, str]:
    """Return what only the one may know who asks, by root's own file."""
    text = installed.path(f"{RECORDS}/{token_prefix(name)}.json").read_text()
    found: dict[str, str] = json.loads(text)["secrets"]
    return found


def seen_by_others(installed: Installed, unit: str) -> str:
    """Return what systemd, the journal and each process tell of themselves."""
    machine = installed.machine
    machine.run(["journalctl", "--sync"])
    return "".join(
        (
            machine.run(["systemctl", "show", "--all", f"{unit}.service"], check=False).stdout,
            machine.run(["journalctl", "--output=export", "--all"]).stdout,
            machine.read_processes(),
        )
    )


def test_from_a_code_to_the_mail(installed: Installed, dovecot: Dovecot, oidc: Oidc) -> None:
    add(installed, dovecot, oidc, "with a code")
    before = installed.ask("execute", "run", name="with a code", wait=60_000)
    assert (before["statusCode"], before["error"]["cause"]) == ("failed", "credentials")
    begun = installed.ask("execute", "authorize", name="with a code")
    assert begun["statusCode"] == "running"
    unit = begun["unit"]
    assert unit == f"cockpit-getmail@authorize-{token_prefix('with a code')}"
    assert installed.show(unit, "ActiveState") == "active"
    kept = secrets(installed, "with a code")
    assert kept.keys() == {"device_code"}
    assert kept["device_code"] not in json.dumps(begun)
    # While it is asked again and again.
    deadline = time.monotonic() + END_SECONDS
    while sum(form.get("grant", "").endswith("device_code") for form in oidc.asked()) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.2)
    found = seen_by_others(installed, unit)
    assert kept["device_code"] not in found
    assert "Sign-in for with a code" in found
    assert "Question to a provider" not in found
    oidc.approve(begun["address_with_code"], USER)
    ended = follow(installed, begun["token"])
    assert (ended["statusCode"], ended["error"]) == ("succeeded", None)
    assert begun["code"] in ended["logOutput"]
    installed.wait(unit)
    refresh_token = installed.stored("with a code")["RefreshToken"]
    found = seen_by_others(installed, unit)
    assert refresh_token not in found
    assert kept["device_code"] not in found
    assert secrets(installed, "with a code") == {}
    [condition] = installed.ask("read", "status", name="with a code")["connectors"]
    assert condition["failures"] == 0
    assert condition["next_run"] <= time.time()
    run = installed.ask("execute", "run", name="with a code", wait=60_000)
    assert (run["statusCode"], run["result"] and run["result"]["messages"]) == ("succeeded", MESSAGES)
    assert len(installed.mail("with a code")) == MESSAGES
    # What was signed in for goes on by itself.
    again = installed.ask("execute", "run", name="with a code", wait=60_000)
    assert again["statusCode"] == "succeeded"
    assert installed.stored("with a code")["RefreshToken"]
    found = seen_by_others(installed, unit)
    for secret in (refresh_token, installed.stored("with a code")["RefreshToken"]):
        assert secret not in found
        assert secret not in json.dumps([begun, ended, run, again])


def test_from_a_pasted_address_to_the_mail(installed: Installed, dovecot: Dovecot, oidc: Oidc) -> None:
    add(installed, dovecot, oidc, "pasted", DeviceUrl="", ClientId="basic", ClientSecret=SECRET)
    begun = installed.ask("execute", "authorize", name="pasted")
    assert "unit" not in begun
    assert "code" not in begun
    kept = secrets(installed, "pasted")
    assert kept["verifier"] not in json.dumps(begun)
    strange = installed.ask(
        "execute", "authorize-complete", name="pasted", redirect="http://127.0.0.1/?code=1"
    )
    assert strange["attributes"]["cause"] == "connector"
    redirect = oidc.sign_in(begun["address"], USER)
    ended = installed.ask("execute", "authorize-complete", name="pasted", redirect=redirect)
    assert (ended["token"], ended["statusCode"]) == (begun["token"], "succeeded")
    found = seen_by_others(installed, "cockpit-getmail")
    code = re.search("code=([^&]+)", redirect)
    assert code
    for secret in (kept["verifier"], code[1], SECRET, installed.stored("pasted")["RefreshToken"]):
        assert secret not in found
        assert secret not in json.dumps([ended, strange])
    run = installed.ask("execute", "run", name="pasted", wait=60_000)
    assert (run["statusCode"], run["result"] and run["result"]["messages"]) == ("succeeded", MESSAGES)


@pytest.mark.parametrize("by", ["name", "token"])
def test_cancelled(installed: Installed, dovecot: Dovecot, oidc: Oidc, by: str) -> None:
    name = f"cancelled-{by}"
    add(installed, dovecot, oidc, name)
    begun = installed.ask("execute", "authorize", name=name)
    answer = installed.ask(
        "execute", "cancel", **({"name": name} if by == "name" else {"token": begun["token"]})
    )
    assert answer == {"state": "success", "unit": begun["unit"], "token": begun["token"]}
    ended = follow(installed, begun["token"])
    assert (ended["statusCode"], ended["error"]) == ("cancelled", None)
    installed.wait(begun["unit"])
    oidc.approve(begun["address_with_code"], USER)
    assert installed.ask("execute", "cancel", name=name)["type"] == "Conflict"
    assert "RefreshToken" not in installed.stored(name)
    assert secrets(installed, name) == {}


def test_declined(installed: Installed, dovecot: Dovecot, oidc: Oidc) -> None:
    add(installed, dovecot, oidc, "declined")
    begun = installed.ask("execute", "authorize", name="declined")
    oidc.decline(begun["address_with_code"])
    ended = follow(installed, begun["token"])
    assert (ended["statusCode"], ended["error"]["cause"]) == ("failed", "credentials")
    assert "access_denied" in ended["error"]["message"]
    assert "RefreshToken" not in installed.stored("declined")


def test_expired(installed: Installed, dovecot: Dovecot) -> None:
    with Oidc(deviceCode=3) as brief:
        add(installed, dovecot, brief, "expired")
        begun = installed.ask("execute", "authorize", name="expired", wait=END_SECONDS * 1000)
        assert (begun["statusCode"], begun["error"]["cause"]) == ("failed", "credentials")
        installed.wait(begun["unit"])
        assert installed.ask("read", "progress", token=begun["token"])["error"] == begun["error"]


def test_another_sign_in_and_changes_and_deletion(installed: Installed, dovecot: Dovecot, oidc: Oidc) -> None:
    add(installed, dovecot, oidc, "often")
    first = installed.ask("execute", "authorize", name="often")
    second = installed.ask("execute", "authorize", name="often")
    assert installed.ask("read", "progress", token=first["token"])["type"] == "NotFound"
    oidc.approve(first["address_with_code"], USER)
    assert installed.ask("read", "progress", token=second["token"])["statusCode"] == "running"
    installed.ask("update", "update", name="often", Username="other@example.com")
    ended = follow(installed, second["token"])
    assert (ended["statusCode"], ended["error"]["cause"]) == ("failed", "credentials")
    third = installed.ask("execute", "authorize", name="often")
    installed.machine.run(["systemctl", "kill", "--signal=KILL", f"{third['unit']}.service"])
    ended = follow(installed, third["token"])
    assert (ended["statusCode"], ended["error"]["cause"]) == ("failed", "internal")
    fourth = installed.ask("execute", "authorize", name="often")
    installed.ask("delete", "delete", name="often")
    installed.wait(fourth["unit"])
    assert installed.ask("read", "progress", token=fourth["token"])["type"] == "NotFound"
    assert not list(installed.path(RECORDS).glob(f"{token_prefix('often')}.*"))


def test_sealed(installed: Installed, dovecot: Dovecot, oidc: Oidc) -> None:
    """What a sign-in brings is never in clear on the disk, if nothing is."""
    sealing = {"COCKPIT_GETMAIL_ENCRYPT_SECRETS": "yes"}
    add(installed, dovecot, oidc, "sealed")
    begun = installed.call("execute", sealing, action="authorize", name="sealed")
    oidc.approve(begun["address_with_code"], USER)
    assert follow(installed, begun["token"])["statusCode"] == "succeeded"
    props = installed.stored("sealed")
    assert "RefreshToken" not in props
    assert props["SealedRefreshToken"]
    run = installed.call("execute", sealing, action="run", name="sealed", wait=60_000)
    assert (run["statusCode"], run["result"] and run["result"]["messages"]) == ("succeeded", MESSAGES)


def test_from_the_terminal(installed: Installed, dovecot: Dovecot, oidc: Oidc) -> None:
    add(installed, dovecot, oidc, "by command")
    # As a person who keeps reading: the code is there before anybody has signed in.
    process = installed.begin("cockpit-getmail", "authorize", "by command")
    assert process.stdout
    lines = [process.stdout.readline() for _ in range(4)]
    address = lines[3].rpartition(" ")[2].strip()
    assert lines[2].strip() in address
    oidc.approve(address, USER)
    assert "Signed in." in process.communicate(timeout=END_SECONDS)[0]
    assert process.returncode == 0
    begun = json.loads(
        installed.machine.run(["cockpit-getmail", "authorize", "by command", "--flow=code", "--json"]).stdout
    )
    redirect = oidc.sign_in(begun["address"], USER)
    argv = ["cockpit-getmail", "authorize", "by command", "--complete"]
    done = installed.machine.run(argv, input=redirect)
    assert "Signed in." in done.stdout
    assert redirect not in done.stdout + done.stderr
    again = installed.machine.run(argv, input=redirect, check=False)
    assert again.returncode == 78
    assert "under way" in again.stderr
    assert installed.ask("execute", "run", name="by command", wait=60_000)["statusCode"] == "succeeded"


def test_what_was_signed_in_for_comes_by_itself(dovecot: Dovecot, oidc: Oidc) -> None:
    """In the sandbox of the schedule too, with refresh tokens that change with each use."""
    with Machine() as machine:
        machine.install()
        installed = Installed(machine)
        add(installed, dovecot, oidc, "scheduled")
        machine.run(["systemctl", "start", "cockpit-getmail.service"])
        installed.wait("cockpit-getmail-scheduled")
        [condition] = installed.ask("read", "status", name="scheduled")["connectors"]
        assert (condition["status"], condition["failures"]) == ("INVALID_CREDENTIALS", 1)
        assert "authorize" in condition["hint"]
        begun = installed.ask("execute", "authorize", name="scheduled")
        oidc.approve(begun["address_with_code"], USER)
        assert follow(installed, begun["token"])["statusCode"] == "succeeded"
        first = installed.stored("scheduled")["RefreshToken"]
        machine.run(["systemctl", "start", "cockpit-getmail.service"])
        installed.wait("cockpit-getmail-scheduled")
        assert len(installed.mail("scheduled")) == MESSAGES
        assert installed.stored("scheduled")["RefreshToken"] not in ("", first)


def on_terminal(installed: Installed, *words: str) -> Terminal:
    return Terminal(installed.machine.argv("cockpit-getmail", *words), ENVIRONMENT)


def test_terminal_counts_down_and_may_be_left(installed: Installed, dovecot: Dovecot, oidc: Oidc) -> None:
    add(installed, dovecot, oidc, "on a terminal")
    # A shell of its own: to the machine's wrapper Ctrl-C means something else.
    with Terminal(installed.machine.argv("bash", "--norc", "-i"), ENVIRONMENT) as shell:
        shell.type("cockpit-getmail authorize 'on a terminal'")
        shell.expect("enter the code there:")
        shell.expect("Waiting for the sign-in, ")
        shell.type("\x03", end="")
        shell.expect("`cockpit-getmail cancel 'on a terminal'` ends it.")
        shell.type("echo ended with $?")
        shell.expect("ended with 130")
        shell.type("exit")
        shell.wait()
    with on_terminal(installed, "cancel", "on a terminal") as terminal:
        terminal.expect("The sign-in is cancelled.")
        assert terminal.wait() == 0
    with on_terminal(installed, "authorize", "on a terminal") as terminal:
        terminal.expect("Or open the address with the code in it: ")
        terminal.expect("\n")
        oidc.approve(terminal.shown.partition("code in it: ")[2].partition("\n")[0].strip(), USER)
        terminal.expect("Signed in.")
        assert terminal.wait() == 0


def test_terminal_asks_for_the_address_unseen(installed: Installed, dovecot: Dovecot, oidc: Oidc) -> None:
    add(installed, dovecot, oidc, "by address", DeviceUrl="")
    with on_terminal(installed, "authorize", "by address") as terminal:
        terminal.expect("That address: ")
        address = re.search(r"^  (http\S+)", terminal.shown, re.MULTILINE)
        assert address
        terminal.type("http://127.0.0.1:53682/?code=guessed&state=guessed")
        terminal.expect("not the address of this sign-in")
        terminal.expect("That address: ")
        redirect = oidc.sign_in(address[1], USER)
        terminal.type(redirect)
        terminal.expect("Signed in.")
        assert terminal.wait() == 0
    assert "guessed" not in terminal.shown
    assert redirect not in terminal.shown
