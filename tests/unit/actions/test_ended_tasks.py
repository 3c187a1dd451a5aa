# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tasks whose status file says that they are under way, and that are not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cockpit_getmail import history, inquiry, status_file, units
from cockpit_getmail.actions.read import history as past
from cockpit_getmail.actions.read import progress
from cockpit_getmail.connector import folder_name, make_token
from cockpit_getmail.ledger import Ledger
from cockpit_getmail.problem import Problem
from cockpit_getmail.state import State
from cockpit_getmail.status import SILENT
from tests.unit.test_status_file import REPORT

if TYPE_CHECKING:
    from cockpit_getmail.settings import Settings
    from cockpit_getmail.status_file import Report

NAME = "me@there"
TOLD: Report = {**REPORT, "token": make_token(NAME), "state": "succeeded", "cause": None, "message": ""}


@pytest.fixture
def folder(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state of a connector, whose run has told that it is under way."""
    Path(settings.connectors_db).write_text(f"{NAME}=getmail|Account|me\n")
    found = Path(settings.state_dir, folder_name(NAME))
    found.mkdir(parents=True)
    status_file.write(found, {**TOLD, "state": "running", "ended": None}, durably=False)
    monkeypatch.setattr(units, "ask", lambda *asked: inquiry.check(asked[2], inquiry.answer(found, asked[2])))
    return found


def ask(settings: Settings) -> dict[str, Any]:
    return progress.answer({"token": TOLD["token"]}, settings)


def test_one_that_was_killed_between_its_two_records_ended_as_the_history_has_it(
    settings: Settings, folder: Path
) -> None:
    with State(folder) as state, state.transaction() as db:
        history.add(db, TOLD, 90)
    assert ask(settings)["statusCode"] == "succeeded"
    assert [run["result"] for run in past.answer({"name": NAME}, settings)["runs"]] == ["succeeded"]


@pytest.mark.parametrize("content", [None, b"no database" * 999])
def test_one_whose_history_cannot_be_read_was_cut_off(
    settings: Settings, folder: Path, content: bytes | None
) -> None:
    if content:
        (folder / "state.sqlite").write_bytes(content)
    answer = ask(settings)
    assert (answer["statusCode"], answer["error"]["message"]) == ("failed", status_file.CUT_OFF)


def test_one_that_was_started_and_told_nothing_is_not_unknown(settings: Settings, folder: Path) -> None:
    silent, unknown = make_token(NAME), make_token(NAME)
    with Ledger(settings) as ledger:
        ledger.started(NAME, 0.0, silent)
    for token, kind, message in ((silent, "GenericError", SILENT), (unknown, "NotFound", "no task")):
        with pytest.raises(Problem, match=message) as caught:
            progress.answer({"token": token}, settings)
        assert caught.value.type == kind
