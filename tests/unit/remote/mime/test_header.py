# SPDX-License-Identifier: LGPL-2.1-or-later
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cockpit_getmail.envelope import HEADER_LIMIT
from cockpit_getmail.problem import TEXT_LIMIT, printable
from cockpit_getmail.remote.mime import header

SPECIALS = st.text("=?uUtTfF-8*qQbB_ \t\r\n\\\"<>()@,;:.[]%'é\0\u202e\ud800" + "A0", max_size=200)
OCTETS = st.binary(max_size=300) | SPECIALS.map(lambda text: text.encode("utf-8", "surrogatepass"))
HOSTILE = [
    piece * (HEADER_LIMIT // len(piece))
    for piece in [
        *("(", '"', "<", ":", ",", "@", "a:", "[", "\\", ".", '("', "a,", ";", "a@b,", "<a@b>", "(\\", "\0"),
        *(
            "=?",
            "=?a?q?",
            "=?a?q?b?c",
            "=?utf-8?q?b?=",
            "=?utf-8?b?w?=",
            "?",
            "=?a?q??b",
            "\u202e",
            " ",
            "\t",
        ),
        *(";a*1=", ";a*0*=%41", ';"', '\\"', "=", ";a", ";a*=utf-8''%", ";name*99999999999999999999=a"),
    ]
]


def is_one_line(text: str) -> bool:
    return printable(text) == text and len(text.encode()) <= TEXT_LIMIT


@pytest.mark.parametrize(
    ("head", "fields"),
    [
        (b"Subject: a\r\nTo: b\r\n\r\n", [("Subject", "a"), ("To", "b")]),
        (b"X: a\r\n\tb\r\n c\r\nY:d\n", [("X", "a\r\n\tb\r\n c"), ("Y", "d")]),
        (b"From ann@b Mon Jan  1 00:00:00 2024\nSubject: a\n", [("Subject", "a")]),
        (b">From x\nSubject: a\nno field\nTo: b\n", [("Subject", "a"), ("To", "b")]),
        (b"Subject : a\n", [("Subject", "a")]),
        (b"Subject: gr\xc3\xbcn\nX: gr\xfcn\n", [("Subject", "grün"), ("X", "grün")]),
        (b"Subject:\n", [("Subject", "")]),
        (b"gr\xfcn: a\nb: \0\n", [("b", "\0")]),
        (b"", []),
    ],
)
def test_fields(head: bytes, fields: list[tuple[str, str]]) -> None:
    assert header.split(head) == fields


@pytest.mark.parametrize(
    ("octets", "head", "body"),
    [
        (b"A: b\r\n\r\nbody", b"A: b\r\n", b"body"),
        (b"A: b\n\nbody", b"A: b\n", b"body"),
        (b"\r\nbody", b"", b"body"),
        (b"\nbody", b"", b"body"),
        (b"no header\n\nbody", b"", b"no header\n\nbody"),
        (b"A: b\nno field\n\nbody", b"A: b\nno field\n", b"body"),
        (b"From a\nA: b\n\nbody", b"From a\nA: b\n", b"body"),
        (b"A: b", b"A: b", b""),
        (b"A: b\r\n", b"A: b\r\n", b""),
        (b"", b"", b""),
    ],
)
def test_where_a_header_ends(octets: bytes, head: bytes, body: bytes) -> None:
    end, start = header.find_end(octets, 0, len(octets))
    assert (octets[:end], octets[start:]) == (head, body)


@pytest.mark.parametrize(
    ("text", "decoded"),
    [
        ("Hello", "Hello"),
        ("=?utf-8?Q?a_b?= =?utf-8?Q?c?=", "a bc"),
        ("=?utf-8?Q?a?=\r\n =?utf-8?Q?b?= c", "ab c"),
        ("=?utf-8?B?w7w?=", "ü"),
        ("=?UTF-8?b?8J+YgA==?=", "😀"),
        ("x=?iso-8859-1?Q?=FC?=y", "xüy"),
        ("=?utf-8?Q?what? yes?=", "what? yes"),
        ("=?utf-8?Q?a b c?=", "a b c"),
        ('"=?utf-8?Q?=C3=BC?="', '"ü"'),
        ("=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=", "ü"),
        ("=?utf-8?Q?=C3?= =?iso-8859-1?Q?=BC?=", "\ufffd¼"),
        ("=?utf-8*de?Q?=C3=BC?=", "ü"),
        ("=?rot13?Q?abc?=", "abc"),
        ("=?zlib_codec?B?eJzLSM3JyQcABiwCFQ==?=", None),
        ("=?utf-8?X?abc?=", "=?utf-8?X?abc?="),
        ("=?utf-8?Q??=", ""),
        ("=?utf-8?Q?=?=", None),
        ("=?utf-8?Q?=ZZ?=", None),
        ("=?gb2312?B?xOO6ww==?=", "你好"),
        ("=?unknown-8bit?Q?=FC?=", "ü"),
        ("=?utf-8?Q?unended", "=?utf-8?Q?unended"),
        ("=?utf-8?B?!!!?=", ""),
        ("grün =?utf-8?Q?=C3=BC?=", "grün ü"),
    ],
)
def test_encoded_words(text: str, decoded: str | None) -> None:
    found = header.decode_words(text)
    assert found == decoded or decoded is None


@pytest.mark.parametrize(
    ("value", "addresses"),
    [
        ("ann@example.com", [("", "ann@example.com")]),
        ("Ann B <ann@example.com>", [("Ann B", "ann@example.com")]),
        ('"B, Ann" <ann@example.com>, c@d', [("B, Ann", "ann@example.com"), ("", "c@d")]),
        ("=?utf-8?Q?Zo=C3=AB?= <zoe@example.com>", [("Zoë", "zoe@example.com")]),
        ('"=?utf-8?Q?Zo=C3=AB?=" <zoe@example.com>', [("Zoë", "zoe@example.com")]),
        ("Zoë <zoe@example.com>", [("Zoë", "zoe@example.com")]),
        ("Ann <ann@example.com>,\r\n\tBob <bob@example.com>,", None),
        ("undisclosed-recipients:;", [("undisclosed-recipients:;", "")]),
        ("", []),
        ("\u202eevil\x1b <a@b>", [("evil\\x1b", "a@b")]),
    ],
)
def test_addresses(value: str, addresses: list[tuple[str, str]] | None) -> None:
    told = [(one["name"], one["email"]) for one in header.addresses(value)]
    assert told == (addresses or [("Ann", "ann@example.com"), ("Bob", "bob@example.com")][: len(told)])


@pytest.mark.parametrize("value", HOSTILE, ids=lambda value: repr(value[:8]))
def test_whatever_stands_there_is_told(value: str) -> None:
    told = header.addresses(value)
    assert len(told) <= header.ADDRESSES
    assert all(is_one_line(text) for one in told for text in one.values())
    header.decode_words(value)
    header.parameters(value)
    header.parameters(f"text/plain{value}")


def test_no_more_than_so_many_addresses() -> None:
    told = header.addresses(", ".join(f"user{number}@example.com" for number in range(5000)))
    assert [one["email"] for one in told[:2]] == ["user0@example.com", "user1@example.com"]
    assert len(told) == header.ADDRESSES


@pytest.mark.parametrize(
    ("value", "word", "parameters"),
    [
        ("text/plain; charset=utf-8", "text/plain", {"charset": "utf-8"}),
        ('TEXT/Plain;\r\n CHARSET="utf-8"', "text/plain", {"charset": "utf-8"}),
        ('a; filename="x;y\\"z"', "a", {"filename": 'x;y"z'}),
        ("a; filename*=utf-8''gr%C3%BCn.txt", "a", {"filename": "grün.txt"}),
        ("a; filename*0*=utf-8''gr%C3; filename*1*=%BCn; filename*2=.txt", "a", {"filename": "grün.txt"}),
        ("a; filename*1=b; filename*0=a", "a", {"filename": "ab"}),
        ("a; filename*=rot13''abc", "a", {"filename": "abc"}),
        ("a; filename*=x", "a", {"filename": "x"}),
        ("a; filename==?utf-8?Q?gr=C3=BCn?=", "a", {"filename": "grün"}),
        ("a; filename=grün", "a", {"filename": "grün"}),
        ("a; b=1; b=2", "a", {"b": "1"}),
        ("a", "a", {}),
        ("", "", {}),
        ("a; filename*" + "9" * 5000 + "=x", "a", {}),
        ("a; b=1" + "; c=2" * 1000, "a", {"b": "1", "c": "2"}),
    ],
)
def test_parameters(value: str, word: str, parameters: dict[str, str]) -> None:
    assert header.parameters(value) == (word, parameters)


@given(SPECIALS | st.text())
def test_any_text_is_one_line(text: str) -> None:
    assert is_one_line(header.one_line(text))


@given(OCTETS)
@example(b"=?utf-7?q?+2AA-?=")
def test_any_field_is_told(octets: bytes) -> None:
    [field] = header.split(b"X: " + octets.replace(b"\n", b"")) or [header.Field("X", "")]
    for text in (field.value, header.decode_words(field.value)):
        text.encode()
    assert all(is_one_line(text) for one in header.addresses(field.value) for text in one.values())
    word, parameters = header.parameters(field.value)
    for text in (word, *parameters, *parameters.values()):
        text.encode()
