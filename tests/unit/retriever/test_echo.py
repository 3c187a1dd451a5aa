# SPDX-License-Identifier: LGPL-2.1-or-later
"""A password that a server repeats is not shown, whatever has become of it on the way."""

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
        line = b"NO what: " + form + b"!"
        for text in (line, str(line), str([b"it's", line]), line.decode("ascii", "replace")):
            assert echo.shown(text, "ü", password) == HIDDEN, text


@given(st.text(min_size=1), st.text())
def test_any_password_is_hidden_in_a_repr(password: str, around: str) -> None:
    try:
        line = f"{around}{password}{around}".encode()
    except UnicodeEncodeError:
        return
    assert echo.shown(line, "u", password) == HIDDEN
    assert echo.shown(repr(line), "u", password) == HIDDEN


def test_other_words_are_shown() -> None:
    assert echo.shown(b"wrong \x1b[2J", "u", "geheim") == "wrong \\x1b[2J"
    assert echo.shown("wrong", "u", "") == "wrong"
