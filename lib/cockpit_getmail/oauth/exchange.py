# SPDX-License-Identifier: LGPL-2.1-or-later
"""A request to a provider and its answer. Root does not read it: it is sent and read in a sandbox of its own.

Both ends are here: exchange() asks, main() is the unit. It knows the one request, which holds secrets, and
nothing else of this machine.
"""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING

from cockpit_getmail.oauth import answers
from cockpit_getmail.oauth.answers import Answer
from cockpit_getmail.problem import Problem, failure
from cockpit_getmail.url import parse_url

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit_getmail.connector import Connector
    from cockpit_getmail.oauth.flows import Request
    from cockpit_getmail.settings import Settings

SECONDS = 30.0
"""For all of it, looking up the name included."""
SLACK_SECONDS = 5.0
PATIENCE_SECONDS, SLEEP_SECONDS = 5.0, 60.0
"""Whom a question has made wait for longer than that does not ask again for so long."""
LEAST_SECONDS = 0.1
REQUEST_LIMIT = 1 << 20
_asleep: dict[str, tuple[float, str]] = {}


def ask(connector: Connector, request: Request, settings: Settings) -> Answer:
    """Send a request for a connector and return the answer, as exchange() does, which see.

    A provider that took its time and answered nothing is not asked again for a while: a process that starts
    many runs would wait for each. One of one's own may have its certificate from those who sign the mail
    server's (CAFile).
    """
    _require_awake(request)
    began = time.monotonic()
    try:
        return exchange(request, settings)
    except Problem as problem:
        if problem.cause == "network" and time.monotonic() - began > PATIENCE_SECONDS:
            _asleep[_find_host(request)] = time.monotonic() + SLEEP_SECONDS, problem.message
        is_own = connector.props.get("Provider", "custom") == "custom"
        if problem.cause != "tls" or not is_own or not connector.props.get("CAFile"):
            raise
    from cockpit_getmail.units.credentials import read_ca

    # Nothing was sent to who could not prove itself.
    return exchange(request, settings, read_ca(connector))


def _require_awake(request: Request) -> None:
    until, message = _asleep.get(_find_host(request), (0.0, ""))
    if time.monotonic() < until:
        raise failure("network", message)


def _find_host(request: Request) -> str:
    return parse_url(request.url).authority


def exchange(request: Request, settings: Settings, ca_pem: str | None = None) -> Answer:
    """Send a request to a provider and return its answer, which may be a refusal.

    As root with systemd it is done in a sandbox, otherwise in this process.
    Raises Problem (network, tls, protocol; settings and internal for a sandbox that cannot be had).
    """
    from cockpit_getmail.units import systemd

    if os.geteuid() == 0 and systemd.is_available():
        return _exchange_in_unit(request, settings, ca_pem)
    return _send(request.url, request.headers, request.body.encode(), ca_pem, SECONDS)


def main() -> int:
    """Send the request on stdin, tell on stdout what was answered; return 0."""
    import signal

    from cockpit_getmail.units import wire

    asked = json.loads(sys.stdin.buffer.read(REQUEST_LIMIT))
    seconds = max(LEAST_SECONDS, asked["deadline"] - time.monotonic())
    # Whoever asked may be gone: the kernel ends what does not end itself.
    signal.setitimer(signal.ITIMER_REAL, seconds + 1)
    try:
        answer = _send(asked["url"], asked["headers"], asked["body"].encode(), asked["ca"], seconds)
        told = wire.format_answer(answer._asdict())
    except Problem as problem:
        told = wire.format_answer(problem)
    sys.stdout.buffer.write(told)
    sys.stdout.buffer.flush()
    return 0


def _send(url: str, headers: Mapping[str, str], body: bytes, ca_pem: str | None, seconds: float) -> Answer:
    from cockpit_getmail.http import exchange as send

    found = send(
        url, "POST", headers, body, seconds=seconds, answer_limit=answers.ANSWER_LIMIT, ca_pem=ca_pem
    )
    return answers.parse(found.status, found.body)


def _exchange_in_unit(request: Request, settings: Settings, ca_pem: str | None) -> Answer:
    from cockpit_getmail.connector import UNIT_PREFIX
    from cockpit_getmail.units import systemd, wire
    from cockpit_getmail.units.place import find_fetch_user
    from cockpit_getmail.units.sandbox import hiding_properties, require_hiding, require_installation

    require_installation()
    require_hiding(settings)
    asked = {"url": request.url, "headers": dict(request.headers), "body": request.body, "ca": ca_pem}
    done = systemd.run_to_answer(
        f"{UNIT_PREFIX}:token-{os.urandom(8).hex()}",
        "Question to a provider of tokens",
        # While a person signs in it is asked every few seconds: not that each was started and has ended.
        [
            f"User={find_fetch_user(settings).pw_name}",
            "LogLevelMax=notice",
            *hiding_properties(settings),
        ],
        "token",
        json.dumps({**asked, "deadline": time.monotonic() + SECONDS}).encode(),
        timeout=SECONDS + SLACK_SECONDS,
        output_limit=2 * answers.ANSWER_LIMIT,
    )
    found = wire.parse_answer(done.output, answers.check_answer)
    if found is None:
        raise failure("internal", "The question to the provider of tokens ended without an answer.")
    return Answer(found["status"], found["fields"])
