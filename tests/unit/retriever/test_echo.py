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
    for form in (secret, echo.quoted(password), base64.b64encode(secret), echo.plain("ü", password)):
        assert echo.shown(b"NO what: " + form + b"!", "ü", password) == HIDDEN


@given(st.text(min_size=1), st.binary())
def test_any_password_is_hidden(password: str, around: bytes) -> None:
    try:
        line = around + echo.octets(password) + around
    except UnicodeEncodeError:
        return
    assert echo.shown(line, "u", password) == HIDDEN


def test_other_words_are_shown() -> None:
    assert echo.shown(b"wrong \x1b[2J", "u", "geheim") == "wrong \\x1b[2J"
    assert echo.shown(b"wrong", "u", "") == "wrong"
