# SPDX-License-Identifier: LGPL-2.1-or-later
"""Providers' answers, as RFC 6749 section 5 has them, and as nobody should write them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.oauth.answers import (
    ANSWER_LIMIT,
    SECONDS_LIMIT,
    TOKEN_LIMIT,
    check_answer,
    check_fields,
    parse,
)
from cockpit_getmail.problem import printable

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NAMES = st.sampled_from(
    ["access_token", "refresh_token", "token_type", "expires_in", "error", "error_description", "scope"]
)


def test_answer_of_rfc_6749() -> None:
    body = {
        "access_token": "2YotnFZFEjr1zCsicMWpAA",
        "token_type": "example",
        "expires_in": 3600,
        "refresh_token": "tGzv3JOkF0XG5Qx2TlKWIA",
        "example_parameter": "example_value",
    }
    answer = parse(200, json.dumps(body).encode())
    del body["example_parameter"]
    assert (answer.status, dict(answer.fields)) == (200, body)
    assert (answer.text("access_token"), answer.number("expires_in", 0)) == (body["access_token"], 3600)
    assert (answer.text("scope"), answer.text("expires_in"), answer.number("token_type", 7)) == ("", "", 7)


@pytest.mark.long
@given(st.binary(max_size=200) | ANY_JSON.map(lambda value: json.dumps(value).encode()))
def test_any_body_is_an_answer(body: bytes) -> None:
    require_clean(dict(parse(200, body).fields))


@pytest.mark.long
@given(st.dictionaries(NAMES, ANY_JSON))
def test_any_value_of_a_known_field_is_checked(found: dict[str, Any]) -> None:
    fields = check_fields(found)
    require_clean(fields)
    # The same check stands on both sides of the sandbox.
    assert check_fields(fields) == fields
    assert check_answer({"status": 200, "fields": fields, "more": 1}) == {"status": 200, "fields": fields}


def require_clean(fields: dict[str, Any]) -> None:
    for name, value in fields.items():
        if name in ("expires_in", "interval"):
            assert type(value) is int
            assert 0 <= value <= SECONDS_LIMIT
        else:
            assert value
            assert printable(value) == value or (value.isascii() and value.isprintable())
            assert len(value) <= TOKEN_LIMIT


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("access_token", "a b"),
        ("access_token", "a\n"),
        ("access_token", "ä"),
        ("access_token", ""),
        ("access_token", "x" * (TOKEN_LIMIT + 1)),
        ("refresh_token", "a\x01auth=Bearer b"),
        ("refresh_token", 5),
        ("error", "a\tb"),
        ("error", 'a"b'),
        ("expires_in", True),
        ("expires_in", -1),
        ("expires_in", float("nan")),
        ("expires_in", float("inf")),
        ("expires_in", SECONDS_LIMIT + 1),
        ("expires_in", "1e3"),
        ("verification_uri", "javascript:alert(1)"),
        ("verification_uri", "https://x/ y"),
    ],
)
def test_what_does_not_belong_is_left_out(name: str, value: object) -> None:
    assert check_fields({name: value}) == {}


@pytest.mark.parametrize(("value", "expected"), [("3599", 3599), (3599.7, 3599), (0, 0)])
def test_seconds(value: object, expected: int) -> None:
    assert check_fields({"expires_in": value}) == {"expires_in": expected}


def test_description_is_one_printable_line() -> None:
    told = check_fields({"error_description": "AADSTS50034: no\r\n\x1b[31mTrace\u202eID  x" + "y" * 9999})
    text = str(told["error_description"])
    assert text.startswith(r"AADSTS50034: no \x1b[31mTrace\u202eID x")
    assert len(text.encode()) <= 1024


@pytest.mark.parametrize("depth", [1000, ANSWER_LIMIT // 2])
def test_deep_answer(depth: int) -> None:
    assert parse(200, b"[" * depth + b"]" * depth) == (200, {})


@pytest.mark.parametrize("status", [None, True, 99, 1000, "200", 200.0])
def test_status_out_of_the_sandbox_is_checked(status: object) -> None:
    assert check_answer({"status": status, "fields": {}}) is None
