# SPDX-License-Identifier: LGPL-2.1-or-later
"""Listing whatever a database file has in it."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cockpit_getmail.actions.read import list as listing
from cockpit_getmail.connector import SECRETS
from cockpit_getmail.settings import Settings
from tests.support.schemas import check_schema

WORDS = (
    "getmail",
    "|",
    "=",
    "Account",
    "Password",
    "a",
    "@",
    "\n",
    "\\",
    "\\n",
    "#",
    "base64:",
    "type",
    "é",
    "",
)
LINES = st.lists(st.sampled_from(WORDS), max_size=40).map("".join).map(str.encode)


@pytest.mark.long
@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(LINES | st.binary())
@example(b"k=getmail|Account|@|Password|\n\xff=getmail\n=getmail\nk2=getmail|Account|@x|Password|p\n")
@example(b"k=getmail|\xc3\xa9|1||2|Account|" + "\N{SOFT HYPHEN}".encode())
def test_any_file_can_be_listed(settings: Settings, content: bytes) -> None:
    Path(settings.connectors_db).write_bytes(content)
    answer = listing.answer({}, settings)
    check_schema("read/list.output.json", answer)
    json.dumps(answer).encode()
    redacted = listing.answer({"redact": True}, settings)
    check_schema("read/list.output.json", redacted)
    assert redacted.get("broken") == answer.get("broken")
    records = [record for group in answer["connectors"].values() for record in group]
    hidden = [record for group in redacted["connectors"].values() for record in group]
    for record, without in zip(records, hidden, strict=True):
        secrets = {prop: "" for prop, value in record["props"].items() if prop in SECRETS and value}
        props = {prop: value for prop, value in record["props"].items() if prop not in SECRETS}
        # Whoever never ran is due now, which another second may be.
        due = {"next_run": without["next_run"]}
        assert without == {**record, **due, "props": {**props, **secrets}}
