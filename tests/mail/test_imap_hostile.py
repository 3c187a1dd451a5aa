# SPDX-License-Identifier: LGPL-2.1-or-later
"""IMAP servers that no real one can be made to be: nothing they do counts as a message fetched."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from cockpit_getmail import fetch
from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever.base import BATCH_BYTES, Part, Remote, Renumbered, Seen
from cockpit_getmail.retriever.imap import Imap
from tests.support.fetching import Account, enter, make_connector
from tests.support.hostile import Script, Server, Session, Step, close, hang, imap, repeat, reset, tagged
from tests.support.limits import bounded

BODY = b"Subject: one\r\n\r\n".ljust(98, b"x") + b"\r\n"
FETCH = r"UID FETCH (\S+) \(UID BODY\.PEEK\[\]\)"
SIZES = r"UID FETCH \S+ \(UID RFC822\.SIZE.*\)"
SECRET = "geheim-4711"


def imap_session(port: int, *, timeout: float = 5.0, **props: str) -> Imap:
    connector = make_connector("SimpleIMAPRetriever", port, **props)
    return Imap(connector, Endpoint("127.0.0.1", port), tls_seen=False, timeout=timeout, deadline=None)


@contextmanager
def served(script: Script, timeout: float = 5.0) -> Iterator[tuple[Server, Imap]]:
    """A server and a session with it that is logged in."""
    with Server(script) as server:
        session = imap_session(server.port, timeout=timeout)
        try:
            enter(session)
            yield server, session
        finally:
            session.close()


def refusal(script: Script, **props: str) -> tuple[Problem, Server]:
    """Return why a session cannot be opened."""
    with Server(script) as server:
        session = imap_session(server.port, timeout=2.0, **props)
        with pytest.raises(Problem) as caught:
            enter(session)
        session.close()
    return caught.value, server


def fetched(step: Step | Script, messages: int = 1) -> tuple[list[Part], Problem | None]:
    """Return the parts that come of an answer to FETCH, and the Problem that ends them if one does."""
    parts: list[Part] = []
    with served(imap({FETCH: step}, messages), timeout=2.0) as (_, session):
        new, _ = session.list_new({})
        assert len(new) == messages
        try:
            parts.extend(session.retrieve(new))
        except Problem as problem:
            return parts, problem
    return parts, None


def whole(parts: list[Part]) -> list[str]:
    return [part.message.uid for part in parts if part.last and part.failure is None]


def answer(body: bytes, uid: int = 1) -> bytes:
    return b"* 1 FETCH (UID %d BODY[] {%d}\r\n%s)\r\n" % (uid, len(body), body)


def test_a_message_as_it_should_be() -> None:
    parts, problem = fetched(tagged(answer(BODY)))
    assert problem is None
    assert [(part.data, part.last, part.exact) for part in parts] == [(BODY, True, True)]


def test_free_text_that_looks_like_a_literal() -> None:
    warned = b"* OK [ALERT] see {300}\r\n"
    script = imap(
        {"LOGIN .*": tagged(warned), FETCH: tagged(warned + answer(BODY))}, greeting=b"* OK hello {300}\r\n"
    )
    with served(script) as (_, session):
        assert whole(list(session.retrieve(session.list_new({})[0]))) == ["1"]


NOT_FETCHED = {
    "no body": tagged(b"* 1 FETCH (UID 1)\r\n"),
    "flags only": tagged(b"* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n"),
    "NIL": tagged(b"* 1 FETCH (UID 1 BODY[] NIL)\r\n"),
    "empty literal": tagged(answer(b"")),
    "empty string": tagged(b'* 1 FETCH (UID 1 BODY[] "")\r\n'),
    "another UID": tagged(answer(BODY, uid=2)),
    "UID 0": tagged(answer(BODY, uid=0)),
    "no UID": tagged(b"* 1 FETCH (BODY[] {100}\r\n" + BODY + b")\r\n"),
    "UID in the body": tagged(b"* 1 FETCH (BODY[] {100}\r\n" + b" (UID 1 ".ljust(98) + b"\r\n)\r\n"),
    "another section": tagged(b"* 1 FETCH (UID 1 BODY[HEADER] {100}\r\n" + BODY + b")\r\n"),
    "from the middle": tagged(b"* 1 FETCH (UID 1 BODY[]<50> {100}\r\n" + BODY + b")\r\n"),
    "OK without data": tagged(),
    "NO": tagged(status=b"NO cannot read it"),
    "a body somewhere else": tagged(b"* 1 NOTFETCH (UID 1 BODY[] {100}\r\n" + BODY + b")\r\n"),
    "not closed": [tagged(b"* 1 FETCH (UID 1 BODY[] {100}\r\n" + BODY), hang],
}


@pytest.mark.parametrize("step", NOT_FETCHED.values(), ids=NOT_FETCHED.keys())
def test_answers_without_the_message(step: Step | Script) -> None:
    parts, problem = fetched(step)
    assert not whole(parts)
    if problem is None:
        assert [part.message.uid for part in parts if part.failure] == ["1"]
    else:
        assert problem.cause in ("protocol", "network")


BROKEN = {
    "literal cut off": ([b"* 1 FETCH (UID 1 BODY[] {100}\r\n" + BODY[:50], close], "network"),
    "literal cut off by a reset": ([b"* 1 FETCH (UID 1 BODY[] {100}\r\n" + BODY[:50], reset], "network"),
    "literal that never comes": ([b"* 1 FETCH (UID 1 BODY[] {100}\r\n", hang], "network"),
    "end that never comes": ([b"* 1 FETCH (UID 1 BODY[] {100}\r\n" + BODY, hang], "network"),
    "nothing": ([hang], "network"),
    "connection ends": ([close], "network"),
    "literal shorter than the body": (
        tagged(b"* 1 FETCH (UID 1 BODY[] {10}\r\n" + BODY + b")\r\n"),
        "protocol",
    ),
    "literal longer than the body": (
        [tagged(b"* 1 FETCH (UID 1 BODY[] {110}\r\n" + BODY + b")\r\n"), hang],
        None,
    ),
    "4 GiB": ([b"* 1 FETCH (UID 1 BODY[] {4294967296}\r\n", repeat(b"x")], "protocol"),
    "just under 4 GiB": ([b"* 1 FETCH (UID 1 BODY[] {4294967295}\r\n", repeat(b"x")], "protocol"),
    "many digits": ([b"* 1 FETCH (UID 1 BODY[] {" + b"9" * 5000 + b"}\r\n", repeat(b"x")], "protocol"),
    "negative": ([b"* 1 FETCH (UID 1 BODY[] {-1}\r\n" + BODY + b")\r\n", hang], "protocol"),
    "not a number": ([b"* 1 FETCH (UID 1 BODY[] {1e2}\r\n" + BODY + b")\r\n", hang], "protocol"),
    "no digits": ([b"* 1 FETCH (UID 1 BODY[] {}\r\n" + BODY + b")\r\n", hang], "protocol"),
    "large literal aside": ([b"* 1 FETCH (UID 1 X {2000000000}\r\n", repeat(b"x")], "protocol"),
    "endless literals": ([repeat(b"* 1 FETCH (UID 1 X {3}\r\nabc)\r\n")], "protocol"),
    "endless literals in one": ([b"* 1 FETCH (UID 1", repeat(b" X {3}\r\nabc")], "protocol"),
    "endless untagged lines": ([repeat(b"* 1 EXISTS\r\n")], "protocol"),
    "endless flags": ([repeat(b"* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n")], "protocol"),
    "endless other messages": ([repeat(answer(BODY, uid=77))], "protocol"),
    "line without end": ([b"* 1 FETCH (UID 1 ", repeat(b"x")], "protocol"),
    "BAD": (tagged(status=b"BAD what?"), "protocol"),
    "BYE": ([b"* BYE so long\r\n", close], "network"),
    "continuation": ([b"+ go on\r\n", hang], "protocol"),
    "another tag": ([b"zz99 OK done\r\n", hang], "protocol"),
    "octets": ([b"\0\xff\r\n", hang], "protocol"),
}


@pytest.mark.parametrize(("step", "cause"), BROKEN.values(), ids=BROKEN.keys())
def test_answers_that_end_the_session(step: Step | Script, cause: str | None) -> None:
    with bounded(seconds=10, mebibytes=64):
        parts, problem = fetched(step)
    assert problem is not None
    assert problem.cause == cause or cause is None
    assert not whole(parts)


def test_endless_message_of_many_literals_is_not_stored_twice() -> None:
    parts, problem = fetched([tagged(answer(BODY) * 3)])
    assert problem is None
    assert whole(parts) == ["1"]


def test_one_of_three_without_a_body() -> None:
    parts, problem = fetched(
        tagged(answer(BODY, 1) + b"* 2 FETCH (UID 2 BODY[] NIL)\r\n" + answer(BODY, 3)), 3
    )
    assert problem is None
    assert whole(parts) == ["1", "3"]
    assert [part.message.uid for part in parts if part.failure] == ["2"]


def test_a_literal_of_another_size_than_listed_is_not_exact() -> None:
    parts, _ = fetched(tagged(answer(BODY[:50])))
    assert [(part.last, part.exact) for part in parts] == [(True, False)]


def test_a_large_message_cut_off_is_not_whole() -> None:
    size = 3 * BATCH_BYTES
    sizes = tagged(f"* 1 FETCH (UID 1 RFC822.SIZE {size})\r\n".encode())
    body = [b"* 1 FETCH (UID 1 BODY[] {%d}\r\n" % size, repeat(b"x" * 1024, 2 * BATCH_BYTES // 1024), close]
    with served(imap({SIZES: sizes, FETCH: body})) as (_, session):
        new, _ = session.list_new({})
        parts: list[Part] = []
        with pytest.raises(Problem) as caught:
            parts.extend(session.retrieve(new))
    assert caught.value.cause == "network"
    assert not whole(parts)


LISTINGS = {
    "fewer than there are": ("UID SEARCH .*", tagged(b"* SEARCH 1\r\n"), "protocol"),
    "none": ("UID SEARCH .*", tagged(), "protocol"),
    "UID 0": ("UID SEARCH .*", tagged(b"* SEARCH 0 1 2\r\n"), "protocol"),
    "too large a UID": ("UID SEARCH .*", tagged(b"* SEARCH 1 4294967296\r\n"), "protocol"),
    "negative UID": ("UID SEARCH .*", tagged(b"* SEARCH 1 -2\r\n"), "protocol"),
    "no UID": ("UID SEARCH .*", tagged(b"* SEARCH 1 two\r\n"), "protocol"),
    "refused": ("UID SEARCH .*", tagged(status=b"NO not now"), "mailbox"),
    "unknown": ("UID SEARCH .*", tagged(status=b"BAD what?"), "protocol"),
    "endless lines": ("UID SEARCH .*", [repeat(b"* SEARCH 1 2\r\n")], "protocol"),
    "endless other lines": ("UID SEARCH .*", [repeat(b"* OK still here\r\n")], "protocol"),
    "endless expunges": ("UID SEARCH .*", [repeat(b"* 1 EXPUNGE\r\n")], "protocol"),
    "a line without end": ("UID SEARCH .*", [b"* SEARCH", repeat(b" 1")], "protocol"),
    "endless sizes": (SIZES, [repeat(b"* 1 FETCH (UID 1 RFC822.SIZE 100)\r\n")], "protocol"),
    "a size without end": (SIZES, [b"* 1 FETCH (UID 1 RFC822.SIZE 1", repeat(b"1")], "protocol"),
    "sizes refused": (SIZES, tagged(status=b"NO not now"), "mailbox"),
    "hangs up": (SIZES, [close], "network"),
}


@pytest.mark.parametrize(("command", "step", "cause"), LISTINGS.values(), ids=LISTINGS.keys())
def test_listings(command: str, step: Step | Script, cause: str) -> None:
    with (
        served(imap({command: step}, messages=2)) as (server, session),
        bounded(seconds=10, mebibytes=256),
        pytest.raises(Problem) as caught,
    ):
        session.list_new({})
    assert caught.value.cause == cause
    assert not server.commands(rf"\S+ {FETCH}")


SESSIONS = {
    "BYE": ([b"* BYE too many\r\n", hang], "network"),
    "POP3": ([b"+OK ready\r\n", hang], "protocol"),
    "no line": ([repeat(b"x")], "protocol"),
    "endless lines": ([b"* OK\r\n", repeat(b"* OK\r\n")], "protocol"),
    "hangs up": ([close], "network"),
    "is reset": ([reset], "network"),
    "silent": ([hang], "network"),
    "garbage": ([b"\xff\xfe\0\r\n", hang], "protocol"),
    "endless capabilities": (imap({"CAPABILITY": [b"* CAPABILITY", repeat(b" IMAP4rev1")]}), "protocol"),
    "no capability": (imap({"CAPABILITY": tagged(b"* CAPABILITY\r\n")}), "protocol"),
    "nothing after log-in": (
        imap({"LOGIN .*": tagged(), "CAPABILITY": tagged(b"* CAPABILITY IMAP4rev1\r\n* CAPABILITY\r\n")}),
        "protocol",
    ),
    "flags without flags": (
        imap({"(?:SELECT|EXAMINE) .*": tagged(b"* 1 EXISTS\r\n* OK [PERMANENTFLAGS] x\r\n")}),
        "protocol",
    ),
    "no IMAP4rev1": (imap({"CAPABILITY": tagged(b"* CAPABILITY XYZ\r\n")}), "protocol"),
    "log-in refused": (imap({"LOGIN .*": tagged(status=b"NO wrong")}), "credentials"),
    "log-in refused, coded": (
        imap({"LOGIN .*": tagged(status=b"NO [AUTHENTICATIONFAILED] x")}),
        "credentials",
    ),
    "temporary": (imap({"LOGIN .*": tagged(status=b"NO [UNAVAILABLE] later")}), "mailbox"),
    "in use": (imap({"LOGIN .*": tagged(status=b"NO [INUSE] later")}), "mailbox"),
    "log-in not understood": (imap({"LOGIN .*": tagged(status=b"BAD what?")}), "protocol"),
    "no such account": (imap({"LOGIN .*": tagged(status=b"NO [AUTHORIZATIONFAILED] x")}), "mailbox"),
    "BYE to the log-in": (imap({"LOGIN .*": [b"* BYE later\r\n", hang]}), "network"),
    "TLS first": (imap({"LOGIN .*": tagged(status=b"NO [PRIVACYREQUIRED] TLS first")}), "tls"),
    "no log-in in clear": (imap({}, capabilities="IMAP4rev1 LOGINDISABLED"), "tls"),
    "log-in cut off": (imap({"LOGIN .*": [close]}), "network"),
    "log-in endless": (imap({"LOGIN .*": [repeat(b"* OK\r\n")]}), "protocol"),
    "select refused": (imap({"(?:SELECT|EXAMINE) .*": tagged(status=b"NO none")}), "mailbox"),
    "no UIDVALIDITY": (imap({"(?:SELECT|EXAMINE) .*": tagged(b"* 1 EXISTS\r\n")}), "protocol"),
    "no EXISTS": (imap({"(?:SELECT|EXAMINE) .*": tagged(b"* OK [UIDVALIDITY 7] x\r\n")}), "protocol"),
    "UIDVALIDITY 0": (
        imap({"(?:SELECT|EXAMINE) .*": tagged(b"* 1 EXISTS\r\n* OK [UIDVALIDITY 0] x\r\n")}),
        "protocol",
    ),
}


@pytest.mark.parametrize(("script", "cause"), SESSIONS.values(), ids=SESSIONS.keys())
def test_sessions_that_cannot_be_opened(script: Script, cause: str) -> None:
    with bounded(seconds=10, mebibytes=64):
        problem, _ = refusal(script)
    assert problem.cause == cause


def test_a_server_that_turns_connections_away_is_named() -> None:
    problem, _ = refusal([b"* BYE too many\r\n", hang])
    assert problem.message == "127.0.0.1 turns connections away: BYE too many"


@pytest.mark.parametrize("bad", ["a\r\nx DELETE INBOX", "a\nb", "a\rb", "a\0b"])
@pytest.mark.parametrize("prop", ["Username", "Password"])
@pytest.mark.parametrize(
    "capabilities", ["IMAP4rev1", "IMAP4rev1 AUTH=PLAIN", "IMAP4rev1 AUTH=PLAIN SASL-IR"]
)
def test_line_ends_in_a_log_in_never_reach_the_server(bad: str, prop: str, capabilities: str) -> None:
    problem, server = refusal(imap({}, capabilities=capabilities), **{prop: bad})
    assert problem.cause == "credentials"
    assert not server.commands(r".*(LOGIN|AUTHENTICATE|DELETE).*")


@pytest.mark.parametrize("said", ["no such user with", "LOGIN"])
def test_a_password_repeated_by_the_server_is_not_shown(said: str) -> None:
    problem, _ = refusal(imap({"LOGIN .*": tagged(status=f"NO {said} {SECRET}".encode())}))
    assert SECRET not in problem.message
    problem, _ = refusal(imap({"LOGIN .*": f"{SECRET}\r\n".encode()}))
    assert SECRET not in problem.message


@pytest.mark.parametrize("status", [b"NO", b"BAD"])
@pytest.mark.parametrize("password", ["pässwort", "back\\slash", 'quo"te', "it's"])
@pytest.mark.parametrize("capabilities", ["IMAP4rev1", "IMAP4rev1 AUTH=PLAIN SASL-IR"])
def test_a_command_repeated_by_the_server_is_not_shown(
    status: bytes, password: str, capabilities: str
) -> None:
    def repeat_it(session: Session) -> None:
        assert session.match
        session.send(session.match["tag"] + b" " + status + b" unknown: " + session.line + b"\r\n")

    log_in = {"(LOGIN|AUTHENTICATE) .*": repeat_it}
    problem, _ = refusal(imap(log_in, capabilities=capabilities), Password=password)
    assert problem.message.endswith("(its words repeat the password)")


def test_a_password_is_sent_once_however_often_it_is_asked_for() -> None:
    token = base64.b64encode(f"\0u\0{SECRET}".encode())

    def ask_again(session: Session) -> None:
        while True:
            session.send(b"+ \r\n")
            session.read_line()

    problem, server = refusal(imap({"AUTHENTICATE PLAIN": ask_again}, capabilities="IMAP4rev1 AUTH=PLAIN"))
    assert problem.cause == "protocol"
    assert problem.message.startswith("127.0.0.1 asks")
    assert server.received.count(token) == 1


def restored(uid_next: bytes, messages: int) -> Script:
    """Return a mailbox as after a restored backup: the UIDs begin anew, under the UIDVALIDITY of before."""
    said = b"* %d EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n" % messages
    if uid_next:
        said += b"* OK [UIDNEXT " + uid_next + b"] x\r\n"
    return imap({"(?:SELECT|EXAMINE) .*": tagged(said)}, messages)


@pytest.mark.parametrize(("uid_next", "known"), [(b"3", "3"), (b"3", "9")])
def test_uids_that_begin_anew(uid_next: bytes, known: str) -> None:
    with served(restored(uid_next, 2)) as (_, session), pytest.raises(Renumbered):
        session.list_new({("1", 0): 5, (known, 0): ~5})


def test_a_uidnext_that_cannot_be_is_not_believed() -> None:
    with served(restored(b"2", 2)) as (_, session), pytest.raises(Problem) as caught:
        session.list_new({("1", 0): 5, ("9", 0): ~5})
    assert caught.value.cause == "mailbox"
    assert "next UID is 2, and it has UID 2" in caught.value.message


@pytest.mark.parametrize(("uid_next", "known"), [(b"3", "2"), (b"3", "1"), (b"0", "9"), (b"", "9")])
def test_uids_that_may_go_on(uid_next: bytes, known: str) -> None:
    with served(restored(uid_next, 2)) as (_, session):
        session.list_new({(known, 0): ~100})
        assert not session.notes


def test_what_was_deleted_and_is_there_as_something_else() -> None:
    with served(restored(b"9", 2)) as (_, session):
        assert session.list_new({("1", 0): ~100, ("2", 0): 5})[1] == {("1", 0), ("2", 0)}
        with pytest.raises(Renumbered):
            session.list_new({("1", 0): 5, ("2", 0): ~99})


def test_empty_folder_whose_uids_begin_anew() -> None:
    with served(restored(b"1", 0)) as (_, session), pytest.raises(Renumbered):
        session.list_new({("1", 0): 5})


def test_uids_that_begin_anew_below_what_is_known_beyond_a_gap() -> None:
    with served(restored(b"3", 2)) as (_, session), pytest.raises(Renumbered):
        session.list_since({("9", 0): 5}, Seen(1, 0))


# Deletion


def deleting(script: Script, doomed: list[Remote]) -> tuple[set[tuple[str, int]], Server]:
    with served(script) as (server, session):
        session.list_new({})
        return session.delete(doomed), server


ONLY = [Remote("1", 100)]


def test_without_uidplus_nothing_is_expunged() -> None:
    script = imap({"UID STORE .*": tagged()}, capabilities="IMAP4rev1")
    removed, server = deleting(script, ONLY)
    assert removed == set()
    assert not server.commands(r"\S+ (EXPUNGE|UID EXPUNGE .*|CLOSE)")


def test_another_size_is_left_alone() -> None:
    removed, server = deleting(imap({}), [Remote("1", 99)])
    assert removed == set()
    assert not server.commands(r"\S+ (UID STORE .*|EXPUNGE|UID EXPUNGE .*|CLOSE)")


@pytest.mark.parametrize(("date", "is_left"), [(837596665, False), (None, False), (837596666, True)])
def test_what_came_at_another_time_is_left_alone(date: int | None, is_left: bool) -> None:
    said = tagged(b'* 1 FETCH (UID 1 RFC822.SIZE 100 INTERNALDATE "17-Jul-1996 02:44:25 -0700")\r\n')
    removed, server = deleting(
        imap({SIZES: said, "UID (STORE|EXPUNGE) .*": tagged()}), [Remote("1", 100, date=date)]
    )
    assert removed == set()
    assert bool(server.commands(r"\S+ UID EXPUNGE 1")) != is_left


def test_what_is_still_there_is_not_removed() -> None:
    removed, server = deleting(imap({"UID STORE .*": tagged(), "UID EXPUNGE .*": tagged()}), ONLY)
    assert removed == set()
    assert server.commands(r"\S+ UID EXPUNGE 1")
    assert not server.commands(r"\S+ (EXPUNGE|CLOSE)")


# Whole runs: what went wrong once is fetched once, later.


@pytest.mark.parametrize(
    "step",
    [*NOT_FETCHED.values(), *(step for step, _ in BROKEN.values())],
    ids=[*NOT_FETCHED.keys(), *BROKEN.keys()],
)
def test_nothing_is_lost_and_nothing_comes_twice(
    step: Step | Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "SILENCE_SECONDS", 2.0)
    account = Account(tmp_path)
    bad, good = imap({FETCH: step}), imap({FETCH: tagged(answer(BODY))})
    with Server(bad, good) as server:
        connector = make_connector("SimpleIMAPRetriever", server.port, Delete="0")
        with suppress(Problem):
            assert account.fetch(connector).messages == 0
        assert account.messages == []
        assert account.unfinished == 0
        assert not server.commands(r"\S+ (UID STORE .*|EXPUNGE|UID EXPUNGE .*|CLOSE)")
        connector = make_connector("SimpleIMAPRetriever", server.port)
        assert account.fetch(connector).messages == 1
        assert account.fetch(connector).messages == 0
    assert account.messages == [BODY.replace(b"\r\n", b"\n")]
