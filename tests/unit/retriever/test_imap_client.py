# SPDX-License-Identifier: LGPL-2.1-or-later
"""IMAPClient on a session of ours: what it does, and what no server can make it do."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from cockpit_getmail.endpoint import Endpoint
from cockpit_getmail.problem import Problem
from cockpit_getmail.retriever import imap_client
from cockpit_getmail.retriever.imap_client import Client, Refused, attach, explained
from cockpit_getmail.retriever.imap_session import Session
from cockpit_getmail.transport import Connection
from tests.support.hostile import Rules, Server, close, hang, imap, repeat, tagged

HOST = "127.0.0.1"
SECRET = b"geheim"


@contextmanager
def client(overrides: Rules, timeout: float = 5, **options: Any) -> Iterator[Client]:
    """Give a client that is logged in at a server; its errors are explained."""

    def shown(text: bytes) -> str:
        return text.replace(SECRET, b"...").decode("ascii", "backslashreplace")

    with Server(imap(overrides, **options)) as server:
        endpoint = Endpoint(HOST, server.port)
        connection = Connection.open(endpoint, implicit_tls=False, timeout=timeout)
        session = Session(connection, HOST, shown)
        session.greet()
        session.log_in(b"LOGIN u p")
        try:
            with explained(session):
                yield attach(session)
        finally:
            connection.close()


def problem(overrides: Rules, **options: Any) -> Problem:
    """Return what comes of listing folders."""
    with pytest.raises(Problem) as caught, client(overrides, **options) as attached:
        attached.list_folders()
    return caught.value


def test_it_is_logged_in_and_asks_for_nothing_twice() -> None:
    with Server(imap({"NOOP": tagged()})) as server:
        session = Session(
            Connection.open(Endpoint(HOST, server.port), implicit_tls=False, timeout=5), HOST, repr
        )
        session.greet()
        session.log_in(b"LOGIN u p")
        attached = attach(session)
        assert attached.has_capability("UIDPLUS")
        attached.noop()
        session.connection.close()
    commands = [line.partition(b" ")[2] for line in server.received]
    assert commands == [b"LOGIN u p", b"CAPABILITY", b"NOOP"]


def test_it_reads_messages_and_folders(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    body = b"* 1 FETCH (UID 1 BODY[] {6}\r\na: \xff\r\n FLAGS (\\Seen))\r\n"
    # Some servers end lines with LF alone.
    listed = b'* LIST () "/" {5}\r\nINBOX\r\n* LIST (\\Sent) "/" "a&AOk-"\n'
    with client({"UID FETCH .*": tagged(body), "LIST .*": tagged(listed)}) as attached:
        attached.select_folder("INBOX", readonly=True)
        [message] = attached.fetch([1], ["BODY.PEEK[]", "FLAGS"]).values()
        assert message[b"BODY[]"] == b"a: \xff\r\n"
        assert message[b"FLAGS"] == (b"\\Seen",)
        assert [name for *_, name in attached.list_folders()] == ["INBOX", "aé"]
    # A message is in no log.
    assert "a: " not in caplog.text


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("INBOX", b'"INBOX"'),
        ('a "b" \\c', b'"a \\"b\\" \\\\c"'),
        ("é&", b'"&AOk-&-"'),
        # As it came from the server, whatever it was.
        ("\\xff", b'"\xff"'),
        (b"raw&", b'"raw&"'),
    ],
)
def test_a_folder_is_named_as_the_server_has_it(name: str | bytes, sent: bytes) -> None:
    with client({}) as attached:
        assert attached.quote(name) == sent


@pytest.mark.parametrize("name", ["a\\x0d\\x0ab", b"a\nb", b"\0", "\ud800"])
def test_a_name_of_a_folder_is_no_command(name: str | bytes) -> None:
    with pytest.raises(Problem) as caught, client({}) as attached:
        attached.select_folder(name)
    assert caught.value.cause == "mailbox"


def test_no_is_told_apart() -> None:
    refusal = b"NO [NOPERM] not for geheim\x1b[2J"
    with client({"LIST .*": tagged(status=refusal), "NOOP": tagged()}) as attached:
        with pytest.raises(Refused) as caught:
            attached.list_folders()
        assert (caught.value.command, caught.value.code) == ("LIST", "NOPERM")
        # The session goes on.
        attached.noop()
    met = problem({"LIST .*": tagged(status=refusal)})
    assert met.cause == "mailbox"
    assert met.message == f"{HOST} refuses LIST: [NOPERM] not for ...\x1b[2J"
    # A helper answers it: nothing is in it that problem.json does not know.
    assert met.attributes == {"cause": "mailbox"}


@pytest.mark.parametrize("end", [b"OK", b"ok done", b"Ok "])
def test_a_server_of_few_words(end: bytes) -> None:
    with client({"NOOP": tagged(status=end), "LIST .*": tagged(status=b"no")}) as attached:
        attached.noop()
        with pytest.raises(Refused):
            attached.list_folders()


def test_what_may_only_be_read() -> None:
    opened = tagged(b"* 1 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n", b"OK [READ-ONLY] done")
    with client({"(?:SELECT|EXAMINE) .*": opened}) as attached:
        attached.select_folder("INBOX", readonly=True)
    with pytest.raises(Problem) as caught, client({"SELECT .*": opened}) as attached:
        attached.select_folder("INBOX")
    assert caught.value.cause == "mailbox"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (tagged(status=b"BAD what geheim?"), "does not do what it was asked"),
        (tagged(b"* LIST ((((\r\n"), "sent what is not IMAP"),
        (tagged(b"* LIST " + b"(" * 5000 + b"\r\n"), "sent what is not IMAP"),
        (tagged(b'* LIST () "/"\r\n'), "sent what is not IMAP"),
        (tagged(b"* LIST (\\Sent) 5 &AP-\r\n"), "sent what is not IMAP"),
        (tagged(b"nonsense geheim\r\n"), "sent what is not IMAP"),
        (tagged(b"zz9 OK done\r\n"), "sent what is not IMAP"),
        (tagged(b'* LIST () "/" {-5}\r\nINBOX\r\n'), "sent what is not IMAP"),
        (tagged(b'* LIST () "/" {99999999999999999999}\r\n'), "sent what is not IMAP"),
        # More than was announced, and in it what looks like an answer.
        (tagged(b'* LIST () "/" {3}\r\nINBOX\r\n'), "sent what is not IMAP"),
        (tagged(b'* LIST () "/" {4294967295}\r\n'), "at once"),
        (tagged(b'* LIST () "/" {25165825}\r\n'), "at once"),
    ],
)
def test_nonsense_has_a_cause(answer: Any, said: str) -> None:
    met = problem({"LIST .*": answer})
    assert met.cause == "protocol"
    assert said in met.message
    assert "geheim" not in met.message


@pytest.mark.parametrize(
    ("answer", "cause"),
    [
        ([b"* BYE geheim, go\r\n", hang], "network"),
        ([close], "network"),
        ([b"* LIST () ", close], "network"),
        # Less than was announced: the rest of the answer is eaten, and nothing more comes.
        ([tagged(b'* LIST () "/" {500}\r\nINBOX\r\n'), hang], "network"),
        ([hang], "network"),
    ],
)
def test_a_server_that_leaves_or_is_silent(answer: Any, cause: str) -> None:
    met = problem({"LIST .*": answer}, timeout=0.2)
    assert met.cause == cause
    assert "geheim" not in met.message


@pytest.mark.long
@pytest.mark.parametrize(
    ("flood", "said"),
    [
        (repeat(b'* LIST () "/" INBOX\r\n'), "more than 4 MiB"),
        (repeat(b"* OK still here\r\n"), "more than 4 MiB"),
        (repeat(b"x"), "a line of more than 1048576 octets"),
        ([b"* LIST () ", repeat(b"(")], "a line of more than 1048576 octets"),
        (repeat(b'* LIST () "/" {1000}\r\n' + b"x" * 1000 + b"\r\n"), "more than 4 MiB"),
    ],
)
def test_what_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch, flood: Any, said: str) -> None:
    monkeypatch.setattr(imap_client, "TOTAL_LIMIT", 4 << 20)
    monkeypatch.setattr(imap_client, "LINE_LIMIT", 1 << 20)
    met = problem({"LIST .*": flood})
    assert (met.cause, met.message) == ("protocol", f"127.0.0.1 sent {said}.")


@pytest.mark.long
def test_lines_are_bounded_also_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(imap_client, "LINES_LIMIT", 1 << 20)
    line = b"* LIST (" + b"ab " * 200_000 + b') "/" a\r\n'
    with client({"LIST .*": tagged(line)}) as attached:
        assert len(attached.list_folders()) == 1
    met = problem({"LIST .*": tagged(2 * line)})
    assert (met.cause, met.message) == ("protocol", "127.0.0.1 sent more than 1 MiB.")


def test_rights_are_words_whatever_they_look_like() -> None:
    answers = {
        "MYRIGHTS .*": tagged(b"* MYRIGHTS INBOX 012\r\n"),
        "GETACL .*": tagged(b'* ACL INBOX "a b" lr 7 5 {3}\r\nx y NIL\r\n'),
    }
    with client(answers) as attached:
        assert attached.my_rights("INBOX") == "012"
        assert attached.access_list("INBOX") == [("a b", "lr"), ("7", "5"), ("x y", "")]
