# SPDX-License-Identifier: LGPL-2.1-or-later
import base64
import binascii
import quopri

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cockpit_getmail.remote.mime import content

ENCODINGS = ["base64", "quoted-printable", "x-uuencode", "7bit", "8bit", "binary", "", "x-unknown"]
WORDS = st.lists(
    st.sampled_from([b"aGVs", b"a", b"=", b"=\n", b"=E9", b"\r\n", b"\n", b" ", b"\xff", b"end"])
)
OCTETS = st.binary(max_size=300) | WORDS.map(b"".join)


def uuencode(data: bytes) -> bytes:
    lines = [binascii.b2a_uu(data[at : at + 45]) for at in range(0, len(data), 45)]
    return b"".join((b"begin 644 a.bin\n", *lines, b"`\nend\n"))


def in_pieces(octets: bytes, encoding: str, size: int) -> bytes:
    """Decode octets in pieces of at most so many, as a file is read."""
    found, offset = b"", 0
    while True:
        piece = octets[offset : offset + size]
        last = len(piece) < size
        decoded = content.decode_piece(piece, encoding, last=last)
        assert decoded.used > 0 or last
        found += decoded.data
        offset += decoded.used
        if last or decoded.ended:
            return found


@pytest.mark.parametrize(
    ("octets", "encoding", "data"),
    [
        (b"aGVsbG8=", "base64", b"hello"),
        (b"aGVs\r\nbG8=\r\n", "base64", b"hello"),
        (b"aGVsbG8", "base64", b"hello"),
        (b"aGVsbG", "base64", b"hell"),
        (b"aGVsb", "base64", b"hel"),
        (b" a!G\0V-s\nbG8=\n-- \nfooter\n", "base64", b"hello"),
        (b"====", "base64", b""),
        (b"", "base64", b""),
        (b"gr=FCn =\r\nis", "quoted-printable", b"gr\xfcn is"),
        (b"=ZZ=3D=4", "quoted-printable", b"=ZZ==4"),
        (b"begin 644 a\n%:&5L;&\\\n`\nend\nmore", "x-uuencode", b"hello"),
        (b"%:&5L;&\\ \n", "uue", b"hello"),
        (b"M~~~~\n\xff\n\n", "x-uuencode", b""),
        (b"plain \xff\0", "8bit", b"plain \xff\0"),
        (b"plain", "x-unknown", b"plain"),
    ],
)
def test_decode(octets: bytes, encoding: str, data: bytes) -> None:
    assert content.decode(octets, encoding) == data


@given(OCTETS, st.sampled_from(ENCODINGS), st.booleans())
def test_anything_decodes_to_something(octets: bytes, encoding: str, last: bool) -> None:
    piece = content.decode_piece(octets, encoding, last=last)
    assert piece.used <= len(octets)
    assert piece.used == len(octets) or not last
    assert piece.used or not octets
    assert len(piece.data) <= len(octets)


@given(st.binary(max_size=2000), st.integers(100, 700))
@example(bytes(2000), 100)
def test_a_file_in_pieces_is_the_file(data: bytes, size: int) -> None:
    assert in_pieces(base64.encodebytes(data), "base64", size) == data
    assert in_pieces(base64.b64encode(data), "base64", size) == data
    assert in_pieces(uuencode(data), "x-uuencode", size) == data
    assert in_pieces(data, "8bit", size) == data


@given(st.binary(max_size=1000), st.integers(100, 500))
def test_quoted_text_in_pieces_is_the_text(data: bytes, size: int) -> None:
    encoded = quopri.encodestring(data)
    assert in_pieces(encoded, "quoted-printable", size) == content.decode(encoded, "quoted-printable")


@given(st.integers(10_000, 100_000))
def test_estimate(size: int) -> None:
    data = bytes(size)
    encoded = base64.encodebytes(data).replace(b"\n", b"\r\n")
    assert content.estimate(len(encoded), "base64") == pytest.approx(len(data), rel=0.01)
    assert content.estimate(len(data), "8bit") == len(data)
