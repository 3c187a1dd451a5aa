# SPDX-License-Identifier: LGPL-2.1-or-later
"""One sign-in for each connector, known until somebody begins another, and no secret after its end."""

import json
import multiprocessing
import os
import time
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail.connector import make_token, token_prefix
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from cockpit_getmail.signin import record
from cockpit_getmail.signin.record import SignIn
from cockpit_getmail.units import place


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(place, "RUN_FOLDER", str(tmp_path / "run"))
    return Settings(state_dir=tmp_path / "state")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / ("run/authorize" if os.geteuid() == 0 else "state/.authorize")


def make(name: str = "me", **fields: Any) -> SignIn:
    told = {
        "token": make_token(name),
        "name": name,
        "address": "https://provider.example/",
        "expires": int(time.time()) + 900,
        "grant": "g",
        "secrets": {"device_code": "geheim-4711"},
        "settings": {},
        "log": ["Waiting."],
    }
    return SignIn(**{**told, **fields})


def test_what_was_begun_is_found(settings: Settings, folder: Path) -> None:
    sign_in = make()
    record.begin(sign_in, settings)
    assert record.find("me", settings) == sign_in
    assert record.find_by_token(sign_in.token, settings) == sign_in
    assert record.find_by_prefix(token_prefix("me"), settings) == sign_in
    assert record.find("other", settings) is None
    assert record.find_by_token(make_token("me"), settings) is None
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    assert folder.stat().st_mode & 0o777 == 0o700


def test_end_is_recorded_once_and_without_secrets(settings: Settings, folder: Path) -> None:
    sign_in = make()
    record.begin(sign_in, settings)
    assert record.end(sign_in, settings, "failed", "No.", cause="credentials", message="No.", hint="h")
    assert not record.end(sign_in, settings, "succeeded", "Signed in.")
    found = record.find("me", settings)
    assert found
    assert (found.state, found.cause, found.log, found.secrets) == (
        "failed",
        "credentials",
        ["Waiting.", "No."],
        {},
    )
    assert not any("geheim" in path.read_text() for path in folder.iterdir())


def test_last_one_that_began_is_the_one(settings: Settings) -> None:
    first, second = make(), make()
    record.begin(first, settings)
    record.begin(second, settings)
    assert not record.end(first, settings, "succeeded", "Signed in.")
    assert record.find_by_token(first.token, settings) is None
    assert record.find("me", settings) == second
    record.forget("me", settings)
    assert not record.end(second, settings, "succeeded", "Signed in.")
    assert record.find("me", settings) is None


def test_what_nobody_asks_about_any_more_is_removed(settings: Settings, folder: Path) -> None:
    past = int(time.time() - record.KEEP_SECONDS - 10)
    record.begin(make("old", expires=past), settings)
    record.begin(make("ended", ended=past, expires=past, state="failed"), settings)
    record.begin(make("recent", expires=int(time.time()) - 10), settings)
    record.begin(make("new"), settings)
    found = {json.loads(path.read_text())["name"] for path in folder.glob("*.json")}
    assert found == {"recent", "new"}


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"token": 1}', "\\xff"])
def test_file_that_is_none(settings: Settings, folder: Path, text: str) -> None:
    record.begin(make(), settings)
    (folder / f"{token_prefix('me')}.json").write_text(text)
    assert record.find("me", settings) is None
    record.begin(make(), settings)
    assert record.find("me", settings)


def test_folder_that_others_may_look_into(settings: Settings, folder: Path) -> None:
    record.begin(make(), settings)
    folder.chmod(0o755)
    with pytest.raises(Problem) as caught:
        record.begin(make(), settings)
    assert caught.value.cause == "internal"


def end_often(settings: Settings, sign_in: SignIn, folder: str, queue: "multiprocessing.Queue[bool]") -> None:
    place.RUN_FOLDER = folder
    queue.put(record.end(sign_in, settings, "succeeded", "Signed in."))


@pytest.mark.long
def test_one_of_many_ends_it(settings: Settings) -> None:
    sign_in = make()
    record.begin(sign_in, settings)
    context = multiprocessing.get_context("fork")
    queue: multiprocessing.Queue[bool] = context.Queue()
    arguments = (settings, sign_in, place.RUN_FOLDER, queue)
    processes = [context.Process(target=end_often, args=arguments) for _ in range(8)]
    for process in processes:
        process.start()
    ended = [queue.get(timeout=30) for _ in processes]
    for process in processes:
        process.join()
    assert sorted(ended) == [False] * 7 + [True]
