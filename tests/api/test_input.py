# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is no request: every helper says so, with status 1, and writes nothing."""

import json
import os
import subprocess
from typing import Any

import pytest

from tests.api.conftest import CONNECTOR, ROOT, Api, parse_answer
from tests.support.schemas import check_schema

VERBS = ("read", "validate", "create", "update", "delete", "execute")
GOOD = json.dumps({"action": "create", **CONNECTOR}).encode()


def nested(levels: int) -> bytes:
    """Return an object so many levels deep."""
    return b'{"action":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(GOOD + b" " * (1 << 20), id="over 1 MiB"),
        pytest.param(GOOD.replace(b"giacomo", b"giacom\xf3"), id="not UTF-8"),
        pytest.param(GOOD.decode().encode("utf-16"), id="UTF-16"),
        pytest.param(b"\xef\xbb\xbf" + GOOD, id="byte order mark"),
        pytest.param(b"[" + GOOD + b"]", id="a list"),
        pytest.param(b'"create"', id="a string"),
        pytest.param(b"null", id="null"),
        pytest.param(GOOD + GOOD, id="two objects"),
        pytest.param(GOOD[:-1], id="cut"),
        pytest.param(b"action=create", id="no JSON"),
        pytest.param(GOOD[:-1] + b', "Server": "other"}', id="a key twice"),
        pytest.param(b'{"action": {"a": 1, "a": 1}}', id="a key twice within"),
        pytest.param(GOOD[:-1] + b', "Time": NaN}', id="NaN"),
        pytest.param(GOOD[:-1] + b', "Time": -Infinity}', id="-Infinity"),
        pytest.param(GOOD[:-1] + b', "Time": 1e999}', id="1e999"),
        pytest.param(GOOD[:-1] + b', "Time": ' + b"9" * 5000 + b"}", id="5000 digits"),
        pytest.param(nested(21), id="21 levels"),
        pytest.param(nested(100_000), id="100000 levels"),
        pytest.param(b'{"action":' + b'{"a":' * 100_000, id="100000 levels, open"),
        pytest.param(GOOD.replace(b"giacomo", b"\\ud83d"), id="half a surrogate pair"),
        pytest.param(b'{"\\udc00": 1}', id="half a surrogate pair as a key"),
        pytest.param(GOOD.replace(b"giacomo", b"gia\ncomo"), id="a raw control character"),
    ],
)
def test_invalid_input(api: Api, raw: bytes) -> None:
    answer = api.refuse("create", raw)
    assert answer["type"] == "InvalidInput"
    assert CONNECTOR["Password"] not in answer["message"]
    assert not api.files()


@pytest.mark.long
def test_nothing(api: Api) -> None:
    for verb in VERBS:
        raw = b" \n" if verb == "read" else b""
        assert api.refuse(verb, raw) == {"type": "InvalidInput", "message": "no_json_data_available"}
    assert not api.files()


@pytest.mark.long
def test_largest_input_is_read(api: Api) -> None:
    assert api.run("create", GOOD.ljust(1 << 20)).returncode == 0
    assert len(api.connectors()) == 1


def test_twenty_levels_are_no_fault_of_the_input(api: Api) -> None:
    answer = api.refuse("create", nested(20))
    assert answer["type"] == "NotValid"
    assert answer["attributes"] == [{"parameter": "action", "value": "", "error": "enum"}]


@pytest.mark.parametrize("action", ["unknown", "../create/create", None, {}])
def test_unknown_action(api: Api, action: Any) -> None:
    answer = api.refuse("create", json.dumps({**CONNECTOR, "action": action}).encode())
    assert [(fault["parameter"], fault["error"]) for fault in answer["attributes"]] == [("action", "enum")]
    assert not api.files()


@pytest.mark.long
@pytest.mark.parametrize(("verb", "action"), [("read", "list"), ("delete", "delete"), ("execute", "run")])
def test_unknown_props(api: Api, verb: str, action: str) -> None:
    faults = api.faults(verb, action, name="x", Name="y", force=True)
    assert faults.items() >= {"Name": "additionalProperties", "force": "additionalProperties"}.items()


@pytest.mark.long
def test_values_of_every_type(api: Api) -> None:
    """Whatever JSON can say is answered, in the place of every prop."""
    values: tuple[Any, ...] = (1.5, True, [], {"a": {"b": "c"}}, -(10**4000), "\u0000", "x" * 100_000)
    for value in values:
        props: dict[str, Any] = dict.fromkeys([*CONNECTOR, "Port", "TLS", "status", "Delete", "Time"], value)
        assert api.faults("create", **props).keys() == props.keys(), value
    assert not api.files()


@pytest.mark.long
def test_closed_stdin(api: Api) -> None:
    for redirection in ("<&-", "<&- 2>&-"):
        done = shell(api, f'exec "$0" {redirection}')
        answer = parse_answer(done)
        check_schema("problem.json", answer)
        assert (done.returncode, answer["type"], done.stderr) == (1, "InvalidInput", b""), redirection


@pytest.mark.long
def test_nobody_reads_the_answer(api: Api) -> None:
    """The status does not claim a success that could not be told, and Python does not complain."""
    question = 'echo \'{"action": "list"}\' | '
    done = shell(api, f'{question} "$0" >/dev/full')
    assert (done.returncode, done.stderr) == (1, b"")
    done = shell(api, f'{question} (sleep 0.01; "$0"; echo $? >&2) | true')
    assert done.stderr in (b"1\n", b"0\n")
    done = shell(api, f'{question} "$0" >&-')
    assert done.stderr == b""


@pytest.mark.long
def test_settings_are_checked(api: Api) -> None:
    for settings in ({"STATE_DIR": "here"}, {"CHECK_TIMEOUT": "soon"}, {"COLOUR": "blue"}):
        answer = api.having(**settings).fail("create", **CONNECTOR)
        ((name, _),) = settings.items()
        assert (answer["type"], answer["attributes"]["setting"]) == ("GenericError", name)
        assert name in answer["message"]
    assert not api.files()


def test_python_of_the_caller_has_no_say(api: Api) -> None:
    """Neither its variables nor the folder that it is called from."""
    (api.folder / "json.py").write_text("raise SystemExit(7)")
    environment = {**api.environment, "PYTHONPATH": str(api.folder), "PYTHONSTARTUP": "/none"}
    argv = api.argv(ROOT / "api" / "read")
    done = subprocess.run(
        argv, input=b'{"action":"list"}', env=environment, cwd=api.folder, check=True, capture_output=True
    )
    assert parse_answer(done) == {"connectors": {}}


def shell(api: Api, script: str) -> subprocess.CompletedProcess[bytes]:
    """Run a script in which "$0" is api/read."""
    argv = [*api.argv(ROOT / "api" / "read")[:-1], "sh", "-c", script, str(ROOT / "api" / "read")]
    return subprocess.run(
        argv, env=api.environment | {"PATH": os.environ["PATH"]}, capture_output=True, check=False, timeout=30
    )
