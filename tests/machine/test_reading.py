# SPDX-License-Identifier: LGPL-2.1-or-later
"""Reading in a remote mailbox by root: in the sandbox, with its limits."""

import base64
import os
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, imap, tagged
from tests.support.installed import PASSWORD, Installed
from tests.support.odd_mail import MIXED, ODD
from tests.support.schemas import check_schema

LARGE = 40 << 20
RETRIEVERS = {"SimpleIMAPRetriever": "imap", "SimplePOP3Retriever": "pop3"}


@pytest.fixture(scope="module")
def content() -> bytes:
    return os.urandom(LARGE)


@pytest.fixture(scope="module")
def dovecot(content: bytes) -> Iterator[Dovecot]:
    encoded = base64.encodebytes(content).replace(b"\n", b"\r\n")
    head = b"Content-Type: application/pdf; name=large.pdf\nContent-Transfer-Encoding: base64\n\n"
    with Dovecot({"u": PASSWORD}) as dovecot:
        for octets in (ODD["levels"], ODD["a subject of a MiB"], ODD["parts"]):
            dovecot.add_message("u", octets)
        dovecot.add_message("u", MIXED + b"--b\n\ntext\n--b\n" + head + encoded + b"\n--b--\n")
        yield dovecot


@pytest.mark.parametrize("retriever", RETRIEVERS)
def test_messages_and_files_are_read(
    installed: Installed, dovecot: Dovecot, content: bytes, retriever: str
) -> None:
    name = f"{RETRIEVERS[retriever]}@reading"
    installed.add(name, retriever, getattr(dovecot, RETRIEVERS[retriever]), Account=name, TLS="none")

    def read(action: str, **data: Any) -> dict[str, Any]:
        answer = installed.call("read", action=action, name=name, **data)
        check_schema(f"read/{action}.output.json", answer)
        return answer

    page = read("messages", limit=200)
    assert page["total"] == len(page["messages"]) == 4
    for message in page["messages"]:
        read("message", uid=message["uid"])
    uid = page["messages"][0]["uid"]
    [file] = read("files", uid=uid)["files"]
    assert file["file_name"] == "large.pdf"
    # As large a piece as there may be.
    piece = read("file", uid=uid, file=file["id"], limit=8 << 20)
    data = base64.b64decode(piece["data"])
    assert data == content[: len(data)]
    assert len(data) > 5 << 20
    piece = read("file", uid=uid, file=file["id"], offset=piece["next"], limit=1 << 20)
    more = base64.b64decode(piece["data"])
    assert more == content[len(data) :][: len(more)]
    assert set(dovecot.flags("u")) == {""}
    assert PASSWORD not in installed.machine.journal()


def test_a_server_that_sends_too_much_is_left(installed: Installed) -> None:
    huge = tagged(b"* 1 FETCH (UID 1 BODY[HEADER] {4294967295}\r\n")
    with Server(imap({"UID FETCH .*": huge})) as server:
        installed.add("huge@reading", "SimpleIMAPRetriever", server.port, Account="huge", TLS="none")
        answer = installed.call("read", action="messages", name="huge@reading")
    assert (answer["type"], answer["attributes"]["cause"]) == ("GenericError", "protocol")
