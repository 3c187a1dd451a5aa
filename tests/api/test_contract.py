# SPDX-License-Identifier: LGPL-2.1-or-later
"""What holds for each action there is, whatever it does: schemas/ lists them."""

import importlib
from collections.abc import Iterator
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cockpit_getmail import helper
from cockpit_getmail.schema import format_checker
from tests.api.conftest import ROOT, Api
from tests.support.schemas import FOLDER, load

pytestmark = pytest.mark.long

FILES = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.json"))
INPUTS = [name for name in FILES if name.endswith(".input.json")]
ACTIONS = [tuple(name.removesuffix(".input.json").split("/")) for name in INPUTS]
CODE = ROOT / "lib/cockpit_getmail/actions"


def find_schemas(node: Any, within: str = "") -> Iterator[dict[str, Any]]:
    """Yield each schema in a schema."""
    if isinstance(node, dict):
        if within not in ("properties", "$defs"):
            yield node
        for key, value in node.items():
            if key not in ("const", "default", "enum", "examples", "x-error"):
                yield from find_schemas(value, "" if within in ("properties", "$defs") else key)
    elif isinstance(node, list):
        for item in node:
            yield from find_schemas(item)


@pytest.mark.parametrize(("verb", "action"), ACTIONS)
def test_an_unknown_prop_is_refused(api: Api, verb: str, action: str) -> None:
    faults = api.faults(verb, action, Unheard="of", name=[])
    assert faults.pop("Unheard") == "additionalProperties"
    assert set(faults.values()) <= {"required", "type", "enum", "additionalProperties"}
    assert api.files() == {}


@pytest.mark.parametrize(("verb", "action"), ACTIONS)
def test_an_action_is_asked_for_by_name(api: Api, verb: str, action: str) -> None:
    if verb not in helper.DEFAULT_ACTIONS:
        assert api.faults(verb)["action"] == "required"
    others = {name for _, name in ACTIONS} - {name for known, name in ACTIONS if known == verb}
    assert all(api.faults(verb, other)["action"] == "enum" for other in sorted(others)[:2])


@pytest.mark.parametrize(("verb", "action"), ACTIONS)
def test_an_action_is_all_there(verb: str, action: str) -> None:
    assert f"{verb}/{action}.output.json" in FILES
    assert (ROOT / "api" / verb).is_file()
    name = action.replace("-", "_")
    module = importlib.import_module(f"cockpit_getmail.actions.{verb}.{name}")
    assert module.__doc__
    assert module.answer.__doc__


def test_there_is_no_action_without_a_schema() -> None:
    modules = {(path.parent.name, path.stem) for path in CODE.glob("*/[a-z]*.py")}
    assert modules == {(verb, action.replace("-", "_")) for verb, action in ACTIONS}


@pytest.mark.parametrize("name", INPUTS)
def test_an_input_tells_what_it_is(name: str) -> None:
    schema = load(name)
    assert schema["title"]
    assert schema["description"]
    # More than one where a form is in it.
    for shape in [part for part in find_schemas(schema) if "additionalProperties" in part]:
        for prop, part in shape["properties"].items():
            assert any({"description", "const"} & one.keys() for one in find_schemas(part)), prop


@pytest.mark.parametrize("name", FILES)
def test_examples_are_what_they_are_examples_of(name: str) -> None:
    for part in find_schemas(load(name)):
        validator = Draft202012Validator(part, format_checker=format_checker())
        for example in [*part.get("examples", []), *([part["default"]] if "default" in part else [])]:
            assert validator.is_valid(example), example
