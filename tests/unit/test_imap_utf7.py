# SPDX-License-Identifier: LGPL-2.1-or-later
"""Names of folders: each has one form, whatever octets a server gives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.imap_utf7 import decode, encode, from_utf7, to_utf7
from tests.support.limits import bounded

NAMES = {
    "INBOX": b"INBOX",
    "Entwürfe": b"Entw&APw-rfe",
    "R&D": b"R&-D",
    "台北/日本語": b"&U,BTFw-/&ZeVnLIqe-",
    "~peter/mail/台北/日本語": b"~peter/mail/&U,BTFw-/&ZeVnLIqe-",
    "a☺!": b"a&Jjo-!",
    "😀": b"&2D3eAA-",
    "&&": b"&-&-",
    "a\\b": b"a\\b",
    "": b"",
    "\u200f": b"&IA8-",
}
ODD = {
    b"&": r"\x26",
    b"&AAo-": r"\x26AAo-",  # a line end
    b"&APw": r"\x26APw",
    b"&AGE-": r"\x26AGE-",  # a letter of ASCII, which goes as it is
    b"&APw-&APw-": r"\x26APw-\x26APw-",
    b"&APx-": r"\x26APx-",  # bits beyond the end
    b"&2D0-": r"\x262D0-",  # half a surrogate pair
    b"&A-": r"\x26A-",
    b"&*-": r"\x26*-",
    b"Entw\xc3\xbcrfe": r"Entw\xc3\xbcrfe",
    b"Entw\\xc3": r"Entw\x5cxc3",
    b"\\xc3\xc3": r"\x5cxc3\xc3",
    b"a\r\nb": r"a\x0d\x0ab",
    b"\0": r"\x00",
    b"../../etc": "../../etc",
}


@pytest.mark.parametrize("name", NAMES)
def test_name_in_modified_utf7(name: str) -> None:
    assert encode(name) == NAMES[name]
    assert decode(NAMES[name]) == name


@pytest.mark.parametrize("octets", ODD)
def test_what_is_no_modified_utf7_is_shown_as_it_came(octets: bytes) -> None:
    assert decode(octets) == ODD[octets]
    assert encode(ODD[octets]) == octets


@given(st.binary() | st.lists(st.sampled_from([*ODD, *NAMES.values()])).map(b"".join))
def test_any_octets_have_a_name_of_their_own(octets: bytes) -> None:
    name = decode(octets)
    assert encode(name) == octets
    assert not any(ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0 for letter in name)


@given(st.text())
def test_text_has_one_form(text: str) -> None:
    octets = to_utf7(text).encode("ascii")
    assert from_utf7(octets) == text


@pytest.mark.long
@given(st.text(alphabet=st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters="\\")))
def test_name_comes_back(name: str) -> None:
    assert decode(encode(name)) == name


@pytest.mark.parametrize("octets", [b"&AGE-", b"&", b"\xff", b"&APw"])
def test_other_forms_are_none(octets: bytes) -> None:
    assert from_utf7(octets) is None


@pytest.mark.long
def test_a_name_that_is_made_to_cost_is_read_once() -> None:
    with bounded(seconds=20, mebibytes=50):
        assert decode(b"&" * 100_000) == r"\x26" * 100_000


def test_half_a_surrogate_pair_is_no_text() -> None:
    with pytest.raises(ValueError, match="surrogates"):
        encode("\ud800")
