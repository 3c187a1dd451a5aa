# SPDX-License-Identifier: LGPL-2.1-or-later
"""api/execute, as far as it goes without systemd; the rest is in tests/machine."""

from collections.abc import Callable

import pytest

from tests.api.conftest import Api

GOOD = "getmail|Account|me|Password|p|Retriever|SimplePOP3Retriever|Server|old.example|Username|u"


@pytest.mark.parametrize(("action", "command"), [("run", "fetch"), ("baseline", "baseline --foreground")])
def test_without_systemd_the_foreground_is_named(
    api: Api, put: Callable[[str], None], action: str, command: str
) -> None:
    put(f"x={GOOD}\n")
    before = api.files()
    answer = api.fail("execute", action, name="x", type="getmail")
    assert (answer["type"], answer["attributes"]["cause"]) == ("GenericError", "internal")
    assert "systemd" in answer["message"] or "root" in answer["message"]
    assert f"cockpit-getmail {command} x" in answer["message"]
    assert api.files() == before


@pytest.mark.long
def test_connector_that_is_disabled(api: Api, put: Callable[[str], None]) -> None:
    put(f"x={GOOD}|status|disabled\n")
    answer = api.fail("execute", "run", name="x")
    assert answer["type"] in ("Conflict", "GenericError")
    assert answer["attributes"]["cause"] == "connector"
    assert "disabled" in answer["message"]
    # All there may be marked as seen before it is enabled for the first time.
    assert "disabled" not in api.fail("execute", "baseline", name="x")["message"]


@pytest.mark.long
@pytest.mark.parametrize(
    ("record", "faults"),
    [
        (GOOD.replace("|Server|old.example", ""), {"Server": "required"}),
        (GOOD.replace("|Password|p", "|Password|"), {"Password": "minLength"}),
        (GOOD.replace("|me|", "|../me|"), {"Account": "format"}),
        (GOOD.replace("SimplePOP3", "Broken"), {"Retriever": "enum"}),
        (GOOD.replace("Username|u", "Username|u\\nv") + "|Port|0", {"Username": "format", "Port": "minimum"}),
    ],
)
def test_record_that_cannot_be_run(
    api: Api, put: Callable[[str], None], record: str, faults: dict[str, str]
) -> None:
    """Not all records came through create."""
    put(f"x={record}\n")
    for action in ("run", "baseline"):
        assert api.faults("execute", action, name="x") == faults


@pytest.mark.long
def test_old_words_in_delete_and_time_do_not_stop_a_run(api: Api, put: Callable[[str], None]) -> None:
    put(f"x={GOOD}|Delete|disabled|Time||Colour|blue|FilterCheck|\n")
    assert api.fail("execute", "run", name="x")["type"] == "GenericError"


@pytest.mark.long
def test_name_that_is_unknown(api: Api, put: Callable[[str], None]) -> None:
    put("ibay=ibay\n")
    for name in ("ibay", "../x", "%n"):
        assert api.fail("execute", "run", name=name)["type"] == "NotFound", name
    assert api.faults("execute", "run") == {"name": "required"}
    assert api.faults("execute", name="x") == {"action": "required"}
    assert api.faults("execute", "stop", name="x") == {"action": "enum"}
