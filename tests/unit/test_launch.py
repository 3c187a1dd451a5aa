# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is recorded of a start; tests/machine has the units that are started."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cockpit_getmail import database, status_file, units
from cockpit_getmail.actions.update import reset
from cockpit_getmail.connector import Connector, folder_name
from cockpit_getmail.launch import is_forgiven, launch, stamp
from cockpit_getmail.ledger import Ledger
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.settings import Settings
from tests.unit.test_status import BAD, TOKEN, report

if TYPE_CHECKING:
    from collections.abc import Callable

NAME = "u@h"
PROPS = {"Retriever": "SimpleIMAPRetriever", "Server": "h", "Username": "u", "Password": "p", "Account": "a"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A connector whose last run failed, with the token TOKEN."""
    found = Settings(tmp_path / "connectors", tmp_path / "state")
    with database.transaction(found.connectors_db) as content:
        content.put(NAME, "getmail", PROPS)
    tell(found, report(BAD, failures=3, refused=3))
    return found


def tell(settings: Settings, told: Any) -> None:
    folder = Path(settings.state_dir, folder_name(NAME))
    folder.mkdir(parents=True, exist_ok=True)
    status_file.write(folder, told, durably=False)


def start(settings: Settings, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], Any]) -> str:
    """Launch a run; before its unit can tell anything, something happens. Return its token."""

    def start_run(*_: object, **__: object) -> tuple[str, bool]:
        meanwhile()
        return "unit", False

    monkeypatch.setattr(units, "start_run", start_run)
    connector = Connector.from_record(NAME, PROPS)
    return launch(connector, settings, stamp(settings))[1]


def test_start_is_recorded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    before = time.time()
    for _ in range(2):
        token = start(settings, monkeypatch, lambda: None)
        with Ledger(settings) as ledger:
            found = ledger.find(NAME)
        assert found
        assert found.at
        assert before <= found.at <= time.time()
        assert (found.token, found.forgiven) == (token, None)


def test_run_whose_secret_does_not_open_is_told_so(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd starts no unit that it cannot give its credentials; then one without them records why."""
    told: list[tuple[Connector, Problem | None]] = []
    trouble = failure("credentials", "It was sealed on another machine.")

    def start_run(
        connector: Connector, *_: object, problem: Problem | None, **__: object
    ) -> tuple[str, bool]:
        told.append((connector, problem))
        if connector.sealed:
            raise failure("internal", "The unit could not be started.")
        return "unit", False

    monkeypatch.setattr(units, "start_run", start_run)
    monkeypatch.setattr("cockpit_getmail.login.sealed.find_trouble", lambda _: trouble)
    props = {prop: value for prop, value in PROPS.items() if prop != "Password"}
    connector = Connector.from_record(NAME, {**props, "SealedPassword": "cA=="})
    launch(connector, settings, stamp(settings))
    assert told == [(connector, None), (Connector(NAME, props), trouble)]
    monkeypatch.setattr("cockpit_getmail.login.sealed.find_trouble", lambda _: None)
    with pytest.raises(Problem, match="could not be started"):
        launch(connector, settings, stamp(settings))


def test_failure_of_a_run_that_began_before_it_was_forgiven_does_not_count(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has the password of before, and the report that was forgiven is the one before it."""
    token = start(settings, monkeypatch, lambda: reset.answer({"name": NAME}, settings))
    with Ledger(settings) as ledger:
        found = ledger.find(NAME)
    assert found
    assert (found.at, found.forgiven) == (None, token)
    tell(settings, report(BAD, token=token, failures=4, refused=4))
    assert is_forgiven(NAME, settings)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (report(BAD, failures=1), True),
        (report(BAD, refused=1), True),
        # It was cut off, which counts when the next one begins.
        (report(None, state="running"), True),
        (report(BAD, failures=1, token="e" * 32), False),
    ],
)
def test_what_is_forgiven(settings: Settings, told: Any, expected: bool) -> None:
    assert not is_forgiven(NAME, settings)
    with Ledger(settings) as ledger:
        ledger.forgive(NAME, TOKEN)
    tell(settings, told)
    assert is_forgiven(NAME, settings) == expected


@pytest.mark.parametrize(("told", "is_found"), [({"baseline": True}, True), ({}, False)])
def test_only_a_baseline_under_way_stands_for_a_baseline(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], is_found: bool
) -> None:
    asked: list[bool] = []

    def start_run(*_: object, baseline: bool, **__: object) -> tuple[str, bool]:
        asked.append(baseline)
        return "unit", True

    monkeypatch.setattr(units, "start_run", start_run)
    monkeypatch.setattr(units, "find_token", lambda _: TOKEN)
    tell(settings, {**report(None, state="running"), **told})
    connector = Connector.from_record(NAME, {**PROPS, "status": "disabled"})
    if is_found:
        assert launch(connector, settings, stamp(settings), baseline=True) == ("unit", TOKEN, True)
    else:
        with pytest.raises(Problem) as caught:
            launch(connector, settings, stamp(settings), baseline=True)
        assert (caught.value.type, caught.value.cause) == ("Conflict", "running")
    assert asked == [True]
    assert launch(connector, settings, stamp(settings)) == ("unit", TOKEN, True)


def test_baseline_of_a_disabled_connector_goes_on(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped: list[str] = []
    monkeypatch.setattr(units, "start_run", lambda *_, **__: ("unit", False))
    monkeypatch.setattr(units, "stop", stopped.append)
    with database.transaction(settings.connectors_db) as content:
        content.put(NAME, "getmail", {**PROPS, "status": "disabled"})
    connector = Connector.from_record(NAME, {**PROPS, "status": "disabled"})
    assert launch(connector, settings, baseline=True)[::2] == ("unit", False)
    assert stopped == []
    with pytest.raises(Problem, match="disabled"):
        launch(connector, settings)
    assert stopped == ["unit"]
