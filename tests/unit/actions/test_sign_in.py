# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a sign-in tells of itself. With real providers: tests/mail and tests/machine."""

import json
import threading
import time
import urllib.parse
from pathlib import Path

import pytest

from cockpit_getmail import database
from cockpit_getmail.actions import sign_in
from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from cockpit_getmail.signin import record, unit
from cockpit_getmail.units import place
from tests.support.schemas import check_schema
from tests.support.tokens import TokenEndpoint, make_props
from tests.unit.signin.test_record import make


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(place, "RUN_FOLDER", str(tmp_path / "run"))
    return Settings(state_dir=tmp_path / "state")


def test_it_tells_each_line_once() -> None:
    begun = make(log=["Waiting."])
    first = sign_in.tell(begun)
    assert (first["statusVersion"], first["logOutput"], first["error"]) == (1, "Waiting.\n", None)
    assert sign_in.tell(begun, 1)["logOutput"] is None
    ended = begun.changed(state="succeeded", log=["Waiting.", "Signed in."], ended=1.0, secrets={})
    last = sign_in.tell(ended, 1)
    assert (last["statusVersion"], last["logOutput"], last["percentProgress"]) == (2, "Signed in.\n", 100)
    assert sign_in.tell(ended, 9)["logOutput"] is None
    for answer in (first, last):
        check_schema("read/progress.output.json", answer)
        assert "geheim" not in str(answer)


def test_it_is_over_when_its_time_is(settings: Settings) -> None:
    begun = make(expires=int(time.time()) - 1)
    record.begin(begun, settings)
    found = sign_in.current(begun, settings)
    assert (found.state, found.cause, found.message) == ("failed", "credentials", sign_in.EXPIRED)
    assert found.secrets == {}
    assert sign_in.tell(found)["error"]["hint"]
    assert sign_in.find_under_way(begun.token, begun.name, settings) is None


@pytest.mark.parametrize("seconds", [-1, 900])
def test_it_is_over_when_its_unit_is_gone(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    monkeypatch.setattr(unit, "is_waiting", lambda _: False)
    begun = make(expires=int(time.time()) + seconds, has_unit=True)
    record.begin(begun, settings)
    found = sign_in.current(begun, settings)
    assert (found.state, found.cause) == ("failed", "internal" if seconds > 0 else "credentials")
    told = sign_in.tell(found, 1)
    assert told["logOutput"] == f"{told['error']['message']}\n"
    check_schema("read/progress.output.json", told)


def test_it_ends_while_it_is_looked_at(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = make(has_unit=True)
    record.begin(begun, settings)

    def end_it(_: object) -> bool:
        assert record.end(begun, settings, "succeeded", "Signed in.")
        return False

    monkeypatch.setattr(unit, "is_waiting", end_it)
    assert sign_in.current(begun, settings).state == "succeeded"


def test_another_one_took_its_place(settings: Settings) -> None:
    begun = make()
    record.begin(begun, settings)
    record.begin(make(), settings)
    with pytest.raises(Problem) as caught:
        sign_in.current(begun, settings)
    assert caught.value.type == "NotFound"


def test_code_is_used_once_by_two_at_once(tmp_path: Path, settings: Settings) -> None:
    settings = Settings(tmp_path / "db", settings.state_dir)
    with TokenEndpoint() as provider:
        provider.answer = 200, json.dumps({"access_token": "a", "refresh_token": "new"}).encode()
        props = {**make_props(provider, 1, Account="a"), "AuthorizationUrl": provider.url}
        with database.transaction(settings.connectors_db) as content:
            content.put("n", "getmail", props)
        begun = sign_in.begin(Connector.from_record("n", props), settings, "code")
        state = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(begun.address).query))["state"]
        provider.gate.clear()
        redirect = f"http://127.0.0.1/?code=c&state={state}"
        threads = [
            threading.Thread(target=sign_in.complete, args=(begun, redirect, settings)) for _ in range(2)
        ]
        for thread in threads:
            thread.start()
        assert provider.arrived.wait(60)
        provider.gate.set()
        for thread in threads:
            thread.join()
        assert len(provider.asked) == 1
    assert sign_in.current(begun, settings).state == "succeeded"
    stored = database.read(settings.connectors_db).get("n")
    assert stored
    assert stored.props["RefreshToken"] == "new"
