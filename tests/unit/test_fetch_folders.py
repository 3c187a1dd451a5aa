# SPDX-License-Identifier: LGPL-2.1-or-later
"""A run over several folders: what one of them does to the others. With servers: tests/mail."""

import shutil
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail import fetch, retriever
from cockpit_getmail.connector import Connector
from cockpit_getmail.fetch import BREAKS, FoldersProblem
from cockpit_getmail.fetch_folder import Result
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.retriever.base import ALL, INBOX, Folder, FolderProblem, Listed, Part, Remote
from cockpit_getmail.state import State
from cockpit_getmail.stop import Stop
from tests.unit.test_fetch import BROKEN, Bench, Log, Shelf, connector, shelf, stored

REFUSED = FolderProblem("mailbox", "You may not.")


class Account:
    """A remote account as shelves by name, INBOX among them, visited in one session after the other."""

    def __init__(self, shelves: dict[str, Shelf]) -> None:
        self._shelves = shelves
        self._open = shelves["INBOX"]
        self.sessions = 0
        self.opened: list[str] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._open, name)

    def open(self) -> None:
        self.sessions += 1

    def list_folders(self, patterns: Sequence[bytes] = ALL) -> list[Listed]:
        return [Listed(name, name.encode(), "/") for name in self._shelves]

    def add_statuses(self, listed: Sequence[Listed]) -> list[Listed]:
        return list(listed)

    def select(self, folder: Listed = INBOX) -> Folder:
        self.opened.append(folder.name)
        self._open = self._shelves[folder.name]
        if self._open.refuses:
            raise self._open.refuses
        return self._open.select(folder)


def run(bench: Bench, account: Account, monkeypatch: pytest.MonkeyPatch, **props: str) -> Result:
    monkeypatch.setattr(retriever, "make", lambda *_, **__: account)
    bench.log = Log()
    return bench.run(connector(Folders="*", **props))


def fails(bench: Bench, account: Account, monkeypatch: pytest.MonkeyPatch) -> Problem:
    with pytest.raises(Problem) as caught:
        run(bench, account, monkeypatch)
    return caught.value


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_results_are_those_of_all(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account({"a": shelf("1", _2="It is broken."), "INBOX": shelf("3", "4"), "b": shelf()})
    account._shelves["a"].mails["2"] = b"x" * 60
    result = run(bench, account, monkeypatch, Delete="0")
    assert account.opened == ["INBOX", "a", "b"]
    assert (result.messages, result.octets, result.failed, result.deleted) == (3, 180, 1, 3)
    assert bench.delivered == stored("1", "3", "4")
    assert bench.log.begun == [(2, 120), (2, 120)]


def test_folder_that_is_refused_is_told_at_the_end(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Shelf({}, refuses=REFUSED)
    account = Account({"a": refused, "INBOX": shelf("1"), "b": refused, "c": shelf("2")})
    problem = fails(bench, account, monkeypatch)
    assert isinstance(problem, FoldersProblem)
    assert problem.result == Result(2, 120)
    assert (
        problem.message == '2 folders could not be fetched. The folder "a" could not be fetched: You may not.'
    )
    assert (problem.cause, account.sessions) == ("mailbox", 1)
    assert bench.delivered == stored("1", "2")


def test_another_session_follows_one_that_broke(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    account = Account({"INBOX": shelf("1"), "a": shelf("2", "3", _3=BROKEN), "b": shelf("4")})
    problem = fails(bench, account, monkeypatch)
    assert (problem.cause, account.sessions) == ("network", 2)
    assert bench.delivered == stored("1", "2", "4")


def test_sessions_end_where_all_of_them_break(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = {str(number): shelf("1", _1=BROKEN) for number in range(9)}
    account = Account({"INBOX": shelf(), **broken})
    fails(bench, account, monkeypatch)
    assert account.sessions == BREAKS + 1
    # One that goes well in between shows that it is worth while.
    mixed = {f"{name}{turn}": each for name in broken for turn, each in enumerate((broken[name], shelf()))}
    account = Account({"INBOX": shelf(), **mixed})
    fails(bench, account, monkeypatch)
    assert account.sessions == len(broken) + 1


def test_what_no_folder_is_to_blame_for_ends_the_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    refused = Shelf({}, refuses=failure("credentials", "Sign in again."))
    account = Account({"INBOX": shelf("1"), "a": refused, "b": shelf("2")})
    assert fails(bench, account, monkeypatch).message == "Sign in again."
    assert account.opened == ["INBOX", "a"]
    shutil.rmtree(bench.mail)
    (bench.mail).touch()
    account = Account({"INBOX": shelf("1", "5"), "a": shelf("2")})
    assert fails(bench, account, monkeypatch).cause == "delivery"
    assert account.opened == []


def test_token_that_expires_leaves_the_other_folders_for_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [time.monotonic()]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    class Slow(Shelf):
        def retrieve(self, wanted: Sequence[Remote]) -> Iterator[Part]:
            yield from super().retrieve(wanted)
            now[0] += 3600

    account = Account({"INBOX": Slow(shelf("1", "2").mails), "a": shelf("3")})
    monkeypatch.setattr(retriever, "make", lambda *_, **__: account)
    props = connector(Folders="*", AccessTokenExpires=str(int(time.time()) + 600)).props
    with State(bench.state) as state:
        token = Connector("someone@127.0.0.1", props, {"AccessToken": "t"})
        result = fetch.run(token, bench.settings, state, None, bench.log, Stop())
    assert (result.messages, result.unfinished) == (2, True)
    assert account.opened == ["INBOX"]
    assert run(bench, account, monkeypatch).messages == 1
    assert bench.delivered == stored("1", "2", "3")
