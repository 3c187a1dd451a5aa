# SPDX-License-Identifier: LGPL-2.1-or-later
"""Each change is seen once, the first look tells nothing, and no more is looked at than is wanted."""

import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import callbacks, status_file
from cockpit_getmail.callbacks.queue import Event, Queue
from cockpit_getmail.connector import Connector, folder_name
from cockpit_getmail.report import Lines
from cockpit_getmail.settings import Settings
from tests.unit.test_status import FINE, NOW, report

URL = "https://panel.example/hook"
OK: Mapping[str, Any] = {"status": "OK"}
BAD: Mapping[str, Any] = {"status": "CONNECTION_IMPOSSIBLE", "cause": "network", "message": "No route."}


def connector(name: str = "c", **props: str) -> Connector:
    return Connector(name, {"Account": "ann@x", **(props or {"StatusCallbackUrl": URL})})


def look(settings: Settings, condition: Mapping[str, Any], *connectors: Connector) -> str:
    """Observe; return what was said."""
    said = io.StringIO()
    callbacks.observe(settings, connectors or [connector()], lambda _: condition, Lines(said))
    return said.getvalue()


def tell_complete(settings: Settings, at: float | None, name: str = "c") -> None:
    """Let a connector's last run say when the first complete one was done."""
    folder = Path(settings.state_dir, folder_name(name))
    folder.mkdir(parents=True, exist_ok=True)
    status_file.write(folder, report(FINE, first_complete=at), durably=False)


def waiting(settings: Settings) -> list[Event]:
    with Queue(settings) as opened:
        return opened.claim(4e9, 100)


def test_each_change_once(settings: Settings) -> None:
    for condition in (OK, OK, BAD, BAD, OK):
        look(settings, condition)
    told = [(event.message["previous_status"], event.message["status"]) for event in waiting(settings)]
    assert told == [("OK", BAD["status"]), (BAD["status"], "OK")]


def test_change_of_the_cause_alone_is_no_change(settings: Settings) -> None:
    look(settings, BAD)
    look(settings, {**BAD, "cause": "tls"})
    assert waiting(settings) == []


def test_message_of_a_status(settings: Settings) -> None:
    with_label = connector(StatusCallbackUrl=URL, Label="work")
    look(settings, OK, with_label)
    look(settings, BAD, with_label)
    [event] = waiting(settings)
    told = {"cause": "network", "message": "No route.", "account_id": "ann@x", "source_label": "work"}
    assert told.items() <= event.message.items()
    assert event.url == URL


def test_first_complete_run_once(settings: Settings) -> None:
    wanted = connector(CallbackUrl=URL)
    tell_complete(settings, None)
    look(settings, OK, wanted)
    for _ in range(2):
        tell_complete(settings, NOW + 0.5)
        look(settings, OK, wanted)
    [event] = waiting(settings)
    assert event.kind == "complete"
    assert event.message["timestamp"] == int(NOW)
    assert "status" not in event.message


def test_first_complete_run_before_the_url_is_not_told(settings: Settings) -> None:
    tell_complete(settings, NOW)
    for _ in range(2):
        look(settings, OK, connector(CallbackUrl=URL))
    assert waiting(settings) == []


def test_first_complete_run_of_another_one_of_this_name(settings: Settings) -> None:
    tell_complete(settings, NOW)
    look(settings, OK, connector(CallbackUrl=URL))
    callbacks.forget(settings, "c")
    callbacks.note(settings, connector(CallbackUrl=URL), lambda _: OK)
    tell_complete(settings, NOW + 9)
    look(settings, OK, connector(CallbackUrl=URL))
    assert [event.message["timestamp"] for event in waiting(settings)] == [int(NOW + 9)]


def test_two_urls(settings: Settings) -> None:
    both = connector(CallbackUrl="http://a", StatusCallbackUrl="http://b")
    callbacks.note(settings, both, lambda _: {"status": "NEVER_RUN"})
    tell_complete(settings, NOW)
    look(settings, OK, both)
    assert {(event.kind, event.url) for event in waiting(settings)} == {
        ("complete", "http://a"),
        ("status", "http://b"),
    }


def test_url_that_is_taken_away_and_given_again(settings: Settings) -> None:
    look(settings, OK)
    look(settings, BAD)
    look(settings, BAD, connector(Label="x"))
    look(settings, OK)
    assert waiting(settings) == []


def test_deleted_connector_is_forgotten(settings: Settings) -> None:
    look(settings, OK)
    look(settings, BAD)
    callbacks.observe(settings, [], lambda _: OK)
    with Queue(settings) as opened:
        assert opened.noted() == {}
    assert waiting(settings) == []


def test_nothing_is_made_where_nothing_is_wanted(settings: Settings) -> None:
    plain = connector(Label="x")
    look(settings, OK, plain)
    callbacks.note(settings, plain, lambda _: OK)
    callbacks.forget(settings, "c")
    assert not Path(settings.state_dir).exists()


def test_only_the_wanted_are_looked_at(settings: Settings) -> None:
    asked: list[str] = []

    def condition_of(wanted: Connector) -> Mapping[str, Any]:
        asked.append(wanted.name)
        return OK

    connectors = [connector("a"), connector("b", CallbackUrl=URL), connector("c", Label="x")]
    callbacks.observe(settings, connectors, condition_of)
    assert asked == ["a"]


def test_without_a_secret(settings: Settings) -> None:
    silent = Settings(state_dir=settings.state_dir)
    said = [look(silent, condition) for condition in (OK, BAD, BAD)]
    assert "CALLBACK_SECRET" in said[0]
    assert said[1:] == ["", ""]
    assert look(settings, BAD) == ""
    assert waiting(settings) == []
    # It went missing again.
    assert "CALLBACK_SECRET" in look(silent, BAD)
    assert look(silent, BAD, connector(Label="x")) == ""


def test_damaged_queue_is_set_aside(settings: Settings) -> None:
    path = Path(Queue.path_of(settings))
    path.parent.mkdir()
    path.write_bytes(b"nonsense" * 1000)
    assert f"kept as {path}.damaged" in look(settings, OK)
    look(settings, BAD)
    assert len(waiting(settings)) == 1


def test_status_file_that_is_not_to_be_believed(settings: Settings) -> None:
    tell_complete(settings, None)
    look(settings, OK, connector(CallbackUrl=URL))
    Path(settings.state_dir, folder_name("c"), status_file.RUN).write_text('{"first_complete": 5}')
    look(settings, OK, connector(CallbackUrl=URL))
    assert waiting(settings) == []


@pytest.mark.parametrize("prop", ["CallbackUrl", "StatusCallbackUrl"])
def test_empty_url_is_none(settings: Settings, prop: str) -> None:
    look(settings, OK, connector(**{prop: ""}))
    assert not Queue.exists(settings)
