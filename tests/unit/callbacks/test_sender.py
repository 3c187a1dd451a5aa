# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is due is sent, what fails is tried again and given up, and all of that is said without secrets."""

import io
import time

import pytest

from cockpit_getmail import callbacks
from cockpit_getmail.callbacks import unit
from cockpit_getmail.callbacks.queue import PAUSES, Change, Queue
from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import failure
from cockpit_getmail.report import Lines
from cockpit_getmail.settings import Settings
from tests.support.receiver import Receiver
from tests.unit.callbacks.conftest import SECRET

NOW = time.time()


def put(settings: Settings, *urls: str) -> None:
    """Put an event for each URL into the queue."""
    with Queue(settings) as opened:
        for number, url in enumerate(urls):
            key = (f"c{number}", "status")
            message = {"timestamp": 1, "token": f"{number}"}
            opened.record(
                [Change(*key, None, "OK", url, None), Change(*key, "OK", "DISABLED", url, message)], NOW
            )


def send(settings: Settings, now: float = NOW) -> tuple[float | None, list[str]]:
    """Send what is due; return when the next is, and what was said."""
    said = io.StringIO()
    return callbacks.send_due(settings, now, Lines(said)), said.getvalue().splitlines()


@pytest.mark.long
def test_all_that_is_due_is_sent(settings: Settings, receiver: Receiver) -> None:
    put(settings, *(receiver.url(f"/200?{number}") for number in range(150)))
    assert send(settings) == (None, [])
    assert sorted(int(call.path.partition("?")[2]) for call in receiver.calls) == list(range(150))
    assert len({call.headers["webhook-id"] for call in receiver.calls}) == 150
    assert send(settings) == (None, [])
    assert len(receiver.calls) == 150


def test_failure_is_tried_again_with_the_same_id_and_body(settings: Settings, receiver: Receiver) -> None:
    put(settings, receiver.url("/switch/secret"))
    receiver.status = 500
    due, said = send(settings)
    assert due == NOW + PAUSES[0]
    assert said == [
        f"The callback of c0 (status) to http://127.0.0.1:{receiver.port} failed at try 1 of 5: "
        "The receiver answered 500."
    ]
    receiver.status = 204
    assert send(settings, NOW + 1) == (due, [])
    assert send(settings, due) == (None, [])
    first, second = receiver.calls
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


def test_it_is_given_up_after_five_tries(settings: Settings, receiver: Receiver) -> None:
    put(settings, receiver.url("/500/secret"))
    at: float | None = NOW
    while at is not None:
        at, said = send(settings, at)
        assert len(said) == 1
        assert "secret" not in said[0]
    assert "is given up after 5 tries: The receiver answered 500." in said[0]
    assert len(receiver.calls) == 5


@pytest.mark.parametrize("path", ["/redirect?/200", "/close", "/301", "/404"])
def test_failures(settings: Settings, receiver: Receiver, path: str) -> None:
    put(settings, receiver.url(path))
    assert send(settings)[0] == NOW + PAUSES[0]
    assert len(receiver.calls) == 1


def test_one_that_fails_does_not_stop_others(settings: Settings, receiver: Receiver) -> None:
    put(settings, "nonsense", "http://nowhere.invalid/", receiver.url("/close"), receiver.url("/200"))
    due, said = send(settings)
    assert due == NOW + PAUSES[0]
    assert len(said) == 3
    assert [call.path for call in receiver.calls if call.path == "/200"] == ["/200"]
    assert send(settings) == (due, [])


def test_private_address_is_refused(settings: Settings, receiver: Receiver) -> None:
    careful = Settings(state_dir=settings.state_dir, callback_secret=SECRET)
    put(careful, receiver.url("/200"), receiver.url("/200", "localhost"))
    _, said = send(careful)
    assert len(said) == 2
    assert all("is not an address of the public internet" in line for line in said)
    assert not receiver.calls


def test_nothing_is_sent_without_a_secret(settings: Settings, receiver: Receiver) -> None:
    put(settings, receiver.url("/200"))
    silent = Settings(state_dir=settings.state_dir, callback_allow_private=True)
    assert send(silent) == (None, [])
    assert not receiver.calls
    assert send(settings) == (None, [])
    assert len(receiver.calls) == 1


def test_no_queue(settings: Settings) -> None:
    assert send(settings) == (None, [])


def test_what_could_not_be_started_has_had_no_try(
    settings: Settings, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(settings, receiver.url("/200"))
    work = unit.work

    def fail(_: bytes) -> bytes:
        raise failure("internal", "It cannot be started.")

    monkeypatch.setattr(unit, "work", fail)
    for number in range(7):
        with pytest.raises(Exception, match="cannot be started"):
            send(settings, NOW + number * 60)
    monkeypatch.setattr(unit, "work", work)
    assert send(settings, NOW + 7 * 60) == (None, [])


@pytest.mark.parametrize("answer", [b"", b"null", b"{}", b'{"results": {"a": 1}', b'{"results": []}', b"["])
def test_unit_that_fails_has_had_a_try(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, answer: bytes
) -> None:
    put(settings, "http://a.example", "http://b.example")
    monkeypatch.setattr(unit, "work", lambda _: answer)
    due, said = send(settings)
    assert due == NOW + PAUSES[0]
    assert all("ended without an answer" in line for line in said)
    assert len(said) == 2


def test_both_ends(settings: Settings, receiver: Receiver) -> None:
    """From what is observed to what a receiver gets."""
    connector = Connector("c", {"Account": "ann@x", "StatusCallbackUrl": receiver.url("/200")})
    statuses = iter(("NEVER_RUN", "OK"))
    for _ in range(2):
        callbacks.observe(settings, [connector], lambda _: {"status": next(statuses)})
    assert send(settings, time.time()) == (None, [])
    [call] = receiver.calls
    assert call.body.keys() == {
        *("account_id", "source_label", "timestamp", "token", "signature"),
        *("status", "previous_status", "cause", "message"),
    }
