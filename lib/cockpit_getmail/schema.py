# SPDX-License-Identifier: LGPL-2.1-or-later
"""The schemas of what goes into the helpers and comes out, and the check of an input against its own.

jsonschema (Draft 2020-12) says what is valid, and alone can refuse. It takes 60 ms to import: a valid
input is accepted before.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache

from cockpit_getmail import accept
from cockpit_getmail.formats import FORMATS
from cockpit_getmail.problem import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from jsonschema import FormatChecker
    from jsonschema.exceptions import ValidationError

    from cockpit_getmail.words import Fault


def check(verb: str, action: str, data: Mapping[str, Any]) -> list[Fault]:
    """Return the faults of an input, at most one for a parameter; none if it is valid.

    A fault is {"parameter", "value", "error"}: `parameter` is the prop (with dots if it is nested), `error` a
    stable word. `value` is None if there is none, and "" for a secret and for whatever might hold one: an
    unknown prop, an object, a list.
    """
    if accept.is_accepted(verb, action, data):
        return []
    from jsonschema import Draft202012Validator

    schema = load(f"{verb}/{action}.input.json")
    secrets, holders = set(_find_secrets(schema)), set(_find_holders(schema))
    faults: dict[str, Fault] = {}
    for error in Draft202012Validator(schema, format_checker=format_checker()).iter_errors(data):
        for parameter, value, word in _explain(error):
            path = parameter.split(".")
            is_secret = not secrets.isdisjoint(path) or path[-1] in holders
            shown = "" if is_secret and value is not None else show(value)
            faults.setdefault(parameter, {"parameter": parameter, "value": shown, "error": word})
    return sorted(faults.values(), key=lambda fault: str(fault["parameter"]))


def is_action(verb: str, action: str) -> bool:
    """Whether there is such an action of a verb."""
    name = os.path.join(accept.SCHEMAS, verb, f"{action}.input.json")
    return re.fullmatch("[a-z]+(-[a-z]+)*", action) is not None and os.path.exists(name)


@cache
def load(name: str) -> dict[str, Any]:
    """Return a schema, with the target of each $ref in the place of it. It is shared: not to be changed."""
    path = os.path.join(accept.SCHEMAS, name)
    schema: dict[str, Any] = _resolve(_read(path), path)
    return schema


@cache
def _read(path: str) -> Any:
    with open(path, "rb") as file:
        return json.load(file)


def _resolve(node: Any, path: str) -> Any:
    if isinstance(node, list):
        return [_resolve(item, path) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: _resolve(value, path) for key, value in node.items() if key not in ("$ref", "$defs")}
    if "$ref" not in node:
        return result
    file, _, pointer = node["$ref"].partition("#")
    path = os.path.normpath(os.path.join(os.path.dirname(path), file)) if file else path
    target = _read(path)
    for step in pointer.split("/")[1:]:
        target = target[step]
    target = _resolve(target, path)
    return {**result, "allOf": [target, *result.get("allOf", [])]} if result else target


def _find_secrets(schema: Any) -> Iterator[str]:
    """Yield the names of the props that are `writeOnly`, be it in one form of several."""
    if isinstance(schema, list):
        for item in schema:
            yield from _find_secrets(item)
    elif isinstance(schema, dict):
        yield from (name for name, prop in schema.get("properties", {}).items() if _is_secret(prop))
        for value in schema.values():
            yield from _find_secrets(value)


def _find_holders(schema: Any) -> Iterator[str]:
    """Yield the names of the props that have secrets in them: what is no object may be one in other words."""
    if isinstance(schema, list):
        for item in schema:
            yield from _find_holders(item)
    elif isinstance(schema, dict):
        props = schema.get("properties", {})
        yield from (name for name, prop in props.items() if any(_find_secrets(prop)))
        yield from _find_holders(schema.get("allOf", []))


def _is_secret(prop: Any) -> bool:
    if isinstance(prop, list):
        return any(map(_is_secret, prop))
    if not isinstance(prop, dict):
        return False
    return prop.get("writeOnly") is True or any(_is_secret(prop.get(word)) for word in ("anyOf", "allOf"))


def _explain(error: ValidationError) -> Iterator[tuple[str, Any, str]]:
    """Yield parameter, value and word of each fault that an error of jsonschema stands for."""
    path = [str(step) for step in error.absolute_path]
    keyword = str(error.validator)
    schema: Any = error.schema
    value: Any = error.instance
    word = schema.get("x-error", {}).get(keyword)
    if keyword == "required":
        missing = [name for name in schema["required"] if name not in value]
        yield from ((".".join((*path, name)), None, keyword) for name in missing)
    elif keyword == "additionalProperties":
        # Without its value: a Password that is misspelt is one all the same.
        extra = [printable(name) for name in value if name not in schema["properties"]]
        yield from ((".".join((*path, name)), "", keyword) for name in extra)
    elif keyword == "anyOf" and word is None:
        # Of a prop that may be null, what the other branch says: not being null is no fault.
        for inner in error.context or ():
            if inner.validator_value != "null":
                yield from _explain(inner)
    else:
        yield ".".join(path), value, word or ("enum" if keyword == "const" else keyword)


def show(value: Any) -> Any:
    """Return a value as a fault shows it: cut if it is long, "" for an object or a list."""
    if isinstance(value, str):
        return printable(value)
    return "" if isinstance(value, dict | list) else value


@cache
def format_checker() -> FormatChecker:
    """Return the formats of our schemas."""
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, test in FORMATS.items():
        checker.checks(name)(test)
    return checker
