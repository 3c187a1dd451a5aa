# SPDX-License-Identifier: LGPL-2.1-or-later
"""Sealing by the real systemd-creds, which needs root but no systemd that runs."""

import os
import re
from pathlib import Path

import pytest

from cockpit_getmail.connector import SEALED, SECRETS, Connector
from cockpit_getmail.environment import ENVIRONMENT
from cockpit_getmail.login import sealed
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from tests.support import need_programs, need_root

pytestmark = pytest.mark.long

CANARY = "kanari-4711"
WANTED = Settings(encrypt_secrets=True)


@pytest.fixture(scope="module", autouse=True)
def sealing() -> None:
    need_root()
    need_programs("systemd-creds")


@pytest.mark.parametrize("text", [CANARY, "é😀", " a ", "x" * 8192, "\udcff", "base64:", "|"])
def test_what_is_sealed_opens_again(text: str) -> None:
    blob = sealed.seal("Password", text)
    assert re.fullmatch("[A-Za-z0-9+/]+=*", blob)
    assert text not in blob
    assert sealed.unseal("Password", blob) == text


def test_it_opens_only_as_what_it_was_sealed() -> None:
    blob = sealed.seal("Password", CANARY)
    with pytest.raises(Problem, match="RefreshToken does not open") as caught:
        sealed.unseal("RefreshToken", blob)
    assert (caught.value.cause, caught.value.hint) == ("credentials", "Sign in again (authorize).")


@pytest.mark.parametrize("blob", ["", "x", "AAAA", "é", "\udcff", "A" * 400])
def test_what_is_damaged_does_not_open(blob: str) -> None:
    with pytest.raises(Problem, match="Password does not open: it was sealed on another machine") as caught:
        sealed.unseal("Password", blob)
    assert caught.value.hint == "Enter the password anew."


def test_change_of_one_octet_is_found() -> None:
    blob = sealed.seal("Password", CANARY)
    middle = len(blob) // 2
    changed = blob[:middle] + ("A" if blob[middle] != "A" else "B") + blob[middle + 1 :]
    with pytest.raises(Problem, match="does not open"):
        sealed.unseal("Password", changed)


def test_many_are_worked_at_in_order() -> None:
    texts = [f"{CANARY}-{number}" for number in range(20)]
    blobs = sealed.seal_each([("Password", text) for text in texts])
    assert all(isinstance(blob, str) for blob in blobs)
    items = [("Password", str(blob)) for blob in blobs]
    items[7] = ("Password", "AAAA")
    found = sealed.unseal_each(items)
    assert isinstance(found[7], Problem)
    assert [*found[:7], *found[8:]] == [*texts[:7], *texts[8:]]


def test_only_wanted_secrets_are_sealed() -> None:
    data = {"Password": CANARY, "ClientSecret": "", "RefreshToken": None, "Server": "s"}
    assert sealed.seal_wanted(data, Settings()) == {}
    assert sealed.seal_wanted(data, WANTED).keys() == {"Password"}


def test_sealed_ones_stand_for_those_in_clear() -> None:
    props = {"Server": "s", "Password": CANARY, "SealedPassword": "old", "RefreshToken": "token"}
    assert sealed.put_sealed(props, {"Password": "new", "ClientSecret": "not stored"}) == {
        "Server": "s",
        "SealedPassword": "new",
        "RefreshToken": "token",
    }


def test_connector_is_opened_whole() -> None:
    secrets = {prop: f"{CANARY}-{prop}" for prop in SECRETS}
    blobs = sealed.seal_wanted(secrets, WANTED)
    props = sealed.put_sealed({"Server": "s", **secrets}, blobs)
    assert props.keys() == {"Server", *SEALED}
    closed = Connector.from_record("n", props)
    assert not closed.secrets
    opened = sealed.opened(closed)
    assert (opened.name, opened.props, opened.secrets, opened.sealed) == ("n", {"Server": "s"}, secrets, {})
    assert sealed.find_trouble(closed) is None
    assert sealed.opened(opened) is opened


def test_only_what_is_needed_is_opened() -> None:
    blobs = {"ClientSecret": sealed.seal("ClientSecret", CANARY), "RefreshToken": "of another machine"}
    connector = Connector("n", {}, {"Password": "p"}, blobs)
    assert sealed.open_secret(connector, "ClientSecret") == CANARY
    assert sealed.open_secret(connector, "Password") == "p"
    assert sealed.open_secret(connector, "provider_token_secret") == ""
    assert sealed.opened(connector, ["ClientSecret"]).secrets == {"Password": "p", "ClientSecret": CANARY}
    with pytest.raises(Problem, match="RefreshToken does not open"):
        sealed.open_secret(connector, "RefreshToken")


def test_trouble_is_found() -> None:
    trouble = sealed.find_trouble(Connector("n", {}, {}, {"Password": "AAAA"}))
    assert trouble is not None
    assert trouble.cause == "credentials"


def test_machine_without_it_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(ENVIRONMENT, "PATH", str(tmp_path))
    for act in (sealed.seal, sealed.unseal):
        with pytest.raises(Problem, match="There is no systemd-creds here") as caught:
            act("Password", CANARY)
        assert caught.value.cause == "settings"
        assert CANARY not in str(caught.value)


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Have a script of the shell in the place of systemd-creds."""
    program = folder / "systemd-creds"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setitem(ENVIRONMENT, "PATH", f"{folder}:/usr/bin:/bin")


def test_first_of_many_has_the_machine_s_key_made_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    lines = tmp_path / "lines"
    stand_in(tmp_path, monkeypatch, f"echo begin >>{lines}; sleep 0.1; echo end >>{lines}; echo AAAA")
    assert sealed.seal_each([("Password", CANARY)] * 4) == ["AAAA"] * 4
    assert lines.read_text().split()[:2] == ["begin", "end"]
    assert sealed.seal_each([]) == []


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo no key >&2; exit 1", "could not be sealed: no key. Nothing was stored."),
        ("exit 1", "It gave no reason."),
        ("echo '?'", "could not be sealed"),
        ("true", "could not be sealed"),
    ],
)
def test_failure_is_told(script: str, told: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stand_in(tmp_path, monkeypatch, script)
    with pytest.raises(Problem, match=re.escape(told)) as caught:
        sealed.seal("Password", CANARY)
    assert caught.value.cause == "settings"
    assert CANARY not in str(caught.value)


def test_it_takes_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(Problem, match="Sealing secrets takes root"):
        sealed.seal("Password", CANARY)
    with pytest.raises(Problem, match="opening it takes root"):
        sealed.unseal("Password", "AAAA")
