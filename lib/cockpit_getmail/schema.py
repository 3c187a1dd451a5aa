# SPDX-License-Identifier: LGPL-2.1-or-later
"""The schemas of what goes into the helpers and comes out, and the check of an input against its own.

jsonschema (Draft 2020-12) says what is valid, and alone can refuse.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cockpit_getmail.problem import Fault, printable

if TYPE_CHECKING:
    from jsonschema import FormatChecker
    from jsonschema.exceptions import ValidationError

FOLDER = Path(__file__).parent / "schemas"
_NAME_LIMIT = 253
_LABEL = re.compile("[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_NUMBER = re.compile("[0-9]+|0[xX][0-9A-Fa-f]*")
_ANNOTATIONS = {"$schema", "title", "description", "default", "examples", "x-error"}
_TYPES = {"object": dict, "string": str, "boolean": bool}


def check(verb: str, action: str, data: Mapping[str, Any]) -> list[Fault]:
    """Return the faults of an input, at most one for a parameter; none if it is valid.

    A fault is {"parameter", "value", "error"}: `parameter` is the prop (with dots if it is nested), `error` a
    stable word. `value` is None if there is none, and "" for a secret and for whatever might hold one: an
    unknown prop, an object, a list.
    """
    schema = load(f"{verb}/{action}.input.json")
    if _is_plainly_valid(schema, data):
        return []
    from jsonschema import Draft202012Validator

    secrets = set(_find_secrets(schema))
    faults: dict[str, Fault] = {}
    for error in Draft202012Validator(schema, format_checker=format_checker()).iter_errors(data):
        for parameter, value, word in _explain(error):
            is_secret = value is not None and parameter.partition(".")[0] in secrets
            shown = "" if is_secret else show(value)
            faults.setdefault(parameter, {"parameter": parameter, "value": shown, "error": word})
    return sorted(faults.values(), key=lambda fault: str(fault["parameter"]))


@cache
def load(name: str) -> dict[str, Any]:
    """Return a schema, with the target of each $ref in the place of it. It is shared: not to be changed."""
    path = FOLDER / name
    schema: dict[str, Any] = _resolve(_read(path), path)
    return schema


@cache
def _read(path: Path) -> Any:
    return json.loads(path.read_bytes())


def _resolve(node: Any, path: Path) -> Any:
    if isinstance(node, list):
        return [_resolve(item, path) for item in node]
    if not isinstance(node, dict):
        return node
    result = {key: _resolve(value, path) for key, value in node.items() if key not in ("$ref", "$defs")}
    if "$ref" not in node:
        return result
    file, _, pointer = node["$ref"].partition("#")
    path = (path.parent / file).resolve() if file else path
    target = _read(path)
    for step in pointer.split("/")[1:]:
        target = target[step]
    target = _resolve(target, path)
    return {**result, "allOf": [target, *result.get("allOf", [])]} if result else target


def _is_plainly_valid(schema: Mapping[str, Any], value: Any) -> bool:
    """Whether a value obeys rules so plain that jsonschema, which takes 60 ms to import, has no say in it.

    False means no more than that it should be asked.
    """
    return all(_obeys(keyword, rule, schema, value) for keyword, rule in schema.items())


def _obeys(keyword: str, rule: Any, schema: Mapping[str, Any], value: Any) -> bool:
    match keyword, value:
        case "type", _ if isinstance(rule, str):
            return type(value) is _TYPES.get(rule)
        case "const", str():
            return bool(value == rule)
        case "minLength", str():
            return len(value) >= int(rule)
        case "maxLength", str():
            return len(value) <= int(rule)
        case "required", dict():
            return value.keys() >= set(rule)
        case "properties", dict():
            return all(_is_plainly_valid(rule[name], value[name]) for name in value.keys() & rule.keys())
        case "additionalProperties", dict():
            return rule is False and value.keys() <= schema["properties"].keys()
    return keyword in _ANNOTATIONS


def _find_secrets(schema: Any) -> Iterator[str]:
    """Yield the names of the props that are `writeOnly`."""
    if isinstance(schema, list):
        for item in schema:
            yield from _find_secrets(item)
    elif isinstance(schema, dict):
        props = schema.get("properties", {})
        yield from (name for name, prop in props.items() if prop.get("writeOnly"))
        for value in schema.values():
            yield from _find_secrets(value)


def _explain(error: "ValidationError") -> Iterator[tuple[str, Any, str]]:
    """Yield parameter, value and word of each fault that an error of jsonschema stands for."""
    path = [str(step) for step in error.absolute_path]
    keyword, schema, value = str(error.validator), cast("Any", error.schema), cast("Any", error.instance)
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
def format_checker() -> "FormatChecker":
    """Return the formats of our schemas: ipv4, ipv6 and idn-hostname, a little stricter than their RFCs."""
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, test in (("ipv4", is_ipv4), ("ipv6", is_ipv6), ("idn-hostname", is_host_name)):
        checker.checks(name)(test)
    return checker


def is_ipv4(value: object) -> bool:
    from ipaddress import IPv4Address

    return not isinstance(value, str) or _is_made_by(IPv4Address, value)


def is_ipv6(value: object) -> bool:
    """Whether value is no text or an IPv6 address (RFC 4291 section 2.2) without a zone (RFC 4007)."""
    from ipaddress import IPv6Address

    return not isinstance(value, str) or ("%" not in value and _is_made_by(IPv6Address, value))


def _is_made_by(kind: type, text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def is_host_name(value: object) -> bool:
    """Whether value is no text or a host name (RFC 1123 section 2.1, RFC 5891), one dot at its end allowed.

    A last label that is a number makes it an address, or nothing: resolvers take `127.1` and `0x7f000001`
    for 127.0.0.1.
    """
    if not isinstance(value, str):
        return True
    if len(value) > _NAME_LIMIT + 1:
        return False
    name = value.removesuffix(".")
    labels = (name if name.isascii() else _to_ascii(name)).split(".")
    return (
        len(".".join(labels)) <= _NAME_LIMIT
        and all(_LABEL.fullmatch(label) for label in labels)
        and not _NUMBER.fullmatch(labels[-1])
    )


def _to_ascii(name: str) -> str:
    """Return a name as DNS has it, empty if it has no such form."""
    import idna

    try:
        return idna.encode(name, uts46=True).decode()
    except idna.IDNAError:
        return ""
