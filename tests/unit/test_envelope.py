# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whom a message is from, as the server that took it in has noted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.envelope import HEADER_LIMIT, find_field, find_sender


@pytest.mark.parametrize(
    ("line", "sender"),
    [
        (b"<a@b.example>", "a@b.example"),
        (b"a@b.example", "a@b.example"),
        (b"<>", ""),
        (b"", ""),
        (b"\r\n <a@b.example>", "a@b.example"),
        (b'<"a b"@b.example>', '"a b"@b.example'),
        ("<ä@b.example>".encode(), "ä@b.example"),
        (b"<a@[192.0.2.1]>", "a@[192.0.2.1]"),
        (b"<\xff@b.example>", ""),
        (b"<a@b.example> SIZE=1", ""),
        (b"<a>\x00@b.example>", ""),
        (b"<a@b.example>\rRCPT TO:<c@d>", ""),
        (b"<" + b"a" * 65 + b"@b.example>", ""),
        (b"<a@" + b"b" * 253 + b">", ""),
        (b"<a@-b.example>", ""),
        (b"MAILER-DAEMON", ""),
    ],
)
def test_sender(line: bytes, sender: str) -> None:
    assert find_sender(b"Return-Path: " + line + b"\r\nSubject: x\r\n\r\n") == sender


@pytest.mark.parametrize(
    "head",
    [
        b"Subject: x\r\n\r\nReturn-Path: <a@b>\r\n",
        b"X-Return-Path: <a@b>\r\n\r\n",
        b"Return-Path: <>\r\nReturn-Path: <a@b>\r\n\r\n",
        b"X: " + b"x" * HEADER_LIMIT + b"\r\nReturn-Path: <a@b>\r\n\r\n",
        b"\r\nReturn-Path: <a@b>\r\n",
    ],
)
def test_no_sender(head: bytes) -> None:
    assert find_sender(head) == ""


def test_field_whatever_its_case_and_line_ends() -> None:
    assert find_field(b"A: 1\nRETURN-PATH : 2\n\t3\nB: 4\n\n", "Return-Path") == b"2\t3"


@given(st.binary())
def test_sender_is_always_fit_for_an_envelope(line: bytes) -> None:
    sender = find_sender(b"Return-Path: " + line)
    assert sender == "" or (sender.isprintable() and "@" in sender and len(sender) <= 254)
