# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes into the sandbox of a check, a visit or a question and comes out of it.

What comes out is believed only in its shape.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, get_args

from cockpit_getmail.connector import Connector
from cockpit_getmail.problem import Problem, failure, printable
from cockpit_getmail.units import inside
from cockpit_getmail.words import Cause, Status

CAPABILITIES_LIMIT = 100
ATTRIBUTES_LIMIT = 20
COUNT_LIMIT = 1 << 63
_TYPES = ("GenericError", "NotFound", "Conflict", "Timeout", "InternalError")
_WORDS = {"cause": get_args(Cause), "status": get_args(Status)}


class Request(NamedTuple):
    """What is to be done at a server; `ca_pem` has certificate authorities.

    `deadline` is on the monotonic clock, which all processes of a machine share. `visit` is a request of
    cockpit_getmail.remote, None to find out whether the log-in works.
    """

    connector: Connector
    ca_pem: str | None
    deadline: float
    visit: Mapping[str, Any] | None = None


def format_request(request: Request) -> bytes:
    """Return a request as one JSON object. It holds the secrets, but for those that are sealed."""
    connector = request.connector
    told = {
        "name": connector.name,
        "props": connector.told_props,
        "secrets": dict(connector.secrets),
        "sealed": list(connector.sealed),
        "ca": request.ca_pem,
        "deadline": request.deadline,
        "visit": request.visit and dict(request.visit),
    }
    return json.dumps(told).encode()


def parse_request(data: bytes) -> Request:
    """Return the request that format_request() was given.

    What was sealed is read where systemd has opened it. Raises Problem (internal) if it is not there.
    """
    request = json.loads(data)
    secrets = {**request["secrets"], **inside.read_secrets(request["sealed"])}
    connector = Connector(request["name"], request["props"], secrets)
    return Request(connector, request["ca"], float(request["deadline"]), request["visit"])


def format_answer(found: Mapping[str, Any] | Problem) -> bytes:
    """Return an answer: one JSON object with `found` or `problem`."""
    if isinstance(found, Problem):
        problem = {"type": found.type, "message": found.message, "attributes": found.attributes}
        return json.dumps({"problem": problem}).encode()
    return json.dumps({"found": found}).encode()


def parse_answer(
    data: bytes, check: Callable[[dict[str, Any]], dict[str, Any] | None] | None = None
) -> dict[str, Any] | None:
    """Return what was found, with nothing in it but what belongs there; None if it is no answer at all.

    `check` tells what does, and None of what is to be no answer; without it, that of a check of a server.
    Raises the Problem that was met.
    """
    try:
        answer = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict):
        return None
    if isinstance(answer.get("problem"), dict):
        raise _problem(answer["problem"])
    return (check or _found)(answer["found"]) if isinstance(answer.get("found"), dict) else None


def _found(found: dict[str, Any]) -> dict[str, Any] | None:
    tls, capabilities = found.get("tls"), found.get("capabilities")
    messages, folder = found.get("messages"), found.get("folder")
    if not (tls is None or isinstance(tls, str)) or not isinstance(folder, str):
        return None
    if type(messages) is not int or not 0 <= messages < COUNT_LIMIT:
        return None
    if not isinstance(capabilities, list) or not all(isinstance(word, str) for word in capabilities):
        return None
    return {
        "tls": tls if tls is None else printable(tls),
        "capabilities": [printable(word) for word in capabilities[:CAPABILITIES_LIMIT]],
        "folder": printable(folder),
        "messages": messages,
    }


def _problem(problem: dict[str, Any]) -> Problem:
    kind, message, attributes = problem.get("type"), problem.get("message"), problem.get("attributes")
    if kind not in _TYPES or not isinstance(message, str):
        return failure("internal", "It ended in an error that it could not tell.")
    shown: dict[str, Any] = {"cause": "internal"}
    if isinstance(attributes, dict):
        for name, value in list(attributes.items())[:ATTRIBUTES_LIMIT]:
            if name in _WORDS and value not in _WORDS[name]:
                continue
            if isinstance(value, str):
                shown[printable(name)] = printable(value)
            elif value is None or isinstance(value, bool):
                shown[printable(name)] = value
    return Problem(kind, printable(message), shown)
