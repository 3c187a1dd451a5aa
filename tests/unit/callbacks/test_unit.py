# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes into the unit and comes out of it, and the order it works in."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.callbacks import post, unit
from cockpit_getmail.callbacks.queue import Event
from cockpit_getmail.callbacks.unit import Result, format_request, parse_results, work
from tests.support.receiver import Receiver
from tests.unit.callbacks.conftest import SECRET

LIB = Path(unit.__file__).parents[2]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def event(number: int, url: str) -> Event:
    return Event(number, f"msg_{number}", "c", "status", url, {"timestamp": number, "token": "t"}, 1)


def send(*events: Event, allow_private: bool = True) -> dict[str, Result]:
    answer = work(format_request(events, SECRET, allow_private=allow_private))
    found = parse_results(answer, events)
    assert found is not None
    return dict(found)


def test_results(receiver: Receiver) -> None:
    paths = ("/200", "/500", "/close")
    found = send(*(event(number, receiver.url(path)) for number, path in enumerate(paths)))
    assert found["msg_0"] == (200, "")
    assert found["msg_0"].is_received
    assert found["msg_1"] == (500, "")
    assert not found["msg_1"].is_received
    assert found["msg_2"] == (0, "127.0.0.1 closed the connection.")


@pytest.mark.long
def test_one_url_gets_them_in_order(receiver: Receiver) -> None:
    send(*(event(number, receiver.url("/200")) for number in range(30)))
    assert [call.body["timestamp"] for call in receiver.calls] == list(range(30))


def test_url_that_does_not_answer_is_tried_once(receiver: Receiver) -> None:
    found = send(*(event(number, receiver.url("/close")) for number in range(5)))
    assert len(found) == 5
    assert len(set(found.values())) == 1
    assert len(receiver.calls) == 1


def test_what_there_is_no_time_for_has_no_result(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unit, "BEGIN_SECONDS", 0.0)
    assert send(event(1, receiver.url("/200"))) == {}
    assert not receiver.calls


def test_private_address_is_refused(receiver: Receiver) -> None:
    found = send(event(1, receiver.url("/200")), allow_private=False)
    assert "is not an address of the public internet" in found["msg_1"].error
    assert not receiver.calls


@pytest.mark.long
def test_as_a_program(receiver: Receiver) -> None:
    events = [event(1, receiver.url("/204"))]
    script = (
        "import sys; sys.path[:0] = [sys.argv[1]]; from cockpit_getmail.callbacks import unit; unit.main()"
    )
    done = subprocess.run(
        [sys.executable, "-Ic", script, str(LIB)],
        input=format_request(events, SECRET, allow_private=True),
        capture_output=True,
        check=True,
    )
    assert not done.stderr
    assert parse_results(done.stdout, events) == {"msg_1": (204, "")}
    assert SECRET.encode() not in done.stdout


@pytest.mark.long
def test_it_is_only_a_unit_that_does_so(receiver: Receiver) -> None:
    request = format_request([event(1, receiver.url("/204"))], SECRET, allow_private=True)
    argv = [sys.executable, "-I", str(LIB / "cockpit_getmail/__main__.py"), "callback", "--unit"]
    done = subprocess.run(argv, input=request, capture_output=True, check=False)
    assert done.returncode == 70
    assert not receiver.calls


@pytest.mark.long
@given(JSON)
def test_any_answer_is_understood_or_refused(answer: Any) -> None:
    events = [event(1, "http://a")]
    assert parse_results(json.dumps(answer).encode(), events) in (None, {})
    found = parse_results(json.dumps({"results": {"msg_1": answer, "msg_2": [200, ""]}}).encode(), events)
    assert found is None or found.keys() == {"msg_1"}


@given(st.binary())
def test_octets_are_no_answer(data: bytes) -> None:
    assert parse_results(data, [event(1, "http://a")]) is None


def test_text_of_the_unit_is_made_harmless() -> None:
    text = "\x1b[31m" + "x" * 5000
    found = parse_results(json.dumps({"results": {"msg_1": [0, text]}}).encode(), [event(1, "http://a")])
    assert found is not None
    assert found["msg_1"].error.startswith("\\x1b[31mxxx")
    assert len(found["msg_1"].error) < 300


def test_time_is_bounded() -> None:
    """One that has begun at the last moment still ends before the kernel ends the program."""
    assert unit.BEGIN_SECONDS + post.POST_SECONDS < unit.UNIT_SECONDS
