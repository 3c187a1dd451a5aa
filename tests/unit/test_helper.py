# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is a request, and how a problem is told. As processes the helpers are in tests/api."""

import json
import math
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cockpit_getmail import actions, helper
from cockpit_getmail.problem import CONTROL, Problem, failure, not_valid
from tests.support.limits import soon
from tests.support.schemas import FOLDER, check_schema

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
LEAVES = st.none() | st.booleans() | NUMBERS | st.text()
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)
OBJECTS = st.dictionaries(st.text(), VALUES, max_size=5)


def reason(data: bytes) -> str:
    """Return why this is no request."""
    with pytest.raises(Problem) as caught:
        helper.parse_input(data)
    assert caught.value.type == "InvalidInput"
    assert caught.value.attributes is None
    return caught.value.message


@pytest.mark.long
@given(OBJECTS, st.booleans(), st.sampled_from([None, 1, "\t"]))
def test_any_object_comes_back(value: dict[str, Any], ascii_only: bool, indent: Any) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    assert helper.parse_input(text.encode()) == value


@pytest.mark.long
@settings(max_examples=300)
@given(st.binary() | st.text('{}[]":,\\ud8de019.-+ \nNaInfityrulse').map(str.encode))
@example(b'{"a":-0,"b":1E-400}')
@example(b'{"a":1e400}')
@example(b'{"":{"":0,"":0}}')
def test_anything_else_is_refused(data: bytes) -> None:
    try:
        value = helper.parse_input(data)
    except Problem as found:
        problem: Problem | None = found
    else:
        problem = None
        assert isinstance(value, dict)
        assert json.loads(json.dumps(value, allow_nan=False)) == value
    if problem:
        assert problem.type == "InvalidInput"
        check_schema("problem.json", helper.format_problem(problem))


@pytest.mark.parametrize("opening", ["[", '{"a":'])
@pytest.mark.parametrize("levels", [19, 20, 100, 990, 1010, 300_000])
def test_depth(opening: str, levels: int) -> None:
    """Levels below the object itself, which is one more."""
    closing = "]" if opening == "[" else "}"
    inner = "{}" if opening != "[" else "[]"
    text = '{"x":' + opening * (levels - 1) + inner + closing * (levels - 1) + "}"
    if levels < 20:
        assert helper.parse_input(text.encode()).keys() == {"x"}
    elif len(text) <= 1 << 20:
        assert "20 levels" in reason(text.encode())
    else:
        assert "1 MiB" in reason(text.encode())


def test_size() -> None:
    fits = b'{"a": "%s"}' % (b"x" * ((1 << 20) - 9))
    assert len(fits) == 1 << 20
    assert len(helper.parse_input(fits)["a"]) == (1 << 20) - 9
    assert "1 MiB" in reason(fits + b" ")


@pytest.mark.long
def test_key_that_is_there_twice_is_found_at_once() -> None:
    names = [str(number) for number in range(90_000)]
    text = ",".join(f'"{name}":1' for name in [*names, names[-1]])
    with soon():
        assert "89999" in reason(f"{{{text}}}".encode())
    # Written in two ways it is the same key.
    assert "twice" in reason(b'{"a":1,"\\u0061":1}')


def test_reason_names_the_place_and_no_value() -> None:
    assert "line 2" in reason(b'{"Password":\ncanary}')
    assert "canary" not in reason(b'{"Password":\ncanary}')
    assert reason(b" \r\n\t") == "no_json_data_available"


def test_numbers() -> None:
    found = helper.parse_input(b'{"a": 1e308, "b": -0.0, "c": 1E-400, "d": %s}' % (b"9" * 4000))
    assert (found["a"], found["c"], found["d"]) == (1e308, 0.0, 10**4000 - 1)
    assert math.copysign(1, found["b"]) == -1


@pytest.mark.parametrize(
    "problem",
    [
        Problem("InvalidInput", "no_json_data_available"),
        not_valid([{"parameter": "Time", "value": "3", "error": "minimum"}]),
        failure("network", "No answer.", status="CONNECTION_IMPOSSIBLE", hint="Wait."),
        failure("running", "It runs.", kind="Conflict"),
        failure("settings", "No.", setting="STATE_DIR"),
    ],
)
def test_problem_has_the_shape_of_the_schema(problem: Problem) -> None:
    found = helper.format_problem(problem)
    check_schema("problem.json", found)
    assert abs(found.pop("id") - time.time()) < 5
    assert found.pop("attributes", None) == problem.attributes
    assert found == {"type": problem.type, "message": problem.message}


def test_an_answer_harms_no_terminal() -> None:
    """What messages say is in it as they say it, and people call helpers by hand."""
    said = "\x9b2J\x9d0;title\x9c\x1b[2J\x7f\u202e\u2028 Größe 😀"
    encoded = helper._encode({"body": said})
    assert json.loads(encoded) == {"body": said}
    assert encoded.endswith('\\u2028 Größe 😀"}\n'.encode())
    assert not re.search(CONTROL, encoded.decode().removesuffix("\n"))


@given(st.text())
def test_any_text_can_be_answered(text: str) -> None:
    assert json.loads(helper._encode({text: text})) == {text: text}


@pytest.mark.parametrize("verb", ["read", "validate", "create", "update", "delete", "execute"])
@pytest.mark.parametrize(
    "action", [1, 1.5, True, None, [], {}, "", "x", "create/create", "../read/list", "LIST"]
)
def test_action_that_is_unknown(verb: str, action: Any) -> None:
    with pytest.raises(Problem) as caught:
        helper.answer_to(verb, json.dumps({"action": action, "name": "x"}).encode())
    check_schema("problem.json", helper.format_problem(caught.value))
    assert isinstance(caught.value.attributes, list)
    words = [(fault["parameter"], fault["error"]) for fault in caught.value.attributes]
    assert words == [("action", "enum")]


@pytest.mark.parametrize("verb", ["read", "validate", "update", "execute"])
def test_action_that_is_missing(verb: str) -> None:
    with pytest.raises(Problem) as caught:
        helper.answer_to(verb, b'{"name": "x"}')
    assert caught.value.attributes == [{"parameter": "action", "value": None, "error": "required"}]


@pytest.mark.parametrize("verb", ["read", "validate", "create", "update", "delete", "execute"])
def test_each_action_has_a_schema_and_each_schema_an_action(verb: str) -> None:
    folder = Path(actions.__file__).parent / verb
    modules = {path.stem.replace("_", "-") for path in folder.glob("[a-z]*.py")}
    for kind in ("input", "output"):
        files = {path.name.removesuffix(f".{kind}.json") for path in (FOLDER / verb).glob(f"*.{kind}.json")}
        assert modules == files
