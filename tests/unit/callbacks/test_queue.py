# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is noted is told, once, whatever ends this process and whatever the clock does."""

import json
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.callbacks import queue
from cockpit_getmail.callbacks.queue import PAUSES, TRIES, Change, Event, Queue
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from tests.support.receiver import Receiver
from tests.unit.callbacks.conftest import SECRET

NOW = 1_700_000_000.0
YEAR = 365 * 86400.0
URL = "http://panel.example/hook"
LIB = Path(queue.__file__).parents[2]


def change(name: str = "c", before: str | None = "OK", after: str = "DISABLED", url: str = URL) -> Change:
    return Change(name, "status", before, after, url, {"status": after})


def fill(opened: Queue, *names: str, url: str = URL, at: float = NOW) -> None:
    """Put an event of each of these into the queue."""
    opened.record([Change(name, "status", None, "OK", url, None) for name in names], at)
    opened.record([change(name, url=url) for name in names], at)


def names_of(events: list[Event]) -> list[str]:
    return [event.name for event in events]


def test_it_is_roots_alone(settings: Settings) -> None:
    before = os.umask(0)
    try:
        with Queue(settings) as opened:
            fill(opened, "c")
            modes = {path.name: path.stat().st_mode for path in Path(settings.state_dir).iterdir()}
    finally:
        os.umask(before)
    assert Queue.FILE in modes
    assert {stat.S_IMODE(mode) for mode in modes.values()} == {0o600}


def test_change_is_told_once(settings: Settings) -> None:
    with Queue(settings) as opened, Queue(settings) as other:
        fill(opened, "c")
        # Two have seen the same.
        other.record([change()], NOW)
        opened.record([change()], NOW)
        assert opened.noted() == {("c", "status"): "DISABLED"}
        [event] = opened.claim(NOW, 9)
        assert (event.name, event.kind, event.url, event.message) == (
            "c",
            "status",
            URL,
            {"status": "DISABLED"},
        )
        assert event.tries == 1


def test_what_was_never_noted_begins_once(settings: Settings) -> None:
    with Queue(settings) as opened:
        opened.record([Change("c", "status", None, "OK", URL, None)], NOW)
        opened.record([Change("c", "status", None, "DISABLED", URL, None)], NOW)
        assert opened.noted() == {("c", "status"): "OK"}


def test_without_a_message_nothing_is_told(settings: Settings) -> None:
    with Queue(settings) as opened:
        fill(opened)
        opened.record([Change("c", "status", None, "OK", URL, None)], NOW)
        opened.record([Change("c", "status", "OK", "DISABLED", URL, None)], NOW)
        assert opened.claim(NOW, 9) == []
        assert opened.noted() == {("c", "status"): "DISABLED"}


def test_five_tries_over_an_hour(settings: Settings) -> None:
    assert (TRIES, sum(PAUSES)) == (5, 3600)
    at, ids = NOW, set()
    with Queue(settings) as opened:
        fill(opened, "c")
        for number, pause in enumerate((*PAUSES, None), 1):
            [event] = opened.claim(at, 9)
            ids.add(event.webhook_id)
            assert event.tries == number
            if pause is not None:
                assert opened.next_due(at) == at + pause
                assert opened.claim(at + pause - 1, 9) == []
                at += pause
        opened.remove([event])
        assert opened.next_due(at) is None
    assert len(ids) == 1


def test_try_that_was_none_does_not_count(settings: Settings) -> None:
    with Queue(settings) as opened:
        fill(opened, "c")
        for _ in range(3):
            events = opened.claim(NOW, 9)
            assert [event.tries for event in events] == [1]
            opened.release(events, NOW)


@pytest.mark.parametrize("jump", [YEAR, -YEAR])
def test_clock_that_jumps_loses_nothing(settings: Settings, jump: float) -> None:
    with Queue(settings) as opened:
        fill(opened, "c", at=NOW + jump)
        for number in range(1, TRIES + 1):
            # Each time the clock is right again, and wrong again after that.
            assert [event.tries for event in opened.claim(NOW + jump * (number % 2), 9)] == [number]


@pytest.mark.long
@given(st.lists(st.floats(0, 2e9), min_size=1, max_size=20))
def test_any_clock_comes_to_it(tmp_path_factory: pytest.TempPathFactory, times: list[float]) -> None:
    """Whatever the time was, an hour of a clock that is right is enough for what waits."""
    with Queue(Settings(state_dir=tmp_path_factory.mktemp("state"))) as opened:
        fill(opened, "c", at=times[0])
        tries = sum(len(opened.claim(at, 9)) for at in times[:4])
        due = opened.next_due(times[-1])
        assert due is not None
        assert times[-1] <= due <= times[-1] + PAUSES[-1]
        assert [event.tries for event in opened.claim(due, 9)] == [tries + 1]


def test_url_with_many_does_not_keep_others_waiting(settings: Settings) -> None:
    with Queue(settings) as opened:
        fill(opened, *(f"a{number}" for number in range(20)), url="http://a")
        fill(opened, "b", url="http://b")
        fill(opened, "c0", "c1", url="http://c")
        assert names_of(opened.claim(NOW, 5)) == ["a0", "b", "c0", "a1", "c1"]
        assert names_of(opened.claim(NOW, 2)) == ["a2", "a3"]


def test_deleted_connector_is_forgotten(settings: Settings) -> None:
    with Queue(settings) as opened:
        fill(opened, "c", "d", "e")
        opened.keep({("c", "status"): URL, ("d", "complete"): URL, ("d", "status"): URL})
        assert opened.noted().keys() == {("c", "status"), ("d", "status")}
        opened.forget("d")
        assert names_of(opened.claim(NOW, 9)) == ["c"]


def test_what_waits_follows_the_url(settings: Settings) -> None:
    with Queue(settings) as opened:
        fill(opened, "c", "d")
        opened.keep({("c", "status"): "http://new", ("d", "status"): URL})
        assert {event.name: event.url for event in opened.claim(NOW, 9)} == {"c": "http://new", "d": URL}


def test_news_is_none_the_second_time(settings: Settings) -> None:
    with Queue(settings) as opened:
        said = [opened.is_news("x", holds=holds) for holds in (False, True, True, False, True)]
    assert said == [False, True, False, False, True]


@pytest.mark.parametrize("content", [b"nonsense" * 1000, b"SQLite format 3\0" + b"x" * 5000])
def test_damaged_file(settings: Settings, content: bytes) -> None:
    path = Path(Queue.path_of(settings))
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(Problem) as caught:
        Queue(settings)
    assert isinstance(caught.value.attributes, dict)
    assert caught.value.attributes["damaged"]
    assert Path(Queue.set_aside(settings)).read_bytes() == content
    with Queue(settings) as opened:
        assert opened.noted() == {}


def test_file_of_another_version(settings: Settings) -> None:
    with Queue(settings):
        pass
    db = sqlite3.connect(Queue.path_of(settings))
    db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(Problem, match="another version"):
        Queue(settings)


def test_link_is_not_followed(settings: Settings, tmp_path: Path) -> None:
    Path(settings.state_dir).mkdir()
    Path(Queue.path_of(settings)).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Problem):
        Queue(settings)
    assert not (tmp_path / "elsewhere").exists()


def test_two_begin_it_at_once(settings: Settings) -> None:
    def begin() -> None:
        with Queue(settings) as opened:
            opened.record([change("c", None, "OK")], NOW)

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with Queue(settings) as opened:
        assert opened.noted() == {("c", "status"): "OK"}


# It kills itself before the statement with this number, and tells how many there were.
KILLED = """
import json, os, signal, sys
sys.path[:0] = [sys.argv[1]]
from cockpit_getmail import callbacks, units
from cockpit_getmail.callbacks.queue import Queue
from cockpit_getmail.connector import Connector
from cockpit_getmail.settings import Settings
from cockpit_getmail.units import systemd

folder, url, secret, now, stop = json.load(sys.stdin)
systemd.BOOTED = type(systemd.BOOTED)(folder, "no systemd")
count = 0
connect = Queue._connect

def count_statement(_):
    global count
    count += 1
    if count == stop:
        os.kill(os.getpid(), signal.SIGKILL)

def counted(path):
    db = connect(path)
    db.set_trace_callback(count_statement)
    return db

Queue._connect = staticmethod(counted)
settings = Settings(state_dir=folder, callback_secret=secret, callback_allow_private=True)
connector = Connector("c", {"Account": "a", "StatusCallbackUrl": url})
callbacks.observe(settings, [connector], lambda _: {"status": "DISABLED"})
callbacks.send_due(settings, now)
print(count)
"""


def run_killed(settings: Settings, url: str, now: float, stop: int) -> subprocess.CompletedProcess[str]:
    told: list[Any] = [settings.state_dir, url, SECRET, now, stop]
    argv = [sys.executable, "-c", KILLED, str(LIB)]
    return subprocess.run(argv, input=json.dumps(told), capture_output=True, text=True, check=False)


@pytest.mark.slow
def test_kill_before_each_statement(tmp_path: Path, receiver: Receiver) -> None:
    """Whoever takes over tells what happened, and another time only what may have been received already."""
    far = 4e9
    steps = 0
    for stop in range(1000):
        receiver.calls.clear()
        settings = Settings(state_dir=tmp_path / str(stop))
        with Queue(settings) as opened:
            fill(opened)
            opened.record([Change("c", "status", None, "OK", "", None)], NOW)
        url = receiver.url("/200")
        done = run_killed(settings, url, far, stop)
        assert done.returncode == (-9 if stop else 0), done.stderr
        steps = steps or int(done.stdout)
        was_sent = bool(receiver.calls)
        assert run_killed(settings, url, far + 3600, 0).returncode == 0
        assert len({call.headers["webhook-id"] for call in receiver.calls}) == 1
        assert len(receiver.calls) <= 1 + was_sent
        assert receiver.calls[-1].body["previous_status"] == "OK"
        with Queue(settings) as opened:
            assert opened.next_due(NOW) is None
        if stop == steps:
            break
    assert steps > 10
