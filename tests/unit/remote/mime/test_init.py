# SPDX-License-Identifier: LGPL-2.1-or-later
import email
import json
from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.remote import mime
from cockpit_getmail.remote.mime import content, header, parts
from tests.support.limits import bounded
from tests.support.odd_mail import MIXED, ODD, make_multipart

SEED = (
    b"MIME-Version: 1.0\r\n"
    b"X-Spam-Score: -1.899\r\n"
    b"X-Spam-Status: No, score=-1.899 tagged_above=-999 required=3\r\n"
    b"\ttests=[BAYES_00=-1.9, URIBL_BLOCKED=0.001]\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"Date: Tue, 06 Jan 2015 21:52:48 +0100\r\n"
    b"Subject: Hello\r\n"
    b"From: My Name <myaddress@invalid>\r\n"
    b"Message-ID: <54AC4B20.1040703@invalid>\r\n"
    b"To: hello@invalid\r\n"
    b"\r\n"
    b"\r\nHello\r\n"
)
MESSAGES = st.builds(
    bytes.join,
    st.just(b"\n"),
    st.lists(
        st.sampled_from(
            [
                *(b"--b", b"--b--", b"", b"text", b"Content-Type: text/html; charset=utf-7", b"+2AA-\xff"),
                *(
                    b"Content-Type: multipart/mixed; boundary=b",
                    b"Subject: =?utf-7?q?+2AA-?=",
                    b'From: <<("@',
                ),
                *(
                    b"Content-Transfer-Encoding: base64",
                    b"Content-Disposition: attachment; filename*=x'",
                    b"To:;",
                ),
            ]
        ),
        max_size=30,
    ),
)


TEXT_LETTERS = st.characters(exclude_categories=["C", "Z"])
TEXT = st.text(TEXT_LETTERS | st.sampled_from(" \n."), max_size=100)


def check_shape(told: dict[str, Any]) -> None:
    """See that a message is told as Zato tells it, and that it can be sent."""
    assert set(told) == {"body", "headers", "date", "subject", "sent_from", "message_id", "sent_to"}
    assert set(told["body"]) == {"plain", "html"}
    assert all(isinstance(text, str) for texts in told["body"].values() for text in texts)
    assert all(set(field) == {"Name", "Value"} for field in told["headers"])
    assert all(set(one) == {"name", "email"} for one in (*told["sent_from"], *told["sent_to"]))
    json.dumps(told, ensure_ascii=False).encode()


def test_the_message_of_the_seed() -> None:
    told = mime.describe(SEED)
    check_shape(told)
    assert told["body"] == {"plain": ["\r\nHello\r\n"], "html": []}
    assert told["headers"][:4] == [
        {"Name": "MIME-Version", "Value": "1.0"},
        {"Name": "X-Spam-Score", "Value": "-1.899"},
        {
            "Name": "X-Spam-Status",
            "Value": "No, score=-1.899 tagged_above=-999 required=3\r\n"
            "\ttests=[BAYES_00=-1.9, URIBL_BLOCKED=0.001]",
        },
        {"Name": "Content-Type", "Value": "text/plain; charset=utf-8"},
    ]
    assert told["date"] == "Tue, 06 Jan 2015 21:52:48 +0100"
    assert told["subject"] == "Hello"
    assert told["sent_from"] == [{"name": "My Name", "email": "myaddress@invalid"}]
    assert told["message_id"] == "<54AC4B20.1040703@invalid>"
    assert told["sent_to"] == [{"name": "", "email": "hello@invalid"}]


@pytest.mark.long
@pytest.mark.parametrize("octets", ODD.values(), ids=ODD)
def test_an_odd_message_is_told(octets: bytes) -> None:
    check_shape(mime.describe(octets))


@pytest.mark.parametrize(
    ("name", "prop", "told"),
    [
        ("raw 8-bit header", "subject", "grün"),
        ("raw 8-bit header", "sent_from", [{"name": "Zoë", "email": "a@b"}]),
        ("raw 8-bit header", "sent_to", [{"name": "Zoë", "email": "a@b"}]),
        ("control and direction characters", "subject", "\\x1b[2J\\x00evil\\x07"),
        ("an unknown charset", "body", {"plain": ["grün\n"], "html": []}),
        ("rot13", "body", {"plain": ["uryyb\n"], "html": []}),
        ("a boundary that is not there", "body", {"plain": ["text\n"], "html": []}),
        ("a boundary without end", "body", {"plain": ["one"], "html": []}),
        ("a boundary of special characters", "body", {"plain": ["x"], "html": []}),
        ("messages in messages", "body", {"plain": [], "html": []}),
        ("base64 cut off", "body", {"plain": ["text"], "html": []}),
        ("no header", "body", {"plain": ["just text\nand more\n"], "html": []}),
    ],
)
def test_what_is_told_of_an_odd_message(name: str, prop: str, told: Any) -> None:
    assert mime.describe(ODD[name])[prop] == told


@pytest.mark.long
def test_an_odd_message_takes_little_memory() -> None:
    with bounded(seconds=60, mebibytes=100):
        for octets in ODD.values():
            mime.describe(octets)


def repeat(octets: bytes, size: int = 8 << 20) -> bytes:
    return octets * (size // len(octets))


SEMICOLONS = b'--b\nContent-Type: a/b; c="%b\nContent-Disposition: d; e="%b\n\n' % (
    b";" * 8000,
    b'\\";' * 2700,
)
NAME = b'--b\nContent-Disposition: attachment; filename="%b"\n\n' % (b"a" * 8000)
LONG = [b"--b\nContent-Type: multipart/mixed; boundary=%d%b\n\n" % (n, b"x" * 7900) for n in range(1000)]
COSTLY = {
    "semicolons in quotes": MIXED + repeat(SEMICOLONS),
    "long names": MIXED + repeat(NAME),
    "long boundaries": MIXED + b"".join(LONG),
    "empty lines in uuencode": b"Content-Transfer-Encoding: x-uuencode\n\n" + repeat(b"\n"),
}


@pytest.mark.long
@pytest.mark.parametrize("octets", COSTLY.values(), ids=COSTLY)
def test_a_message_that_is_made_to_cost_is_told_all_the_same(octets: bytes) -> None:
    with bounded(seconds=20, mebibytes=100):
        mime.describe(octets)


@given(MESSAGES | st.binary(max_size=300))
def test_any_octets_are_told(octets: bytes) -> None:
    check_shape(mime.describe(octets))


@st.composite
def well_made(draw: st.DrawFn, depth: int = 2) -> EmailMessage:
    """A message as a good program makes it, of any structure."""
    message = EmailMessage(policy=policy.SMTP)
    match draw(st.sampled_from(["text", "text", "file", "message", "parts"][: None if depth else 3])):
        case "text":
            kind = draw(st.sampled_from(["plain", "html"]))
            charset = draw(st.sampled_from(["utf-8", "iso-8859-15", "koi8-r", "utf-16-be"]))
            cte = draw(st.sampled_from(["base64", "quoted-printable"]))
            text = "".join(letter for letter in draw(TEXT) if letter.encode(charset, "ignore"))
            message.set_content(text, subtype=kind, charset=charset, cte=cte)
        case "file":
            name = draw(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=60))
            message.set_content(draw(st.binary(max_size=200)), "application", "pdf", filename=name)
        case "message":
            message.set_content(draw(well_made(depth - 1)))
        case "parts":
            getattr(message, draw(st.sampled_from(["make_mixed", "make_related", "make_alternative"])))()
            for _ in range(draw(st.integers(1, 4))):
                message.attach(draw(well_made(depth - 1)))
    return message


def walk(message: Any) -> Iterator[Any]:
    """Yield the parts that are told of a message."""
    if message.get_content_maintype() != "multipart":
        yield message
        return
    for part in message.iter_parts():
        yield from walk(part)


@pytest.mark.long
@given(well_made(), st.text(TEXT_LETTERS, max_size=60))
def test_what_is_well_made_is_told_as_email_tells_it(message: EmailMessage, subject: str) -> None:
    message["Subject"] = subject
    octets = message.as_bytes()
    expected = list(walk(email.message_from_bytes(octets, policy=policy.SMTP)))
    found, is_whole = parts.split(octets)
    assert is_whole
    assert [part.type for part in found] == [part.get_content_type() for part in expected]
    texts = [part.get_content() for part in expected if part.get_content_maintype() == "text"]
    body = mime.describe(octets)["body"]
    assert sorted(body["plain"] + body["html"]) == sorted(texts)
    for part, other in zip(found, expected, strict=True):
        if part.type == "application/pdf":
            assert content.decode(octets[part.start : part.end], part.encoding) == other.get_content()
            assert part.file_name == other.get_filename()
    assert mime.describe(octets)["subject"] == header.one_line(subject)


def test_long_text_is_cut() -> None:
    octets = MIXED + b"--b\n\n" + b"a" * mime.TEXT_LIMIT + b"\n--b\n\nmore\n--b--\n"
    found, _ = parts.split(octets)
    body, whole = mime.tell_body(found, lambda part, limit: octets[part.start : part.start + limit])
    assert [len(text) for text in body["plain"]] == [mime.TEXT_LIMIT, 0]
    assert not whole
    assert [len(text) for text in mime.describe(octets)["body"]["plain"]] == [mime.TEXT_LIMIT, 4]


@pytest.mark.parametrize(
    ("head", "is_text", "is_inline", "is_left_out"),
    [
        ("text/plain", True, False, False),
        ("text/html; charset=utf-8", True, False, False),
        ("text/plain\nContent-Disposition: inline", True, True, False),
        ("text/plain; name=a.txt", False, False, False),
        ("text/plain\nContent-Disposition: attachment", False, False, False),
        ("text/csv", False, False, False),
        ("image/png\nContent-Disposition: inline", False, True, True),
        ("image/png\nContent-Disposition: inline; filename=a.png", False, True, True),
        ("image/png\nContent-Disposition: attachment; filename=a.png", False, False, False),
        ("image/png; name=a.png", False, False, False),
        ("application/pdf\nContent-Disposition: inline", False, True, False),
        ("application/ms-tnef; name=x.dat", False, False, True),
        ("application/vnd.ms-tnef", False, False, True),
        ("application/octet-stream; name=WINMAIL.DAT", False, False, True),
    ],
)
def test_which_parts_are_files(head: str, is_text: bool, is_inline: bool, is_left_out: bool) -> None:
    [part], _ = parts.split(f"Content-Type: {head}\n\n".encode())
    assert mime.is_text(part) == is_text
    assert mime.is_inline(part) == is_inline
    assert mime.is_left_out(part, 1000) == is_left_out
    if part.type == "image/png":
        assert not mime.is_left_out(part, mime.PICTURE_LIMIT + 1)


def test_a_picture_that_the_text_refers_to_is_inline() -> None:
    picture = b"Content-Type: image/png\nContent-ID: <x>\n\n"
    for kind, is_inline in ((b"related", True), (b"mixed", False)):
        [_, part], _ = parts.split(make_multipart(b"b", b"\n", picture, kind=kind))
        assert mime.is_inline(part) == is_inline
