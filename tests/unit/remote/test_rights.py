# SPDX-License-Identifier: LGPL-2.1-or-later
from typing import Any

import pytest

from cockpit_getmail import remote
from cockpit_getmail.problem import Problem
from tests.support.fetching import make_connector
from tests.support.hostile import Rules, Server, imap, tagged

REQUEST = {"about": "rights", "folder": "é"}
MINE = {"MYRIGHTS .*": tagged(b'* MYRIGHTS "&AOk-" lrs\r\n')}


def ask(overrides: Rules, capabilities: str = "IMAP4rev1 ACL") -> tuple[Any, Any]:
    with Server(imap(overrides, capabilities=capabilities)) as server:
        connector = make_connector("SimpleIMAPRetriever", server.port)
        found = remote.check(REQUEST, remote.answer(connector, None, 5, REQUEST))
    assert found["folder"] == "é"
    return found["rights"], found["everyone"]


def test_ones_own_and_everybodys() -> None:
    listed = tagged(b'* ACL "&AOk-" ann lrs "b c" l -anyone r\r\n')
    everyone = [
        {"who": who, "rights": given} for who, given in (("ann", "lrs"), ("b c", "l"), ("-anyone", "r"))
    ]
    assert ask({**MINE, 'GETACL "&AOk-"': listed}) == ("lrs", everyone)


def test_who_may_not_change_them_is_not_told_everybodys() -> None:
    assert ask({**MINE, "GETACL .*": tagged(status=b"NO [NOPERM] no")}) == ("lrs", None)


def test_a_server_without_rights() -> None:
    assert ask({}, "IMAP4rev1") == (None, None)


@pytest.mark.parametrize("answer", [b"* MYRIGHTS\r\n", b"* MYRIGHTS x\r\n", b"", b"* MYRIGHTS x y z\r\n"])
def test_what_are_no_rights(answer: bytes) -> None:
    with pytest.raises(Problem) as caught:
        ask({"MYRIGHTS .*": tagged(answer)})
    assert caught.value.cause == "protocol"


def test_a_folder_that_there_is_not() -> None:
    with pytest.raises(Problem) as caught:
        ask({"MYRIGHTS .*": tagged(status=b"NO there is none")})
    assert caught.value.cause == "mailbox"
