# SPDX-License-Identifier: LGPL-2.1-or-later
"""read messages, message, files and file against a real Dovecot, over IMAP and POP3."""

import base64
import json
import os
from collections.abc import Iterator
from email.message import EmailMessage
from typing import Any

import pytest

from cockpit_getmail import remote
from tests.api.conftest import Api
from tests.support.dovecot import Dovecot
from tests.support.fetching import make_connector
from tests.support.odd_mail import ODD
from tests.support.proxy import Proxy
from tests.support.schemas import check_schema

PASSWORD = "Nethesis,1234"
RETRIEVERS = {"SimpleIMAPRetriever": "imap", "SimplePOP3Retriever": "pop3"}
LARGE = 9 << 20
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(300)

pytestmark = pytest.mark.root


def rich_message() -> bytes:
    """Return a message with a plain text, an HTML text with a picture in it, and files."""
    message = EmailMessage()
    message["From"] = "Zoë Müller <zoe@example.com>"
    message["To"] = "Giacomo <giacomo@example.com>, other@example.com"
    message["Subject"] = "Grüße aus Zürich 😀"
    message["Date"] = "Tue, 06 Jan 2015 21:52:48 +0100"
    message["Message-ID"] = "<rich@example.com>"
    message.set_content("Plain: größer\r\n", charset="iso-8859-1", cte="quoted-printable")
    message.add_alternative("<p>HTML: 漢字 <img src='cid:logo'></p>", subtype="html")
    html = list(message.iter_parts())[1]
    assert isinstance(html, EmailMessage)
    html.add_related(PICTURE, "image", "png", cid="<logo>")
    message.add_attachment(b"a,b\n" * 5000, "text", "csv", filename="../größe.csv")
    message.add_attachment(bytes(range(256)) * 100, "application", "pdf", filename="file.pdf")
    message.add_attachment(b"tnef", "application", "ms-tnef", filename="winmail.dat")
    inner = EmailMessage()
    inner["Subject"] = "Forwarded"
    inner.set_content("inner text")
    message.add_attachment(inner)
    return message.as_bytes().replace(b"\n", b"\r\n").replace(b"\r\r\n", b"\r\n")


def large_message(content: bytes) -> bytes:
    message = EmailMessage()
    message["Subject"] = "Large"
    message.set_content("See the file.\n")
    message.add_attachment(content, "application", "octet-stream", filename="large.bin")
    return message.as_bytes().replace(b"\n", b"\r\n")


class Mailbox:
    """An account on the server, with a connector for each protocol."""

    def __init__(self, dovecot: Dovecot, api: Api, user: str) -> None:
        self.dovecot = dovecot
        self.api = api
        self.user = user
        self.names: dict[str, str] = {}

    def add(self, retriever: str, port: int | None = None) -> str:
        port = port or getattr(self.dovecot, RETRIEVERS[retriever])
        props = {"Server": self.dovecot.host, "Port": str(port), "Username": self.user, "Password": PASSWORD}
        return self.api.add(Retriever=retriever, **props)

    def read(self, action: str, name: str, **data: Any) -> dict[str, Any]:
        return self.api.succeed("read", action, name=name, **data)

    def file(self, name: str, uid: str, number: str, **data: Any) -> bytes:
        """Return a whole file, put together from its pieces."""
        pieces = []
        offset: int | None = 0
        while offset is not None:
            answer = self.read("file", name, uid=uid, file=number, offset=offset, **data)
            assert answer["offset"] == offset
            pieces.append(base64.b64decode(answer["data"]))
            offset = answer["next"]
        return b"".join(pieces)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    users = {f"user{number}": PASSWORD for number in range(30)}
    with Dovecot(users) as running:
        yield running


_numbers = iter(range(30))


@pytest.fixture
def mailbox(dovecot: Dovecot, api: Api) -> Mailbox:
    return Mailbox(dovecot, api, f"user{next(_numbers)}")


both = pytest.mark.parametrize("retriever", RETRIEVERS)


@both
def test_messages_are_listed_newest_first(mailbox: Mailbox, retriever: str) -> None:
    mailbox.dovecot.fill(mailbox.user, 5)
    name = mailbox.add(retriever)
    page = mailbox.read("messages", name, limit=3)
    assert (page["folder"], page["total"], len(page["messages"])) == ("INBOX", 5, 3)
    assert [message["subject"] for message in page["messages"]] == ["Message 5", "Message 4", "Message 3"]
    first = page["messages"][0]
    assert first["sent_from"] == [{"name": "Sender 5", "email": "sender5@example.com"}]
    assert first["sent_to"] == [{"name": "", "email": "giacomo@example.com"}]
    assert first["date"] == "Mon, 02 Nov 2026 10:00:00 +0000"
    assert first["message_id"] == "<5.2000@example.com>"
    assert first["size"] == 2000
    assert {"Name": "Subject", "Value": "Message 5"} in first["headers"]
    assert [field["Name"] for field in first["headers"]] == ["From", "To", "Subject", "Message-ID", "Date"]
    assert (
        (page["uidvalidity"] > 0) == (first["received"] is not None) == (retriever != "SimplePOP3Retriever")
    )


@both
def test_pages_go_on_while_mail_arrives(mailbox: Mailbox, retriever: str) -> None:
    mailbox.dovecot.fill(mailbox.user, 7)
    name = mailbox.add(retriever)
    page = mailbox.read("messages", name, limit=3)
    subjects = [message["subject"] for message in page["messages"]]
    mailbox.dovecot.add_message(mailbox.user, b"Subject: New\r\n\r\n")
    while page["before"] is not None:
        page = mailbox.read("messages", name, limit=3, before=page["before"])
        subjects += [message["subject"] for message in page["messages"]]
    assert subjects == [f"Message {number}" for number in range(7, 0, -1)]


@both
def test_an_empty_mailbox(mailbox: Mailbox, retriever: str) -> None:
    page = mailbox.read("messages", mailbox.add(retriever))
    assert (page["total"], page["messages"], page["before"]) == (0, [], None)


@both
def test_a_message_with_its_texts_and_files(mailbox: Mailbox, retriever: str) -> None:
    mailbox.dovecot.add_message(mailbox.user, rich_message())
    name = mailbox.add(retriever)
    [listed] = mailbox.read("messages", name)["messages"]
    answer = mailbox.read("message", name, uid=listed["uid"])
    message = answer["message"]
    assert {prop: message[prop] for prop in listed} == listed
    assert message["subject"] == "Grüße aus Zürich 😀"
    assert message["sent_from"] == [{"name": "Zoë Müller", "email": "zoe@example.com"}]
    assert [address["email"] for address in message["sent_to"]] == [
        "giacomo@example.com",
        "other@example.com",
    ]
    assert [text.strip() for text in message["body"]["plain"]] == ["Plain: größer"]
    assert [text.strip() for text in message["body"]["html"]] == ["<p>HTML: 漢字 <img src='cid:logo'></p>"]
    assert not answer["cut"]
    told = [
        (file["file_name"], file["type"], file["inline"], file["content_id"])
        for file in answer["attachments"]
    ]
    assert told == [
        ("", "image/png", True, "logo"),
        ("größe.csv", "text/csv", False, ""),
        ("file.pdf", "application/pdf", False, ""),
        ("winmail.dat", "application/ms-tnef", False, ""),
        ("", "message/rfc822", False, ""),
    ]


@both
def test_files_without_pictures_of_a_signature(mailbox: Mailbox, retriever: str) -> None:
    mailbox.dovecot.add_message(mailbox.user, rich_message())
    name = mailbox.add(retriever)
    uid = mailbox.read("messages", name)["messages"][0]["uid"]
    answer = mailbox.read("files", name, uid=uid)
    assert [file["type"] for file in answer["files"]] == ["text/csv", "application/pdf", "message/rfc822"]
    everything = mailbox.read("files", name, uid=uid, raw_file_list=1)["files"]
    assert [file["id"] for file in everything] == ["1.2.2", "2", "3", "4", "5"]
    by_id = {file["id"]: mailbox.file(name, uid, file["id"]) for file in everything}
    assert by_id["1.2.2"] == PICTURE
    assert by_id["2"] == b"a,b\n" * 5000
    assert by_id["3"] == bytes(range(256)) * 100
    assert by_id["5"].startswith(b"Subject: Forwarded\r\n")
    assert [file["size"] for file in everything] == [len(by_id[file["id"]]) for file in everything]


def test_the_sections_are_those_of_the_server(mailbox: Mailbox) -> None:
    import imaplib

    mailbox.dovecot.add_message(mailbox.user, rich_message())
    name = mailbox.add("SimpleIMAPRetriever")
    files = mailbox.read("files", name, uid=1, raw_file_list=1)["files"]
    with imaplib.IMAP4(mailbox.dovecot.host, mailbox.dovecot.imap) as imap:
        imap.login(mailbox.user, PASSWORD)
        imap.select("INBOX", readonly=True)
        for file in files[:-1]:
            _, [(_, encoded), *_] = imap.uid("FETCH", "1", f"(BODY.PEEK[{file['id']}])")
            assert mailbox.file(name, "1", file["id"]) == base64.b64decode(encoded)


@both
def test_a_file_in_pieces_of_any_size(mailbox: Mailbox, retriever: str) -> None:
    mailbox.dovecot.add_message(mailbox.user, rich_message())
    name = mailbox.add(retriever)
    uid = mailbox.read("messages", name)["messages"][0]["uid"]
    for limit in (1, 5000, 34_000):
        assert mailbox.file(name, uid, "3", limit=limit) == bytes(range(256)) * 100


@both
def test_a_large_message(mailbox: Mailbox, retriever: str) -> None:
    content = os.urandom(LARGE)
    mailbox.dovecot.add_message(mailbox.user, large_message(content))
    name = mailbox.add(retriever)
    uid = mailbox.read("messages", name)["messages"][0]["uid"]
    answer = mailbox.read("message", name, uid=uid)
    assert answer["message"]["body"]["plain"] == ["See the file.\r\n"]
    assert [file["file_name"] for file in answer["attachments"]] == ["large.bin"]
    # POP3 has only read its beginning.
    assert answer["cut"] == (retriever == "SimplePOP3Retriever")
    [file] = mailbox.read("files", name, uid=uid)["files"]
    assert file["size"] == pytest.approx(LARGE, rel=0.01)
    assert mailbox.file(name, uid, file["id"], limit=5 << 20) == content


@both
def test_a_large_message_without_its_boundary(mailbox: Mailbox, retriever: str) -> None:
    head = b"Subject: Large\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    mailbox.dovecot.add_message(mailbox.user, head + (b"x" * 70 + b"\r\n") * (LARGE // 72))
    name = mailbox.add(retriever)
    uid = mailbox.read("messages", name)["messages"][0]["uid"]
    answer = mailbox.read("message", name, uid=uid)
    assert answer["message"]["body"]["plain"][0].startswith("x" * 70 + "\r\n")
    assert (answer["message"]["subject"], answer["cut"]) == ("Large", True)


def test_only_what_is_wanted_of_a_large_message_is_fetched(mailbox: Mailbox) -> None:
    mailbox.dovecot.add_message(mailbox.user, large_message(os.urandom(LARGE)))
    with Proxy(mailbox.dovecot.host, mailbox.dovecot.imap) as proxy:
        name = mailbox.add("SimpleIMAPRetriever", proxy.port)
        mailbox.read("message", name, uid=1)
        mailbox.read("file", name, uid=1, file="2", offset=1 << 20, limit=1 << 20)
        assert proxy.server_octets < 2 << 20


@both
def test_nothing_is_marked_as_seen(mailbox: Mailbox, retriever: str) -> None:
    mailbox.dovecot.add_message(mailbox.user, rich_message())
    mailbox.dovecot.add_message(mailbox.user, large_message(os.urandom(5 << 20)))
    name = mailbox.add(retriever)
    for message in mailbox.read("messages", name)["messages"]:
        mailbox.read("message", name, uid=message["uid"])
        mailbox.read("files", name, uid=message["uid"])
        mailbox.read("file", name, uid=message["uid"], file="2", limit=1)
    assert mailbox.dovecot.flags(mailbox.user) == ["", ""]


def test_flags_and_searches(mailbox: Mailbox) -> None:
    mailbox.dovecot.fill(mailbox.user, 12)
    mailbox.dovecot.doveadm(
        "flags", "add", "-u", mailbox.user, "\\Seen $Label", "mailbox", "INBOX", "uid", "3"
    )
    mailbox.dovecot.add_message(mailbox.user, "Subject: Grüße\r\n\r\n".encode())
    name = mailbox.add("SimpleIMAPRetriever")
    page = mailbox.read("messages", name, search="SEEN")
    assert [(message["uid"], set(message["flags"]) - {"\\Recent"}) for message in page["messages"]] == [
        ("3", {"\\Seen", "$Label"})
    ]
    assert page["total"] == 1
    page = mailbox.read("messages", name, search='SUBJECT "Message 1"', limit=2)
    assert ([message["uid"] for message in page["messages"]], page["total"]) == (["12", "11"], 4)
    page = mailbox.read("messages", name, search='SUBJECT "Message 1"', limit=2, before=page["before"])
    assert ([message["uid"] for message in page["messages"]], page["before"]) == (["10", "1"], None)
    assert mailbox.read("messages", name, search='SUBJECT "Grüße"')["total"] == 1
    assert mailbox.api.faults("read", "messages", name=name, search="SUBJECT")["search"] == "format"


def test_another_folder(mailbox: Mailbox) -> None:
    folder = "Bücher/Neu & alt"
    mailbox.dovecot.make_folder(mailbox.user, folder.replace("/", "."))
    mailbox.dovecot.add_message(mailbox.user, b"Subject: there\r\n\r\n", folder.replace("/", "."))
    name = mailbox.add("SimpleIMAPRetriever")
    page = mailbox.read("messages", name, folder=folder.replace("/", "."))
    assert [message["subject"] for message in page["messages"]] == ["there"]
    assert mailbox.read("messages", name)["total"] == 0


def test_what_is_not_there(mailbox: Mailbox) -> None:
    mailbox.dovecot.add_message(mailbox.user, rich_message())
    name = mailbox.add("SimpleIMAPRetriever")
    inputs: dict[str, dict[str, Any]] = {
        "message": {"uid": 7},
        "files": {"uid": "x"},
        "file": {"uid": 1, "file": "9"},
        "messages": {"folder": "Nowhere"},
    }
    for action, data in inputs.items():
        assert mailbox.api.fail("read", action, name=name, **data)["type"] == "NotFound", action


def test_pop3_has_no_folders_and_no_search(mailbox: Mailbox) -> None:
    name = mailbox.add("SimplePOP3Retriever")
    assert mailbox.api.faults("read", "messages", name=name, folder="Sent", search="ALL") == {
        "folder": "conflict",
        "search": "conflict",
    }
    assert mailbox.api.faults("read", "message", name=name, folder="Sent", uid=1) == {"folder": "conflict"}
    assert mailbox.api.fail("read", "message", name=name, uid="x")["type"] == "NotFound"
    assert mailbox.read("messages", name, folder="inbox")["total"] == 0


@both
def test_odd_messages(mailbox: Mailbox, retriever: str) -> None:
    # By a server to which they are as odd.
    for octets in ODD.values():
        mailbox.dovecot.add_message(mailbox.user, octets)
    connector = make_connector(
        retriever, getattr(mailbox.dovecot, RETRIEVERS[retriever]), Username=mailbox.user, Password=PASSWORD
    )

    def ask(about: str, **request: Any) -> dict[str, Any]:
        asked = {"about": about, "folder": "INBOX", **request}
        found = remote.check(asked, json.loads(json.dumps(remote.answer(connector, None, 60.0, asked))))
        check_schema(f"read/{about}.output.json", found)
        return found

    before, uids = None, []
    while True:
        page = ask("messages", search=None, limit=50, before=before)
        uids += [message["uid"] for message in page["messages"]]
        before = page["before"]
        if before is None:
            break
    assert len(set(uids)) == len(ODD)
    for uid in uids:
        ask("message", uid=uid)
        for file in ask("files", uid=uid, raw=True)["files"][-2:]:
            ask("file", uid=uid, file=file["id"], offset=0, limit=4096)
