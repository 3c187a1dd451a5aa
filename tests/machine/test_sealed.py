# SPDX-License-Identifier: LGPL-2.1-or-later
"""Secrets at rest on the booted machine: sealed, of a file, of a program. They reach the server alone."""

import json
import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from cockpit_getmail.database import Database
from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, hang, pop3
from tests.support.installed import HELPERS, PASSWORD, Installed, child_of

COUNT = 3
MANY = 24
DATABASE = "/var/lib/cockpit-getmail/sealed-connectors"
ENV = {"COCKPIT_GETMAIL_CONNECTORS_DB": DATABASE}
SEALING = {**ENV, "COCKPIT_GETMAIL_ENCRYPT_SECRETS": "yes"}
ALLOWING = {**ENV, "COCKPIT_GETMAIL_ALLOW_COMMANDS": "yes"}
KEY = "/var/lib/systemd/credential.secret"
MAILBOX = [("1", b"Subject: x\r\n\r\n")]


class Stored:
    """Connectors in a database of these tests' own: converting is about all of them."""

    def __init__(self, installed: Installed) -> None:
        self.installed = installed
        self.file = installed.path(DATABASE)

    def call(self, verb: str, env: dict[str, str] | None = None, **data: Any) -> dict[str, Any]:
        return self.installed.call(verb, ENV if env is None else env, **data)

    def add(self, name: str, port: int, **props: str) -> None:
        common = {
            "Retriever": "SimplePOP3Retriever",
            "Server": "127.0.0.1",
            "Port": str(port),
            "Username": "u",
            "Password": PASSWORD,
            "Account": name,
        }
        content = self.content()
        content.put(name, "getmail", {prop: value for prop, value in (common | props).items() if value})
        self.file.touch(mode=0o600)
        self.file.write_bytes(content.format())

    def add_sealed(self, name: str, port: int, **props: str) -> None:
        self.add(name, port, **props)
        self.call("update", SEALING, action="update", name=name, Password=props.get("Password", PASSWORD))
        assert not self.forms(name) & {"Password"}

    def content(self) -> Database:
        return Database(self.file.read_bytes() if self.file.exists() else b"")

    def forms(self, name: str) -> set[str]:
        """Return as what its password is stored."""
        record = self.content().get(name)
        assert record
        return record.props.keys() & {"Password", "SealedPassword"}

    def run(self, name: str, env: dict[str, str] | None = None) -> dict[str, Any]:
        """Run to the end; return how it came out."""
        answer = self.call("execute", env, action="run", name=name, wait=60_000)
        assert "token" in answer, answer
        self.installed.wait(answer["unit"])
        return answer

    def check(self, name: str, env: dict[str, str] | None = None, **props: Any) -> dict[str, Any]:
        return self.call("read", env, action="check-credentials", name=name, **props)


@pytest.fixture
def stored(installed: Installed) -> Iterator[Stored]:
    found = Stored(installed)
    # A connector of another file's tests may have had the name that is made of user and server.
    installed.machine.run(["rm", "-rf", "/var/lib/cockpit-getmail/state/u@127.0.0.1"])
    yield found
    found.file.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    with Dovecot({"u": PASSWORD}) as dovecot:
        dovecot.fill("u", COUNT)
        yield dovecot


@pytest.fixture
def no_sealing(installed: Installed) -> Iterator[None]:
    """A machine where nobody but systemd can seal or open."""
    stub = installed.path("/usr/local/sbin/systemd-creds")
    stub.write_text("#!/bin/sh\necho 'This is not to be used.' >&2\nexit 1\n")
    stub.chmod(0o755)
    yield
    stub.unlink()


# Sealed


def test_sealed_connector_is_created_checked_fetched(
    stored: Stored, installed: Installed, dovecot: Dovecot
) -> None:
    props = {"Retriever": "SimpleIMAPRetriever", "Server": "127.0.0.1", "Port": dovecot.imap, "Username": "u"}
    answer = stored.call("create", SEALING, **props, TLS="none", Password=PASSWORD, Account="sealed1")
    name = answer["name"]
    assert PASSWORD not in stored.file.read_text()
    assert stored.check(name)["messages"] == COUNT
    assert stored.check(name, TLS="auto")["messages"] == COUNT
    assert stored.check(name, Password="wrong")["attributes"]["cause"] == "credentials"
    assert stored.run(name)["statusCode"] == "succeeded"
    assert len(installed.mail("sealed1")) == COUNT
    assert stored.call("read", action="info")["secrets"] == {"sealed": 1, "plain": 0}


def test_root_fetches_in_the_foreground_what_is_sealed(
    stored: Stored, installed: Installed, dovecot: Dovecot
) -> None:
    stored.add_sealed("sealed2", dovecot.pop3)
    done = installed.machine.run(["cockpit-getmail", "fetch", "sealed2"], env=ENV)
    assert f"{COUNT} messages delivered" in done.stdout
    assert PASSWORD not in done.stdout + done.stderr


def test_without_systemd_it_is_opened_for_the_check(
    stored: Stored, installed: Installed, dovecot: Dovecot
) -> None:
    stored.add_sealed("sealed3", dovecot.pop3, TLS="none")
    request = json.dumps({"action": "check-credentials", "name": "sealed3"})
    script = f"mount -t tmpfs none /run/systemd && exec {HELPERS}/read"
    done = installed.machine.run(["unshare", "--mount", "sh", "-c", script], input=request, env=ENV)
    assert json.loads(done.stdout)["messages"] == COUNT


def test_only_systemd_opens_it_for_a_unit(
    stored: Stored, installed: Installed, dovecot: Dovecot, request: pytest.FixtureRequest
) -> None:
    stored.add_sealed("sealed4", dovecot.pop3)
    request.getfixturevalue("no_sealing")
    assert stored.check("sealed4")["messages"] == COUNT
    assert stored.run("sealed4")["statusCode"] == "succeeded"
    assert len(installed.mail("sealed4")) == COUNT
    answer = stored.call("update", SEALING, action="update", name="sealed4", Password="x")
    assert answer["attributes"] == {"cause": "settings", "setting": "ENCRYPT_SECRETS"}
    assert "This is not to be used." in answer["message"]


def end(installed: Installed, unit: str) -> None:
    """End a run that would wait for its message."""
    installed.machine.run(["systemctl", "kill", "--signal=KILL", f"{unit}.service"])
    installed.wait(unit)


def look(installed: Installed, unit: str) -> dict[str, str]:
    """Return all that others can see of a unit that is under way."""
    machine = installed.machine
    call = ["busctl", "call", "org.freedesktop.systemd1"]
    ask = ["/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "GetUnit", "s", f"{unit}.service"]
    path = machine.run([*call, *ask]).stdout.split('"')[1]
    get_all = ["org.freedesktop.DBus.Properties", "GetAll", "s", "org.freedesktop.systemd1.Service"]
    return {
        "properties": machine.run(["systemctl", "show", f"{unit}.service"]).stdout,
        "D-Bus": machine.run([*call, path, *get_all]).stdout,
        "unit file": machine.run(["systemctl", "cat", f"{unit}.service"]).stdout,
        "journal": machine.journal(None, "--output=export"),
        "processes": machine.read_processes(),
        "database": installed.path(DATABASE).read_text(),
    }


def test_sealed_secret_of_a_run_shows_nowhere(stored: Stored, installed: Installed) -> None:
    with Server(pop3(MAILBOX, {r"RETR (\d+)": hang})) as server:
        stored.add_sealed("sealed5", server.port, Password="canary-sealed")
        unit = stored.call("execute", action="run", name="sealed5")["unit"]
        server.wait_for(b"RETR 1")
        seen = look(installed, unit)
        found = installed.files_with("canary-sealed", "/run", "/tmp", "/var/log", "/var/lib", "/etc")
        left = list(installed.path("/run/cockpit-getmail").glob("*.credential"))
        end(installed, unit)
        assert server.commands("PASS canary-sealed")
    assert [what for what, text in seen.items() if "canary-sealed" in text] == []
    assert "LoadCredentialEncrypted" in seen["D-Bus"]
    assert "fetch\0--unit" in seen["processes"]
    assert found == [f"/run/credentials/{unit}.service/Password"]
    assert left == []


def test_sealed_secret_of_a_check_shows_nowhere(stored: Stored, installed: Installed) -> None:
    with Server(pop3(overrides={"STAT": hang, "UIDL": hang, "LIST": hang})) as server:
        stored.add_sealed("sealed6", server.port, Password="canary-sealed")
        request = json.dumps({"action": "check-credentials", "name": "sealed6"})
        patient = {**ENV, "COCKPIT_GETMAIL_CHECK_TIMEOUT": "20"}
        helper = installed.begin(f"{HELPERS}/read", stdin=request, env=patient)
        with helper:
            server.wait_for(b"PASS canary-sealed")
            argv = ["systemctl", "list-units", "--plain", "--no-legend", "cockpit-getmail-:check-*"]
            unit = installed.machine.run(argv).stdout.split()[0].removesuffix(".service")
            seen = look(installed, unit)
            found = installed.files_with("canary-sealed", "/run", "/tmp", "/var/log", "/var/lib", "/etc")
            # What root's helper could hold of it, it does not: systemd opens it for the unit.
            memory = read_memory(child_of(helper))
            installed.stop(unit)
            said = helper.communicate()[0]
    assert [what for what, text in seen.items() if "canary-sealed" in text] == []
    assert b"SealedPassword" in memory
    assert b"canary-sealed" not in memory
    assert "canary-sealed" not in said
    assert found == [f"/run/credentials/{unit}.service/Password"]
    assert not list(installed.path("/run/cockpit-getmail").glob("*.credential"))


def read_memory(pid: int) -> bytes:
    """Return what a process has in its memory that it may write to."""
    found = b""
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            place, rights = line.split()[:2]
            if rights.startswith("rw"):
                begin, end = (int(number, 16) for number in place.split("-"))
                memory.seek(begin)
                found += memory.read(end - begin)
    return found


# Of another machine


@pytest.fixture
def other_key(installed: Installed) -> Iterator[Any]:
    """Give what makes the machine another one, for systemd-creds, as after a move to new hardware."""
    kept = installed.machine.run(["mktemp", "-d", "/root/key.XXXXXX"]).stdout.strip()

    def change() -> None:
        installed.machine.run(["mv", KEY, f"{kept}/secret"])

    yield change
    installed.machine.run(["sh", "-c", f"[ ! -e {kept}/secret ] || mv -f {kept}/secret {KEY}"])


@pytest.mark.parametrize("has_key", [False, True])
def test_secret_of_another_machine_is_told(
    stored: Stored, installed: Installed, dovecot: Dovecot, other_key: Any, has_key: bool
) -> None:
    name = f"moved{has_key:d}"
    stored.add_sealed(name, dovecot.pop3)
    blob = stored.file.read_text()
    other_key()
    if has_key:
        # With the first secret that is sealed there, it has one of its own.
        installed.machine.run(["systemd-creds", "encrypt", "--name=x", "-", "-"], input="x")
    ended = stored.run(name)
    assert ended["statusCode"] == "failed"
    assert ended["error"]["cause"] == "credentials"
    assert "sealed on another machine" in ended["error"]["message"]
    assert ended["error"]["hint"] == "Enter the password anew."
    [condition] = stored.call("read", action="status", name=name)["connectors"]
    assert (condition["status"], condition["failures"]) == ("INVALID_CREDENTIALS", 1)
    assert condition["hint"] == "Enter the password anew."
    checked = stored.check(name)
    assert checked["attributes"]["cause"] == "credentials"
    assert checked["attributes"]["status"] == "INVALID_CREDENTIALS"
    assert checked["attributes"]["hint"] == "Enter the password anew."
    front = installed.machine.run(["cockpit-getmail", "fetch", name], env=ENV, check=False)
    assert front.returncode == 77
    assert "sealed on another machine" in front.stdout + front.stderr
    assert stored.call("update", action="unseal")["failed_count"] == 1
    assert stored.file.read_text() == blob
    stored.call("update", SEALING, action="update", name=name, Password=PASSWORD)
    assert stored.run(name)["statusCode"] == "succeeded"


# Converted while all goes on


def test_both_ways_while_runs_go_on(stored: Stored, installed: Installed, dovecot: Dovecot) -> None:
    names = [f"going{number}" for number in range(MANY)]
    for name in names:
        stored.add(name, dovecot.pop3)
    before = stored.file.read_bytes()
    ended: list[dict[str, Any]] = []
    loop = "; ".join(
        f"echo '{json.dumps({'action': action})}' | {HELPERS}/update || exit 1"
        for action in ("seal", "unseal") * 4
    )
    with installed.begin("sh", "-c", loop, env=ENV) as converting:
        for name in names:
            ended.append(stored.run(name))
        said = converting.communicate()[0]
    assert converting.returncode == 0, said
    assert {answer["statusCode"] for answer in ended} == {"succeeded"}, ended
    assert {len(installed.mail(name)) for name in names} == {COUNT}
    assert [json.loads(line)["secrets"] for line in said.splitlines()] == [MANY] * 8
    assert stored.file.read_bytes() == before


def test_kill_in_the_middle_loses_nothing(stored: Stored, installed: Installed) -> None:
    names = [f"killed{number}" for number in range(MANY)]
    for name in names:
        stored.add(name, 1, Password=f"canary-{name}")
    before = stored.file.read_bytes()
    for action, was, then in (
        ("seal", "Password", "SealedPassword"),
        ("unseal", "SealedPassword", "Password"),
    ):
        delay, kills = 0.01, 0
        while kill_after(delay, installed, action):
            kills += 1
            # All at once, or none.
            assert {form for name in names for form in stored.forms(name)} in ({was}, {then})
            delay *= 1.4
        assert kills > 3
        assert {form for name in names for form in stored.forms(name)} == {then}
        assert (b"canary-" in stored.file.read_bytes()) == (action == "unseal")
    assert stored.file.read_bytes() == before
    assert list(stored.file.parent.glob(".sealed-connectors*")) == []


def kill_after(delay: float, installed: Installed, action: str) -> bool:
    """Convert, and end that as the kernel does it without memory. Return whether it had not ended."""
    request = json.dumps({"action": action})
    with installed.begin(f"{HELPERS}/update", stdin=request, env=ENV) as helper:
        time.sleep(delay)
        # It may have ended.
        with suppress(ValueError, OSError):
            os.kill(child_of(helper), signal.SIGKILL)
        return '"success"' not in helper.communicate()[0]


# Of a file, of a program


def write(installed: Installed, path: str, content: str, mode: int = 0o600) -> None:
    file = installed.path(path)
    file.write_text(content)
    file.chmod(mode)


def test_password_of_a_file(stored: Stored, installed: Installed, dovecot: Dovecot) -> None:
    path = "/etc/mail-password"
    write(installed, path, f"{PASSWORD}\nanything else\n")
    stored.add("file1", dovecot.pop3, Password="", PasswordFile=path)
    assert stored.check("file1")["messages"] == COUNT
    assert stored.run("file1")["statusCode"] == "succeeded"
    front = installed.machine.run(["cockpit-getmail", "fetch", "file1"], env=ENV)
    assert "0 messages delivered" in front.stdout
    assert len(installed.mail("file1")) == COUNT
    write(installed, path, f"{PASSWORD}\n", 0o644)
    ended = stored.run("file1")
    assert ended["error"]["cause"] == "connector"
    assert f"chmod 600 {path}" in ended["error"]["message"]
    checked = stored.check("file1")
    assert checked["attributes"]["cause"] == "connector"
    installed.path(path).unlink()
    assert "No such file" in stored.run("file1")["error"]["message"]
    assert (
        "No such file"
        in installed.machine.run(["cockpit-getmail", "fetch", "file1"], env=ENV, check=False).stderr
    )


def test_password_of_a_program(stored: Stored, installed: Installed, dovecot: Dovecot) -> None:
    path = "/usr/local/bin/mail password"
    write(installed, path, f"#!/bin/sh\n[ \"$1\" = 'of u' ] && [ $(id -u) = 0 ] && echo {PASSWORD}\n", 0o755)
    stored.add("program1", dovecot.pop3, Password="", PasswordCommand=r"/usr/local/bin/mail\ password 'of u'")
    found = stored.check("program1", ALLOWING)
    assert found.get("messages") == COUNT, found
    assert stored.run("program1", ALLOWING)["statusCode"] == "succeeded"
    assert len(installed.mail("program1")) == COUNT
    ended = stored.run("program1")
    assert ended["error"]["cause"] == "settings"
    assert "ALLOW_COMMANDS=yes" in ended["error"]["message"]
    assert stored.check("program1")["attributes"]["cause"] == "settings"
    write(installed, path, f"#!/bin/sh\necho {PASSWORD}; echo 'The vault is locked.' >&2; exit 2\n", 0o755)
    ended = stored.run("program1", ALLOWING)
    assert ended["error"]["cause"] == "credentials"
    assert "The vault is locked." in ended["error"]["message"]
    [condition] = stored.call("read", action="status", name="program1")["connectors"]
    assert condition["status"] == "INVALID_CREDENTIALS"
    assert PASSWORD not in installed.machine.journal()


def test_password_that_is_asked_for_shows_nowhere(stored: Stored, installed: Installed) -> None:
    write(installed, "/etc/mail-password", "canary-asked\n")
    with Server(pop3(MAILBOX, {r"RETR (\d+)": hang})) as server:
        stored.add("asked1", server.port, Password="", PasswordFile="/etc/mail-password")
        unit = stored.call("execute", action="run", name="asked1")["unit"]
        server.wait_for(b"RETR 1")
        seen = look(installed, unit)
        told = installed.machine.run(["cat", f"/run/credentials/{unit}.service/connector"]).stdout
        end(installed, unit)
        assert server.commands("PASS canary-asked")
    assert [what for what, text in seen.items() if "canary-asked" in text] == []
    # Nor where it came from: that is no business of the run's.
    assert "mail-password" not in told


def test_schedule_asks_for_passwords_too(stored: Stored, installed: Installed, dovecot: Dovecot) -> None:
    """In a sandbox of its own, where secrets can be sealed and opened as well."""
    machine = installed.machine
    state = f"{DATABASE}.state"
    path = "/usr/local/bin/mail-password"
    use_key = "systemd-creds encrypt --name=x - - | systemd-creds decrypt --name=x - -"
    write(installed, path, f"#!/bin/sh\n[ -c /dev/tpmrm0 ] && echo {PASSWORD} | {use_key}\n", 0o755)
    write(installed, "/etc/mail-password", PASSWORD)
    # No chip, but a device of its name.
    machine.run(["mknod", "/dev/tpmrm0", "c", "1", "3"])
    stored.add("due1", dovecot.pop3, Password="", PasswordCommand=path)
    stored.add("due2", dovecot.pop3, Password="", PasswordFile="/etc/mail-password")
    stored.add_sealed("due3", dovecot.pop3)
    lines = [f"CONNECTORS_DB={DATABASE}", f"STATE_DIR={state}", "ALLOW_COMMANDS=yes"]
    write(installed, "/etc/cockpit-getmail.env", "\n".join(lines))
    try:
        machine.run(["systemctl", "start", "cockpit-getmail.service"])
        for name in ("due1", "due2", "due3"):
            installed.wait(f"cockpit-getmail-{name}")
            assert len(installed.mail(name)) == COUNT, machine.journal("cockpit-getmail*")
    finally:
        machine.run(["rm", "/etc/cockpit-getmail.env", "/dev/tpmrm0"])
