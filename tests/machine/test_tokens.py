# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs by access tokens as units: root refreshes them in a sandbox, and a run gets nothing that lasts."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.hostile import Server, Step, hang, pop3
from tests.support.installed import Installed
from tests.support.tokens import SECRET, TokenEndpoint, make_props

TOKENS = "/run/cockpit-getmail/tokens"
MESSAGES = [(str(number), f"Subject: {number}\r\n\r\n".encode()) for number in range(1, 4)]


@pytest.fixture
def provider() -> Iterator[TokenEndpoint]:
    with TokenEndpoint() as running:
        running.mark = f"{time.time_ns():x}-"
        running.refresh_token = f"refresh-{running.mark}0"
        yield running


def server(**overrides: Step) -> Server:
    """Return a mail server that takes any token."""
    rules = {r"AUTH \w+.*": b"+OK\r\n", **overrides}
    return Server(pop3(MESSAGES, rules, ("UIDL", "SASL XOAUTH2")))


def add(installed: Installed, provider: TokenEndpoint, port: int, name: str) -> None:
    installed.put(name, make_props(provider, port, Account=name))


def run(installed: Installed, name: str) -> dict[str, Any]:
    return installed.call("execute", action="run", name=name, wait=30_000)


def status(installed: Installed, name: str) -> dict[str, Any]:
    [found] = installed.call("read", action="status", name=name)["connectors"]
    return dict(found)


def test_run_has_its_access_token_and_nothing_that_lasts(
    installed: Installed, provider: TokenEndpoint
) -> None:
    machine = installed.machine
    with server(**{r"RETR (\d+)": hang}) as busy:
        add(installed, provider, busy.port, "lasting")
        unit = installed.start("lasting")
        deadline = time.monotonic() + 20
        while b"RETR 1" not in busy.received:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        access, refresh = f"access-{provider.mark}1", f"refresh-{provider.mark}"
        assert installed.stored("lasting")["RefreshToken"] == provider.refresh_token == f"{refresh}1"
        handed = f"/run/credentials/{unit}.service"
        assert machine.run(["ls", handed]).stdout.split() == ["AccessToken", "connector"]
        assert machine.run(["cat", f"{handed}/AccessToken"]).stdout == access
        shown = {
            "credential": machine.run(["cat", f"{handed}/connector"]).stdout,
            "properties": machine.run(["systemctl", "show", "--all", f"{unit}.service"]).stdout,
            "processes": machine.read_processes(),
        }
        for secret in (access, refresh, SECRET):
            assert not [where for where, text in shown.items() if secret in text]
        found = installed.files_with(access, "/run", "/var", "/etc", "/tmp", "/dev/shm")
        assert set(found) == {f"{handed}/AccessToken", f"{TOKENS}/lasting.token"}
        for secret in (refresh, SECRET):
            found = installed.files_with(secret, "/run", "/var", "/etc", "/tmp", "/dev/shm")
            assert found == ["/var/lib/cockpit-getmail/connectors"]
        modes = machine.run(["stat", "--format=%U %a", TOKENS, f"{TOKENS}/lasting.token"]).stdout
        assert modes.split() == ["root", "700", "root", "600"]
        installed.stop(unit)
    log = machine.journal(None)
    assert not [secret for secret in (access, refresh, SECRET) if secret in log]
    # Nobody knows of it any more when the connector is gone.
    installed.call("delete", name="lasting")
    assert machine.run(["find", TOKENS, "-name", "lasting.token"]).stdout == ""


def test_refusal_of_the_provider_is_the_run_that_failed(
    installed: Installed, provider: TokenEndpoint
) -> None:
    with server() as mail:
        add(installed, provider, mail.port, "no-token")
        provider.answer = (
            400,
            b'{"error": "invalid_client", "error_description": "AADSTS7000222: \\u001b[31mexpired %s"}'
            % SECRET.encode(),
        )
        ended = run(installed, "no-token")
        assert ended["statusCode"] == "failed"
        error = ended["error"]
        assert (error["cause"], "client secret" in error["hint"]) == ("credentials", True)
        assert r"invalid_client (AADSTS7000222: \x1b[31mexpired …)" in error["message"]
        found = status(installed, "no-token")
        assert (found["status"], found["failures"]) == ("INVALID_CREDENTIALS", 1)
        assert found["hint"] == error["hint"]
        [past] = installed.call("read", action="history", name="no-token")["runs"]
        assert (past["cause"], past["hint"]) == ("credentials", error["hint"])
        # Nobody was asked for mail, and the secret was not used up.
        assert not mail.received
        provider.answer = (503, b"<html>")
        assert run(installed, "no-token")["error"]["cause"] == "network"
        provider.answer = None
        assert run(installed, "no-token")["statusCode"] == "succeeded"
        assert len(installed.mail("no-token")) == len(MESSAGES)
    units = installed.machine.run(["systemctl", "list-units", "--all", "--plain", "cockpit-getmail-:token-*"])
    assert "token-" not in units.stdout.partition("\n")[0]


def test_run_that_ends_with_its_token_goes_on(installed: Installed, provider: TokenEndpoint) -> None:
    provider.lifetime = 0
    with server() as mail:
        add(installed, provider, mail.port, "brief")
        for number in range(1, len(MESSAGES)):
            ended = run(installed, "brief")
            assert (ended["statusCode"], ended["result"]["messages"]) == ("succeeded", 1)
            assert "the rest follows at once" in ended["statusText"]
            found = status(installed, "brief")
            assert (found["status"], found["next_run"] <= time.time()) == ("OK", True)
            assert len(installed.mail("brief")) == number
        ended = run(installed, "brief")
        assert status(installed, "brief")["next_run"] > time.time()
    assert len(installed.mail("brief")) == len(MESSAGES)
    assert len(provider.asked) == len(MESSAGES)


def test_token_that_the_server_refuses_is_replaced(installed: Installed, provider: TokenEndpoint) -> None:
    with server(**{r"AUTH \w+.*": b"-ERR [AUTH] revoked\r\n"}) as strict:
        add(installed, provider, strict.port, "revoked")
        for number in (1, 2):
            ended = run(installed, "revoked")
            assert ended["error"]["cause"] == "credentials"
            assert len(provider.asked) == number
        checked = installed.machine.run(
            ["/usr/local/libexec/cockpit-getmail/read"],
            input='{"action": "check-credentials", "name": "revoked"}',
            check=False,
        )
        assert "INVALID_CREDENTIALS" in checked.stdout
        assert len(provider.asked) == 3
    assert installed.stored("revoked")["RefreshToken"] == provider.refresh_token
