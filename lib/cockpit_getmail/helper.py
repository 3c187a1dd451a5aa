# SPDX-License-Identifier: LGPL-2.1-or-later
"""A helper: one JSON object on stdin, an action, one JSON object on stdout.

Whatever happens is answered: here, and nowhere else, a Problem becomes JSON.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import re
import signal
import sys
import time
from contextlib import suppress

from cockpit_getmail import accept, schema, settings
from cockpit_getmail.problem import CONTROL, Problem, not_valid, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

INPUT_LIMIT = 1 << 20
DEPTH_LIMIT = 20
NO_INPUT = "no_json_data_available"
DEFAULT_ACTIONS = {"create": "create", "delete": "delete"}
"""What an input without `action` means, by verb."""
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def main(verb: str) -> int:
    """Do what stdin asks of a verb and answer on stdout. Returns the exit status: 0, or 1 for a Problem."""
    _prepare_process()
    try:
        answer, status = _encode(answer_to(verb, _read_input())), 0
    except Problem as problem:
        answer, status = _encode(format_problem(problem)), 1
    except Exception as error:
        answer, status = _encode(format_problem(_tell_bug(error))), 1
    return status if _write(answer) else 1


def answer_to(verb: str, data: bytes) -> Mapping[str, Any]:
    """Return the answer to an input. Raises Problem."""
    request = parse_input(data)
    action = request.get("action", DEFAULT_ACTIONS.get(verb))
    if not isinstance(action, str) or not schema.is_action(verb, action):
        raise not_valid([_action_fault(request)])
    faults = schema.check(verb, action, request)
    if faults:
        raise not_valid(faults)
    module = importlib.import_module(f"cockpit_getmail.actions.{accept.module_name(verb, action, '.')}")
    answer: Mapping[str, Any] = module.answer(request, settings.load())
    return answer


def parse_input(data: bytes) -> dict[str, Any]:
    """Return the object that an input is (RFC 7493, I-JSON). Raises Problem (InvalidInput)."""
    if len(data) > INPUT_LIMIT:
        raise _invalid(f"The input is larger than {INPUT_LIMIT >> 20} MiB.")
    try:
        value = _parse(data.decode())
    except UnicodeDecodeError as error:
        raise _invalid("The input is not UTF-8 text.") from error
    except UnicodeEncodeError as error:
        raise _invalid("The input has half a surrogate pair in it.") from error
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise _invalid(f"The input is not JSON: {error.msg} ({place}).") from error
    except ValueError as error:
        raise _invalid("The input has a number with too many digits.") from error
    except RecursionError as error:
        raise _too_deep() from error
    if not isinstance(value, dict):
        raise _invalid("The input is not a JSON object.")
    return value


def _parse(text: str) -> object:
    if not text.strip():
        raise _invalid(NO_INPUT)
    value = json.loads(
        text, object_pairs_hook=_make_object, parse_float=_make_float, parse_constant=_refuse_constant
    )
    if _depth(value) > DEPTH_LIMIT:
        raise _too_deep()
    json.dumps(value, ensure_ascii=False).encode()
    return value


def format_problem(problem: Problem) -> dict[str, Any]:
    """Return a Problem as NethServer's panels know it."""
    answer = {"id": int(time.time()), "type": problem.type, "message": problem.message}
    return answer if problem.attributes is None else {**answer, "attributes": problem.attributes}


def _prepare_process() -> None:
    """Have three open standard streams, and leave tidily when asked to end."""
    # Its end comes before a search for cycles in 10,000 connectors would pay.
    gc.disable()
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            # Else a database would become this stream. A new descriptor is the lowest that is free.
            os.open(os.devnull, os.O_RDWR)
    for number in STOPS:
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, _frame: object) -> NoReturn:
    # Unlike an end by the signal itself, this removes temporary files and credentials on its way.
    sys.exit(128 + number)


def _read_input() -> bytes:
    try:
        with open(0, "rb", closefd=False) as stream:
            return stream.read(INPUT_LIMIT + 1) or b""
    except OSError as error:
        raise _invalid(f"The input cannot be read: {error.strerror}.") from error


def _action_fault(request: Mapping[str, Any]) -> dict[str, Any]:
    if "action" not in request:
        return {"parameter": "action", "value": None, "error": "required"}
    return {"parameter": "action", "value": schema.show(request["action"]), "error": "enum"}


def _make_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for name, item in pairs:
        if name in value:
            raise _invalid(f"The input has {printable(name)} twice in one object.")
        value[name] = item
    return value


def _make_float(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise _invalid("The input has a number that is too large.")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise _invalid(f"The input has {name} in it, which is not JSON.")


def _depth(value: object) -> int:
    if isinstance(value, dict):
        return 1 + max(map(_depth, value.values()), default=0)
    return 1 + max(map(_depth, value), default=0) if isinstance(value, list) else 0


def _too_deep() -> Problem:
    return _invalid(f"The input is nested deeper than {DEPTH_LIMIT} levels.")


def _invalid(message: str) -> Problem:
    return Problem("InvalidInput", message)


def _tell_bug(error: Exception) -> Problem:
    """Return the Problem that a bug is. stderr gets its place, but not its words: these may hold a secret."""
    import traceback

    kind = type(error).__name__
    with suppress(OSError):
        trace = "".join(traceback.format_tb(error.__traceback__))
        os.write(2, f"{trace}{kind}\n".encode(errors="backslashreplace"))
    message = f"This is a bug in cockpit-getmail ({kind}); stderr has its place."
    if isinstance(error, ModuleNotFoundError):
        message = f"The Python package {error.name} is missing: run `make build`, or install again."
    return Problem("InternalError", message, {"cause": "internal"})


def _encode(answer: Mapping[str, Any]) -> bytes:
    text = json.dumps(answer, ensure_ascii=False)
    if not text.isascii():
        # What a message says may be for the terminal of who calls this by hand. A path may not be text: its
        # octets become \udcXX, too, which JSON can carry.
        text = re.sub(CONTROL, lambda found: f"\\u{ord(found[0]):04x}", text)
    return f"{text}\n".encode()


def _write(answer: bytes) -> bool:
    """Write to stdout; return whether somebody takes it."""
    try:
        while answer:
            answer = answer[os.write(1, answer) :]
    except OSError:
        return False
    return True
