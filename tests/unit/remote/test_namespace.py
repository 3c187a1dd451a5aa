# SPDX-License-Identifier: LGPL-2.1-or-later
import pytest

from cockpit_getmail import remote
from cockpit_getmail.problem import Problem
from tests.support.fetching import make_connector
from tests.support.hostile import Server, imap, tagged

REQUEST = {"about": "namespace"}


def ask(answer: bytes, capabilities: str = "IMAP4rev1 NAMESPACE") -> list[object]:
    with Server(imap({"NAMESPACE": tagged(answer)}, capabilities=capabilities)) as server:
        connector = make_connector("SimpleIMAPRetriever", server.port)
        found = remote.check(REQUEST, remote.answer(connector, None, 5, REQUEST))
    return [found[kind] for kind in ("personal", "other", "shared")]


def test_of_each_kind_there_may_be_several() -> None:
    answer = b'* NAMESPACE (("" ".")("&AOk-/" "/")) NIL (("#flat" NIL))\r\n'
    assert ask(answer) == [
        [{"prefix": "", "separator": "."}, {"prefix": "é/", "separator": "/"}],
        [],
        [{"prefix": "#flat", "separator": ""}],
    ]


def test_a_server_that_does_not_tell() -> None:
    assert ask(b"", "IMAP4rev1") == [None, None, None]


@pytest.mark.parametrize(
    "answer", [b"", b"NIL NIL", b"NIL NIL NIL NIL", b"5 5 5", b'(("" "." "x")) NIL NIL', b"(("]
)
def test_what_is_none(answer: bytes) -> None:
    with pytest.raises(Problem) as caught:
        ask(b"* NAMESPACE " + answer + b"\r\n")
    assert caught.value.cause == "protocol"
