# SPDX-License-Identifier: LGPL-2.1-or-later
"""Recipients, and octets that no server can take for a command."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.destination.lmtp_message import is_international, make_recipient, stuff
from cockpit_getmail.problem import Problem

RECIPIENTS = {
    ("anna", ""): "anna",
    ("anna@example.com", ""): "anna@example.com",
    ("anna@example.com", "+Work"): "anna+Work@example.com",
    ("anna", "+Work/Invoices"): "anna+Work/Invoices",
    ("anna@example.com", "+My box"): '"anna+My box"@example.com',
    ("an na", ""): '"an na"',
    ('a"b\\c@example.com', ""): r'"a\"b\\c"@example.com',
    ("a>b", ""): '"a>b"',
    ("a@b@example.com", ""): '"a@b"@example.com',
    ("anna.", ""): '"anna."',
    ("jörg@example.com", "+Größe"): "jörg+Größe@example.com",
    ("anna@[127.0.0.1]", ""): "anna@[127.0.0.1]",
}


@pytest.mark.parametrize(("account", "detail"), RECIPIENTS)
def test_recipient(account: str, detail: str) -> None:
    assert make_recipient(account, detail) == RECIPIENTS[account, detail]


@pytest.mark.parametrize(
    "account",
    [
        "",
        "@example.com",
        "anna@",
        "a\r\nb",
        "a\0b",
        "anna@exa mple",
        "anna@a>",
        "anna@a\r\nRSET",
        "a\u2028b@c",
    ],
)
def test_account_that_no_envelope_can_name(account: str) -> None:
    with pytest.raises(Problem) as raised:
        make_recipient(account)
    assert raised.value.cause == "delivery"


@pytest.mark.long
@given(st.text(max_size=40), st.text(max_size=20))
def test_no_recipient_ends_its_command(account: str, detail: str) -> None:
    try:
        recipient = make_recipient(account, detail)
    except Problem:
        return
    assert recipient.isprintable()
    outside = re.sub(r'"(\\.|[^"\\])*"', "", recipient)
    assert not set(outside) & set('<> "\\')


def test_international_is_what_has_utf8_in_its_header() -> None:
    assert is_international("Subject: Größe\r\n\r\n".encode())
    assert not is_international("Subject: x\r\n\r\nGröße".encode())
    assert not is_international("Subject: Größe\r\n\r\n".encode("latin-1"))
    assert not is_international(b"")


# Octets

PIECES = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"a", b"..", b"\r\n.\r\n", b"\n.\n", b"\0", b""])
)


def unstuff(data: bytes) -> bytes:
    """Read a message as a server does that knows CRLF alone."""
    assert data.endswith(b".\r\n")
    lines = data.split(b"\r\n")[:-1]
    assert lines[-1] == b"."
    assert b"." not in lines[:-1]
    return b"".join(line.removeprefix(b".") + b"\r\n" for line in lines[:-1])


@pytest.mark.parametrize(
    ("message", "stuffed"),
    [
        (b"", b".\r\n"),
        (b".", b"..\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b"a\r\n.\r\nQUIT\r\n", b"a\r\n..\r\nQUIT\r\n.\r\n"),
        (b"a\n.\nMAIL FROM:<>\n", b"a\r\n..\r\nMAIL FROM:<>\r\n.\r\n"),
        (b"a\r.\rb\r\n", b"a . b\r\n.\r\n"),
        (b"a\n.\r\n", b"a\r\n..\r\n.\r\n"),
        (b"a\r\r\n.b\r", b"a \r\n..b \r\n.\r\n"),
    ],
)
def test_stuffed(message: bytes, stuffed: bytes) -> None:
    assert b"".join(stuff([message])) == stuffed


@pytest.mark.long
@given(st.lists(st.binary(max_size=30) | PIECES.map(b"".join), max_size=12))
def test_nothing_ends_a_message_but_its_end(chunks: list[bytes]) -> None:
    """Whatever a server takes for the end of a line."""
    stuffed = b"".join(stuff(chunks))
    message = b"".join(chunks)
    whole = re.sub(rb"\r(?!\n)", b" ", re.sub(rb"(?<!\r)\n", b"\r\n", message))
    assert unstuff(stuffed) == (whole if whole.endswith(b"\r\n") or not whole else whole + b"\r\n")
    assert stuffed.count(b"\r") == stuffed.count(b"\n") == stuffed.count(b"\r\n")
    assert stuffed == b"".join(stuff([message]))


@pytest.mark.long
@given(st.lists(st.binary(max_size=30).map(lambda line: re.sub(rb"[\r\n]", b"", line) + b"\r\n")), st.data())
def test_lines_arrive_as_they_are(lines: list[bytes], data: st.DataObject) -> None:
    message = b"".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(message)))))
    chunks = [message[begin:end] for begin, end in pairwise([0, *cuts, len(message)])]
    assert unstuff(b"".join(stuff(chunks))) == message
