# SPDX-License-Identifier: LGPL-2.1-or-later
"""The files of schemas/, read and followed without any code of ours."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parents[2] / "schemas"


def check_schema(name: str, data: Any) -> None:
    """Hold data against a file of schemas/."""
    faults = [error.message for error in _validator(name).iter_errors(data)]
    assert not faults, (name, data)


def load(name: str) -> Any:
    """Return the content of a file with the target of each $ref in the place of it."""
    path = FOLDER / name
    return _resolve(_read(path), path)


@cache
def _read(path: Path) -> Any:
    return json.loads(path.read_bytes())


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(load(name))


def _resolve(node: Any, path: Path) -> Any:
    if isinstance(node, list):
        return [_resolve(item, path) for item in node]
    if not isinstance(node, dict):
        return node
    found = {key: _resolve(value, path) for key, value in node.items() if key not in ("$ref", "$defs")}
    if "$ref" in node:
        file, _, pointer = node["$ref"].partition("#")
        path = (path.parent / file).resolve() if file else path
        target = _read(path)
        for step in pointer.split("/")[1:]:
            target = target[step]
        found["allOf"] = [_resolve(target, path), *found.get("allOf", [])]
    return found
