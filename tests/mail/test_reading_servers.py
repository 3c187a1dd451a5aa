# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reading from servers that no real one can be made to be: what they tell, or a Problem with its cause."""

import base64
import json
from typing import Any

import pytest

from cockpit_getmail import remote
from cockpit_getmail.problem import Problem
from cockpit_getmail.remote.mail import WHOLE_LIMIT
from tests.support.fetching import make_connector
from tests.support.hostile import Rules, Script, Server, Step, close, imap, pop3, reply, tagged
from tests.support.schemas import check_schema

HEAD = b"Subject: one\r\n\r\n"
BODY = HEAD + b"text\r\n"
LARGE = WHOLE_LIMIT + 100
TEXT = b'("TEXT" "PLAIN" NIL NIL NIL "7BIT" 6 1)'
FILE = b'("APPLICATION" "PDF" ("NAME" "a.pdf") NIL NIL "BASE64" 8000000)'
MIXED = b'(%b%b "MIXED")' % (TEXT, FILE)
CONTENT = bytes(range(256)) * 20
ABOUT = r"UID FETCH \S+ \(FLAGS RFC822\.SIZE INTERNALDATE\)"
LISTING = r"UID FETCH \S+ \(FLAGS RFC822\.SIZE INTERNALDATE BODY\.PEEK\[HEADER\]<0\.65536>\)"
WHOLE = r"UID FETCH \S+ \(BODY\.PEEK\[\]<(\d+)\.(\d+)>\)"
SECTION = r"UID FETCH \S+ \(BODY\.PEEK\[(\w+)\]<(\d+)\.(\d+)>\)"
STRUCTURE = r"UID FETCH \S+ \(BODYSTRUCTURE\)"


def ask(server: Server, about: str, *, protocol: str = "IMAP", **request: Any) -> dict[str, Any]:
    """Return the checked answer to a request, as it comes out of a sandbox. Raises Problem."""
    asked = {"about": about, "folder": "INBOX", **request}
    connector = make_connector(f"Simple{protocol}Retriever", server.port)
    found = remote.check(asked, json.loads(json.dumps(remote.answer(connector, None, 10.0, asked))))
    check_schema(f"read/{about}.output.json", found)
    return found


def serve(overrides: Rules, messages: int = 1) -> Server:
    return Server(imap(overrides, messages))


def about(size: int = len(BODY), more: bytes = b"") -> Step:
    return tagged(b"* 1 FETCH (UID 1 RFC822.SIZE %d FLAGS (\\Seen)%b)\r\n" % (size, more))


def sections(content: dict[str, bytes]) -> Step:
    """Show sections of a message, each from and up to where it was asked for."""

    def make(match: Any) -> bytes:
        start, size = int(match[3]), int(match[4])
        octets = content[match[2].decode()][start : start + size]
        return b"* 1 FETCH (UID 1 BODY[%b]<%d> {%d}\r\n%b)\r\n%b OK done\r\n" % (
            *(match[2], start, len(octets), octets, match["tag"]),
        )

    return reply(make)


def whole(octets: bytes) -> Step:
    def make(match: Any) -> bytes:
        start, size = int(match[2]), int(match[3])
        shown = octets[start : start + size]
        return b"* 1 FETCH (UID 1 BODY[]<%d> {%d}\r\n%b)\r\n%b OK done\r\n" % (
            *(start, len(shown), shown, match["tag"]),
        )

    return reply(make)


def large(structure: bytes = MIXED) -> dict[str, Step | Script]:
    encoded = base64.encodebytes(CONTENT).replace(b"\n", b"\r\n")
    return {
        ABOUT: about(LARGE),
        STRUCTURE: tagged(b"* 1 FETCH (UID 1 BODYSTRUCTURE %b)\r\n" % structure),
        SECTION: sections({"HEADER": HEAD, "1": b"text\r\n", "2": encoded}),
        WHOLE: whole(
            HEAD[:-2] + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nbeginning\r\n"
            b"--b\r\nContent-Type: image/png\r\n\r\n" + b"x" * LARGE
        ),
    }


def test_a_small_message() -> None:
    with serve({ABOUT: about(), WHOLE: whole(BODY)}) as server:
        answer = ask(server, "message", uid="1")
    assert answer["message"]["body"]["plain"] == ["text\r\n"]
    assert (answer["message"]["flags"], answer["message"]["received"], answer["cut"]) == (
        ["\\Seen"],
        None,
        False,
    )


def test_the_structure_of_a_large_message_is_believed() -> None:
    with serve(large()) as server:
        answer = ask(server, "message", uid="1")
        assert answer["message"]["body"]["plain"] == ["text\r\n"]
        assert [(file["id"], file["file_name"]) for file in answer["attachments"]] == [("2", "a.pdf")]
        assert not answer["cut"]
        # What is shorter than was asked for is the end, whatever size the server told.
        piece = ask(server, "file", uid="1", file="2", offset=0, limit=1 << 20)
        assert (base64.b64decode(piece["data"]), piece["next"]) == (CONTENT, None)
    assert not server.commands(r".* BODY\.PEEK\[\].*")


@pytest.mark.parametrize(
    "structure",
    [
        b"NIL",
        b'"x"',
        b"()",
        b'("TEXT")',
        b'("TEXT" "PLAIN" NIL NIL NIL "7BIT" "many" 1)',
        b"(" * 5000 + b'"TEXT" "PLAIN"' + b")" * 5000,
        b'("TEXT" "PLAIN"',
        b'(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 0 0) "MIXED")',
    ],
    ids=range(8),
)
def test_of_a_large_message_without_a_structure_the_beginning_is_told(structure: bytes) -> None:
    with serve(large(structure)) as server:
        answer = ask(server, "message", uid="1")
        assert answer["cut"]
        assert answer["message"]["subject"] == "one"
        assert answer["message"]["body"]["plain"] == ["beginning"]
        assert [(file["id"], file["type"]) for file in answer["attachments"]] == [("2", "image/png")]
        with pytest.raises(Problem) as caught:
            ask(server, "file", uid="1", file="2", offset=3 << 20, limit=8 << 20)
    assert caught.value.cause == "mailbox"


@pytest.mark.parametrize("beyond", [b'""', b"NIL", b"{0}\r\n"])
def test_a_file_that_ends_where_a_piece_does(beyond: bytes) -> None:
    content = b"AAAA" * 2048
    ends = {
        r"UID FETCH \S+ \(BODY\.PEEK\[2\]<8192\.8192>\)": tagged(
            b"* 1 FETCH (UID 1 BODY[2]<8192> %b)\r\n" % beyond
        )
    }
    with serve({**ends, **large(), SECTION: sections({"2": content})}) as server:
        piece = ask(server, "file", uid="1", file="2", offset=0, limit=8192)
        assert (len(base64.b64decode(piece["data"])), piece["next"]) == (6144, 8192)
        piece = ask(server, "file", uid="1", file="2", offset=8192, limit=8192)
        assert (piece["data"], piece["next"]) == ("", None)


def test_a_message_that_is_larger_than_the_server_says() -> None:
    with serve({**large(), ABOUT: about(7)}) as server:
        answer = ask(server, "message", uid="1")
    assert answer["message"]["body"]["plain"] == ["text\r\n"]
    assert answer["message"]["size"] == 7


@pytest.mark.parametrize("about_it", [b"", b"* 2 FETCH (UID 2 RFC822.SIZE 10)\r\n"])
def test_a_message_that_is_gone(about_it: bytes) -> None:
    with serve({ABOUT: tagged(about_it)}) as server, pytest.raises(Problem) as caught:
        ask(server, "message", uid="1")
    assert (caught.value.type, caught.value.cause) == ("NotFound", "mailbox")


@pytest.mark.parametrize("shown", [b"", b" BODY[] NIL", b" BODY[1] {1}\r\nx", b" BODY 7"])
def test_a_message_without_content(shown: bytes) -> None:
    rules = {ABOUT: about(), WHOLE: tagged(b"* 1 FETCH (UID 1%b)\r\n" % shown)}
    with serve(rules) as server, pytest.raises(Problem) as caught:
        ask(server, "message", uid="1")
    assert caught.value.cause == "protocol"


@pytest.mark.parametrize(
    ("status", "cause"), [(b"NO not today", "mailbox"), (b"BAD what", "protocol"), (b"HELLO", "protocol")]
)
def test_a_server_that_shows_nothing(status: bytes, cause: str) -> None:
    with serve({LISTING: tagged(status=status)}) as server, pytest.raises(Problem) as caught:
        ask(server, "messages", search=None, limit=50, before=None)
    assert caught.value.cause == cause


def test_what_a_server_tells_in_odd_ways() -> None:
    told = (
        b'* 1 FETCH (UID 1 FLAGS (\\Seen 7 $x NIL) INTERNALDATE "yesterday" RFC822.SIZE 4294967296 '
        b"BODY[HEADER] {%d}\r\n%b)\r\n" % (len(HEAD), HEAD)
    )
    with serve({LISTING: tagged(told)}) as server:
        [message] = ask(server, "messages", search=None, limit=50, before=None)["messages"]
    assert message["subject"] == "one"
    assert (message["size"], message["received"]) == (1 << 32, None)
    assert {"\\Seen", "$x"} <= set(message["flags"])


def test_messages_that_went_meanwhile_are_left_out() -> None:
    told = b"* 2 FETCH (UID 2 FLAGS () RFC822.SIZE 9 BODY[HEADER]<0> {%d}\r\n%b)\r\n" % (len(HEAD), HEAD)
    with serve({LISTING: tagged(told)}, messages=3) as server:
        page = ask(server, "messages", search=None, limit=2, before=None)
    assert [message["uid"] for message in page["messages"]] == ["2"]
    assert (page["total"], page["before"]) == (3, "2")


def test_a_page_ends_before_it_is_too_large() -> None:
    head = b"Subject: one\r\nX: " + b"\x01" * (60 << 10) + b"\r\n\r\n"
    one = b"* %d FETCH (UID %d FLAGS () RFC822.SIZE 9 BODY[HEADER]<0> {%d}\r\n%b)\r\n"
    rules = {LISTING: tagged(b"".join(one % (uid, uid, len(head), head) for uid in range(1, 201)))}
    with serve(rules, messages=200) as server:
        page = ask(server, "messages", search=None, limit=200, before=None)
    told = [int(message["uid"]) for message in page["messages"]]
    assert told == list(range(200, 200 - len(told), -1))
    assert 10 < len(told) < 200
    assert page["before"] == str(told[-1])


def test_a_folder_that_there_is_not() -> None:
    refused = tagged(status=b"NO [NONEXISTENT] no such mailbox")
    with serve({"EXAMINE .*": refused}) as server, pytest.raises(Problem) as caught:
        ask(server, "messages", folder="x", search=None, limit=50, before=None)
    assert caught.value.type == "NotFound"


def test_a_search_that_the_server_does_not_know() -> None:
    rules = {"UID SEARCH .*": tagged(status=b"BAD unknown key")}
    with serve(rules) as server, pytest.raises(Problem) as caught:
        ask(server, "messages", search="X-GM-RAW x", limit=50, before=None)
    assert caught.value.cause == "connector"


TOP = r"TOP (\d+) \d+"


def tops(*messages: bytes) -> Step:
    def make(match: Any) -> bytes:
        return b"+OK\r\n" + messages[int(match[1]) - 1] + b"\r\n.\r\n"

    return reply(make)


def list_pop3(server: Server, limit: int = 50, before: str | None = None) -> dict[str, Any]:
    return ask(server, "messages", protocol="POP3", search=None, limit=limit, before=before)


def test_pop3_without_top_is_read_by_retr_and_left_without_quit() -> None:
    with Server(pop3({"a": BODY}, {TOP: b"-ERR what\r\n"})) as server:
        [message] = list_pop3(server)["messages"]
        assert (message["uid"], message["size"], message["subject"], message["headers"]) == (
            "a",
            len(BODY),
            "",
            [],
        )
        assert server.commands("QUIT")
        assert not server.commands("RETR .*")
        left = len(server.commands("QUIT"))
        answer = ask(server, "message", protocol="POP3", uid="a")
        assert answer["message"]["body"]["plain"] == ["text\r\n"]
        assert len(server.commands("QUIT")) == left


def test_pop3_messages_that_share_a_uidl() -> None:
    mails = [("a", BODY), ("b", BODY), ("b", BODY), ("", BODY), ("c", BODY), ("d", BODY)]
    with Server(pop3(mails, {TOP: tops(*[HEAD] * 6)})) as server:
        uids: list[str] = []
        before: str | None = None
        while not uids or before is not None:
            page = list_pop3(server, 3, before)
            uids += [message["uid"] for message in page["messages"]]
            before = page["before"]
        assert uids == ["d", "c", "", "b", "b", "a"]
        with pytest.raises(Problem) as caught:
            ask(server, "message", protocol="POP3", uid="b")
        assert caught.value.type == "Conflict"
        with pytest.raises(Problem) as caught:
            list_pop3(server, before="x")
        assert caught.value.type == "NotFound"


def test_a_uidl_that_is_no_text() -> None:
    with Server(pop3({"a\x1b\xff": BODY}, {TOP: tops(BODY[:-2])})) as server:
        [message] = list_pop3(server)["messages"]
        assert message["uid"].isprintable()
        answer = ask(server, "message", protocol="POP3", uid=message["uid"])
    assert answer["message"]["body"]["plain"] == ["text\r\n"]


def test_pop3_without_end() -> None:
    endless: Script = [b"+OK\r\n", *[b"x" * (1 << 20)] * 3, close]
    for about in ("message", "files"):
        with Server(pop3({"a": BODY}, {TOP: list(endless)})) as server, pytest.raises(Problem) as caught:
            ask(server, about, protocol="POP3", uid="a", raw=True)
        assert caught.value.cause == "protocol"


def test_pop3_that_ends_in_the_middle() -> None:
    with (
        Server(pop3({"a": BODY}, {TOP: [b"+OK\r\nSubject", close]})) as server,
        pytest.raises(Problem) as caught,
    ):
        list_pop3(server)
    assert caught.value.cause == "network"
