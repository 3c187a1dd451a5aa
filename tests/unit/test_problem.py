# SPDX-License-Identifier: LGPL-2.1-or-later
"""What went wrong in words, and that foreign text cannot harm a log or a terminal."""

import re
import sys
import unicodedata
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.problem import (
    STATUS,
    TEXT_LIMIT,
    Problem,
    failure,
    not_valid,
    printable,
    sentence,
    with_status,
)
from cockpit_getmail.words import Cause, Fault, Status

BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
MARKS = "\u200e\u200f\u061c\ufeff"


def is_harmful(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")
        or unicodedata.bidirectional(character) in BIDIRECTIONAL
        or character in MARKS
    )


@given(st.text(st.characters(exclude_categories=())) | st.binary())
def test_printable_is_short_and_harmless(text: str | bytes) -> None:
    shown = printable(text)
    assert not [character for character in shown if is_harmful(character)]
    assert len(shown.encode()) <= TEXT_LIMIT


@pytest.mark.slow
def test_every_harmful_character_is_escaped_and_no_other() -> None:
    for code in range(sys.maxunicode + 1):
        shown = printable(chr(code))
        form = rf"\x{code:02x}" if code < 0x100 else rf"\u{code:04x}"
        assert shown == (form if is_harmful(chr(code)) else chr(code))


@given(st.text(st.characters(codec="utf-8")))
def test_octets_and_text_are_shown_alike(text: str) -> None:
    assert printable(text.encode()) == printable(text)


def test_octets_that_are_no_text_are_escaped() -> None:
    assert printable(b"caf\xe9 \xff\x1b[2J\r\n") == r"caf\xe9 \xff\x1b[2J\x0d\x0a"


@pytest.mark.long
@pytest.mark.parametrize("unit", ["a", "é", "😀", "\x1b", "\u202e"])
def test_long_text_is_cut_at_1_kib(unit: str) -> None:
    for length in range(TEXT_LIMIT // 12, TEXT_LIMIT + 3):
        text = unit * length
        for shown in (printable(text), printable(text.encode())):
            assert len(shown.encode()) <= TEXT_LIMIT
            assert ("…" in shown) == (len(printable(unit).encode()) * length > TEXT_LIMIT)
    assert printable("x" * TEXT_LIMIT) == "x" * TEXT_LIMIT
    assert printable("x" * 10**6) == "x" * (TEXT_LIMIT - 3) + "…"


def test_failure_has_its_cause_and_attributes() -> None:
    problem = failure("tls", "The certificate is not trusted.", fingerprint="ab")
    assert (problem.type, problem.message, str(problem)) == (
        "GenericError",
        "The certificate is not trusted.",
        "The certificate is not trusted.",
    )
    assert problem.attributes == {"cause": "tls", "fingerprint": "ab"}
    assert problem.cause == "tls"
    assert failure("running", "It runs.", kind="Conflict").type == "Conflict"


@pytest.mark.parametrize(
    ("problem", "cause"),
    [
        (Problem("NotFound", "There is no such connector."), "connector"),
        (Problem("InvalidInput", "no_json_data_available"), "connector"),
        (not_valid([{"parameter": "Time", "value": "3", "error": "minimum"}]), "connector"),
        (Problem("Conflict", "No."), "internal"),
        (Problem("InternalError", "No.", {"path": "/x"}), "internal"),
    ],
)
def test_cause_where_none_is_given(problem: Problem, cause: Cause) -> None:
    assert problem.cause == cause


def test_not_valid_has_nethservers_shape() -> None:
    faults: list[Fault] = [{"parameter": "Time", "value": "3", "error": "minimum"}]
    problem = not_valid(faults)
    assert (problem.type, problem.message, problem.attributes) == ("NotValid", "validation_failed", faults)


def test_status_and_hint_are_told_for_what_a_mailbox_refuses() -> None:
    problem = with_status(failure("credentials", "Log-in refused.", server="h"))
    assert isinstance(problem.attributes, dict)
    assert problem.attributes.pop("hint").endswith(".")
    assert problem.attributes == {"cause": "credentials", "status": "INVALID_CREDENTIALS", "server": "h"}
    assert (problem.type, problem.message) == ("GenericError", "Log-in refused.")


@pytest.mark.parametrize("problem", [failure("settings", "No."), not_valid([]), Problem("NotFound", "No.")])
def test_other_problems_have_no_status(problem: Problem) -> None:
    assert with_status(problem) is problem


def test_each_cause_has_a_status() -> None:
    assert set(STATUS) == set(get_args(Cause))
    assert {status for status, _ in STATUS.values()} == set(get_args(Status))
    assert all(re.fullmatch(r"[A-Z].*\.", hint) for _, hint in STATUS.values())


def test_sentence_names_the_faults() -> None:
    faults: list[Fault] = [
        {"parameter": "Server", "value": "", "error": "minLength"},
        {"parameter": "Time", "value": "3", "error": "minimum"},
    ]
    assert sentence(not_valid(faults)) == "The connector is not valid: Server (minLength), Time (minimum)."
    assert sentence(failure("network", "Nobody is there.")) == "Nobody is there."
