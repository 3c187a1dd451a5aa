# SPDX-License-Identifier: LGPL-2.1-or-later
from bench.mailboxes import LEAST, MOST, digest, make_message, mixed_sizes


def test_a_mailbox_is_the_same_each_time() -> None:
    assert mixed_sizes(100) == mixed_sizes(100)
    assert make_message(7, 5000) == make_message(7, 5000) != make_message(8, 5000)


def test_messages_have_about_the_size_asked_for() -> None:
    sizes = mixed_sizes(200)
    assert LEAST <= min(sizes) <= max(sizes) <= MOST
    for number, size in enumerate(sizes):
        assert abs(len(make_message(number, size)) - size) < 200


def test_each_line_ends_with_crlf() -> None:
    message = make_message(1, 3000)
    assert message.endswith(b"\r\n")
    assert message.count(b"\n") == message.count(b"\r\n") == message.count(b"\r")
    assert digest(message) == digest(message.replace(b"\r\n", b"\n"))
