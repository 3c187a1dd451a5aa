# SPDX-License-Identifier: LGPL-2.1-or-later
"""What is a destination, and what is wrong with one that is none."""

import pytest

from cockpit_getmail.target import find_fault, parse_host_and_port


@pytest.mark.parametrize(
    "text",
    [
        "maildir:/srv/mail/{domain}/{user}",
        "maildir:~/Maildir",
        "maildir:~/mail/{account}/..x",
        "lmtp:unix:/run/dovecot/lmtp",
        "lmtp:mail.example.org:24",
        "lmtp:[2001:db8::1]:24",
        "command:/usr/bin/lda",
        "command:/usr/bin/lda -d '{user} {domain}' {folder} {account}",
    ],
)
def test_destinations(text: str) -> None:
    assert find_fault(text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "must begin with maildir:"),
        ("/srv/mail", "must begin with maildir:"),
        ("mbox:/srv/mail", "must begin with maildir:"),
        ("maildir:", "absolute path"),
        ("maildir:mail", "absolute path"),
        ("maildir:/", "absolute path"),
        ("maildir:~", "absolute path"),
        ("maildir:~ann/Maildir", "absolute path"),
        ("maildir:/srv/../etc/{account}", "out of its folder"),
        ("maildir:~/../ann", "out of its folder"),
        ("maildir:/srv/{folder}", "{folder}"),
        ("maildir:/srv/{user", "{"),
        ("lmtp:unix:run/lmtp", "absolute path"),
        ("lmtp:mail.example.org", "a port"),
        ("lmtp:mail.example.org:65536", "a port"),
        ("command:", "absolute path of a program"),
        ("command:lda -d x", "absolute path of a program"),
        ("command:/usr/bin/{user}", "one program"),
        ("command:/usr/bin/lda 'x", "not closed"),
        ("command:/usr/bin/lda {home}", "{home}"),
    ],
)
def test_what_is_none(text: str, reason: str) -> None:
    assert reason in (find_fault(text) or "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("localhost:24", ("localhost", 24)),
        ("[::1]:24", ("::1", 24)),
        ("::1:24", None),
        ("a b:24", None),
        (":24", None),
        ("x:0", None),
        ("x:24\n", None),
    ],
)
def test_host_and_port(text: str, expected: tuple[str, int] | None) -> None:
    assert parse_host_and_port(text) == expected
