# SPDX-License-Identifier: LGPL-2.1-or-later
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.remote.mime import parts
from tests.support.odd_mail import MIXED, ODD, make_multipart

LINES = st.lists(
    st.sampled_from(
        [
            *(b"--b", b"--b--", b"--c", b"--c--", b"--bb", b"--b  ", b"--", b"", b"text", b"Subject: x"),
            *(b"Content-Type: multipart/mixed; boundary=b", b"Content-Type: multipart/related; boundary=c"),
            *(b"Content-Type: message/rfc822", b"Content-Type: text/html", b"Content-Type: x", b" folded"),
            b"Content-Type: multipart/digest; boundary=b",
        ]
    ),
    max_size=40,
)
MESSAGES = st.builds(bytes.join, st.sampled_from([b"\r\n", b"\n"]), LINES) | st.binary(max_size=200)


def ids(octets: bytes) -> list[tuple[str, str, bytes]]:
    found, _ = parts.split(octets)
    return [(part.id, part.type, octets[part.start : part.end]) for part in found]


def test_a_message_of_one_part() -> None:
    assert ids(b"Subject: x\r\n\r\nbody\r\n") == [("1", "text/plain", b"body\r\n")]
    assert ids(b"Content-Type: text/html\n\nbody") == [("1", "text/html", b"body")]
    assert ids(b"Content-Type: message/rfc822\n\nA: b\n\nc") == [("1", "message/rfc822", b"A: b\n\nc")]


def test_sections_are_numbered_as_imap_does() -> None:
    inner = make_multipart(b"c", b"Content-Type: text/plain\r\n\r\none", b"\r\ntwo", kind=b"alternative")
    octets = make_multipart(b"b", inner, b"Content-Type: image/png\r\n\r\nthree", inner)
    assert ids(octets) == [
        ("1.1", "text/plain", b"one"),
        ("1.2", "text/plain", b"two"),
        ("2", "image/png", b"three"),
        ("3.1", "text/plain", b"one"),
        ("3.2", "text/plain", b"two"),
    ]


@pytest.mark.parametrize(
    ("octets", "found"),
    [
        (MIXED + b"--b\n\none\n--b\n\ntwo\n", [("1", "one"), ("2", "two\n")]),
        (MIXED + b"preamble\n--b\n\none\n--b--\n--b\n\nepilogue\n", [("1", "one")]),
        (MIXED + b"--b\n\none\n--bb\ntwo\n--b--", [("1", "one\n--bb\ntwo")]),
        (MIXED + b"--b \t\n\none\n--b-- \n", [("1", "one")]),
        (MIXED + b"--b\r\n\r\n--b\r\n--b--\r\n", [("1", ""), ("2", "")]),
        (MIXED + b"--b\n--b\n--b--", [("1", ""), ("2", "")]),
        (MIXED + b"--b\nno header\n\nat all\n--b--", [("1", "no header\n\nat all")]),
        (MIXED + b"no boundary", [("1", "no boundary")]),
        (MIXED, [("1", "")]),
        (b"Content-Type: multipart/mixed\n\n--b\n\none\n--b--", [("1", "--b\n\none\n--b--")]),
        (b'Content-Type: multipart/mixed; boundary=""\n\n--\n\none', [("1", "--\n\none")]),
        (b'Content-Type: multipart/mixed; boundary="b "\n\n--b\n\none\n--b--', [("1", "one")]),
        (b"Content-Type: multipart\n\n--b\n\none", [("1", "--b\n\none")]),
        (b'Content-Type: multipart/mixed; boundary="gr\xc3\xbcn"\n\n--gr\xc3\xbcn\n\none', [("1", "one")]),
        (b"", [("1", "")]),
    ],
)
def test_what_is_not_as_it_should_be(octets: bytes, found: list[tuple[str, str]]) -> None:
    assert [(number, text.decode()) for number, _, text in ids(octets)] == found


def test_what_a_part_is_called() -> None:
    octets = (
        b"Content-Type: IMAGE/PNG; name=x.png; charset=koi8-r\nContent-Transfer-Encoding: BASE64\n"
        b"Content-Disposition: inline; filename*=utf-8''..%2Fgr%C3%BCn%E2%80%AE.png\nContent-ID: <logo>\n\n"
    )
    [part], _ = parts.split(octets)
    assert part[1:7] == ("image/png", "koi8-r", "base64", "inline", "grün.png", "logo")


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\temp\\\\a.doc", "a.doc"),
        ("..", ""),
        ("a/", ""),
        ("a\0b\x1b.txt", "ab.txt"),
        ("x" * 5000, "x" * parts.NAME_LIMIT),
        (" a b ", "a b"),
    ],
)
def test_a_file_name_leads_nowhere(sent: str, told: str) -> None:
    [part], _ = parts.split(f'Content-Disposition: attachment; filename="{sent}"\n\n'.encode())
    assert part.file_name == told


def test_a_digest_is_of_messages() -> None:
    octets = make_multipart(b"b", b"\r\nSubject: one\r\n\r\n", kind=b"digest")
    assert ids(octets) == [("1", "message/rfc822", b"Subject: one\r\n\r\n")]


def test_parts_of_a_related_one() -> None:
    octets = make_multipart(b"b", b"\r\none", make_multipart(b"c", b"\r\ntwo"), kind=b"related")
    assert [(part.id, part.related) for part in parts.split(octets)[0]] == [("1", True), ("2.1", False)]


@pytest.mark.parametrize("octets", ODD.values(), ids=ODD)
def test_an_odd_message_is_split_in_bounds(octets: bytes) -> None:
    found, _ = parts.split(octets)
    assert 1 <= len(found) <= parts.PARTS_LIMIT
    assert len({part.id for part in found}) == len(found)


@pytest.mark.long
def test_that_not_all_parts_are_told_is_told() -> None:
    few, many = (b"--b\n\nx\n" * count for count in (parts.PARTS_LIMIT, parts.PARTS_LIMIT + 1))
    assert parts.split(MIXED + few)[1]
    assert not parts.split(MIXED + many)[1]
    assert len(parts.split(MIXED + many)[0]) == parts.PARTS_LIMIT
    assert not parts.split(b"Subject: x\n\nbody", cut=True)[1]


def test_the_last_part_of_a_message_that_is_cut_has_no_end() -> None:
    found, _ = parts.split(MIXED + b"--b\n\none\n--b\n\ntw", cut=True)
    assert [part.whole for part in found] == [True, False]


@given(MESSAGES)
def test_parts_follow_each_other(octets: bytes) -> None:
    found, _ = parts.split(octets)
    assert found
    assert [0 <= part.start <= part.end <= len(octets) for part in found] == [True] * len(found)
    places = [place for part in found for place in (part.start, part.end)]
    assert places == sorted(places)
    assert len({part.id for part in found}) == len(found)
