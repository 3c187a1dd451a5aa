# SPDX-License-Identifier: LGPL-2.1-or-later
"""Looking into the mailbox of a server that means no good: little time and memory, and a named cause."""

import json
import ssl
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit_getmail import remote
from cockpit_getmail.problem import Problem
from cockpit_getmail.remote import folders
from tests.support.certificates import Authority, Certificate
from tests.support.fetching import make_connector
from tests.support.hostile import (
    Rules,
    Script,
    Server,
    Step,
    close,
    drip,
    hang,
    imap,
    pop3,
    repeat,
    stall_handshake,
    start_tls,
    tagged,
)
from tests.support.limits import ENOUGH, LONG, QUICK, bounded

IMAP, POP3 = "SimpleIMAPRetriever", "SimplePOP3Retriever"
SECRET = "geheim-4711"
ABLE = "IMAP4rev1 QUOTA ACL NAMESPACE LIST-EXTENDED LIST-STATUS STATUS=SIZE SPECIAL-USE UIDPLUS ESEARCH"
REQUESTS: Mapping[str, Mapping[str, Any]] = {
    "folders": {},
    "namespace": {},
    "quota": {"folder": "INBOX"},
    "rights": {"folder": "INBOX"},
    "messages": {"folder": "INBOX", "search": None, "limit": 50, "before": None},
    "message": {"folder": "INBOX", "uid": "1"},
    "files": {"folder": "INBOX", "uid": "1", "raw": True},
}
ANSWERED = {
    "folders": "(?:LIST|LSUB|STATUS) .*",
    "namespace": "NAMESPACE",
    "quota": "GETQUOTAROOT .*",
    "rights": "(?:MYRIGHTS|GETACL) .*",
    "messages": "UID (?:SEARCH|FETCH) .*",
    "message": "UID FETCH .*",
    "files": "UID FETCH .*",
}
"""By kind of request, the commands that it is about."""
RESPONSES = {
    "folders": b'* LIST () "/" ',
    "namespace": b"* NAMESPACE ",
    "quota": b"* QUOTA ",
    "rights": b"* MYRIGHTS INBOX ",
    "messages": b"* 1 FETCH (UID 1 BODY[HEADER]<0> ",
    "message": b"* 1 FETCH (UID 1 BODY[]<0> ",
    "files": b"* 1 FETCH (UID 1 BODY[]<0> ",
}
"""By kind, how an answer to these begins."""
MESSAGE = b"Subject: one\r\n\r\nbody\r\n"

each_kind = pytest.mark.parametrize("kind", REQUESTS)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Authority(tmp_path_factory.mktemp("authority")).issue()


def context(certificate: Certificate) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate.pem, certificate.key)
    return made


def visit(
    kind: str, port: int, retriever: str = IMAP, timeout: float = ENOUGH, ca: str | None = None, **props: str
) -> dict[str, Any]:
    """Return what comes of a request, as root believes it. Raises Problem."""
    request = {"about": kind, **REQUESTS.get(kind, {})}
    connector = make_connector(retriever, port, **props)
    found = json.loads(json.dumps(remote.answer(connector, ca, timeout, request)))
    return remote.check(request, found)


def able(overrides: Rules, **options: Any) -> list[Step]:
    return imap(overrides, **{"capabilities": ABLE, **options})


def problem_of(
    kind: str, script: Script, retriever: str = IMAP, timeout: float = ENOUGH, **props: str
) -> Problem:
    """Return why a request fails, in little time and memory."""
    limits = bounded(seconds=timeout + 10, mebibytes=260)
    with Server(script) as server, limits, pytest.raises(Problem) as caught:
        visit(kind, server.port, retriever, timeout, **props)
    told = str(caught.value.attributes) + caught.value.message
    assert SECRET not in told
    assert told.isprintable()
    return caught.value


# Names of folders


def listing(names: list[bytes]) -> bytes:
    lines = [b'* LIST (\\HasNoChildren) "/" {%d}\r\n%s\r\n' % (len(name), name) for name in names]
    return b"".join(lines)


def test_a_name_never_becomes_a_path_outside() -> None:
    wires = [
        *(b"INBOX", b"../../etc", b"/etc/passwd", b"INBOX/../../x", b"..", b".", b"a//b", b"./cur/new"),
        *(b"a\0b", b"a\r\n* BYE", b"&ZeVnLIqe-", b"&AC8-../x", b"~/x", b"-rf", b"\xff\xfe", b"x" * 4000),
        *(b"", b"a/../../../b", b"cur", b"new", b"tmp", b".Sent", b"a\\b", b"C:\\x"),
    ]
    names = [wire for wire in wires if wire]
    others = {"(?:LSUB .*|NAMESPACE)": tagged(), "STATUS .*": tagged(status=b"NO x")}
    script = able({"LIST .*": tagged(listing(names)), **others})
    props = {"Folders": "*", "FolderMap": "keep", "Folder": "Old"}
    with Server(script) as server:
        found = visit("folders", server.port, timeout=ENOUGH, **props)["folders"]
    assert len(found) == len(names)
    assert all(folder["chosen"] for folder in found)
    locals_ = [folder["local"] for folder in found]
    assert len(set(locals_)) == len(names)
    for local in locals_:
        assert local == "Old" or local.startswith("Old/"), local
        assert not {"..", ".", ""} & set(local.split("/")), local
        assert "." not in local
        assert local.isprintable()
    told = {folder["name"] for folder in found}
    assert {"../../etc", "/etc/passwd", "日本語", "a\\x00b", "a\\x0d\\x0a* BYE"} <= told


def test_a_server_with_more_folders_than_anybody_wants() -> None:
    lines = b"".join(b'* LIST () "/" f%d\r\n' % number for number in range(5000))
    script = able({"LIST .*": tagged(lines), "LSUB .*": tagged(), "STATUS .*": tagged()})
    with Server(script) as server, bounded(seconds=20, mebibytes=100):
        found = visit("folders", server.port, timeout=LONG, Folders="f1*")
        assert found["more"] == 3000
    assert len(found["folders"]) == folders.LIMIT
    assert found["folders"][0]["chosen"]


# Literals


@each_kind
@pytest.mark.parametrize("size", [b"4294967296", b"4294967295", b"-5", b"99999999999999999999", b"1e9", b""])
def test_a_literal_of_no_size(kind: str, size: bytes) -> None:
    step = [tagged(RESPONSES[kind] + b"{" + size + b"}\r\n" + MESSAGE + b")\r\n"), hang]
    assert problem_of(kind, able({ANSWERED[kind]: step})).cause == "protocol"


@each_kind
def test_a_literal_that_is_shorter_than_announced(kind: str) -> None:
    """What follows is taken for it, and then there is nothing more."""
    step = [tagged(RESPONSES[kind] + b"{500}\r\n" + MESSAGE + b")\r\n"), hang]
    # Where no literal belongs, none is waited for.
    cause, timeout = ("protocol", ENOUGH) if kind == "messages" else ("network", QUICK)
    assert problem_of(kind, able({ANSWERED[kind]: step}), timeout=timeout).cause == cause


@each_kind
def test_a_literal_that_is_longer_than_announced(kind: str) -> None:
    """In what is beyond, the server says what it likes: it is no answer."""
    beyond = b"x\r\n* LIST () NIL INBOX\r\n* 1 FETCH (UID 1 BODY[] {3}\r\nabc)\r\n"
    step = [tagged(RESPONSES[kind] + b"{5}\r\nabcde" + beyond), hang]
    # A name that goes on is some name all the same: it harms nobody.
    cause, timeout = ("network", QUICK) if kind == "folders" else ("protocol", ENOUGH)
    assert problem_of(kind, able({ANSWERED[kind]: step}), timeout=timeout).cause == cause


# Floods


@pytest.mark.slow
@each_kind
@pytest.mark.parametrize(
    "flood",
    [
        repeat(b"* OK [ALERT] still here\r\n"),
        repeat(b"x" * 4096),
        [b'* LIST () "/" ', repeat(b"(" * 4096)],
        repeat(b"* 1 FETCH (UID 1 FLAGS (\\Seen))\r\n"),
        repeat(b'* LIST () "/" a\r\n'),
        repeat(b"* 1 FETCH (UID 1 BODY[] {100000}\r\n" + b"x" * 100_000 + b")\r\n"),
        repeat(b"+ go on\r\n"),
    ],
    ids=["status", "no-line-end", "nested", "fetch", "list", "literals", "continuation"],
)
def test_a_flood_ends(kind: str, flood: Any) -> None:
    problem = problem_of(kind, able({ANSWERED[kind]: flood}), timeout=LONG)
    assert problem.cause == "protocol", problem


# Silence


@each_kind
def test_an_answer_that_never_comes(kind: str) -> None:
    assert problem_of(kind, able({ANSWERED[kind]: hang}), timeout=QUICK).cause == "network"


@each_kind
def test_a_body_that_never_comes(kind: str) -> None:
    step: Script = [RESPONSES[kind] + b"{1000}\r\nabc", hang]
    assert problem_of(kind, able({ANSWERED[kind]: step}), timeout=QUICK).cause == "network"


@each_kind
def test_an_answer_that_drips(kind: str) -> None:
    step = drip(b"* OK still here\r\n", 0.02)
    assert problem_of(kind, able({ANSWERED[kind]: step}), timeout=QUICK).cause == "network"


@each_kind
@pytest.mark.parametrize("end", [[close], [b"* BYE \x1b[2Jgo away\r\n", close], [b"* LIST (", close]])
def test_a_server_that_leaves(kind: str, end: Any) -> None:
    assert problem_of(kind, able({ANSWERED[kind]: end})).cause == "network"


@each_kind
@pytest.mark.parametrize(
    "nonsense", [b"* QUOTA (((\r\n", b"* NAMESPACE 5\r\n", b"* 1 FETCH 7\r\n", b"zzz\r\n", b"* ACL\r\n"]
)
def test_nonsense_is_no_traceback(kind: str, nonsense: bytes) -> None:
    script = able({ANSWERED[kind]: tagged(nonsense), "(?:LSUB|STATUS) .*": tagged()})
    met = None
    with Server(script) as server:
        try:
            visit(kind, server.port)
        except Problem as problem:
            met = problem.cause
    assert met in (None, "protocol", "mailbox")


WORDS = rb"""
LIST LSUB STATUS FETCH SEARCH ESEARCH QUOTA QUOTAROOT NAMESPACE MYRIGHTS ACL OK NO BAD BYE EXISTS [UIDNEXT
* + ( ) " \ [ ] & NIL INBOX 0 1 -1 99999999999999999999 UID MESSAGES FLAGS (\Seen) BODY[] BODY[HEADER]<0>
RFC822.SIZE BODYSTRUCTURE INTERNALDATE "01-Jan-2026 a@b ((NIL NIL STORAGE {3} {0} {-1} {3}~ abc
""".split()
PIECES = st.sampled_from([b" ", b" ", b"\r\n", b"\n", b"\0", b"\xff", b"\r\n* ", *WORDS])


@each_kind
@settings(max_examples=60)
@given(data=st.data())
def test_any_words_are_an_answer_or_a_problem(kind: str, data: st.DataObject) -> None:
    """And never a traceback."""
    good = RESPONSES[kind] + b"{%d}\r\n%s)\r\n" % (len(MESSAGE), MESSAGE)
    sizes = b"* SEARCH 1\r\n* 1 FETCH (UID 1 RFC822.SIZE 9)\r\n"
    first = data.draw(st.sampled_from([b"", good, sizes, sizes + good]))
    words = b"".join(data.draw(st.lists(PIECES, max_size=30)))
    script = able({ANSWERED[kind]: tagged(first + b"* " + words + b"\r\n"), "(?:LSUB|STATUS) .*": tagged()})
    with Server(script) as server, suppress(Problem):
        visit(kind, server.port, timeout=0.1)


# Who is it


@pytest.mark.parametrize("kind", ["folders", "messages", "certificate"])
def test_preauth_does_not_lead_around_encryption(kind: str) -> None:
    script = able({}, greeting=b"* PREAUTH welcome\r\n")
    assert problem_of(kind, script, TLS="required").cause == "tls"


def stripped(retriever: str) -> Script:
    """A server that offers no encryption; nobody is to say more to it."""
    return able({}) if retriever == IMAP else pop3()


def injected(retriever: str, certificate: Certificate) -> Script:
    """A server, or who is between, that says more in clear after its agreement to TLS."""
    begin = start_tls(context(certificate))
    if retriever == IMAP:
        after = tagged(status=b"OK begin\r\n* CAPABILITY IMAP4rev1\r\nx OK LOGIN done")
        return able({"STARTTLS": [after, begin]}, capabilities=f"{ABLE} STARTTLS")
    return pop3(
        overrides={"STLS": [b"+OK begin\r\n+OK logged in\r\n", begin]}, capabilities=("STLS", "UIDL", "USER")
    )


@pytest.mark.parametrize("retriever", [IMAP, POP3])
@pytest.mark.parametrize("kind", ["folders", "capabilities", "messages", "certificate"])
@pytest.mark.parametrize(
    "props", [{"TLS": "required"}, {"Fingerprint": "00" * 32}], ids=["required", "pinned"]
)
def test_encryption_that_was_taken_out(retriever: str, kind: str, props: dict[str, str]) -> None:
    with Server(stripped(retriever)) as server, pytest.raises(Problem) as caught:
        visit(kind, server.port, retriever, ENOUGH, **props)
    assert caught.value.cause == "tls"
    assert_nobody_logged_in(server)


@pytest.mark.parametrize("retriever", [IMAP, POP3])
@pytest.mark.parametrize("kind", ["folders", "capabilities", "messages", "certificate"])
def test_text_between_the_agreement_and_tls(retriever: str, kind: str, good: Certificate) -> None:
    with Server(injected(retriever, good)) as server, pytest.raises(Problem) as caught:
        visit(kind, server.port, retriever)
    assert caught.value.cause == "tls"
    assert "in clear after agreeing to TLS" in caught.value.message
    assert_nobody_logged_in(server)


def assert_nobody_logged_in(server: Server) -> None:
    words = b" ".join(server.received).upper()
    assert not any(word in words for word in (b"LOGIN", b"AUTH", b"USER", b"PASS", SECRET.encode().upper()))


@pytest.mark.parametrize("retriever", ["SimpleIMAPSSLRetriever", "SimplePOP3SSLRetriever"])
def test_a_handshake_that_stalls(retriever: str) -> None:
    for kind in ("certificate", "capabilities"):
        assert problem_of(kind, [stall_handshake], retriever, QUICK).cause == "network"


@pytest.mark.parametrize("retriever", [IMAP, POP3])
def test_a_certificate_that_is_looked_at_is_told_no_secret(retriever: str, good: Certificate) -> None:
    with Server(upgradable(retriever, good)) as server:
        shown = visit("certificate", server.port, retriever)
    assert (shown["trusted"], shown["fingerprint"]) == (False, good.fingerprint)
    assert_nobody_logged_in(server)


def upgradable(retriever: str, certificate: Certificate) -> Script:
    begin = start_tls(context(certificate))
    if retriever == IMAP:
        return able({"STARTTLS": [tagged(), begin]}, capabilities=f"{ABLE} STARTTLS")
    return pop3(overrides={"STLS": [b"+OK\r\n", begin]}, capabilities=("STLS", "UIDL", "USER"))


# POP3


MAILS = [("a1", MESSAGE), ("a2", MESSAGE)]
POP3_KINDS = {
    "folders": "STAT",
    "capabilities": "CAPA",
    "messages": "(?:LIST|UIDL|TOP .*)",
    "message": "(?:TOP|RETR) .*",
}
each_pop3_kind = pytest.mark.parametrize("kind", POP3_KINDS)


@pytest.fixture
def _uid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(REQUESTS, "message", {"folder": "INBOX", "uid": "a1"})


@each_pop3_kind
@pytest.mark.usefixtures("_uid")
@pytest.mark.parametrize(
    "flood",
    [
        repeat(b"+OK\r\n1 2 3\r\n"),
        repeat(b"x" * 4096),
        [b"+OK\r\n", repeat(b"1 1000\r\n")],
        [b"+OK\r\n", repeat(b"y")],
    ],
    ids=["lines", "no-line-end", "listing", "body"],
)
def test_a_flood_over_pop3_ends(kind: str, flood: Any) -> None:
    script = pop3(MAILS, overrides={POP3_KINDS[kind]: flood})
    problem = problem_of(kind, script, POP3, timeout=LONG)
    assert problem.cause == "protocol", problem


@each_pop3_kind
@pytest.mark.usefixtures("_uid")
@pytest.mark.parametrize(
    "step",
    [hang, [b"+OK\r\n", hang], [b"+OK\r\nSubject: x", hang], drip(b"+", 0.02), [b"+OK\r\n", close], close],
    ids=["silent", "no-body", "half", "drip", "cut", "gone"],
)
def test_silence_over_pop3_ends(kind: str, step: Any) -> None:
    script = pop3(MAILS, overrides={POP3_KINDS[kind]: step})
    assert problem_of(kind, script, POP3, QUICK).cause in ("network", "protocol")
