# SPDX-License-Identifier: LGPL-2.1-or-later
"""Acting at servers that do what no real one can be made to do, and what is believed of an answer."""

from typing import Any

import pytest

from cockpit_getmail import remote
from cockpit_getmail.problem import Problem
from cockpit_getmail.remote.acting import BATCH
from tests.support.fetching import make_connector
from tests.support.hostile import Rules, Server, imap, tagged

CAPABLE = "IMAP4rev1 UIDPLUS"
FLAG = {"about": "flag", "flags": ["\\Seen"], "remove": False}
REMOVE = {"about": "remove"}
COPY = {"about": "copy", "target": "Work"}


def act(server: Server, uids: list[int], /, **request: Any) -> dict[str, Any]:
    """Return what came of it, as far as it is believed."""
    connector = make_connector("SimpleIMAPRetriever", server.port, TLS="none")
    whole = {"folder": "INBOX", "uids": uids, "uidvalidity": None, **request}
    return remote.check(whole, remote.answer(connector, None, 5.0, whole))


def fails(server: Server, uids: list[int], /, **request: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        act(server, uids, **request)
    return caught.value


def serve(rules: Rules, messages: int = 3, capabilities: str = CAPABLE) -> Server:
    return Server(imap({**rules}, messages, capabilities))


def opened(*lines: bytes, status: bytes = b"OK done") -> Rules:
    return {"(?:SELECT|EXAMINE) .*": tagged(b"".join(b"* %s\r\n" % line for line in lines), status)}


def test_nothing_else_is_ever_sent() -> None:
    store = r"UID STORE \S+ \+FLAGS\.SILENT \(\\Deleted\)"
    with serve({store: tagged(), "UID EXPUNGE .*": tagged()}) as server:
        found = act(server, [2, 9], **REMOVE)
        assert server.commands(r"\S+ UID STORE 2 .*")
        assert server.commands(r"\S+ UID EXPUNGE 2")
        assert not server.commands(r"\S+ (EXPUNGE|CLOSE|UID EXPUNGE .*9.*)")
    assert (found["missing"], found["flagged"]) == ([9], [2])
    assert "has not removed all" in found["message"]


def test_what_is_refused_on_the_way_is_told() -> None:
    count = 2 * BATCH
    rules: Rules = {
        "UID COPY 1,.* .Work.": tagged(),
        f"UID COPY {BATCH + 1},.*": tagged(status=b"NO [OVERQUOTA] \x1b[2J full"),
    }
    with serve(rules, count) as server:
        found = act(server, list(range(1, count + 1)), **COPY)
    assert found["done"] == list(range(1, BATCH + 1))
    assert found["missing"] == []
    assert found["message"] == r"127.0.0.1 refuses the others: [OVERQUOTA] \x1b[2J full"


def test_what_is_refused_at_once_is_a_problem() -> None:
    with serve({"UID COPY .*": tagged(status=b"NO [OVERQUOTA] full")}) as server:
        problem = fails(server, [1], **COPY)
    assert (problem.type, problem.cause) == ("GenericError", "mailbox")
    assert problem.message == "127.0.0.1 refuses COPY: [OVERQUOTA] full"


@pytest.mark.parametrize("code", [b"[TRYCREATE]", b"[NONEXISTENT]", b""])
def test_folder_that_is_not_there(code: bytes) -> None:
    with serve({"UID COPY .*": tagged(status=b"NO %s no" % code), "LIST .*": tagged()}) as server:
        problem = fails(server, [1], **COPY)
    assert (problem.type, problem.message) == (
        "NotFound",
        "There is no folder Work in this account at 127.0.0.1.",
    )


@pytest.mark.parametrize(
    ("permanent", "flags", "kept"),
    [
        (rb"\Seen \Deleted", ["\\Seen"], True),
        (rb"\seen", ["\\Seen"], True),
        (rb"\Deleted", ["\\Seen"], False),
        (rb"\Seen", ["$Work"], False),
        (rb"\Seen $work", ["$Work"], True),
        (rb"\Seen \*", ["$Work", "\\Seen"], True),
        (rb"\*", ["\\Flagged"], False),
        (rb"", ["\\Seen"], False),
    ],
)
def test_flag_that_the_server_would_forget(permanent: bytes, flags: list[str], kept: bool) -> None:
    lines = (b"3 EXISTS", b"OK [UIDVALIDITY 7] ok", b"OK [PERMANENTFLAGS (%s)] ok" % permanent)
    with serve({**opened(*lines), "UID STORE .*": tagged()}) as server:
        if kept:
            assert act(server, [1], about="flag", flags=flags, remove=False)["done"] == [1]
        else:
            assert "keeps no flag" in fails(server, [1], about="flag", flags=flags, remove=False).message
            assert not server.commands(r"\S+ UID STORE .*")


@pytest.mark.parametrize("about", [REMOVE, {"about": "move", "target": "Work"}])
def test_nothing_is_removed_where_nothing_can_be_marked_for_it(about: dict[str, str]) -> None:
    lines = (b"3 EXISTS", b"OK [UIDVALIDITY 7] ok", rb"OK [PERMANENTFLAGS (\Seen)] ok")
    with serve(opened(*lines)) as server:
        assert fails(server, [1], **about).message == r"127.0.0.1 keeps no flag \Deleted in INBOX."
        assert not server.commands(r"\S+ UID .*")
    with serve({**opened(*lines), "UID MOVE .*": tagged()}, capabilities=f"{CAPABLE} MOVE") as server:
        assert fails(server, [1], **REMOVE).cause == "mailbox"
        act(server, [1], about="move", target="Work")
        assert server.commands(r"\S+ UID MOVE 1 .*")


def test_folder_without_permanent_flags_has_all() -> None:
    with serve({**opened(b"3 EXISTS", b"OK [UIDVALIDITY 7] ok"), "UID STORE .*": tagged()}) as server:
        assert act(server, [1], **FLAG)["done"] == [1]


def test_folder_that_may_only_be_read() -> None:
    rules = opened(b"3 EXISTS", b"OK [UIDVALIDITY 7] ok", status=b"OK [READ-ONLY] done")
    with serve({**rules, "UID COPY .*": tagged()}) as server:
        assert "no right to change" in fails(server, [1], **FLAG).message
        assert act(server, [1], **COPY)["done"] == [1]


@pytest.mark.parametrize("line", [b"OK [UIDVALIDITY 0] ok", b"OK ok"])
def test_folder_without_uidvalidity(line: bytes) -> None:
    with serve(opened(b"3 EXISTS", line)) as server:
        assert fails(server, [1], **REMOVE).cause == "protocol"


def test_uids_of_another_time() -> None:
    with serve({}) as server:
        problem = fails(server, [1], uidvalidity=8, **REMOVE)
        assert (problem.type, problem.cause) == ("Conflict", "mailbox")
        assert not server.commands(r"\S+ UID .*")


def test_no_other_uid_is_believed_or_sent() -> None:
    rules: Rules = {"UID SEARCH .*": tagged(b"* SEARCH 1 2 3 4711\r\n"), "UID STORE .*": tagged()}
    with serve(rules) as server:
        assert act(server, [2, 5], **FLAG) == {
            "uidvalidity": 7,
            "done": [2],
            "missing": [5],
            "flagged": [],
            "message": None,
        }
        assert [line.partition(b"STORE ")[2][:2] for line in server.commands(r"\S+ UID STORE .*")] == [b"2 "]


@pytest.mark.parametrize("password", ["gehä-im", "back\\slash", "qu'o\"te"])
@pytest.mark.parametrize("status", [True, False])
def test_no_secret_is_told_that_a_server_repeats(password: str, status: bool) -> None:
    """Not in the form in which Python shows octets, either."""
    said = b"no <%s> here" % password.encode()
    answer = tagged(status=b"BAD " + said) if status else b"zz " + said + b"\r\n"
    offers = f"{CAPABLE} AUTH=PLAIN SASL-IR"
    with serve({"UID STORE .*": answer}, capabilities=offers) as server:
        connector = make_connector("SimpleIMAPRetriever", server.port, TLS="none", Password=password)
        request = {"folder": "INBOX", "uids": [1], "uidvalidity": None, **FLAG}
        with pytest.raises(Problem) as caught:
            remote.answer(connector, None, 5.0, request)
    assert caught.value.cause == "protocol"
    assert "repeat the password" in caught.value.message


def test_what_a_server_does_not_understand_is_told() -> None:
    with serve({"UID STORE .*": tagged(status=b"BAD it's \xc3\xa4 \x1b[2J")}) as server:
        message = fails(server, [1], **FLAG).message
    assert message == r"127.0.0.1 does not do what it was asked: it's ä \x1b[2J"


def test_what_is_no_uid_is_missing() -> None:
    """To Dovecot 4294967296 is none, and 4294967297 is 1."""
    with serve({"UID STORE .*": tagged()}) as server:
        found = act(server, [1, 4294967296, 4294967297, 9999999999], **FLAG)
        assert (found["done"], found["missing"]) == ([1], [4294967296, 4294967297, 9999999999])
        assert act(server, [4294967296], **FLAG)["missing"] == [4294967296]
        assert not server.commands(r"\S+ UID .*[0-9]{10}.*")


@pytest.mark.parametrize(
    "change",
    [
        {"done": [3]},
        {"done": ["1"]},
        {"done": [True]},
        {"done": [1, 1, 1]},
        {"missing": None},
        {"flagged": {}},
        {"message": 1},
        {"uidvalidity": 1 << 32},
        {"uidvalidity": "7"},
    ],
)
def test_answer_of_another_shape_is_none(change: dict[str, Any]) -> None:
    request = {"about": "remove", "uids": [1, 2]}
    good = {"uidvalidity": 7, "done": [1], "missing": [2], "flagged": [], "message": "\x1bx"}
    assert remote.check(request, good)["message"] == r"\x1bx"
    with pytest.raises((ValueError, LookupError, TypeError)):
        remote.check(request, {**good, **change})
