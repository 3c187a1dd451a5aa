# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the history tells, whoever asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cockpit_getmail import history, status_file
from cockpit_getmail.connector import folder_name, make_token
from cockpit_getmail.state import State
from tests.api.test_quarantine import give
from tests.unit.test_status_file import REPORT

if TYPE_CHECKING:
    from tests.api.conftest import Api


@pytest.mark.long
@pytest.mark.parametrize("user", ["api", "nobody"])
def test_older_run_is_told_from_the_history(request: pytest.FixtureRequest, user: str) -> None:
    api: Api = request.getfixturevalue(user)
    name = api.add()
    older, newer = ({**REPORT, "token": make_token(name)} for _ in range(2))
    folder = api.state / folder_name(name)
    folder.mkdir(parents=True)
    with State(folder) as state, state.transaction() as db:
        history.add(db, older, 90)  # type: ignore[arg-type]
        history.add(db, newer, 90)  # type: ignore[arg-type]
    status_file.write(folder, newer, durably=False)  # type: ignore[arg-type]
    give(api)
    for told in (older, newer):
        answer = api.succeed("read", action="progress", token=told["token"])
        assert (answer["statusCode"], answer["error"]["message"]) == ("failed", REPORT["message"])
    runs = api.succeed("read", action="history", name=name)["runs"]
    assert [run["token"] for run in runs] == [newer["token"], older["token"]]
