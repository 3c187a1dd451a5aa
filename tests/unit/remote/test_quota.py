# SPDX-License-Identifier: LGPL-2.1-or-later
from typing import Any

import pytest

from cockpit_getmail import remote
from cockpit_getmail.problem import Problem
from tests.support.fetching import make_connector
from tests.support.hostile import Server, imap, tagged

REQUEST = {"about": "quota", "folder": 'é "x"'}


def ask(answer: bytes, status: bytes = b"OK done", capabilities: str = "IMAP4rev1 QUOTA") -> Any:
    script = imap({'GETQUOTAROOT "&AOk- ..x.."': tagged(answer, status)}, capabilities=capabilities)
    with Server(script) as server:
        connector = make_connector("SimpleIMAPRetriever", server.port)
        found = remote.check(REQUEST, remote.answer(connector, None, 5, REQUEST))
    assert found["folder"] == REQUEST["folder"]
    return found["quotas"]


def test_several_roots_and_resources() -> None:
    roots = b'* QUOTAROOT "&AOk- \\"x\\"" "" {4}\r\nteam\r\n'
    counts = b'* QUOTA "" (STORAGE 5 10 message 1 1000)\r\n* QUOTA {4}\r\nteam ()\r\n* QUOTA 7 (X 0 0)\r\n'
    assert ask(roots + counts) == [
        {"root": "", "resource": "STORAGE", "usage": 5, "limit": 10},
        {"root": "", "resource": "MESSAGE", "usage": 1, "limit": 1000},
        {"root": "7", "resource": "X", "usage": 0, "limit": 0},
    ]


def test_none_and_no_telling() -> None:
    assert ask(b"* QUOTAROOT x\r\n") == ask(b'* QUOTAROOT x\r\n* QUOTA "" (STORAGE 5)\r\n') == []
    assert ask(b"", capabilities="IMAP4rev1") is None


@pytest.mark.parametrize("counts", [b'"" (STORAGE x 10)', b"((", b'"" (STORAGE () 5)'])
def test_what_cannot_be_counted(counts: bytes) -> None:
    with pytest.raises(Problem) as caught:
        ask(b"* QUOTAROOT x\r\n* QUOTA " + counts + b"\r\n")
    assert caught.value.cause == "protocol"


def test_a_refusal() -> None:
    with pytest.raises(Problem) as caught:
        ask(b"", b"NO [NONEXISTENT] there is none")
    assert caught.value.cause == "mailbox"
