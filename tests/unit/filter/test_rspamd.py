# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a real rspamd says of messages, and what any other may say."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cockpit_getmail import filter as filters
from cockpit_getmail.filter.base import Envelope, Removal, Verdict
from cockpit_getmail.filter.rspamd import ANSWER_LIMIT, Rspamd, make, make_headers, parse_answer
from cockpit_getmail.problem import Problem
from cockpit_getmail.settings import Settings
from tests.support import rspamd as real
from tests.support.certificates import Authority
from tests.support.receiver import Receiver
from tests.unit.filter.conftest import MakeSpool

pytestmark = pytest.mark.long

MESSAGE = "From: a@b.com\r\nSubject: Größe\r\n\r\nHello.\r\n".encode()
ENVELOPE = Envelope("a@b.example", "me@here.example")
ADDED = {
    b"X-Test-From: a@b.example",
    b"X-Test-Rcpt: me@here.example",
    b"X-Test-Folded: first;\n\tsecond",
    b"X-Test-Two: a",
    b"X-Test-Two: b",
}
REMOVED = {Removal(b"X-Test-All", 0), Removal(b"X-Test-Last", -1), Removal(b"X-Test-First", 1)}


@pytest.fixture
def filter_(rspamd: real.Rspamd) -> Rspamd:
    return make(Settings(rspamd_url=rspamd.url, filter_timeout=30.0))


def fields(verdict: Verdict) -> set[bytes]:
    unfolded = verdict.added.replace(b"\r\n\t", b"\n\t").replace(b"\r\n ", b"\n ")
    return set(unfolded.removesuffix(b"\r\n").split(b"\r\n"))


# A real one


def test_nothing_to_say(filter_: Rspamd, make_spool: MakeSpool) -> None:
    assert filter_.scan(make_spool(MESSAGE), ENVELOPE) == Verdict("deliver")
    assert filter_.scan(make_spool(b""), Envelope("", "me")) == Verdict("deliver")


@pytest.mark.parametrize("reject", ["junk", "drop"])
def test_spam(rspamd: real.Rspamd, make_spool: MakeSpool, reject: Any) -> None:
    found = make(Settings(rspamd_url=rspamd.url + "/", filter_timeout=30.0, spam_reject=reject))
    verdict = found.scan(make_spool(MESSAGE + real.GTUBE), ENVELOPE)
    assert (verdict.action, verdict.reason) == (reject, "reject (Gtube pattern)")
    assert verdict.added == (b"X-Spam: Yes\r\n" if reject == "junk" else b"")


@pytest.mark.parametrize(
    ("action", "found", "added", "removed"),
    [
        ("no action", "deliver", [], []),
        ("add header", "deliver", [b"X-Spam: Yes"], [b"X-Spam"]),
        (
            "rewrite subject",
            "deliver",
            [b"Subject: =?UTF-8?Q?=2A=2A=2ASPAM=2A=2A=2A_Gr=C3=B6=C3=9Fe?="],
            [b"Subject"],
        ),
        ("reject", "junk", [b"X-Spam: Yes"], [b"X-Spam"]),
        ("discard", "junk", [b"X-Spam: Yes"], [b"X-Spam"]),
    ],
)
def test_action_that_delivers(
    filter_: Rspamd, make_spool: MakeSpool, action: str, found: str, added: list[bytes], removed: list[bytes]
) -> None:
    verdict = filter_.scan(make_spool(real.with_action(action, MESSAGE)), ENVELOPE)
    assert verdict.action == found
    assert fields(verdict) == ADDED.union(added)
    assert set(verdict.removed) == REMOVED.union(Removal(name) for name in removed)


@pytest.mark.parametrize(
    ("action", "verdict"),
    [
        ("greylist", Verdict("later", "greylist (because of greylist)")),
        ("soft reject", Verdict("later", "soft reject (because of soft reject)")),
        ("quarantine", Verdict("quarantine", "rspamd: quarantine (because of quarantine)")),
    ],
)
def test_action_that_does_not(filter_: Rspamd, make_spool: MakeSpool, action: str, verdict: Verdict) -> None:
    assert filter_.scan(make_spool(real.with_action(action, MESSAGE)), ENVELOPE) == verdict


def test_action_of_the_administrators_own(filter_: Rspamd, make_spool: MakeSpool) -> None:
    with pytest.raises(Problem, match='unknown action "custom"') as caught:
        filter_.scan(make_spool(real.with_action("custom", MESSAGE)), ENVELOPE)
    assert caught.value.cause == "filter"


def test_too_large(filter_: Rspamd, make_spool: MakeSpool) -> None:
    large = make_spool(MESSAGE.ljust(real.MAX_MESSAGE - 1, b"x"))
    assert filter_.scan(large, ENVELOPE).action == "deliver"
    large = make_spool(MESSAGE.ljust(real.MAX_MESSAGE + 1, b"x"))
    with pytest.raises(Problem, match=f"for {large.size} octets"):
        filter_.scan(large, ENVELOPE)
    # As it answers for others.
    assert filters.Chain([filter_]).scan(large, ENVELOPE).action == "fail"


# Any other


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


def refuse(make_spool: MakeSpool, url: str, seconds: float = 0.5) -> str:
    found = make(Settings(rspamd_url=url, filter_timeout=seconds))
    with pytest.raises(Problem) as caught:
        found.scan(make_spool(b'{"a": 1}'), ENVELOPE)
    assert caught.value.cause == "filter"
    assert "rspamd" in caught.value.message
    return caught.value.message


@pytest.mark.parametrize("path", ["hang", "drip", "head", "close", "200", "404", "500", "redirect"])
def test_no_answer_is_a_problem_of_the_filter(receiver: Receiver, make_spool: MakeSpool, path: str) -> None:
    refuse(make_spool, receiver.url(f"/{path}"))
    [call] = receiver.calls
    assert call.path == f"/{path}/checkv2"


def test_nobody_there(make_spool: MakeSpool) -> None:
    refuse(make_spool, "http://127.0.0.1:1")
    refuse(make_spool, "https://127.0.0.1:1")


def test_no_clear_text_where_tls_is_asked_for(receiver: Receiver, make_spool: MakeSpool) -> None:
    refuse(make_spool, receiver.url("").replace("http:", "https:"))
    assert not receiver.calls


def test_encrypted_behind_a_prefix(
    make_spool: MakeSpool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    with Receiver(authority.issue(["127.0.0.1"])) as proxy:
        proxy.raw = b'HTTP/1.1 200 OK\r\nContent-Length: 23\r\n\r\n{"action": "no action"}'
        found = make(Settings(rspamd_url=proxy.url("/raw/rspamd/"), filter_timeout=30.0))
        with pytest.raises(Problem, match="not trusted") as caught:
            found.scan(make_spool(b"{}"), ENVELOPE)
        assert caught.value.cause == "filter"
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca))
        assert found.scan(make_spool(b"{}"), ENVELOPE) == Verdict("deliver")
    [call] = proxy.calls
    assert call.path == "/raw/rspamd/checkv2"
    assert call.headers["From"] == "<a@b.example>"


def test_status_of_what_is_too_large(receiver: Receiver, make_spool: MakeSpool) -> None:
    found = make(Settings(rspamd_url=receiver.url("/413"), filter_timeout=5.0))
    assert found.scan(make_spool(b"{}"), ENVELOPE).action == "fail"


def test_answer_without_an_end(receiver: Receiver, make_spool: MakeSpool) -> None:
    receiver.raw = b"HTTP/1.1 200 OK\r\n\r\n" + b" " * (2 * ANSWER_LIMIT)
    assert "more than" in refuse(make_spool, receiver.url("/raw"), seconds=30.0)


def test_headers_end_where_they_should() -> None:
    told = make_headers(Envelope("a\r\nUser: x@b.example", "é\n@here"))
    assert told["From"] == b"<a\\x0d\\x0aUser: x@b.example>"
    assert told["Deliver-To"] == "é\\x0a@here".encode()
    assert "User" not in told
    assert make_headers(Envelope("", "me"))["From"] == b"<>"


# What it says


def answer(action: str, **more: Any) -> bytes:
    return json.dumps({"action": action, **more}).encode()


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        (answer("reject", milter={"reject": "quarantine"}), Verdict("quarantine", "rspamd: reject")),
        (answer("reject", milter={"reject": "discard"}), Verdict("drop", "reject")),
        (answer("reject", milter={"no_action": True}), Verdict("deliver")),
        (answer("reject", messages={"smtp_message": "a\r\nb"}), Verdict("drop", "reject (a\\x0d\\x0ab)")),
        (answer("reject", messages=[1]), Verdict("drop", "reject")),
        (
            answer("rewrite subject"),
            Verdict("deliver", "", b"X-Spam: Yes\r\n", (Removal(b"X-Spam"),)),
        ),
        (
            answer("rewrite subject", subject="a\r\nB: c"),
            Verdict("deliver", "", b"Subject: a  B: c\r\n", (Removal(b"Subject"),)),
        ),
        (
            answer("add header", milter={"spam_header": "very"}),
            Verdict("deliver", "", b"X-Spam: very\r\n", (Removal(b"X-Spam"),)),
        ),
        (
            answer("add header", milter={"add_headers": {"x-spam": "10"}}),
            Verdict("deliver", "", b"x-spam: 10\r\n"),
        ),
        (answer("no action", **{"dkim-signature": "v=1", "subject": "x"}), Verdict("deliver")),
    ],
    ids=lambda value: "",
)
def test_answer(body: bytes, verdict: Verdict) -> None:
    assert parse_answer(body, "drop") == verdict


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b'"no action"',
        b'{"action": null}',
        b'{"action": ["no action"]}',
        b'{"action": "No Action"}',
        b'{"action": "accept"}',
        b'{"action": "no action"',
        b'{"action": "no action"} x',
        b'{"action": "no action", "milter": 1}',
        b'{"action": "\xff"}',
        b"[" * 100_000,
        b'{"action": ' + b"9" * 10_000 + b"}",
    ],
    ids=lambda body: str(body[:30]),
)
def test_garbage(body: bytes) -> None:
    with pytest.raises(Problem) as caught:
        parse_answer(body, "drop")
    assert caught.value.cause == "filter"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
)
ACTIONS = [
    "no action",
    "add header",
    "rewrite subject",
    "reject",
    "discard",
    "greylist",
    "soft reject",
    "quarantine",
]


@given(
    st.binary()
    | st.fixed_dictionaries(
        {"action": st.sampled_from(ACTIONS) | JSON},
        optional={"milter": JSON, "subject": JSON, "messages": JSON},
    ).map(lambda found: json.dumps(found).encode())
)
@example(b'{"action": "reject", "messages": {"smtp_message": "\\ud800"}}')
@example(b'{"action": "rewrite subject", "subject": "\\ud800"}')
def test_any_answer_is_a_verdict_or_a_problem(body: bytes) -> None:
    try:
        verdict = parse_answer(body, "junk")
    except Problem as problem:
        assert problem.cause == "filter"  # noqa: PT017
        return
    assert json.loads(body)["action"] in ACTIONS
    assert not re.search("[\x00-\x1f\x7f-\x9f]", verdict.reason)
    assert verdict.added == b"" or verdict.added.endswith(b"\r\n")
