# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is valid: the files in schemas/ (JSON Schema, draft 2020-12), and the faults of an input."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from cockpit_getmail.problem import Fault, printable

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

FOLDER = Path(__file__).parent / "schemas"
OWN_WORD = ("pattern", "enum", "not")
"""Keywords whose fault goes by the `error` beside them, if there is one, and not by the keyword."""
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_LABEL = re.compile("(?!-)[a-z0-9-]{1,63}(?<!-)", re.IGNORECASE)


def check(verb: str, action: str, data: Mapping[str, Any]) -> list[Fault]:
    """Return the faults of an input, one per parameter; none means that it is valid.

    A fault is {"parameter", "value", "error"}. Its value is empty where it is or may be a secret.
    """
    faults: dict[str, Fault] = {}
    for error in _validator(f"{verb}/{action}.input.json").iter_errors(data):
        for parameter, value, word in _explain(error):
            faults.setdefault(parameter, {"parameter": parameter, "value": value, "error": word})
    return sorted(faults.values(), key=lambda fault: str(fault["parameter"]))


@cache
def actions(verb: str) -> tuple[str, ...]:
    """Return the actions of a verb: those that have a schema."""
    return tuple(
        sorted(path.name.removesuffix(".input.json") for path in (FOLDER / verb).glob("*.input.json"))
    )


@cache
def secrets() -> frozenset[str]:
    """Return the props whose value is never shown: those that are `writeOnly`."""
    return frozenset(prop for prop, part in _read("connector.json")["$defs"].items() if part.get("writeOnly"))


def load(name: str) -> dict[str, Any]:
    """Return a schema file with what it refers to put in place."""
    schema: dict[str, Any] = _resolve(_read(name))
    return schema


def is_server(text: object) -> bool:
    """Whether a string is an IP address or a host name (RFC 1123 section 2.1, RFC 5891)."""
    if not isinstance(text, str):
        return True
    if ":" in text or re.fullmatch(r"[0-9.]+", text):
        return _is_address(text)
    name = _ascii_name(text.removesuffix("."))
    labels = name.split(".") if name and len(name) <= 253 else []
    # A last label of digits only is an address gone wrong (RFC 3696 section 2).
    return bool(labels) and all(map(_LABEL.fullmatch, labels)) and not labels[-1].isdigit()


def is_line(text: object) -> bool:
    """Whether a string has no control character in it."""
    return not isinstance(text, str) or not _CONTROL.search(text)


def is_account(text: object) -> bool:
    """Whether a string can be an account: one line, no part of which leaves a folder made from it."""
    if not isinstance(text, str):
        return True
    user, _, domain = text.partition("@")
    return is_line(text) and "/" not in text and not {text, user, domain} & {".", ".."}


FORMATS: Mapping[str, Callable[[object], bool]] = {
    "server": is_server,
    "line": is_line,
    "account": is_account,
}


@cache
def _validator(name: str) -> "Draft202012Validator":
    from jsonschema import Draft202012Validator, FormatChecker

    checker = FormatChecker(formats=())
    for word, function in FORMATS.items():
        checker.checks(word)(function)
    return Draft202012Validator(load(name), format_checker=checker)


@cache
def _read(name: str) -> Any:
    return json.loads((FOLDER / name).read_bytes())


def _resolve(part: Any) -> Any:
    """Put the shared definitions in the place of references, which all are `../connector.json#/$defs/X`."""
    if isinstance(part, list):
        return [_resolve(item) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _resolve(_read("connector.json")["$defs"][part["$ref"].rpartition("/")[2]])
    return {key: _resolve(value) for key, value in part.items()}


def _explain(error: "ValidationError") -> Iterator[tuple[str, Any, str]]:
    """Yield parameter, value to show and stable word for each fault that an error tells of."""
    path = ".".join(str(part) for part in error.absolute_path)
    keyword, schema, instance = str(error.validator), cast("Any", error.schema), cast("Any", error.instance)
    if keyword == "required":
        for name in schema["required"]:
            if name not in instance:
                yield _join(path, name), None, "required"
    elif keyword == "additionalProperties":
        for name in instance:
            if name not in schema.get("properties", {}):
                # A misspelt Password is a password.
                yield _join(path, printable(name)), "", "additionalProperties"
    elif keyword == "anyOf":
        for inner in error.context or ():
            if inner.schema != {"type": "null"}:
                yield from _explain(inner)
    else:
        word = schema.get("error", keyword) if keyword in OWN_WORD else keyword
        yield path, _shown(path, instance), "enum" if word == "const" else word


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _shown(parameter: str, value: Any) -> Any:
    if parameter in secrets() or isinstance(value, dict | list):
        return ""
    return printable(value) if isinstance(value, str) else value


def _is_address(text: str) -> bool:
    import ipaddress

    try:
        return "%" not in text and bool(ipaddress.ip_address(text))
    except ValueError:
        return False


def _ascii_name(text: str) -> str | None:
    if text.isascii():
        return text
    import idna

    try:
        return idna.encode(text, uts46=True).decode()
    except idna.IDNAError:
        return None
