# SPDX-License-Identifier: LGPL-2.1-or-later
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from imapclient.response_types import BodyData

from cockpit_getmail.remote.mime import parts, structure

TEXT = (b"TEXT", b"PLAIN", (b"CHARSET", b"utf-8"), None, None, b"7BIT", 12, 1, None, None, None)
PICTURE = (
    b"IMAGE",
    b"PNG",
    None,
    b"<logo>",
    None,
    b"BASE64",
    400,
    None,
    (b"INLINE", (b"FILENAME", b"a.png")),
)
ENVELOPE = (None,) * 10
MESSAGE = (
    b"MESSAGE",
    b"RFC822",
    None,
    None,
    None,
    b"7BIT",
    99,
    ENVELOPE,
    TEXT,
    5,
    None,
    (b"ATTACHMENT", None),
)
FILE = (
    b"APPLICATION",
    b"PDF",
    (b"NAME*0*", b"utf-8''gr%C3%BC", b"NAME*1", b"n.pdf"),
    None,
    None,
    b"BASE64",
    800,
)
ANY = st.recursive(
    st.none() | st.binary(max_size=4) | st.integers(-9, 9),
    lambda inner: st.lists(inner, max_size=8) | st.lists(inner, max_size=8).map(tuple),
)


def read(*told: Any) -> list[parts.Part]:
    return structure.read(BodyData.create(told))


def test_a_part_alone() -> None:
    [part] = read(*TEXT)
    assert (part.id, part.type, part.charset, part.encoding, part.octets) == (
        "1",
        "text/plain",
        "utf-8",
        "7bit",
        12,
    )


def test_parts_within_parts() -> None:
    found = read((TEXT, PICTURE, b"RELATED", (b"BOUNDARY", b"x")), FILE, MESSAGE, b"MIXED", None)
    assert [(part.id, part.type, part.file_name, part.octets) for part in found] == [
        ("1.1", "text/plain", "", 12),
        ("1.2", "image/png", "a.png", 400),
        ("2", "application/pdf", "grün.pdf", 800),
        ("3", "message/rfc822", "", 99),
    ]
    assert [(part.related, part.disposition, part.content_id) for part in found] == [
        (True, "", ""),
        (True, "inline", "logo"),
        (False, "", ""),
        (False, "attachment", ""),
    ]


def test_a_name_with_quotes() -> None:
    name = b'a "b" \\ c; d=e.txt'
    [part] = read(*TEXT[:2], (b"NAME", name), *TEXT[3:])
    assert part.file_name == "c; d=e.txt"


@pytest.mark.long
def test_levels_and_parts_without_end() -> None:
    told: Any = TEXT
    for _ in range(2 * parts.DEPTH_LIMIT):
        told = (told, b"MIXED")
    assert [part.type for part in read(*told)] == ["multipart/mixed"]
    assert len(read(*[TEXT] * (3 * parts.PARTS_LIMIT), b"MIXED")) == parts.PARTS_LIMIT + 1


@pytest.mark.parametrize(
    "told", [None, 7, b"x", (), (b"TEXT",), (b"TEXT", b"PLAIN", None, None, None, b"7BIT", b"x")]
)
def test_no_structure(told: Any) -> None:
    with pytest.raises((AttributeError, LookupError, TypeError, ValueError)):
        structure.read(told)


@pytest.mark.long
@given(ANY)
def test_whatever_it_is_it_is_read_or_refused(told: Any) -> None:
    try:
        found = structure.read(told)
    except (AttributeError, LookupError, TypeError, ValueError):
        return
    assert len({part.id for part in found}) == len(found)
