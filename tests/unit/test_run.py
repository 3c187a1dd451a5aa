# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is recorded of a run, however it ends; test_fetch.py has what it does."""

from __future__ import annotations

import time
import types
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest

from cockpit_getmail import fetch, history, record, run, state_file, status, status_file
from cockpit_getmail.connector import Connector, make_token
from cockpit_getmail.fetch_folder import Result
from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.settings import Settings
from cockpit_getmail.stop import Stopped
from tests.support import disks
from tests.support.fetching import Log

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from cockpit_getmail.state import State
    from cockpit_getmail.status_file import Report

CONNECTOR = Connector("me@there", {"Server": "there", "Account": "me"})
REFUSED = failure("credentials", "Log-in refused.")
BROKEN = failure("network", "The connection broke.")


class Bench:
    """A connector whose fetches end as a test wants them to."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self.log = Log()
        self.ends: Any = None
        self.mark: object = None
        monkeypatch.setattr(fetch, "run", self._fetch)

    def run(self, ends: Any, *, forgive: bool = False, baseline: bool = False) -> Report:
        """Run once: to a Result, an exception, or whatever a function does with the Reporter."""
        self.ends = ends
        token = make_token(CONNECTOR.name)
        with suppress(Problem, Stopped, RuntimeError):
            run.run(
                CONNECTOR,
                Settings(),
                self.folder,
                None,
                self.log,
                token=token,
                forgive=forgive,
                baseline=baseline,
            )
        found = self.report
        assert found["token"] == token
        return found

    @property
    def report(self) -> Report:
        found = status_file.read(self.folder)
        assert found
        return found

    @property
    def history(self) -> list[dict[str, Any]]:
        with state_file.opened(self.folder) as db:
            assert db
            return history.listing(db, 100)

    def _fetch(
        self,
        _connector: object,
        _settings: object,
        _state: State,
        _ca: object,
        report: Any,
        _stop: object,
        mark: object,
    ) -> Result:
        self.mark = mark
        if isinstance(self.ends, BaseException):
            raise self.ends
        found: Result = self.ends if isinstance(self.ends, Result) else self.ends(report)
        return found


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_run_is_told_while_it_works(bench: Bench) -> None:
    seen: list[Report] = []

    def work(report: Any) -> Result:
        seen.append(bench.report)
        report.note("Connected.")
        report.begin(2, 300)
        report.advance(1, 100)
        seen.append(bench.report)
        report.advance(1, 200)
        return Result(2, 300)

    ended = bench.run(work)
    assert [report["state"] for report in seen] == ["running", "running"]
    assert [report["bytes"] for report in (*seen, ended)] == [0, 100, 300]
    assert seen[1]["total_bytes"] == 300
    assert seen[1]["text"] == "1 of 2 delivered."
    assert seen[0]["version"] < seen[1]["version"] < ended["version"]
    lines = [line for _, line in ended["log"]]
    assert lines == [
        "Connected.", "2 new messages, 300 bytes.", "1 of 2 delivered.", "2 of 2 delivered.",
        "2 messages delivered, 300 bytes.",
    ]  # fmt: skip
    versions = [version for version, _ in ended["log"]]
    assert versions == sorted(set(versions))
    assert versions[-1] == ended["version"]


def test_success_is_recorded(bench: Bench) -> None:
    before = time.time()
    found = bench.run(Result(1, 60, deleted=2))
    assert (found["state"], found["cause"], found["deleted"]) == ("succeeded", None, 2)
    assert (found["failures"], found["runs"]) == (0, 1)
    assert found["outcome"] == {"cause": None, "message": "", "partial": 0}
    assert found["first_complete"] == found["last_success"]
    assert found["last_success"]
    assert found["ended"]
    assert before <= found["started"] <= found["last_success"] <= time.time()
    first = found["first_complete"]
    assert bench.run(Result())["first_complete"] == first
    [entry, _] = bench.history
    assert entry["state"] == "succeeded"


def test_messages_that_are_not_here_make_it_partial(bench: Bench) -> None:
    assert bench.run(Result(1, 60, failed=3, set_aside=1, aside=4))["outcome"] == {
        "cause": None,
        "message": "",
        "partial": 6,
    }
    assert bench.report["first_complete"] is None
    assert bench.report["set_aside"] == 4
    assert bench.run(Result())["first_complete"]


def test_what_is_passed_over_and_left_is_told(bench: Bench) -> None:
    found = bench.run(Result(1, 60, passed=5, left=3))
    assert (found["passed"], found["left"]) == (5, 3)
    assert found["text"] == (
        "1 message delivered, 60 bytes; 5 messages passed over; 3 messages left for later runs."
    )
    [entry] = bench.history
    assert (entry["result"]["passed"], entry["result"]["left"]) == (5, 3)


def test_a_run_that_left_messages_is_not_complete(bench: Bench) -> None:
    assert bench.run(Result(1, 60, left=3))["first_complete"] is None
    # As it is if the history alone is left to tell of it.
    (bench.folder / "status.json").unlink()
    assert bench.run(BROKEN)["first_complete"] is None
    assert bench.run(Result(1, 60, passed=5))["first_complete"]


def test_problem_that_is_known_before_is_all_that_there_is(bench: Bench) -> None:
    bench.ends = RuntimeError("nothing is fetched")
    for count in (1, 2):
        token = make_token(CONNECTOR.name)
        with pytest.raises(Problem, match="Log-in refused"):
            run.run(CONNECTOR, Settings(), bench.folder, None, bench.log, token=token, problem=REFUSED)
        assert (bench.report["state"], bench.report["token"]) == ("failed", token)
        assert (bench.report["failures"], bench.report["refused"]) == (count, count)
    assert [entry["cause"] for entry in bench.history] == ["credentials", "credentials"]


def test_hint_of_a_failure_is_recorded(bench: Bench) -> None:
    found = bench.run(failure("credentials", "No token.", hint="Sign in again."))
    assert found["outcome"]
    assert (found["hint"], found["outcome"]["hint"]) == ("Sign in again.", "Sign in again.")
    [entry] = bench.history
    assert entry["result"]["hint"] == "Sign in again."
    # Counted anew from the history, it is the same.
    (bench.folder / status_file.RUN).unlink()
    recounted = bench.run(Stopped(2))
    assert recounted["outcome"] == found["outcome"]
    found = bench.run(BROKEN)
    assert "hint" not in found
    assert found["outcome"] == {"cause": "network", "message": "The connection broke.", "partial": 0}


def test_run_that_ends_with_its_token_is_a_success_that_goes_on(bench: Bench) -> None:
    found = bench.run(Result(3, 60, unfinished=True))
    assert (found["state"], found["unfinished"], found["failures"]) == ("succeeded", True, 0)
    assert found["first_complete"] is None
    assert "the rest follows at once" in found["text"]
    found = bench.run(Result(1, 20))
    assert "unfinished" not in found
    assert found["first_complete"]


def test_failures_are_counted_until_one_succeeds(bench: Bench) -> None:
    counts = [bench.run(end) for end in (REFUSED, REFUSED, BROKEN, REFUSED)]
    assert [found["failures"] for found in counts] == [1, 2, 3, 4]
    # That the network broke says nothing of the credentials.
    assert [found["refused"] for found in counts] == [1, 2, 2, 3]
    assert bench.report["outcome"] == {"cause": "credentials", "message": "Log-in refused.", "partial": 0}
    found = bench.run(Result())
    assert (found["failures"], found["refused"]) == (0, 0)
    assert [entry["cause"] for entry in bench.history] == [
        None,
        "credentials",
        "network",
        *["credentials"] * 2,
    ]


@pytest.mark.parametrize("cause", record.LOGGED_IN)
def test_failure_after_the_log_in_ends_the_refusals(bench: Bench, cause: Any) -> None:
    bench.run(REFUSED)
    found = bench.run(failure(cause, "No."))
    assert (found["failures"], found["refused"]) == (2, 0)


def test_log_in_that_succeeds_ends_the_refusals(bench: Bench) -> None:
    """Also of a run that then fails by the network, or is cut off."""

    def work(report: Any) -> Result:
        report.begin(1, 60)
        assert bench.report["refused"] == 0
        raise BROKEN

    bench.run(REFUSED)
    found = bench.run(work)
    assert (found["failures"], found["refused"]) == (2, 0)


def test_folder_that_fails_makes_the_others_wait_for_no_longer(bench: Bench) -> None:
    trouble = fetch.FoldersProblem([failure("mailbox", "No."), BROKEN], Result(3, 300, deleted=2, passed=1))
    for _ in range(2):
        found = bench.run(BROKEN)
    assert found["failures"] == 2
    for _ in range(2):
        found = bench.run(trouble)
        assert (found["state"], found["cause"], found["failures"]) == ("failed", "mailbox", 1)
        assert found["message"] == "2 folders could not be fetched. No."
        assert (found["deleted"], found["passed"]) == (2, 1)
    assert bench.history[0]["result"]["deleted"] == 2
    assert bench.run(BROKEN)["failures"] == 2


def test_forgiven_failures_do_not_count(bench: Bench) -> None:
    bench.run(REFUSED)
    bench.run(REFUSED)
    found = bench.run(REFUSED, forgive=True)
    assert (found["failures"], found["refused"]) == (1, 1)


def test_cancelled_run_is_neither_success_nor_failure(bench: Bench) -> None:
    bench.run(BROKEN)
    before = bench.report

    def work(report: Any) -> Result:
        report.begin(9, 900)
        report.advance(1, 100)
        raise Stopped(15)

    found = bench.run(work)
    assert (found["state"], found["messages"], found["failures"]) == ("cancelled", 1, 1)
    assert found["outcome"] == before["outcome"]
    assert found["runs"] == before["runs"]
    assert bench.history[0]["state"] == "cancelled"


def test_bug_is_recorded_without_its_words(bench: Bench) -> None:
    found = bench.run(RuntimeError("geheim-4711"))
    assert (found["state"], found["cause"]) == ("failed", "internal")
    assert "RuntimeError" in found["message"]
    assert "geheim" not in str(found)


def test_run_that_was_cut_off_is_settled_by_the_next(bench: Bench) -> None:
    bench.run(Result())
    cut: Report = {**bench.report, "state": "running", "ended": None, "token": "f" * 32, "messages": 7}
    status_file.write(bench.folder, cut, durably=False)
    found = bench.run(BROKEN)
    assert found["failures"] == 2
    assert [(entry["state"], entry["cause"]) for entry in bench.history] == [
        ("failed", "network"), ("failed", "internal"), ("succeeded", None),
    ]  # fmt: skip
    entry = bench.history[1]
    assert (entry["token"], entry["messages"], entry["message"]) == ("f" * 32, 7, status_file.CUT_OFF)


def test_run_cut_off_between_its_two_records_counts_as_it_ended(bench: Bench) -> None:
    ended = bench.run(Result())
    status_file.write(bench.folder, {**ended, "state": "running", "ended": None}, durably=False)
    found = bench.run(BROKEN)
    assert found["failures"] == 1
    assert [entry["state"] for entry in bench.history] == ["failed", "succeeded"]


def test_run_cut_off_between_its_two_records_is_not_taken_for_complete(bench: Bench) -> None:
    ended = bench.run(Result(1, 60, failed=2, aside=1))
    begun = {**ended, "state": "running", "ended": None, "outcome": None, "last_success": None, "runs": 0}
    status_file.write(bench.folder, begun, durably=False)  # type: ignore[arg-type]
    found = bench.run(Stopped(15))
    assert found["outcome"] == {"cause": None, "message": "", "partial": 2}
    assert found["first_complete"] is None
    assert found["last_success"]


def deliver(*counts: int) -> Any:
    """Return what a run does that delivers so many messages at a time."""

    def work(report: Any) -> Result:
        report.begin(sum(counts), sum(counts))
        for count in counts:
            report.advance(count, count)
        return Result(sum(counts), sum(counts))

    return work


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Set the clock of what counts days."""
    clock = types.SimpleNamespace(time=time.time)
    monkeypatch.setattr(record, "time", clock)

    def set_time(now: float) -> None:
        clock.time = lambda: now

    return set_time


def test_messages_are_counted_by_day(bench: Bench, at: Callable[[float], None]) -> None:
    now = time.mktime((2026, 11, 20, 12, 0, 0, 0, 0, -1))
    at(now)
    assert bench.run(Result())["days"] == {}
    assert bench.run(deliver(2, 1))["days"] == {"2026-11-20": 3}
    at(now + 60)
    assert bench.run(deliver(4))["days"] == {"2026-11-20": 7}
    at(now + 86400)
    assert bench.run(BROKEN)["days"] == {"2026-11-20": 7}
    assert bench.run(deliver(1))["days"] == {"2026-11-20": 7, "2026-11-21": 1}
    at(now + 14 * 86400)
    assert bench.run(deliver(5))["days"] == {"2026-11-21": 1, "2026-12-04": 5}


def test_run_over_midnight_counts_for_both_days(bench: Bench, at: Callable[[float], None]) -> None:
    midnight = time.mktime((2026, 11, 21, 0, 0, 0, 0, 0, -1))
    days = {"2026-11-20": 3, "2026-11-21": 2}

    def work(report: Any) -> Result:
        report.begin(5, 50)
        at(midnight - 1)
        report.advance(3, 30)
        at(midnight)
        report.advance(2, 20)
        assert bench.report["days"] == days
        return Result(5, 50)

    at(midnight - 60)
    assert bench.run(work)["days"] == days
    assert bench.run(Result())["days"] == days
    # Cut off, it has counted all the same.
    cut: Report = {**bench.report, "state": "running", "ended": None, "token": "f" * 32, "messages": 5}
    status_file.write(bench.folder, {**cut, "days": {**days, "2026-11-21": 7}}, durably=False)
    assert bench.run(BROKEN)["days"] == {"2026-11-20": 3, "2026-11-21": 7}


@pytest.mark.parametrize("change", [None, {}, {"days": {}}, {"days": {"2020-01-01": 1}, "token": "f" * 32}])
def test_days_that_are_lost_or_old_are_made_anew_from_the_history(bench: Bench, change: Any) -> None:
    """As of a report that an older version wrote, or that is back after a power cut."""
    for count in (2, 3):
        before = bench.run(deliver(count))
    assert list(before["days"].values()) in ([5], [2, 3])
    file = bench.folder / status_file.RUN
    file.unlink()
    if change is not None:
        status_file.write(bench.folder, {**before, **change}, durably=False)
    seen: list[Report] = []

    def work(_report: Any) -> Result:
        seen.append(bench.report)
        return deliver(4)(_report)  # type: ignore[no-any-return]

    found = bench.run(work)
    assert sum(found["days"].values()) == 9
    assert max(found["days"]) >= max(before["days"])


@pytest.mark.parametrize("left", [None, b"", b"\0" * 700])
def test_report_that_is_lost_is_made_anew_from_the_history(bench: Bench, left: bytes | None) -> None:
    """As after a power cut, on a file system that may lose a file that is replaced."""
    ends = (Result(1, 60, failed=1), Result(), Result(), REFUSED, BROKEN, Stopped(15), REFUSED)
    before = [bench.run(end) for end in ends][-1]
    file = bench.folder / status_file.RUN
    file.unlink()
    if left is not None:
        file.write_bytes(left)
    found = bench.run(Stopped(15))
    for name in ("failures", "refused", "runs", "outcome"):
        assert found[name] == before[name]
    for name in ("first_complete", "last_success"):
        assert found[name] == pytest.approx(before[name], abs=1)  # type: ignore[literal-required]
    assert (found["failures"], found["refused"]) == (3, 2)


def test_second_run_leaves_the_record_alone(bench: Bench) -> None:
    def work(_report: Any) -> Result:
        before = bench.report
        with pytest.raises(Problem) as caught:
            run.run(CONNECTOR, Settings(), bench.folder, None, Log(), token="e" * 32)
        assert caught.value.cause == "running"
        assert bench.report == before
        return Result()

    assert bench.run(work)["state"] == "succeeded"


def test_state_that_cannot_be_opened_is_told(bench: Bench) -> None:
    (bench.folder / "state.sqlite").write_bytes(b"no database" * 999)
    found = bench.run(Result())
    assert (found["state"], found["cause"], found["failures"]) == ("failed", "internal", 1)
    assert bench.run(Result())["failures"] == 2


def test_success_that_cannot_be_recorded_is_told_as_a_failure(bench: Bench) -> None:
    bench.run(BROKEN)
    before = bench.report

    def work(_report: Any) -> Result:
        with state_file.opened(bench.folder) as db:
            assert db
            db.execute("DROP TABLE run")
        return Result(1, 60)

    found = bench.run(work)
    assert (found["state"], found["cause"], found["failures"]) == ("failed", "internal", 2)
    assert (found["runs"], found["last_success"]) == (before["runs"] + 1, None)
    assert [line for _, line in found["log"]] == ["1 message delivered, 60 bytes.", found["message"]]


def test_full_disk_is_told(bench: Bench, tmp_path: Path) -> None:
    """Also where there is room for nothing more."""
    disks.need_mounts()
    bench.folder = tmp_path / "small"
    with disks.small(bench.folder, 1 << 20):
        bench.run(Result())
        fill = bench.folder / "fill"
        with suppress(OSError), fill.open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        for failures in (1, 2):
            found = bench.run(Result())
            assert (found["state"], found["cause"], found["failures"]) == ("failed", "quota", failures)
            assert not list(bench.folder.glob("*.new"))
        fill.unlink()
        found = bench.run(Result(1, 60))
        assert (found["state"], found["failures"]) == ("succeeded", 0)
        assert [entry["state"] for entry in bench.history] == ["succeeded", "succeeded"]


def test_status_that_cannot_be_written_stops_nothing(bench: Bench) -> None:
    (bench.folder / status_file.RUN).mkdir()
    with suppress(AssertionError):
        bench.run(Result())
    assert [entry["state"] for entry in bench.history] == ["succeeded"]
    assert sum("cannot be told" in line for line in bench.log.said) == 1


@pytest.mark.long
def test_log_is_cut_at_its_head(bench: Bench) -> None:
    def work(report: Any) -> Result:
        for number in range(3000):
            report.note(f"line {number}")
        return Result()

    found = bench.run(work)
    assert found["log_cut"]
    assert found["log"][-2][1] == "line 2999"
    assert sum(len(line) for _, line in found["log"]) <= status_file.LOG_LIMIT
    assert found["version"] == 3002


@pytest.mark.parametrize("character", ["\U0001f600", "\u4e2d", '"', "\\"])
def test_whatever_a_server_says_there_is_a_report(bench: Bench, character: str) -> None:
    said = printable(character * 9999)

    def work(report: Any) -> Result:
        for _ in range(99):
            report.warn(said)
        raise failure("protocol", said)

    assert bench.run(work)["message"] == said


def test_baseline_is_told_while_it_works_and_later(bench: Bench) -> None:
    seen: list[Report] = []

    def work(report: Any) -> Result:
        assert bench.mark == report.mark
        for marked, more in ((0, 5), (3, 0), (2, 0)):
            report.mark(marked, more)
            seen.append(bench.report)
        return Result(baselined=5)

    found = bench.run(work, baseline=True)
    assert [status.percent(one) for one in (*seen, found)] == [None, 60, 99, 100]
    assert [one["text"] for one in seen[1:]] == ["3 of 5 marked as seen.", "5 of 5 marked as seen."]
    assert all(one["baseline"] for one in (*seen, found))
    assert (found["baselined"], found["messages"], found["days"]) == (5, 0, {})
    assert found["text"] == "5 messages marked as seen; nothing was fetched."
    assert bench.history[0]["result"]["baselined"] == 5
    # The first complete run is one that fetches.
    assert (found["first_complete"], found["failures"]) == (None, 0)
    assert found["last_success"]
    (bench.folder / status_file.RUN).unlink()
    found = bench.run(BROKEN)
    assert (found["first_complete"], found["runs"]) == (None, 2)
    assert "baseline" not in found
    assert bench.mark is None
    assert bench.run(Result(1, 60))["first_complete"]


def test_baseline_that_fails_is_told_as_a_run_that_fails(bench: Bench) -> None:
    found = bench.run(REFUSED, baseline=True)
    assert (found["state"], found["cause"], found["failures"]) == ("failed", "credentials", 1)
    assert found["baseline"]
