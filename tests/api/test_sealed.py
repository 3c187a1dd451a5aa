# SPDX-License-Identifier: LGPL-2.1-or-later
"""Secrets stored sealed (ENCRYPT_SECRETS): a copy of the database does not show them, nor does any answer."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import database
from cockpit_getmail.connector import SECRETS
from cockpit_getmail.login.sealed import seal, unseal
from tests.api.conftest import CONNECTOR, ROOT, Api
from tests.support import need_programs, need_root

pytestmark = pytest.mark.long

CANARY = "kanari-4711"
TOKENS = {prop: f"{CANARY}-{prop}" for prop in SECRETS if prop != "Password"}


@pytest.fixture
def api() -> Iterator[Api]:
    """The helpers as root's, who alone can seal. No unit is started by what is done here."""
    need_root()
    need_programs("systemd-creds")
    folder = Path(tempfile.mkdtemp(prefix="cockpit-getmail-"))
    yield Api(folder).having(ENCRYPT_SECRETS="yes")
    shutil.rmtree(folder)


def clear(api: Api) -> Api:
    return api.having(ENCRYPT_SECRETS="no")


def opened(api: Api, name: str) -> dict[str, str]:
    """Return the secrets of a connector in clear; none is stored so."""
    props = api.props(name)
    assert not props.keys() & set(SECRETS)
    return {
        prop.removeprefix("Sealed"): unseal(prop.removeprefix("Sealed"), value)
        for prop, value in props.items()
        if prop.startswith("Sealed")
    }


def say(api: Api, verb: str, **data: Any) -> str:
    done = api.run(verb, json.dumps(data).encode())
    return (done.stdout + done.stderr).decode()


# Created, changed, listed


def test_created_secret_is_sealed(api: Api) -> None:
    name = api.create(Password=CANARY)
    assert opened(api, name) == {"Password": CANARY}
    assert CANARY not in api.db.read_text()
    assert not [path for path, content in api.files().items() if CANARY.encode() in content]


def test_tokens_are_sealed_too(api: Api) -> None:
    name = api.create(**{**CONNECTOR, "Provider": "google"} | TOKENS | {"Password": CANARY})
    found = opened(api, name)
    assert {prop: found[prop] for prop in TOKENS} == TOKENS
    assert CANARY not in api.db.read_text()


def test_token_under_the_name_of_contextio_is_sealed(api: Api) -> None:
    name = api.create(provider_token=CANARY)
    assert opened(api, name)["RefreshToken"] == CANARY
    assert CANARY not in api.db.read_text()


@pytest.mark.parametrize("redact", [True, False])
def test_list_tells_that_there_is_one_and_no_more(api: Api, redact: bool) -> None:
    api.create(Password=CANARY)
    [connector] = api.connectors(redact=redact)["admin"]
    assert connector["props"]["Password"] == ""
    assert not [prop for prop in connector["props"] if prop.startswith("Sealed")]
    api.succeed("update", "unseal")
    [connector] = api.connectors(redact=redact)["admin"]
    assert connector["props"]["Password"] == ("" if redact else CANARY)


def test_redacted_list_tells_no_secret_at_all(api: Api) -> None:
    name = clear(api).create(**{**CONNECTOR, "Provider": "google"} | TOKENS)
    [connector] = api.connectors(redact=True)["admin"]
    assert {prop: connector["props"].get(prop) for prop in TOKENS} == dict.fromkeys(TOKENS, "")
    assert CANARY not in say(api, "read", action="list", redact=True)
    assert CANARY in say(api, "read", action="list")
    assert name


def test_update_without_a_secret_keeps_it(api: Api) -> None:
    name = api.create(Password=CANARY)
    before = api.props(name)["SealedPassword"]
    for data in ({"Time": 9}, {"Password": "", "Time": 10}, {"Username": "other"}):
        api.succeed("validate", "update", name=name, **data)
        api.succeed("update", "update", name=name, **data)
        assert api.props(name)["SealedPassword"] == before
        assert "Password" not in api.props(name)


def test_what_list_told_can_be_sent_back(api: Api) -> None:
    name = api.create(Password=CANARY)
    [connector] = api.connectors()["admin"]
    api.succeed("update", "update", **{**connector["props"], "name": name})
    assert opened(api, name) == {"Password": CANARY}


def test_new_secret_replaces_both_forms(api: Api) -> None:
    name = api.create(Password=CANARY)
    api.succeed("update", "update", name=name, Password="new")
    assert opened(api, name) == {"Password": "new"}
    clear(api).succeed("update", "update", name=name, Password="newer")
    assert api.props(name)["Password"] == "newer"
    assert "SealedPassword" not in api.props(name)
    api.succeed("update", "update", name=name, Password="newest")
    assert opened(api, name) == {"Password": "newest"}


def test_null_removes_both_forms(api: Api) -> None:
    name = api.create(Provider="google", RefreshToken=CANARY)
    api.succeed("update", "update", name=name, RefreshToken=None)
    assert not [prop for prop in api.props(name) if "RefreshToken" in prop]


def test_file_in_the_place_of_a_password_removes_it(api: Api) -> None:
    name = api.create(Password=CANARY)
    api.succeed("update", "update", name=name, PasswordFile="/etc/secret")
    assert not [prop for prop in api.props(name) if prop in ("Password", "SealedPassword")]
    api.succeed("update", "update", name=name, Password=CANARY)
    assert "PasswordFile" not in api.props(name)
    assert opened(api, name) == {"Password": CANARY}


def test_sealed_password_and_a_file_contradict_each_other(api: Api) -> None:
    data = {**CONNECTOR, "Password": CANARY, "PasswordFile": "/etc/secret"}
    assert api.faults("create", **data) == {"Password": "conflict"}


def test_faults_are_told_without_a_secret(api: Api) -> None:
    name = api.create(Password=CANARY)
    said = [
        say(api, "update", action="update", name=name, Password=CANARY, Time=1),
        say(api, "update", action="update", name=name, Time=1),
        say(api, "update", action="update", name="unknown", Password=CANARY),
        say(api, "execute", action="run", name=name),
        say(api, "read", action="info"),
        say(api, "read", action="status"),
        say(api, "update", action="unseal"),
        say(api, "update", action="seal"),
    ]
    blob = api.props(name)["SealedPassword"]
    assert not [text for text in said if CANARY in text or blob in text]


def test_sealed_props_cannot_be_given(api: Api) -> None:
    fault = {"SealedPassword": "additionalProperties"}
    assert api.faults("create", **CONNECTOR, SealedPassword="AAAA") == fault
    name = api.create()
    assert api.faults("update", "update", name=name, SealedPassword="AAAA") == fault


def test_failure_writes_nothing(api: Api) -> None:
    name = api.create(Password=CANARY)
    before = api.db.read_bytes()
    nobody = api.as_user("nobody")
    for verb, data in (
        ("create", CONNECTOR),
        ("update", {"action": "update", "name": name, "Password": "x"}),
    ):
        answer = nobody.fail(verb, **data)
        assert answer["attributes"] == {"cause": "settings", "setting": "ENCRYPT_SECRETS"}
        assert "takes root" in answer["message"]
    nobody.succeed("update", "update", name=name, Time=7)
    assert b"|Time|7|" in api.db.read_bytes()
    assert api.db.read_bytes() == before.replace(b"|Time|30|", b"|Time|7|")


# Both forms


def test_secret_that_another_program_put_in_clear_is_the_newer_one(api: Api) -> None:
    name = api.create(Password="old")
    with database.transaction(api.db) as content:
        content.put(name, "getmail", {**api.props(name), "Password": CANARY})
    assert api.connectors()["admin"][0]["props"]["Password"] == CANARY
    assert api.succeed("read", "info")["secrets"] == {"sealed": 0, "plain": 1}
    assert api.succeed("update", "seal")["secrets"] == 1
    assert opened(api, name) == {"Password": CANARY}


def test_unsealing_leaves_a_newer_one_in_clear(api: Api) -> None:
    name = api.create(Password="old")
    with database.transaction(api.db) as content:
        content.put(name, "getmail", {**api.props(name), "Password": CANARY})
    assert api.succeed("update", "unseal")["secrets"] == 0
    assert api.props(name)["Password"] == CANARY


# Converted


def add_some(api: Api, number: int) -> list[str]:
    names = [api.add(Username=f"user{each}", Password=f"{CANARY}-{each}") for each in range(number)]
    with database.transaction(api.db) as content:
        content.put("other", "other", {"Password": CANARY})
        content.put("none", "getmail", {"Server": "s", "Password": ""})
    return names


def test_both_ways(api: Api) -> None:
    names = add_some(api, 12)
    before = api.db.read_bytes()
    assert api.succeed("read", "info")["secrets"] == {"sealed": 0, "plain": 12}
    done = {"state": "success", "connectors": 12, "secrets": 12}
    assert api.succeed("update", "seal") == done
    assert api.succeed("read", "info")["secrets"] == {"sealed": 12, "plain": 0}
    assert [opened(api, name)["Password"] for name in names] == [f"{CANARY}-{each}" for each in range(12)]
    # Of another type: nobody's business here.
    assert api.db.read_text().count(CANARY) == 1
    sealed = api.db.read_bytes()
    assert api.succeed("update", "seal") == {"state": "success", "connectors": 0, "secrets": 0}
    assert api.db.read_bytes() == sealed
    assert api.succeed("update", "unseal") == done
    assert api.db.read_bytes() == before
    assert api.succeed("update", "unseal") == {"state": "success", "connectors": 0, "secrets": 0}


def test_in_portions(api: Api) -> None:
    add_some(api, 5)
    answer = api.succeed("update", "seal", limit=2)
    assert (answer["connectors"], answer["left"]) == (2, 3)
    answer = api.succeed("update", "seal", limit=2, after=answer["after"])
    assert (answer["connectors"], answer["left"]) == (2, 1)
    answer = api.succeed("update", "seal", limit=2, after=answer["after"])
    assert answer == {"state": "success", "connectors": 1, "secrets": 1}
    assert api.succeed("read", "info")["secrets"] == {"sealed": 5, "plain": 0}


def test_what_does_not_open_stays_and_is_told(api: Api) -> None:
    names = add_some(api, 3)
    api.succeed("update", "seal")
    with database.transaction(api.db) as content:
        foreign = {**content.get(names[1]).props, "SealedPassword": seal("Other", CANARY)}  # type: ignore[union-attr]
        content.put(names[1], "getmail", foreign)
    answer = api.succeed("update", "unseal")
    assert (answer["connectors"], answer["secrets"], answer["failed_count"]) == (2, 2, 1)
    [failed] = answer["failed"]
    assert failed["name"] == names[1]
    assert "Password does not open: it was sealed on another machine" in failed["message"]
    assert api.props(names[1])["SealedPassword"] == foreign["SealedPassword"]
    assert api.succeed("read", "info")["secrets"] == {"sealed": 1, "plain": 2}


def test_who_is_not_root_can_neither(api: Api) -> None:
    names = add_some(api, 1)
    nobody = api.as_user("nobody")
    before = api.db.read_bytes()
    assert nobody.fail("update", "seal")["attributes"]["cause"] == "settings"
    assert api.db.read_bytes() == before
    api.succeed("update", "seal")
    api.as_user("nobody")
    assert nobody.fail("update", "unseal")["attributes"]["cause"] == "settings"
    assert opened(api, names[0])


def test_command_tells_what_was_done(api: Api) -> None:
    def run(*words: str, status: int = 0) -> str:
        argv = [f"{ROOT}/.venv/bin/python", "-I", f"{ROOT}/lib/cockpit_getmail/__main__.py", *words]
        done = subprocess.run(
            argv, env=clear(api).environment, capture_output=True, text=True, check=False, timeout=60
        )
        assert done.returncode == status, done.stderr
        return done.stdout + done.stderr

    names = add_some(api, 3)
    assert run("seal").startswith(
        "3 secrets of 3 connectors are now sealed.\nWhat is stored from now on stays"
    )
    assert "3 sealed, 0 in clear" in run("info")
    with database.transaction(api.db) as content:
        content.put(names[0], "getmail", {**api.props(names[0]), "SealedPassword": "AAAA"})
    said = run("unseal", status=65)
    assert said.startswith("2 secrets of 2 connectors are now stored in clear.\n")
    assert f"{names[0]}: Password does not open" in said
    assert json.loads(run("--json", "seal")) == {"state": "success", "connectors": 2, "secrets": 2}


# Where passwords come from otherwise


def test_command_is_refused_unless_the_settings_allow_it(api: Api) -> None:
    data = {key: value for key, value in CONNECTOR.items() if key != "Password"}
    data["PasswordCommand"] = "/usr/bin/pass show mail"
    allowing = api.having(ALLOW_COMMANDS="yes")
    fault = {"PasswordCommand": "disallowed"}
    assert api.faults("create", **data) == fault
    assert api.faults("validate", "create", **data) == fault
    name = allowing.succeed("create", **data)["name"]
    assert api.faults("update", "update", name=name, PasswordCommand="/bin/echo x") == fault
    assert api.faults("validate", "update", name=name, PasswordCommand="/bin/echo x") == fault
    # What is stored is not judged again, and can be removed.
    api.succeed("update", "update", name=name, Time=9)
    api.succeed("update", "update", name=name, PasswordCommand=None, PasswordFile="/etc/secret")
    assert "PasswordCommand" not in api.props(name)
    assert allowing.faults("update", "update", name=name, PasswordCommand="/bin/echo '") == {
        "PasswordCommand": "format"
    }


def test_paths_are_no_secrets(api: Api) -> None:
    data = {key: value for key, value in CONNECTOR.items() if key != "Password"}
    api.succeed("create", **data, PasswordFile="/etc/secret")
    [connector] = api.connectors(redact=True)["admin"]
    assert connector["props"]["PasswordFile"] == "/etc/secret"
    assert "Password" not in connector["props"]
