# SPDX-License-Identifier: LGPL-2.1-or-later
"""What read messages, message, files and file take; tests/mail has what they answer."""

from typing import Any

import pytest

from tests.api.conftest import Api

NEEDED: dict[str, dict[str, Any]] = {
    "messages": {},
    "message": {"uid": 1},
    "files": {"uid": 1},
    "file": {"uid": 1, "file": "2"},
}


@pytest.mark.parametrize("action", NEEDED)
def test_a_connector_that_there_is_not(api: Api, action: str) -> None:
    assert api.fail("read", action, name="nobody@nowhere", **NEEDED[action])["type"] == "NotFound"


@pytest.mark.long
@pytest.mark.parametrize(
    ("action", "data", "faults"),
    [
        ("messages", {"limit": 0}, {"limit": "minimum"}),
        ("messages", {"limit": 201}, {"limit": "maximum"}),
        ("messages", {"limit": "50"}, {"limit": "type"}),
        ("messages", {"search": "FRM ann"}, {"search": "format"}),
        ("messages", {"search": ""}, {"search": "minLength"}),
        ("messages", {"search": "ALL\r\nx LOGOUT"}, {"search": "format"}),
        ("messages", {"folder": ""}, {"folder": "minLength"}),
        ("messages", {"folder": "a\r\nx LOGOUT"}, {"folder": "format"}),
        ("messages", {"before": 0}, {"before": "minimum"}),
        ("message", {"uid": None}, {"uid": "type"}),
        ("message", {"uid": ""}, {"uid": "minLength"}),
        ("message", {"uid": True}, {"uid": "type"}),
        ("files", {"raw_file_list": 2}, {"raw_file_list": "maximum"}),
        ("files", {"raw_file_list": "1"}, {"raw_file_list": "type"}),
        ("file", {"file": "0"}, {"file": "format"}),
        ("file", {"file": "1.MIME"}, {"file": "format"}),
        ("file", {"file": "1]<0.1> BODY[2"}, {"file": "format"}),
        ("file", {"file": "HEADER"}, {"file": "format"}),
        ("file", {"file": 2}, {"file": "type"}),
        ("file", {"offset": -1}, {"offset": "minimum"}),
        ("file", {"offset": 1 << 32}, {"offset": "maximum"}),
        ("file", {"limit": (8 << 20) + 1}, {"limit": "maximum"}),
    ],
)
def test_faults(api: Api, action: str, data: dict[str, Any], faults: dict[str, str]) -> None:
    assert api.faults("read", action, name="x", **{**NEEDED[action], **data}) == faults


@pytest.mark.long
def test_what_is_needed(api: Api) -> None:
    assert api.faults("read", "messages") == {"name": "required"}
    assert api.faults("read", "message") == {"name": "required", "uid": "required"}
    assert api.faults("read", "file") == {"name": "required", "uid": "required", "file": "required"}
