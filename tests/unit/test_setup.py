# SPDX-License-Identifier: LGPL-2.1-or-later
"""The code that accepts valid inputs is made only of schemas that fastjsonschema reads as jsonschema does."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import setup
from cockpit_getmail import accept

pytestmark = pytest.mark.long


def compile_schema(content: dict[str, Any]) -> Callable[[Any], bool]:
    """Return a function that tells whether the code made of a schema accepts."""
    names: dict[str, Any] = {}
    exec(setup.HEADER.format(sources={}, code=setup.make(content)), names)

    def accepts(value: Any) -> bool:
        try:
            names["validate"](value)
        except accept.NotAccepted:
            return False
        return True

    return accepts


@pytest.mark.parametrize(
    "content",
    [
        {"const": 1},
        {"const": False},
        {"enum": ["a", 0]},
        {"enum": [[]]},
        {"maximum": 1},
        {"type": ["integer", "boolean"], "minimum": 0},
        {"type": "number"},
        {"type": ["string", "array"]},
        {"multipleOf": 2},
        {"format": "email"},
        {"pattern": r"\$"},
        {"pattern": "[a$]"},
        {"pattern": "[]$]"},
        {"pattern": r"a$|[^\]$]"},
        {"additionalProperties": {"type": "string"}},
        {"unevaluatedProperties": False},
        {"dependentRequired": {"a": ["b"]}},
        {"$ref": "#/$defs/x"},
        {"oneOf": [{}]},
        {"if": {}, "else": {}},
        {"properties": {"a": {"not": {"minItems": 1}}}},
        {"items": {"type": "string"}},
        {"type": "array", "items": [{"type": "string"}]},
        {"type": "array", "items": {"type": "number"}},
        {"type": "array", "prefixItems": [{}]},
        {"allOf": [{"anyOf": [{"uniqueItems": True}]}]},
    ],
)
def test_schema_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="may not agree"):
        setup.make(content)


@pytest.mark.parametrize(
    "pattern", ["^a$", "^(b|0*$)", r"[]a]\[?\\$", "(@|$)|c", r"^\.{0,2}$(?!\n)", "\"'\\\\", "{x}|a{0}"]
)
@given(st.text("ab0[].@c\n\"'\\{}x", max_size=4))
def test_pattern_means_what_it_means_to_jsonschema(pattern: str, text: str) -> None:
    accepts = compile_schema({"type": "string", "pattern": pattern})
    assert accepts(text) == bool(re.search(pattern, text))


@pytest.mark.parametrize(
    ("value", "fits"),
    [([], False), (["a"], True), (["a", "b"], True), (["a"] * 3, False), (["a", ""], False), ("ab", False)],
)
def test_items_of_lists(value: Any, fits: bool) -> None:
    item = {"type": "string", "minLength": 1}
    assert compile_schema({"type": "array", "items": item, "minItems": 1, "maxItems": 2})(value) == fits


def test_annotations_do_not_matter() -> None:
    prop = {"default": "x", "title": "t", "type": "string", "writeOnly": True, "x-error": {"type": "y"}}
    accepts = compile_schema({"type": "object", "properties": {"a": prop}, "additionalProperties": False})
    data: dict[str, Any] = {}
    assert accepts(data)
    assert data == {}
    assert not accepts({"a": 1})
    assert not accepts({"title": ""})


def test_each_action_has_its_code() -> None:
    made = setup.make_all()
    assert {path.name for path in made} == {path.name for path in setup.FOLDER.glob("[a-z]*.py")}
    for path, code in made.items():
        sources = re.search("^SOURCES = .*$", code, re.MULTILINE)
        assert sources
        assert sources[0] in path.read_text(), f"{path} is old: run `make build`"
