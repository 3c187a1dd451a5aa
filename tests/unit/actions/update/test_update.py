# SPDX-License-Identifier: LGPL-2.1-or-later
"""Changing one record of a file and nothing else in it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cockpit_getmail import database
from cockpit_getmail.actions.update import disable, enable, update
from cockpit_getmail.actions.validate import update as validate
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings

AROUND = (
    b"# first\n\nbroken\nb=other|Password|p\nx=getmail|Account|old\n",
    b"z=getmail|Account|z\n\xff\xfe\n  # last",
)
MINE = b"x=getmail|Account|a|Colour|blue|Password|p|Retriever|SimpleIMAPRetriever|Server|h|Username|u\n"
ACTIONS = {"update": update, "enable": enable, "disable": disable}
TEXT = st.text("aé |\\=%\"'😀", min_size=1, max_size=9)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "Password": TEXT,
        "Username": TEXT,
        "Account": TEXT.map("x".__add__),
        "Port": st.integers(1, 65535) | st.none(),
        "Time": st.integers(5, 99).map(str) | st.integers(5, 99),
        "TLS": st.sampled_from(["auto", "required", "none"]) | st.none(),
        "SpamCheck": st.sampled_from(["enabled", "disabled"]) | st.none(),
    },
)


@pytest.mark.long
@hypothesis_settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(CHANGES)
def test_only_what_is_given_changes(settings: Settings, change: dict[str, Any]) -> None:
    Path(settings.connectors_db).write_bytes(MINE.join(AROUND))
    before = database.Database(MINE).records[0].props
    data = {"action": "update", "name": "x", **change}
    assert validate.answer(data, settings) == {"state": "success"}
    assert Path(settings.connectors_db).read_bytes() == MINE.join(AROUND)
    update.answer(data, settings)
    content = Path(settings.connectors_db).read_bytes()
    assert content.startswith(AROUND[0])
    assert content.endswith(AROUND[1])
    wanted = before | {prop: str(value) for prop, value in change.items() if value is not None}
    found = database.Database(content).get("x")
    assert found == database.Record("x", "getmail", wanted)


@pytest.mark.parametrize(("action", "status"), [("enable", "enabled"), ("disable", "disabled")])
def test_status_is_set_whatever_else_is_wrong(settings: Settings, action: str, status: str) -> None:
    db = Path(settings.connectors_db)
    db.write_bytes(AROUND[0] + b"y=getmail|Port|none")
    assert ACTIONS[action].answer({"name": "y"}, settings)["name"] == "y"
    assert db.read_bytes() == AROUND[0] + f"y=getmail|Port|none|status|{status}".encode()


@pytest.mark.parametrize("action", ["update", "enable", "disable"])
def test_connector_that_is_unknown(settings: Settings, action: str) -> None:
    with pytest.raises(Problem) as caught:
        ACTIONS[action].answer({"name": "x"}, settings)
    assert caught.value.type == "NotFound"
    assert not Path(settings.connectors_db).exists()
