# SPDX-License-Identifier: LGPL-2.1-or-later
"""Answers in words."""

import json
from typing import Any

import pytest

from cockpit_getmail import schema
from cockpit_getmail.command import words
from cockpit_getmail.problem import Problem, failure, not_valid
from tests.support.schemas import FOLDER

PROBLEM = json.loads((FOLDER / "problem.json").read_bytes())
CONNECTOR = json.loads((FOLDER / "connector.json").read_bytes())
HOUR, DAY = 3600, 86400


def test_every_status_has_words() -> None:
    assert set(words.CONDITIONS) == set(CONNECTOR["$defs"]["conditions"]["enum"])


def test_unknown_status_comes_first_as_it_is() -> None:
    assert words.condition({"status": "NEW"}) == ("NEW", "red")
    assert words.urgency({"status": "NEW"}) == 0


def test_running_is_told_beside_the_status() -> None:
    assert words.condition({"status": "OK", "running": True})[0] == "ok, runs now"


def test_every_fault_has_words() -> None:
    known = words.FAULTS.keys() | words.LIMITS.keys() | words.FORMATS.keys()
    assert set(PROBLEM["$defs"]["fault"]["properties"]["error"]["enum"]) <= known


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ({"Time": "3"}, "Time (--time): must be at least 5, not 3"),
        ({"Port": 65536}, "Port (--port): must be at most 65535, not 65536"),
        ({"Port": "x"}, "Port (--port): must be a whole number"),
        ({"TLS": "on"}, "TLS (--tls): must be auto or required or none, not on"),
        ({"Server": "a b"}, "Server (--server): must be a host name or an IP address"),
        ({"Fingerprint": "00"}, "Fingerprint (--fingerprint): must be 64 hexadecimal digits, "
         "the SHA-256 of the certificate"),
        ({"Search": "FROM (x"}, "Search (--search): must be IMAP search criteria, such as UNSEEN FROM anna "
         "(a text that needs quotes, at character 6)"),
        ({"Folders": '"a'}, "Folders (--folders): must be names of folders with commas between them, such as "
         "INBOX, \\Sent, Projects/* (This is no list of folders from '\"a' on)"),
        ({"Since": "today"}, "Since (--since): must be a day, such as 2026-01-31"),
        ({"Retriever": "SimplePOP3Retriever", "Folders": "*"}, "Folders (--folders): is for IMAP: POP3 has "
         "nothing like it"),
        ({"Retriever": "SimpleIMAPRetriever", "Auth": "apop"}, "Auth (--auth): is no log-in of this"),
        ({"Retriever": "SimpleIMAPSSLRetriever", "TLS": "none"}, "TLS (--tls): is for a channel that is not "
         "encrypted from the start"),
        ({"Label": "x" * 201}, "Label (--label): must have at most 200 characters"),
        ({"Pasword": "x"}, "Pasword: is not known"),
        ({"Time": 60, "SyncPeriod": "1h"}, "SyncPeriod (--sync-period): contradicts another one"),
        ({}, "Password (--password): is missing"),
    ],
)  # fmt: skip
def test_faults_that_the_schema_finds(data: dict[str, Any], line: str) -> None:
    lines = [words.fault_in_words(fault) for fault in schema.check("create", "create", data)]
    assert any(found.startswith(line) for found in lines), lines


def test_faults_are_a_line_each() -> None:
    problem = not_valid(
        [
            {"parameter": "Server", "value": None, "error": "required"},
            {"parameter": "x\x1b", "value": "", "error": "unheard"},
        ]
    )
    assert list(words.explain(problem)) == [
        "This cannot be done:",
        "  Server (--server): is missing",
        "  x\\x1b: unheard",
    ]


def test_problem_is_told_with_its_next_step() -> None:
    problem = failure("credentials", "Refused.", hint="Look.")
    assert list(words.explain(problem)) == ["Refused.", "Look."]
    untrusted = failure(
        "tls", "Not trusted.", untrusted=True, fingerprint="00", subject="CN=a", issuer="CN=b"
    )
    assert list(words.explain(untrusted))[1:4] == ["  subject: CN=a", "  issuer: CN=b", "  fingerprint: 00"]
    assert "list" in list(words.explain(failure("connector", "None.", kind="NotFound")))[1]
    assert list(words.explain(Problem("InternalError", "A bug."))) == ["A bug."]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.9, "59 s"), (60, "1 min"), (HOUR - 1, "59 min"), (DAY, "1 day"), (2.5 * DAY, "2 days")],
)
def test_span(seconds: float, text: str) -> None:
    assert words.span(seconds) == text


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        ("30", "30 min"),
        ("90", "90 min"),
        ("120", "2 h"),
        ("1440", "1 day"),
        ("0", "0"),
        ("", ""),
        ("x²", "x²"),
    ],
)
def test_interval_loses_nothing(minutes: str, text: str) -> None:
    assert words.interval(minutes) == text


def test_moments_are_relative_to_now() -> None:
    assert words.moment(1000, relative=True, now=1300) == "5 min ago"
    assert words.moment(1000, relative=True, now=1000 - 2 * HOUR) == "in 2 h"
    assert words.moment(1000, relative=True, now=1000.5) == "now"
    assert words.moment(None, relative=True) == words.moment(None, relative=False) == "-"


def test_what_is_past_is_due_now() -> None:
    assert words.due(1000, relative=False, now=1000) == "now"
    assert words.due(1060, relative=True, now=1000) == "in 1 min"
    assert words.due(None, relative=True) == "-"
