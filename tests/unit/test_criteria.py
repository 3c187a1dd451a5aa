# SPDX-License-Identifier: LGPL-2.1-or-later
"""Of what a person writes, one well-formed search reaches a server, or nothing. With Dovecot: tests/mail."""

import re
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cockpit_getmail.criteria import ALL, DEPTH_LIMIT, format_date, parse
from tests.support.searches import GMAIL, WITH_TEXT, make_searches, quote

SEARCHES = make_searches(with_text=[*WITH_TEXT, *GMAIL])
ODD = st.text('()"\\ \r\n{}+*%]AaLlOoRr:,5é\x00', max_size=20)


def rebuild(pieces: tuple[str, ...]) -> str:
    """Return criteria as a person would write them."""
    return "".join(quote(piece) if turn % 2 else piece for turn, piece in enumerate(pieces))


def check_lines(pieces: tuple[str, ...]) -> None:
    """See that what goes in lines is one search: no end of a line in it, nothing closed that was not open."""
    lines = "".join(pieces[::2])
    assert re.fullmatch("[ -~]+", lines)
    assert all("\0" not in piece and not piece.isascii() for piece in pieces[1::2])
    bare = re.sub(r'"([^"\\]|\\.)*"', "", lines)
    assert '"' not in bare
    assert "{" not in re.sub("KEYWORD [^ )]+", "", bare)
    depth = 0
    for mark in re.findall("[()]", bare):
        depth += 1 if mark == "(" else -1
        assert depth >= 0
    assert depth == 0


@pytest.mark.long
@given(SEARCHES)
def test_a_search_is_written_as_it_was(text: str) -> None:
    pieces = parse(text)
    check_lines(pieces)
    assert rebuild(pieces) == text
    assert parse(rebuild(pieces)) == pieces


@pytest.mark.long
@given(ODD | st.tuples(SEARCHES, ODD, st.integers(0, 50)).map(lambda t: t[0][: t[2]] + t[1] + t[0][t[2] :]))
@example("ALL\r\na1 DELETE INBOX")
@example("ALL) (SEEN")
@example('SUBJECT "a\r\nb"')
@example("SUBJECT {5}")
@example("CHARSET UTF-8 ALL")
@example("RETURN (SAVE) ALL")
def test_whatever_is_written_one_search_comes_out_or_none(text: str) -> None:
    with suppress(ValueError):
        pieces = parse(text)
        check_lines(pieces)
        assert parse(rebuild(pieces)) == pieces


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("all", ALL),
        ("  unseen  from  boss@example.com ", ('UNSEEN FROM "boss@example.com"',)),
        ("or ( seen ) not ( flagged)", ("OR (SEEN) NOT (FLAGGED)",)),
        (r'SUBJECT "a \"b\" \\c"', (r'SUBJECT "a \"b\" \\c"',)),
        ("SUBJECT Grüße", ("SUBJECT ", "Grüße", "")),
        ('(FROM "é" TO "日本") SEEN', ("(FROM ", "é", " TO ", "日本", ") SEEN")),
        ('since "1-nov-2026" before 03-NOV-2026', ("SINCE 1-Nov-2026 BEFORE 3-Nov-2026",)),
        ("1:5,9,*:3 uid 7:*", ("1:5,9,*:3 UID 7:*",)),
        ('header X-Spam ""', ('HEADER "X-Spam" ""',)),
        ("KEYWORD $Forwarded SMALLER 007", ("KEYWORD $Forwarded SMALLER 7",)),
        ('X-GM-RAW "has:attachment in:anywhere"', ('X-GM-RAW "has:attachment in:anywhere"',)),
        ("OR FROM a OR FROM b FROM c", ('OR FROM "a" OR FROM "b" FROM "c"',)),
    ],
)
def test_what_is_sent(text: str, pieces: tuple[str, ...]) -> None:
    assert parse(text) == pieces


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", 1),
        ("   ", 4),
        ("()", 2),
        ("ALL )", 5),
        ("(ALL", 5),
        ("NOT", 4),
        ("OR SEEN", 8),
        ("OR SEEN )", 9),
        ("SUBJECT", 8),
        ("SUBJECT (", 9),
        ("SUBJECT a*b", 9),
        ('SUBJECT"a"', 8),
        ("NOT(SEEN)", 4),
        ('SUBJECT "a', 9),
        (r'SUBJECT "a\b"', 9),
        ("SEEN\tUNSEEN", 5),
        ("SEEN\r\n", 5),
        ("BEFORE 31-Feb-2026", 8),
        ("BEFORE 2026-11-01", 8),
        ("SINCE yesterday", 7),
        ("LARGER 5M", 8),
        ("LARGER -1", 8),
        (f"SMALLER {2**32}", 9),
        ("YOUNGER 0", 9),
        ("KEYWORD \\Seen", 9),
        ("KEYWORD ü", 9),
        ('KEYWORD "a"', 9),
        ("UID 0", 5),
        ("UID 1,,2", 5),
        ("UID $", 5),
        ("$", 1),
        ("CHARSET UTF-8 ALL", 1),
        ('"ALL"', 1),
        ("(" * 300 + "ALL" + ")" * 300, DEPTH_LIMIT + 2),
    ],
)
def test_what_is_refused_is_told_with_its_place(text: str, place: int) -> None:
    with pytest.raises(ValueError, match=f", at character {place}$"):
        parse(text)


def test_a_long_row_of_senders_is_no_trouble() -> None:
    assert parse("OR FROM ann@example.com " * DEPTH_LIMIT + "FROM bob@example.com")


@given(st.dates())
def test_date(day: object) -> None:
    assert parse(f"SINCE {format_date(str(day))}")


@pytest.mark.parametrize("text", ["2026-02-30", "26-1-1", "1-Nov-2026", ""])
def test_no_date(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (datetime's words)
        format_date(text)
