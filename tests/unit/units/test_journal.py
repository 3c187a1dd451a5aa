# SPDX-License-Identifier: LGPL-2.1-or-later
"""What journalctl prints of lines that a unit logged as it liked."""

import json
from pathlib import Path
from typing import Any

import pytest

from cockpit_getmail.environment import ENVIRONMENT
from cockpit_getmail.units import journal, systemd

LINE = {"__CURSOR": "s=1", "__REALTIME_TIMESTAMP": "1700000000500000", "MESSAGE": "Hello.", "PRIORITY": "4"}


def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, **fields: object) -> dict[str, Any]:
    """Return what a line with these fields is told as."""
    program = tmp_path / "journalctl"
    program.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps(LINE | fields)}\nEND\n")
    program.chmod(0o755)
    monkeypatch.setitem(ENVIRONMENT, "PATH", f"{tmp_path}:{ENVIRONMENT['PATH']}")
    monkeypatch.setenv("PATH", ENVIRONMENT["PATH"])
    monkeypatch.setattr(systemd, "BOOTED", tmp_path)
    [found] = journal.read_journal("unit", 1).lines
    return found


def test_line_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = read(tmp_path, monkeypatch)
    assert found == {"time": 1_700_000_000.5, "priority": 4, "message": "Hello."}


@pytest.mark.parametrize("priority", ["", "12", "8", "-1", None, ["3", "4"], {}])
def test_priority_that_is_none_counts_as_notice(
    priority: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(tmp_path, monkeypatch, PRIORITY=priority)["priority"] == journal.NOTICE


@pytest.mark.parametrize(
    ("message", "told"),
    [
        ("\x1b[2J", r"\x1b[2J"),
        (list(b"caf\xe9"), r"caf\xe9"),
        (["one", "two"], "one two"),
        (["one", list(b"\xe9"), None], r"one \xe9 "),
        (None, ""),
    ],
)
def test_message_of_any_kind_is_told(
    message: object, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert read(tmp_path, monkeypatch, MESSAGE=message)["message"] == told
