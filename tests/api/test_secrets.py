# SPDX-License-Identifier: LGPL-2.1-or-later
"""A password is in the database and in what list tells; it is nowhere else."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.api.conftest import CONNECTOR, Api
from tests.support.hostile import Server, pop3

pytestmark = pytest.mark.long

CANARY = "kanari-4711"
WITH_CANARY = {**CONNECTOR, "Password": CANARY}
CHECK = {key: value for key, value in WITH_CANARY.items() if key != "Account"} | {
    "action": "check-credentials"
}


def say(api: Api, verb: str, data: dict[str, Any] | bytes) -> str:
    """Return all that a helper writes, on stdout and stderr."""
    done = api.run(verb, data if isinstance(data, bytes) else json.dumps(data).encode())
    return (done.stdout + done.stderr).decode()


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"Time": 1},
        {"Password": f"{CANARY}\n"},
        {"Password": {"a": CANARY}},
        {"Password": CANARY * 2000},
        {"Pasword": CANARY},
        {"password": {"Password": CANARY}},
        {"Server": "localhost", "Username": "a", "Account": "a"},
    ],
)
def test_create_does_not_tell(api: Api, change: dict[str, Any]) -> None:
    assert CANARY not in say(api, "create", WITH_CANARY | change)


def test_names_of_props_may_be_told_and_not_their_values(api: Api) -> None:
    (fault,) = api.fail("create", **CONNECTOR, Pasword=CANARY)["attributes"]
    assert fault == {"parameter": "Pasword", "value": "", "error": "additionalProperties"}


@pytest.mark.parametrize(
    "raw",
    [
        json.dumps({"Password": CANARY}).encode() + b"}",
        b'{"Password": "%s", "Password": "%s"}' % (CANARY.encode(), CANARY.encode()),
        b'{"Password": "%s' % CANARY.encode(),
        b'{"Password": %s}' % CANARY.encode(),
        b'"%s"' % CANARY.encode(),
        b'{"Password": "%s\xff"}' % CANARY.encode(),
        b'{"Password": "%s\\ud800"}' % CANARY.encode(),
    ],
)
def test_broken_input_is_not_told(api: Api, raw: bytes) -> None:
    assert CANARY not in say(api, "create", raw)


def test_other_actions_do_not_tell(api: Api) -> None:
    name = api.add(Password=CANARY)
    said = [
        say(api, "read", {"action": "list", "redact": True}),
        say(api, "update", {"action": "update", "name": name, "Password": CANARY, "Time": 1}),
        say(api, "update", {"action": "update", "name": name, "Password": CANARY, "Time": 9}),
        say(api, "update", {"action": "update", "name": "unknown", "Password": CANARY}),
        say(api, "validate", {"action": "update", "name": name, "Username": "b"}),
        say(api, "execute", {"action": "run", "name": name}),
        say(api, "update", {"action": "disable", "name": name}),
        say(api, "execute", {"action": "run", "name": name}),
        say(api, "delete", {"name": name}),
    ]
    assert not [text for text in said if CANARY in text]


def test_check_does_not_tell(api: Api) -> None:
    """Not even if the server does."""
    echo = f"-ERR {CANARY}? No.\r\n".encode()
    script = pop3(overrides={"PASS .*": echo})
    with Server(script) as server:
        data = {**CHECK, "Server": "127.0.0.1", "Port": server.port, "Retriever": "SimplePOP3Retriever"}
        said = say(api, "read", data)
        assert server.commands(f"PASS {CANARY}")
    assert "INVALID_CREDENTIALS" in said
    assert CANARY not in said
    assert CANARY not in say(api, "read", {**data, "Fingerprint": "0"})
    assert CANARY not in say(api, "read", {**data, "CAFile": "/none"})


def test_check_of_what_is_stored_does_not_tell(api: Api) -> None:
    """Nor does the command that asks for it."""
    script = pop3(overrides={"PASS .*": f"-ERR {CANARY}? No.\r\n".encode()})
    with Server(script) as server:
        port = str(server.port)
        name = api.add(
            Password=CANARY, Server="127.0.0.1", Port=port, Retriever="SimplePOP3Retriever", TLS="none"
        )
        for more in ({}, {"Password": ""}, {"Username": "other"}):
            said = say(api, "read", {"action": "check-credentials", "name": name, **more})
            assert "INVALID_CREDENTIALS" in said
            assert CANARY not in said
        elsewhere = {"action": "check-credentials", "name": name, "Server": "localhost"}
        for data in (
            elsewhere,
            {"action": "folders", "form": elsewhere},
            {"action": "preview", "form": elsewhere},
        ):
            assert '"parameter": "Password"' in say(api, "read", data)
        assert len(server.commands(f"PASS {CANARY}")) == 3
        assert CANARY not in say(api, "read", {"action": "check-credentials", "name": name, "TLS": "x"})
        assert CANARY not in say(
            api, "read", {"action": "check-credentials", "name": name, "CAFile": "/none"}
        )
    assert CANARY not in say(api, "read", {"action": "check-credentials", "name": name})


def test_broken_records_and_settings_do_not_tell(api: Api, put: Callable[[str], None]) -> None:
    put(f"a=getmail|Password|{CANARY}|x\nb=getmail|Account|b|Password|{CANARY}\\n|Server|{'x' * 300}\n")
    assert CANARY not in say(api, "read", {"action": "list", "redact": True})
    assert CANARY not in say(api, "execute", {"action": "run", "name": "b"})
    assert CANARY not in say(api, "update", {"action": "update", "name": "b", "Time": 5})
    assert CANARY not in say(api.having(STATE_DIR="x"), "create", WITH_CANARY)


def test_database_is_private_whatever_the_umask(api: Api) -> None:
    api.add(Password=CANARY)
    found = [
        path for path in api.folder.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()
    ]
    assert found == [api.db]
    assert api.db.stat().st_mode & 0o777 == 0o600


# Passwords that are asked for


def write_secret(api: Api, text: str, mode: int = 0o600) -> str:
    path = api.folder / "secret"
    path.write_text(text)
    path.chmod(mode)
    if api.user:
        os.chown(path, api.user.pw_uid, api.user.pw_gid)
    return str(path)


def ask(api: Api, server: Server, **props: Any) -> str:
    """Return all that a check says of values that are not stored."""
    data = {key: value for key, value in CHECK.items() if key != "Password"}
    plain = {"Server": "127.0.0.1", "Port": server.port, "Retriever": "SimplePOP3Retriever"}
    return say(api, "read", data | plain | props)


@pytest.mark.parametrize("is_told", [True, False])
def test_password_of_a_file_is_checked_and_not_told(api: Api, is_told: bool) -> None:
    script = pop3(overrides={"PASS .*": f"-ERR {CANARY}? No.\r\n".encode()} if is_told else {})
    path = write_secret(api, f"{CANARY}\r\nmore\n")
    with Server(script) as server:
        said = ask(api, server, PasswordFile=path)
        assert server.commands(f"PASS {CANARY}")
    assert ("INVALID_CREDENTIALS" if is_told else "success") in said
    assert CANARY not in said
    write_secret(api, CANARY, 0o640)
    with Server(pop3()) as server:
        said = ask(api, server, PasswordFile=path)
        assert not server.commands("PASS .*")
    assert "chmod 600" in said
    assert CANARY not in said


def test_password_of_a_program_is_checked_and_not_told(api: Api) -> None:
    command = f"/bin/sh -c 'echo {CANARY[:6]}{{}} | sed s/{{}}/{CANARY[6:]}/'"
    allowing = api.having(ALLOW_COMMANDS="yes")
    with Server(pop3()) as server:
        said = ask(allowing, server, PasswordCommand=command)
        assert server.commands(f"PASS {CANARY}")
        assert "success" in said
        assert CANARY not in said
        said = ask(api, server, PasswordCommand=command)
        assert '"cause": "settings"' in said
        assert len(server.commands("PASS .*")) == 1
    with Server(pop3()) as server:
        said = ask(allowing, server, PasswordCommand=f"{command[:-1]}; echo locked >&2; exit 9'")
        assert not server.commands("PASS .*")
    assert "exit status 9, locked" in said
    assert CANARY not in said


def test_stored_password_of_a_file_is_checked(api: Api) -> None:
    path = write_secret(api, CANARY)
    with Server(pop3()) as server:
        name = api.add(
            Server="127.0.0.1",
            Port=str(server.port),
            Retriever="SimplePOP3Retriever",
            Password="",
            PasswordFile=path,
            TLS="none",
        )
        for more in ({}, {"TLS": "auto"}, {"Password": ""}):
            said = say(api, "read", {"action": "check-credentials", "name": name, **more})
            assert "success" in said
            assert CANARY not in said
        assert len(server.commands(f"PASS {CANARY}")) == 3
        elsewhere = {"action": "check-credentials", "name": name, "Server": "localhost"}
        assert "Conflict" in say(api, "read", {**elsewhere, "PasswordFile": path})
        assert len(server.commands(f"PASS {CANARY}")) == 3
        # What is typed stands before what is stored.
        say(api, "read", {"action": "check-credentials", "name": name, "Password": "typed"})
        assert server.commands("PASS typed")
