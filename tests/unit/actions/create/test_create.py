# SPDX-License-Identifier: LGPL-2.1-or-later
"""The name of a new connector."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cockpit_getmail import database, schema
from cockpit_getmail.actions.create.create import answer
from cockpit_getmail.settings import Settings

INPUT: dict[str, Any] = {
    "Retriever": "SimpleIMAPRetriever",
    "Server": "mail.example",
    "Username": "u",
    "Password": "p",
    "Account": "a",
}


def test_name_is_free_however_fast_one_asks(settings: Settings) -> None:
    names = [answer(INPUT, settings)["name"] for _ in range(5)]
    assert len(set(names)) == 5
    assert names[0] == "u@mail.example"
    assert all(name.startswith("u@mail.example-") for name in names[1:])


@pytest.mark.long
@hypothesis_settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.text(), st.text(), st.sampled_from(["mail.example", "2001:db8::1", "bücher.example"]))
def test_whatever_is_valid_is_stored_as_it_was_given(
    settings: Settings, username: str, password: str, server: str
) -> None:
    data = {**INPUT, "Username": username, "Password": password, "Server": server}
    if not schema.check("create", "create", data):
        name = answer(data, settings)["name"]
        record = database.read(settings.connectors_db).get(name)
        assert record
        assert record.type == "getmail"
        assert record.props == {**data, "Delete": "-1", "Time": "30", "status": "enabled"}
