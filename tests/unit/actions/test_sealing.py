# SPDX-License-Identifier: LGPL-2.1-or-later
"""Converting while others write: nobody waits, and nothing that they write is lost."""

from pathlib import Path

import pytest

from cockpit_getmail import database
from cockpit_getmail.actions import as_in_clear, sealing, select
from cockpit_getmail.login import sealed
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.settings import Settings

Items = list[tuple[str, str]]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    found = Settings(tmp_path / "connectors", tmp_path / "state")
    for name in "abc":
        put(found, name, Password=f"p-{name}")
    return found


def put(settings: Settings, name: str, **props: str) -> None:
    with database.transaction(settings.connectors_db) as content:
        content.put(name, "getmail", {"Server": "s", **props})


def props(settings: Settings, name: str) -> dict[str, str]:
    record = database.read(settings.connectors_db).get(name)
    assert record
    return record.props


def seal(items: Items) -> list[str | Problem]:
    return [f"sealed {prop} {text}" for prop, text in items]


def test_what_is_changed_meanwhile_stays_as_it_is(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seal_meanwhile(items: Items) -> list[str | Problem]:
        put(settings, "a", Password="new", Time="5")
        put(settings, "b", Password="p-b", Time="5")
        put(settings, "d", Password="p-d")
        with database.transaction(settings.connectors_db) as content:
            content.remove("c")
        return seal(items)

    monkeypatch.setattr(sealed, "seal_each", seal_meanwhile)
    assert sealing.seal_all({}, settings) == {"state": "success", "connectors": 1, "secrets": 1}
    assert props(settings, "a") == {"Server": "s", "Password": "new", "Time": "5"}
    assert props(settings, "b") == {"Server": "s", "SealedPassword": "sealed Password p-b", "Time": "5"}
    assert props(settings, "d") == {"Server": "s", "Password": "p-d"}
    assert database.read(settings.connectors_db).get("c") is None


def test_several_secrets_of_one_connector(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealed, "seal_each", seal)
    put(settings, "a", Password="p", RefreshToken="r", ClientSecret="", provider_token_secret="s")
    assert sealing.seal_all({"limit": 1}, settings) == {
        "state": "success",
        "connectors": 1,
        "secrets": 3,
        "after": "a",
        "left": 2,
    }
    assert props(settings, "a") == {
        "Server": "s",
        "ClientSecret": "",
        "SealedPassword": "sealed Password p",
        "SealedRefreshToken": "sealed RefreshToken r",
        "Sealedprovider_token_secret": "sealed provider_token_secret s",
    }
    counts = sealing.count_secrets(select(database.read(settings.connectors_db)))
    assert counts == {"sealed": 3, "plain": 2}


def test_machine_that_cannot_seal_changes_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Path(settings.connectors_db).read_bytes()
    trouble = failure("settings", "There is no systemd-creds here.")
    monkeypatch.setattr(sealed, "seal_each", lambda items: [*seal(items)[1:], trouble])
    with pytest.raises(Problem, match="no systemd-creds"):
        sealing.seal_all({}, settings)
    assert Path(settings.connectors_db).read_bytes() == before


def test_many_that_do_not_open_are_counted(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    trouble = failure("credentials", "It was sealed on another machine.")
    monkeypatch.setattr(sealed, "unseal_each", lambda items: [trouble for _ in items])
    monkeypatch.setattr(sealing, "FAILED_SHOWN", 2)
    for name in "abc":
        put(settings, name, SealedPassword="AAAA", SealedRefreshToken="AAAA")
    answer = sealing.unseal_all({}, settings)
    assert (answer["connectors"], answer["secrets"], answer["failed_count"]) == (0, 0, 3)
    assert answer["failed"] == [{"name": name, "message": trouble.message} for name in "ab"]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ({"Server": "s"}, {"Server": "s"}),
        ({"Password": "p"}, {"Password": "p"}),
        ({"SealedPassword": "b"}, {"Password": "?"}),
        ({"SealedPassword": ""}, {}),
        ({"SealedPassword": "b", "Password": ""}, {"Password": "?"}),
        ({"SealedPassword": "b", "Password": "p"}, {"Password": "p"}),
        ({"SealedServer": "b"}, {"SealedServer": "b"}),
    ],
)
def test_record_as_if_nothing_were_sealed(stored: dict[str, str], shown: dict[str, str]) -> None:
    assert as_in_clear(stored, "?") == shown
