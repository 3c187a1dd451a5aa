# SPDX-License-Identifier: LGPL-2.1-or-later
"""Callbacks know of a connector from its beginning to its end, not from tick to tick."""

from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import database
from cockpit_getmail.actions import at_once
from cockpit_getmail.actions.create import create
from cockpit_getmail.actions.delete import delete
from cockpit_getmail.actions.update import update
from cockpit_getmail.callbacks.queue import Queue
from cockpit_getmail.settings import Settings

URL = "https://panel.example/hook"
INPUT = {
    "action": "create",
    "Retriever": "SimpleIMAPRetriever",
    "Server": "h.example",
    "Username": "u",
    "Password": "p",
    "Account": "ann@x",
}
NAME = "u@h.example"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(tmp_path / "connectors", tmp_path / "state", callback_secret="s")


def noted(settings: Settings) -> dict[str, str]:
    with Queue(settings) as opened:
        return {kind: value for (name, kind), value in opened.noted().items() if name == NAME}


def make(settings: Settings, **props: Any) -> None:
    assert create.answer({**INPUT, **props}, settings)["name"] == NAME


def test_it_is_known_once_it_is_made(settings: Settings) -> None:
    make(settings, CallbackUrl=URL, StatusCallbackUrl=URL)
    assert noted(settings) == {"complete": "", "status": "NEVER_RUN"}


def test_it_is_known_once_it_has_a_url(settings: Settings) -> None:
    make(settings, status="disabled")
    assert not Queue.exists(settings)
    update.answer({"action": "update", "name": NAME, "StatusCallbackUrl": URL}, settings)
    assert noted(settings) == {"status": "DISABLED"}
    update.answer({"action": "update", "name": NAME, "status": "enabled"}, settings)
    assert noted(settings) == {"status": "NEVER_RUN"}
    with Queue(settings) as opened:
        [event] = opened.claim(4e9, 9)
    assert (event.message["previous_status"], event.message["status"]) == ("DISABLED", "NEVER_RUN")


def test_it_is_forgotten_once_it_is_deleted(settings: Settings) -> None:
    make(settings, CallbackUrl=URL)
    delete.answer({"action": "delete", "name": NAME}, settings)
    assert noted(settings) == {}


def test_queue_that_cannot_be_used_changes_nothing(settings: Settings) -> None:
    Path(settings.state_dir).mkdir()
    Path(Queue.path_of(settings)).write_bytes(b"nonsense" * 1000)
    make(settings, CallbackUrl=URL)
    update.answer({"action": "update", "name": NAME, "Time": 7}, settings)
    assert [record.props["Time"] for record in database.read(settings.connectors_db).records] == ["7"]
    delete.answer({"action": "delete", "name": NAME}, settings)
    at_once.forget(NAME, settings)
    assert not database.read(settings.connectors_db).records
