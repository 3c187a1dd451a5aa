# SPDX-License-Identifier: LGPL-2.1-or-later
"""A password that a server repeats is not shown, in whatever form it was sent."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.retriever import echo

HIDDEN = "(its words repeat the password)"
PASSWORDS = [
    "geheim",
    "pässwort",
    'quo"te',
    "back\\slash",
    "it's",
    'it\'s "so"',
    "tab\there",
    "\udcff\udcfe",
    " x ",
]


@pytest.mark.parametrize("password", PASSWORDS)
def test_password_is_hidden_in_every_form(password: str) -> None:
    secret = echo.octets(password)
    encoded = (base64.b64encode(secret), echo.plain("ü", password))
    for form in (secret, echo.quoted(password), *encoded, *(each.rstrip(b"=") for each in encoded)):
        assert echo.shown(b"NO what: " + form + b"!", "ü", password) == HIDDEN


@given(st.text(min_size=1), st.binary())
def test_any_password_is_hidden(password: str, around: bytes) -> None:
    try:
        line = around + echo.octets(password) + around
    except UnicodeEncodeError:
        return
    assert echo.shown(line, "u", password) == HIDDEN


TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJnaWFjb21vIn0.c2lnbmF0dXJlLXNpZ25hdHVyZQ"


@given(st.binary(max_size=8), st.binary(max_size=8))
def test_an_access_token_is_hidden_in_every_form(before: bytes, after: bytes) -> None:
    secret = TOKEN.encode()
    for form in (secret, before + secret + after, base64.b64encode(before + secret + after)):
        assert echo.shown(b"what: " + form + b"!", "u", "", TOKEN) == "(its words repeat the access token)"


@given(st.integers(0, 20), st.integers(45, 70))
def test_a_long_piece_of_an_access_token_is_hidden(start: int, end: int) -> None:
    for form in (TOKEN.encode(), base64.b64encode(f"user=ab\1auth=Bearer {TOKEN}\1\1".encode())[40:]):
        said = b"unknown command: AUTH " + form[start : start + end]
        assert echo.shown(said, "u", "", TOKEN) == "(its words repeat the access token)"


def test_other_words_are_shown() -> None:
    assert echo.shown(b"wrong \x1b[2J", "u", "geheim") == "wrong \\x1b[2J"
    assert echo.shown(b"wrong", "u", "") == "wrong"
    assert echo.shown(b"wrong", "u", "", TOKEN) == "wrong"
