# SPDX-License-Identifier: LGPL-2.1-or-later
import encodings.aliases

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.remote.mime import charset

CODECS = sorted({*encodings.aliases.aliases, *encodings.aliases.aliases.values()})
NAMES = st.sampled_from(CODECS) | st.text(max_size=80) | st.text("abcutf-_8091", max_size=12)


@pytest.mark.parametrize(
    ("octets", "name", "text"),
    [
        ("Größe 漢字 😀".encode(), "utf-8", "Größe 漢字 😀"),
        ("Größe 漢字".encode(), "UTF8", "Größe 漢字"),
        ("Größe".encode("latin-1"), "iso-8859-1", "Größe"),
        (b"\x93so\x94 \x80", "iso-8859-1", "“so” €"),
        ("Größe".encode("utf-16"), "utf-16", "Größe"),
        ("Größe".encode("utf-7"), "utf-7", "Größe"),
        ("漢字".encode("iso2022_jp"), "ISO-2022-JP", "漢字"),
        ("漢字".encode("cp932"), "x-sjis", "漢字"),
        ("漢字㐀".encode("gb18030"), "gb2312", "漢字㐀"),
        ("똠방".encode("cp949"), "ks_c_5601-1987", "똠방"),
        ("Привет".encode("koi8-r"), "KOI8-R", "Привет"),
        ("Привет".encode("mac_cyrillic"), "x-mac-cyrillic", "Привет"),
        ("Größe".encode(), "us-ascii", "Größe"),
        ("Größe".encode("latin-1"), "us-ascii", "Größe"),
        ("Größe".encode(), "", "Größe"),
        ("Größe".encode("latin-1"), "", "Größe"),
        ("Größe".encode(), "x-unknown", "Größe"),
        ("Größe".encode(), 'utf-8"; x="y', "Größe"),
        ("Größe".encode("latin-1"), "utf-8", "Gr\ufffd\ufffde"),
        ("Größ".encode()[:-1], "", "Grö"),
        ("café".encode("latin-1"), "", "café"),
        ("à".encode("latin-1"), "us-ascii", "à"),
        ("ไทย".encode("cp874"), "windows-874", "ไทย"),
        ("日本語".encode("euc_jp"), "x-euc-jp", "日本語"),
        ("ｱ".encode("iso2022_jp_ext"), "iso-2022-jp", "ｱ"),
        ("日本語".encode("iso2022_jp"), "CP50220", "日本語"),
        ("日本語".encode("iso2022_jp"), "iso-2022-jp-ms", "日本語"),
        ("é".encode("utf-16-be"), "ISO-10646-UCS-2", "é"),
        ("\ufeffBOM".encode(), "utf-8", "BOM"),
        (b"uryyb", "rot13", "uryyb"),
        (b"x\x9c\xcbH\xcd\xc9\xc9\x07\x00\x06,\x02\x15", "zlib_codec", None),
        (b"\\x41", "unicode_escape", "\\x41"),
        (b"+2AA-", "utf-7", "\ufffd"),
        (b"xn--a-ecp.ru", "idna", "xn--a-ecp.ru"),
        (b"hello", "hello\0there", "hello"),
        (b"\x93so\x94", "ISO_8859-1:1987", "“so”"),
        (b"\x93so\x94", "ansi_x3.4_1968", "“so”"),
        (b"\x93so\x94", "cp1234567890", "“so”"),
        (b"hello", "../../etc/passwd", "hello"),
        (b"", "utf-8", ""),
    ],
)
def test_decode(octets: bytes, name: str, text: str | None) -> None:
    found = charset.decode(octets, name)
    # What is no text at all comes out as something.
    assert found == text or text is None


@given(st.binary(max_size=300), NAMES)
def test_there_is_always_a_text(octets: bytes, name: str) -> None:
    charset.decode(octets, name).encode()


@given(st.text(), st.sampled_from(["utf-8", "utf-16", "utf-32", "gb18030", "", "us-ascii"]))
def test_text_comes_back(text: str, name: str) -> None:
    assert charset.decode(text.encode(name or "utf-8", "replace"), name) == text.encode(
        name or "utf-8", "replace"
    ).decode(name or "utf-8").removeprefix("\ufeff")
