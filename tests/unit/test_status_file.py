# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a task tells of itself, and what root believes of it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail import status_file
from cockpit_getmail.status_file import RUN, VERIFY, parse, read, write
from tests.support import disks

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit_getmail.status_file import Outcome, Report

TOKEN = "0123456789abcdef" * 2
MISSING = {"folder": "INBOX", "uid": "7", "message_id": None}
RESULT: dict[str, Any] = {
    "checked": 2,
    "present": 1,
    "moved": 0,
    "elsewhere": 0,
    "missing": [MISSING],
    "missing_count": 1,
    "sound": True,
    "problems": [],
}
REPORT: Report = {
    "token": TOKEN,
    "kind": "run",
    "invocation": "",
    "state": "failed",
    "started": 1_700_000_000.0,
    "ended": 1_700_000_001.5,
    "version": 3,
    "messages": 1,
    "bytes": 20,
    "total_messages": 2,
    "total_bytes": 40,
    "failed": 0,
    "set_aside": 0,
    "deleted": 0,
    "passed": 0,
    "left": 0,
    "baselined": 0,
    "cause": "network",
    "message": "The connection broke.",
    "text": "1 of 2 delivered.",
    "log": [(2, "2 new messages."), (3, "1 of 2 delivered.")],
    "log_cut": False,
    "result": RESULT,
    "failures": 2,
    "refused": 0,
    "first_complete": None,
    "last_success": 1_600_000_000.0,
    "runs": 9,
    "outcome": {"cause": "network", "message": "The connection broke.", "partial": 0},
    "days": {"2023-11-13": 7, "2023-11-14": 1},
}
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=5), inner), max_leaves=10
)


@pytest.mark.parametrize("durably", [False, True])
@pytest.mark.parametrize("name", [RUN, VERIFY])
def test_what_is_written_is_read(tmp_path: Path, name: str, durably: bool) -> None:
    assert read(tmp_path, name) is None
    write(tmp_path, REPORT, name, durably=durably)
    (tmp_path / f"{name}.new").write_text("left by one that was killed")
    write(tmp_path, {**REPORT, "version": 4}, name, durably=durably)
    assert read(tmp_path, name) == {**REPORT, "version": 4}
    assert read(tmp_path, name, with_log=False) == {**REPORT, "version": 4, "log": []}
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


@pytest.mark.long
@given(st.binary() | VALUES.map(lambda value: json.dumps(value).encode()))
def test_nothing_else_is_believed(data: bytes) -> None:
    assert parse(data) is None


@pytest.mark.long
@given(st.sampled_from(sorted(REPORT)), VALUES)
def test_field_of_another_shape_is_not_believed_or_harmless(name: str, value: Any) -> None:
    found = parse(json.dumps({**REPORT, name: value}).encode())
    if found is not None:
        json.dumps(found).encode()
        write_again = parse(json.dumps(found).encode())
        assert write_again == found
        assert found.keys() == REPORT.keys()


def test_what_an_older_version_did_not_write(tmp_path: Path) -> None:
    outcome: Outcome = {"cause": "network", "message": "Broken.", "partial": 0, "hint": "Mend it."}
    told: Report = {**REPORT, "hint": "Wait.", "outcome": outcome, "unfinished": True}
    write(tmp_path, told, durably=False)
    assert read(tmp_path) == told
    lies = {**REPORT, "hint": "", "unfinished": 1}
    assert parse(json.dumps(lies).encode()) == REPORT
    for lie in (None, 5, ["x"]):
        assert parse(json.dumps({**REPORT, "hint": lie}).encode()) is None
        assert parse(json.dumps({**REPORT, "outcome": {**outcome, "hint": lie}}).encode()) is None


@pytest.mark.parametrize("name", sorted(REPORT))
def test_field_that_is_missing(name: str) -> None:
    found = parse(json.dumps({key: value for key, value in REPORT.items() if key != name}).encode())
    # An older version did not write these.
    later = {"days": {}, "passed": 0, "left": 0, "baselined": 0}
    assert found == ({**REPORT, name: later[name]} if name in later else None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("token", "../x"),
        ("token", TOKEN + "\n"),
        ("invocation", "INVOCATION"),
        ("kind", "fetch"),
        ("state", "ended"),
        ("cause", "weather"),
        ("started", None),
        ("started", float("nan")),
        ("ended", float("inf")),
        ("ended", -1),
        ("started", True),
        ("messages", -1),
        ("messages", 1 << 63),
        ("messages", 1.0),
        ("bytes", True),
        ("log", [(1, "x", "y")]),
        ("log", [("1", "x")]),
        ("message", None),
        ("outcome", {"cause": None}),
        ("days", None),
        ("days", [["2023-11-14", 1]]),
        ("days", ["2023-11-14"]),
        ("days", {"2023-11-14": -1}),
        ("days", {"2023-11-14": 1 << 63}),
        ("days", {"2023-11-14": "1"}),
        ("days", {"2023-11-14": True}),
        ("days", {"2023-11-14": 1.0}),
        ("days", {"2023-11-14": None}),
        ("days", {"2023-11-14\n": 1}),
        ("days", {"2023-11-32": 1}),
        ("days", {"2023-00-14": 1}),
        ("days", {"2023-1-4": 1}),
        ("days", {"\u0662\u0660\u0662\u0663-11-14": 1}),
        ("days", {"": 1}),
        ("days", {"2023-11-142023-11-15": 1}),
        ("days", {"2023-11-14": 1, "<b>": 1}),
        ("days", {f"2023-11-{day}": 1 for day in range(10, 25)}),
        ("result", {}),
        ("result", [RESULT]),
        ("result", "All is well."),
        ("result", {**RESULT, "checked": 0.5}),
        ("result", {**RESULT, "missing_count": None}),
        ("result", {**RESULT, "missing": {"INBOX": "7"}}),
        ("result", {**RESULT, "missing": [{**MISSING, "uid": 7}]}),
        ("result", {**RESULT, "missing": [{**MISSING, "message_id": [[[[]]]]}]}),
        ("result", {**RESULT, "problems": [None]}),
    ],
)
def test_value_that_is_not_believed(name: str, value: object) -> None:
    assert parse(json.dumps({**REPORT, name: value}).encode()) is None


def test_text_is_made_fit_for_a_terminal() -> None:
    ugly = "\x1b[2J" + "x" * 5000
    result = {**RESULT, "missing": [dict.fromkeys(MISSING, ugly)], "problems": [ugly], ugly: ugly}
    told = {"message": ugly, "text": ugly, "log": [(1, ugly)], "result": result}
    outcome = {"cause": None, "message": ugly, "partial": 0}
    found = parse(json.dumps({**REPORT, **told, "outcome": outcome}).encode())
    assert found
    assert "\x1b" not in json.dumps(found, ensure_ascii=False)
    assert len(json.dumps(found)) < 10_000


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "large", "socket"])
def test_file_that_is_not_one_is_not_opened(tmp_path: Path, kind: str) -> None:
    path = tmp_path / RUN
    if kind == "link":
        write(tmp_path, REPORT, VERIFY, durably=False)
        path.symlink_to(VERIFY)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "large":
        path.write_text(json.dumps(REPORT) + " " * status_file.LIMITS[RUN])
    else:
        os.mknod(path, 0o140600)
    assert read(tmp_path) is None


def test_folder_that_is_missing(tmp_path: Path) -> None:
    assert read(tmp_path / "none") is None
    with pytest.raises(FileNotFoundError):
        write(tmp_path / "none", REPORT, durably=False)


def test_full_disk_leaves_the_text_before_or_the_new_one(tmp_path: Path) -> None:
    """A text that the space of the file before does not take stays away whole."""
    disks.need_mounts()
    folder = tmp_path / "small"
    with disks.small(folder, 1 << 20):
        write(folder, {**REPORT, "log": [(1, "before")]}, durably=False)
        with suppress(OSError), (folder / "fill").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        write(folder, {**REPORT, "version": 4}, durably=True)
        told = {**REPORT, "version": 4, "log": [], "log_cut": True}
        assert read(folder) == told
        with pytest.raises(OSError, match="space"):
            write(folder, {**REPORT, "result": {**RESULT, "problems": ["x" * 99] * 99}}, durably=False)
        assert read(folder) == told
        with pytest.raises(OSError, match="space"):
            write(folder, REPORT, VERIFY, durably=False)
        assert sorted(path.name for path in folder.iterdir()) == ["fill", RUN]
