# SPDX-License-Identifier: LGPL-2.1-or-later
"""Acting in the mailbox of a server that means no good: little time and memory, and a named cause.

Looking into it is in test_remote_hostile.py.
"""

import base64
from collections.abc import Mapping
from typing import Any

import pytest

from cockpit_getmail import remote
from cockpit_getmail.problem import Problem
from tests.support.fetching import make_connector
from tests.support.hostile import Server, close, drip, hang, imap, repeat
from tests.support.limits import ENOUGH, LONG, QUICK, bounded

MESSAGES = {"folder": "INBOX", "uids": [1, 2], "uidvalidity": None}
REQUESTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "flag": ("UID STORE", {**MESSAGES, "flags": ["\\Seen"], "remove": False}),
    "copy": ("UID COPY", {**MESSAGES, "target": "Work"}),
    "move": ("UID (?:MOVE|SEARCH)", {**MESSAGES, "target": "Work"}),
    "remove": ("UID (?:STORE|EXPUNGE)", MESSAGES),
    "append": (
        "APPEND",
        {
            "folder": "INBOX",
            "message": base64.b64encode(b"a\r\n").decode(),
            "flags": [],
            "date": None,
        },
    ),
    "create-folder": ("CREATE", {"folder": "a"}),
    "change-folder": ("(?:RENAME|SUBSCRIBE)", {"folder": "a", "rename": "b", "subscribed": True}),
    "remove-folder": ("(?:LIST|STATUS|DELETE)", {"folder": "a", "force": False}),
}
"""By kind, the commands that it is about, and the rest of the request."""
FETCH = b"* 1 FETCH (UID 1 BODY[] "

each_kind = pytest.mark.parametrize("kind", REQUESTS)


def problem_of(kind: str, steps: Any, timeout: float = ENOUGH) -> Problem:
    """Return why a request fails that is answered so, in little time and memory."""
    command, more = REQUESTS[kind]
    script = imap({f"{command} .*": steps}, messages=2, capabilities="IMAP4rev1 UIDPLUS MOVE")
    limits = bounded(seconds=timeout + 10, mebibytes=260)
    with Server(script) as server, limits:
        connector = make_connector("SimpleIMAPRetriever", server.port, TLS="none")
        with pytest.raises(Problem) as caught:
            remote.answer(connector, None, timeout, {"about": kind, **more})
    assert caught.value.message.isprintable()
    return caught.value


@each_kind
@pytest.mark.parametrize("size", [b"4294967296", b"-5", b"99999999999999999999"])
def test_a_literal_of_no_size(kind: str, size: bytes) -> None:
    assert problem_of(kind, [FETCH + b"{" + size + b"}\r\nabc)\r\n", hang]).cause == "protocol"


@each_kind
def test_a_literal_that_is_longer_than_announced(kind: str) -> None:
    beyond = b"x\r\n* BYE no\r\n"
    assert problem_of(kind, [FETCH + b"{5}\r\nabcde" + beyond, hang]).cause == "protocol"


@each_kind
@pytest.mark.parametrize(
    "steps",
    [hang, [FETCH + b"{1000}\r\nabc", hang], drip(b"* OK still here\r\n", 0.02), [b"* LIST (", close]],
    ids=["silent", "no-body", "drip", "cut"],
)
def test_an_answer_that_never_comes(kind: str, steps: Any) -> None:
    assert problem_of(kind, steps, QUICK).cause == "network"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["remove", "append", "change-folder"])
@pytest.mark.parametrize(
    "flood",
    [
        repeat(b"* OK [ALERT] still here\r\n"),
        repeat(b"* SEARCH " + b"1 " * 50_000 + b"\r\n"),
        repeat(b"x" * 4096),
        repeat(FETCH + b"{100000}\r\n" + b"x" * 100_000 + b")\r\n"),
        repeat(b"+ go on\r\n"),
    ],
    ids=["status", "search", "no-line-end", "literals", "continuation"],
)
def test_a_flood_ends(kind: str, flood: Any) -> None:
    assert problem_of(kind, flood, LONG).cause == "protocol"
