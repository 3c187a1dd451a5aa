# SPDX-License-Identifier: LGPL-2.1-or-later
"""Access tokens as runs need them, of a provider where a refresh token that is used twice voids them all."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from cockpit_getmail import database
from cockpit_getmail.actions import sealing
from cockpit_getmail.connector import Connector
from cockpit_getmail.login.sealed import opened
from cockpit_getmail.oauth import broker, cache
from cockpit_getmail.oauth.flows import Grant
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import place
from tests.support import need_programs, need_root, refreshing
from tests.support.refreshing import KILLED, Plan
from tests.support.tokens import TokenEndpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeAlias

    Convert: TypeAlias = Callable[[dict[str, Any], Settings], dict[str, Any]]

NAME = "u@example.com@h"
PROPS = {
    "Retriever": "SimpleIMAPSSLRetriever",
    "Server": "h",
    "Username": "u@example.com",
    "Account": "a",
    "Provider": "custom",
    "ClientId": "id",
    "ClientSecret": "client-secret",
}


class Case(NamedTuple):
    settings: Settings
    provider: TokenEndpoint
    plan: Plan

    @property
    def connector(self) -> Connector:
        record = database.read(self.settings.connectors_db).get(NAME)
        assert record
        return Connector.from_record(NAME, record.props)

    @property
    def stored(self) -> str:
        return self.connector.secrets["RefreshToken"]

    def put(self, **props: str) -> None:
        with database.transaction(self.settings.connectors_db) as content:
            content.put(NAME, "getmail", {**PROPS, "TokenUrl": self.provider.url, **props})

    def get(self, refused_at: float = 0.0) -> str:
        return broker.access_token(self.connector, self.settings, refused_at=refused_at).access_token


@pytest.fixture
def case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Case]:
    run_folder = str(tmp_path / "run")
    monkeypatch.setattr(place, "RUN_FOLDER", run_folder)
    monkeypatch.setattr(cache, "_memory", {})
    settings = Settings(tmp_path / "db" / "connectors", tmp_path / "state")
    with TokenEndpoint() as provider:
        plan = Plan(settings.connectors_db, settings.state_dir, run_folder, NAME)
        found = Case(settings, provider, plan)
        found.put(RefreshToken=provider.refresh_token)
        yield found


def test_token_is_kept_while_it_is_good(case: Case) -> None:
    before = time.time()
    token = broker.access_token(case.connector, case.settings)
    assert token.access_token == "access-1"
    assert before + 3599 <= token.expires_at <= time.time() + 3600
    assert case.stored == case.provider.refresh_token == "refresh-1"
    assert case.get() == "access-1"
    assert [form["refresh_token"] for form in case.provider.asked] == ["refresh-0"]


def test_what_is_kept_is_roots_alone(case: Case) -> None:
    case.get()
    folder = Path(cache._folder(case.settings))
    assert folder.stat().st_mode & 0o7777 == 0o700
    files = list(folder.iterdir())
    assert files
    assert {file.stat().st_mode & 0o7777 for file in files} == {0o600}
    assert not any(b"refresh" in file.read_bytes() for file in files)


@pytest.mark.parametrize("lifetime", [0, 1, 100, 500])
def test_token_that_is_about_to_expire_is_refreshed(
    case: Case, lifetime: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.provider.lifetime = lifetime
    assert case.get() == "access-1"
    now = time.time() + max(lifetime - cache.MARGIN_SECONDS, lifetime / 2)
    monkeypatch.setattr(time, "time", lambda: now)
    assert case.get() == "access-2"


def test_clock_that_is_set_back(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    case.get()
    now = time.time() - 10000
    monkeypatch.setattr(time, "time", lambda: now)
    assert case.get() == "access-2"


def test_token_that_a_server_refused_is_not_used_again(case: Case) -> None:
    case.get()
    refused_at = time.time()
    assert case.get(refused_at) == "access-2"
    assert case.get(refused_at) == "access-2"


@pytest.mark.parametrize(
    "props",
    [
        {"RefreshToken": "refresh-1", "ClientId": "other"},
        {"RefreshToken": "refresh-1", "Scope": "other"},
        {"RefreshToken": "refresh-1", "Username": "v@example.com"},
        {"RefreshToken": "refresh-1", "ClientSecret": "other"},
        {"RefreshToken": "refresh-1", "Grant": "client_credentials"},
    ],
)
def test_change_of_the_grant_voids_the_token(case: Case, props: dict[str, str]) -> None:
    case.get()
    case.put(**props)
    assert case.get() == "access-2"


def test_sign_in_voids_all_of_before(case: Case) -> None:
    case.get()
    case.provider.refresh_token = "refresh-new"
    broker.sign_in(case.connector, case.settings, Grant("a", 0, "refresh-new"))
    assert case.stored == "refresh-new"
    assert case.get() == "access-2"


def test_sign_in_without_a_refresh_token(case: Case) -> None:
    with pytest.raises(Problem, match="gave no refresh token"):
        broker.sign_in(case.connector, case.settings, Grant("a", 0))
    assert case.stored == "refresh-0"


@pytest.mark.parametrize(
    "props",
    [{"TokenUrl": "https://other.example/token"}, {"ClientId": "other"}, {"Username": "other"}],
    ids=["address", "client", "person"],
)
def test_sign_in_at_what_the_connector_has_no_more(case: Case, props: dict[str, str]) -> None:
    asked = case.connector
    case.put(RefreshToken="refresh-0", **props)
    with pytest.raises(Problem, match="changed meanwhile"):
        broker.sign_in(asked, case.settings, Grant("a", 0, "refresh-new"))
    assert case.stored == "refresh-0"
    # What has nothing to do with it may change.
    case.put(RefreshToken="refresh-1", Account="other", Server="other")
    broker.sign_in(asked, case.settings, Grant("a", 0, "refresh-new"))
    assert (case.stored, case.connector.account) == ("refresh-new", "other")


def test_provider_that_does_not_rotate(case: Case) -> None:
    case.provider.rotates = False
    stat = os.stat(case.settings.connectors_db)
    case.get()
    assert case.stored == "refresh-0"
    assert os.path.samestat(stat, os.stat(case.settings.connectors_db))


def test_nobody_has_signed_in(case: Case) -> None:
    case.put()
    with pytest.raises(Problem, match="Nobody has signed in") as raised:
        case.get()
    assert raised.value.cause == "credentials"


def test_connector_that_is_not_saved(case: Case) -> None:
    with pytest.raises(Problem) as raised:
        broker.access_token(Connector("other", case.connector.props), case.settings)
    assert raised.value.type == "NotFound"
    assert not case.provider.asked


def test_refusal_is_told_and_costs_nothing(case: Case) -> None:
    case.provider.answer = (400, b'{"error": "invalid_grant", "error_description": "refresh-0 is old"}')
    with pytest.raises(Problem, match="invalid_grant") as raised:
        case.get()
    assert "refresh-0" not in raised.value.message
    assert raised.value.cause == "credentials"
    case.provider.answer = None
    assert case.get() == "access-2"


def test_provider_that_answers_nothing_of_use(case: Case) -> None:
    for answer in ((200, b"\xff"), (200, b"[]"), (200, b"x" * 200_000), (503, b""), (302, b"")):
        case.provider.answer = answer
        with pytest.raises(Problem) as raised:
            case.get()
        assert raised.value.cause in ("protocol", "network")
    assert case.stored == "refresh-0"


@pytest.mark.long
def test_many_processes_refresh_once(case: Case) -> None:
    case.provider.gate.clear()
    children = [refreshing.start(case.plan) for _ in range(4)]
    assert case.provider.arrived.wait(60)
    case.provider.gate.set()
    found = [refreshing.end(child) for child in children]
    if os.geteuid() == 0:
        assert [(status, got) for status, got, _ in found] == [(0, "access-1")] * 4
    else:
        # Each has its own memory, but none uses a refresh token twice.
        assert {status for status, _, _ in found} == {0}
    assert case.stored == case.provider.refresh_token


def test_threads_refresh_once(case: Case) -> None:
    got: list[str] = []
    threads = [threading.Thread(target=lambda: got.append(case.get())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got == ["access-1"] * 4


@pytest.mark.long
def test_kill_at_each_step_after_the_answer_loses_no_refresh_token(case: Case) -> None:
    """But for the very first ones, until what came is written down at all."""
    lost: list[int] = []
    number, status, steps = 0, KILLED, list[str]()
    while status == KILLED:
        number += 1
        case.provider.refresh_token = "refresh-0"
        cache.forget(NAME, case.settings)
        case.put(RefreshToken="refresh-0")
        status, _, steps = refreshing.end(refreshing.start(replace(case.plan, stop=number)))
        after, got, _ = refreshing.end(refreshing.start(case.plan))
        assert after == 0
        if got == "credentials":
            lost.append(number)
        else:
            assert got.startswith("access-")
            assert case.stored == case.provider.refresh_token
    is_written = next(number for number, step in enumerate(steps, 1) if step.startswith("os.rename"))
    assert ".pending.new" in steps[is_written - 1]
    assert lost == list(range(1, is_written + 1))
    assert len(steps) >= is_written + 4
    assert not [path for path in Path(cache._folder(case.settings)).iterdir() if "pending" in path.name]


@pytest.mark.long
def test_refresh_token_that_cannot_be_stored_is_stored_by_the_next(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = case.settings.connectors_db
    folder = Path(path).parent
    case.provider.gate.clear()
    child = refreshing.start(case.plan)
    assert case.provider.arrived.wait(60)
    # What is in its place cannot be locked.
    folder.rename(folder.with_name("away"))
    folder.mkdir()
    Path(f"{path}.lock").mkdir()
    case.provider.gate.set()
    assert refreshing.end(child)[1] == "internal"
    Path(f"{path}.lock").rmdir()
    folder.rmdir()
    folder.with_name("away").rename(folder)
    assert (case.stored, case.provider.refresh_token) == ("refresh-0", "refresh-1")
    assert case.get() == "access-2"
    assert [form["refresh_token"] for form in case.provider.asked] == ["refresh-0", "refresh-1"]
    assert case.stored == case.provider.refresh_token


# Sealed meanwhile


def convert(settings: Settings, work: Convert = sealing.seal_all) -> None:
    need_root()
    need_programs("systemd-creds")
    assert work({}, settings)["secrets"] == 2


def find_opened(case: Case) -> str:
    return opened(case.connector).secrets["RefreshToken"]


@pytest.mark.long
@pytest.mark.parametrize("work", [sealing.seal_all, sealing.unseal_all])
def test_refresh_token_that_is_converted_during_a_refresh_is_not_lost(case: Case, work: Convert) -> None:
    need_root()
    if work is sealing.unseal_all:
        convert(case.settings)
    case.provider.gate.clear()
    child = refreshing.start(case.plan)
    assert case.provider.arrived.wait(60)
    convert(case.settings, work)
    case.provider.gate.set()
    assert refreshing.end(child)[1] == "access-1"
    assert find_opened(case) == case.provider.refresh_token == "refresh-1"
    assert [form["refresh_token"] for form in case.provider.asked] == ["refresh-0"]


@pytest.mark.long
def test_refresh_token_that_could_not_be_stored_survives_the_sealing_of_the_old_one(case: Case) -> None:
    cache.keep_pending(NAME, case.settings, broker._digest(case.connector), "refresh-1")
    case.provider.refresh_token = "refresh-1"
    convert(case.settings)
    assert case.get() == "access-1"
    assert [form["refresh_token"] for form in case.provider.asked] == ["refresh-1"]
    assert find_opened(case) == case.provider.refresh_token


@pytest.mark.long
def test_sealed_refresh_token_stays_sealed(case: Case) -> None:
    convert(case.settings)
    settings = replace_settings(case.settings)
    assert broker.access_token(case.connector, settings).access_token == "access-1"
    assert case.connector.sealed.keys() == {"RefreshToken", "ClientSecret"}
    assert find_opened(case) == case.provider.refresh_token == "refresh-1"


@pytest.mark.long
def test_refresh_token_of_another_machine(case: Case) -> None:
    need_root()
    need_programs("systemd-creds")
    case.put(SealedRefreshToken="AAAA")
    with pytest.raises(Problem, match="RefreshToken does not open") as caught:
        case.get()
    assert "Sign in again" in caught.value.hint
    # Who signs in again, needs none of before.
    broker.sign_in(case.connector, case.settings, Grant("a", 0, "refresh-0"))
    assert case.get() == "access-1"
    case.put(SealedRefreshToken="AAAA", SealedPassword="AAAA", Grant="client_credentials")
    assert case.get() == "access-2"


def replace_settings(settings: Settings) -> Settings:
    return Settings.from_json({**settings.to_json(), "encrypt_secrets": True})


@pytest.mark.long
def test_sign_in_meanwhile_wins(case: Case) -> None:
    case.provider.gate.clear()
    child = refreshing.start(case.plan)
    assert case.provider.arrived.wait(60)
    case.put(RefreshToken="refresh-1")
    case.provider.gate.set()
    # The provider gives refresh-1 for the old one, and refresh-2 for that.
    assert refreshing.end(child)[1] == "access-2"
    assert case.stored == case.provider.refresh_token == "refresh-2"


@pytest.mark.long
def test_connector_that_is_deleted_meanwhile(case: Case) -> None:
    case.provider.gate.clear()
    child = refreshing.start(case.plan)
    assert case.provider.arrived.wait(60)
    with database.transaction(case.settings.connectors_db) as content:
        content.remove(NAME)
    case.provider.gate.set()
    assert refreshing.end(child)[1] == "connector"
    assert database.read(case.settings.connectors_db).get(NAME) is None


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signal_waits_until_a_new_refresh_token_is_stored(case: Case, number: int) -> None:
    case.provider.gate.clear()
    child = refreshing.start(case.plan)
    assert case.provider.arrived.wait(60)
    child.send_signal(number)
    case.provider.gate.set()
    status, _, _ = refreshing.end(child)
    assert status in (-number, 1)
    assert case.stored == case.provider.refresh_token == "refresh-1"


def test_client_credentials_store_nothing(case: Case) -> None:
    case.put(Grant="client_credentials")
    assert case.get() == case.get() == "access-1"
    assert case.provider.asked[0]["grant_type"] == "client_credentials"
    assert "RefreshToken" not in case.connector.secrets
