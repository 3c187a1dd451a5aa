# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the six executables do: stdin -> schema -> action -> stdout. Here a Problem becomes JSON."""

import json
import math
import os
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from cockpit_getmail import schema, settings
from cockpit_getmail.problem import Problem, not_valid, printable

INPUT_LIMIT = 1 << 20
DEPTH_LIMIT = 20
DEFAULT_ACTIONS = {"create": "create", "delete": "delete"}
"""What an input without `action` means, by verb."""


def main(verb: str) -> int:
    """Answer the one action on stdin with one JSON object on stdout; return the exit status, 0 or 1."""
    status, answer = 1, {}
    try:
        answer = _answer(verb, sys.stdin.buffer.read(INPUT_LIMIT + 1) if sys.stdin else b"")
        status = 0
    except Problem as problem:
        answer = format_problem(problem)
    except Exception as error:
        # Where, but not what was said: that might hold a secret.
        import traceback

        where = "".join(traceback.format_tb(error.__traceback__))
        _write(sys.stderr, f"cockpit-getmail: this is a bug: {type(error).__name__}\n{where}".encode())
        message = "This is a bug in cockpit-getmail; where it happened went to the error output."
        answer = format_problem(Problem("InternalError", message, {"cause": "internal"}))
    # Names of the database may have any octets; what is not text is shown and not sent.
    text = json.dumps(answer, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return status if _write(sys.stdout, text + b"\n") else 1


def parse_input(raw: bytes) -> dict[str, Any]:
    """Return the object that an input is. Raises Problem (InvalidInput) for anything else."""
    if len(raw) > INPUT_LIMIT:
        raise _invalid(f"The input is larger than {INPUT_LIMIT >> 20} MiB.")
    if not raw.strip():
        raise Problem("InvalidInput", "no_json_data_available")
    try:
        data = json.loads(
            raw.decode(), object_pairs_hook=_unique, parse_constant=_no_number, parse_float=_finite
        )
    except UnicodeDecodeError as error:
        raise _invalid("The input is not UTF-8.") from error
    except RecursionError as error:
        raise _invalid(f"The input is nested beyond {DEPTH_LIMIT} levels.") from error
    except json.JSONDecodeError as error:
        raise _invalid(f"The input is not JSON: {error.msg}, line {error.lineno}.") from error
    except ValueError as error:
        raise _invalid("The input has a number that is too long.") from error
    if not isinstance(data, dict):
        raise _invalid("The input is not a JSON object.")
    if _is_deeper(data, DEPTH_LIMIT):
        raise _invalid(f"The input is nested beyond {DEPTH_LIMIT} levels.")
    if b"\\u" in raw and not _is_text(data):
        raise _invalid("The input has half a surrogate pair, which is no character.")
    return data


def format_problem(problem: Problem) -> dict[str, Any]:
    """Return a Problem as helpers answer it, NethServer's shape."""
    found = {"id": int(time.time()), "type": problem.type, "message": problem.message}
    attributes = problem.attributes
    if attributes is None:
        return found
    return found | {"attributes": dict(attributes) if isinstance(attributes, Mapping) else attributes}


def _answer(verb: str, raw: bytes) -> dict[str, Any]:
    data = parse_input(raw)
    action = data.get("action", DEFAULT_ACTIONS.get(verb))
    if action is None or action not in schema.actions(verb):
        word = "enum" if "action" in data else "required"
        shown = printable(action) if isinstance(action, str) else None
        raise not_valid([{"parameter": "action", "value": shown, "error": word}])
    if faults := schema.check(verb, action, data):
        raise not_valid(faults)
    function = import_module(f"cockpit_getmail.actions.{verb}").ACTIONS[action]
    answer: dict[str, Any] = function(data, settings.load())
    return answer


def _write(stream: Any, octets: bytes) -> bool:
    """Write to a standard stream; return whether someone was there to read it."""
    if stream is None:
        return False
    try:
        stream.buffer.write(octets)
        stream.flush()
    except OSError:
        # The interpreter would try again at its end, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return False
    return True


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    data = dict(pairs)
    if len(data) < len(pairs):
        raise _invalid("The input has a key twice in one object.")
    return data


def _no_number(_: str) -> Any:
    raise _invalid("The input has NaN or Infinity, which are no JSON.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _invalid("The input has a number that is too large.")
    return number


def _is_deeper(data: Any, levels: int) -> bool:
    if not isinstance(data, dict | list):
        return False
    inner = data.values() if isinstance(data, dict) else data
    return levels == 0 or any(_is_deeper(item, levels - 1) for item in inner)


def _is_text(data: Any) -> bool:
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _invalid(message: str) -> Problem:
    return Problem("InvalidInput", message)
