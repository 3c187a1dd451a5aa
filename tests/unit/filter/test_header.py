# SPDX-License-Identifier: LGPL-2.1-or-later
"""A header is changed as it is said, and nothing else of a message."""

import email
from email import policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit_getmail.filter.base import Removal
from cockpit_getmail.filter.header import LIMIT, apply_change, plan_change
from cockpit_getmail.spool import Spool
from tests.unit.filter.conftest import MakeSpool

BODY = b"\r\nA: body\r\n"
HEADER = b"A: 1\r\nB: 2\r\n\tgoes on\r\na : 3\r\nC:\r\nA:4\r\n"


def change(make_spool: MakeSpool, message: bytes, *removed: Removal, added: bytes = b"") -> bytes:
    spool = make_spool(message)
    planned = plan_change(spool, removed, added)
    assert planned
    return b"".join(apply_change(spool, planned))


def test_nothing(make_spool: MakeSpool) -> None:
    for message in (b"", HEADER + BODY, b"\r\n", b"no header"):
        assert change(make_spool, message) == message


@pytest.mark.parametrize(
    ("which", "left"),
    [
        (0, b"B: 2\r\n\tgoes on\r\nC:\r\n"),
        (1, b"B: 2\r\n\tgoes on\r\na : 3\r\nC:\r\nA:4\r\n"),
        (2, b"A: 1\r\nB: 2\r\n\tgoes on\r\nC:\r\nA:4\r\n"),
        (-1, b"A: 1\r\nB: 2\r\n\tgoes on\r\na : 3\r\nC:\r\n"),
        (-3, b"B: 2\r\n\tgoes on\r\na : 3\r\nC:\r\nA:4\r\n"),
        (4, HEADER),
        (-4, HEADER),
    ],
)
def test_removal(make_spool: MakeSpool, which: int, left: bytes) -> None:
    assert change(make_spool, HEADER + BODY, Removal(b"A", which)) == left + BODY


def test_removals_are_counted_as_it_came(make_spool: MakeSpool) -> None:
    found = change(make_spool, HEADER + BODY, Removal(b"a", 1), Removal(b"A", 2), Removal(b"b"))
    assert found == b"C:\r\nA:4\r\n" + BODY


@pytest.mark.parametrize(
    "message",
    [
        b"A: 1\nB: 2\n\nA: body\n",
        b"A: 1\r\nB: 2\n\r\nA: body\n",
        b"From somebody\r\nA: 1\r\nB: 2\r\n\r\n",
        b"B: 2\r\nA: 1\r\n 2\r\n 3",
        b"A: 1",
        b"A:\r\n\r\n",
    ],
)
def test_whatever_ends_a_line(make_spool: MakeSpool, message: bytes) -> None:
    found = change(make_spool, message, Removal(b"A"))
    assert b"A" not in found.partition(b"\n\r\n" if b"\n\r\n" in found else b"\n\n")[0]


def test_field_in_the_body_stays(make_spool: MakeSpool) -> None:
    for message in (b"\r\nA: body\r\n", b"\nA: body\n", b"B: 2\n\r\nA: body\n"):
        assert change(make_spool, message, Removal(b"A")) == message


def test_added_comes_first(make_spool: MakeSpool) -> None:
    assert change(make_spool, HEADER + BODY, Removal(b"A"), added=b"A: 5\r\n") == (
        b"A: 5\r\nB: 2\r\n\tgoes on\r\nC:\r\n" + BODY
    )
    assert change(make_spool, b"\r\nbody", added=b"A: 5\r\n") == b"A: 5\r\n\r\nbody"


@pytest.mark.parametrize("removed", [[], [Removal(b"A")]])
@pytest.mark.parametrize("message", [b" evil\r\nA: 1\r\n\r\n", b"\tevil", b"A: 1\r\n\r\n"])
def test_message_does_not_go_on_with_what_is_added(
    make_spool: MakeSpool, message: bytes, removed: list[Removal]
) -> None:
    found = change(make_spool, message, *removed, added=b"X-Spam: Yes\r\n")
    parsed = email.message_from_bytes(found, policy=policy.compat32)
    assert parsed["X-Spam"] == "Yes"


def test_large_message_keeps_its_body(make_spool: MakeSpool) -> None:
    body = b"\r\n" + b"x" * (3 << 20)
    assert change(make_spool, HEADER + body, Removal(b"B"), added=b"D: 1\r\n") == (
        b"D: 1\r\nA: 1\r\na : 3\r\nC:\r\nA:4\r\n" + body
    )


@pytest.mark.long
def test_endless_header(make_spool: MakeSpool) -> None:
    message = make_spool(b"A: 1\r\n" + b"B: 2\r\n" * (LIMIT // 6) + b"A: 3\r\n\r\n")
    assert plan_change(message, [Removal(b"A")], b"") is None
    # There is no need to read it.
    assert plan_change(message, [], b"C: 1\r\n")


@given(st.lists(st.sampled_from([b"A: 1", b"B: 2", b" ", b"\t", b"\r\n", b"\n", b"\r", b"x"])).map(b"".join))
def test_any_message(tmp_path_factory: pytest.TempPathFactory, message: bytes) -> None:
    spool = Spool(tmp_path_factory.getbasetemp())
    spool.write(message)
    planned = plan_change(spool, [Removal(b"A")], b"C: 3\r\n")
    assert planned
    found = b"".join(apply_change(spool, planned))
    assert found.startswith(b"C: 3\r\n")
    fields = [line.partition(b":")[0].rstrip() for line in cut(found)]
    assert b"A" not in fields
    # What is kept is in its order.
    assert found.endswith(message[planned.skipped :])


def cut(message: bytes) -> list[bytes]:
    """Return the lines of a header."""
    lines = [line.removesuffix(b"\r") for line in message.split(b"\n")]
    return lines[: lines.index(b"")] if b"" in lines else lines
