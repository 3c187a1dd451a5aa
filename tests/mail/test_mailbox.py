# SPDX-License-Identifier: LGPL-2.1-or-later
"""Client.mailbox() and `cockpit-getmail imap` with a real Dovecot."""

import os
import pty
import subprocess

import pytest
from imapclient.exceptions import CapabilityError, IMAPClientError

from cockpit_getmail import Client
from cockpit_getmail.problem import Problem
from tests.api.conftest import Api
from tests.mail.conftest import Accounts
from tests.support.clients import make_client
from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, imap, tagged
from tests.support.rounds import PASSWORD

COUNT = 3
SEED = b"""\
MIME-Version: 1.0\r
X-Spam-Score: -1.899\r
X-Spam-Status: No, score=-1.899 tagged_above=-999 required=3\r
\ttests=[BAYES_00=-1.9, URIBL_BLOCKED=0.001]\r
Content-Type: text/plain; charset=utf-8\r
Date: Tue, 06 Jan 2015 21:52:48 +0100\r
Subject: Hello\r
From: My Name <myaddress@invalid>\r
To: hello@invalid\r
Message-ID: <54AC4B20.1040703@invalid>\r
\r
\r
Hello\r
"""

pytestmark = pytest.mark.root


@pytest.fixture
def client(api: Api) -> Client:
    return make_client(api)


@pytest.fixture
def user(accounts: Accounts) -> str:
    user = accounts.take()
    accounts.dovecot.fill(user, COUNT)
    return user


@pytest.fixture
def name(accounts: Accounts, user: str, api: Api) -> str:
    return add(api, accounts.dovecot, user)


def add(api: Api, dovecot: Dovecot, user: str, retriever: str = "SimpleIMAPRetriever", **props: str) -> str:
    port = dovecot.imap if "IMAP" in retriever else dovecot.pop3
    fixed = {"Server": dovecot.host, "Port": str(port), "Username": user, "Password": PASSWORD, "TLS": "none"}
    return api.add(Retriever=retriever, **{**fixed, **props})


def test_messages_are_as_zato_tells_them(accounts: Accounts, user: str, client: Client, name: str) -> None:
    accounts.dovecot.add_message(user, SEED)
    with client.mailbox(name) as mailbox:
        found = list(mailbox.get())
        assert [uid for uid, _ in found] == [1, 2, 3, 4]
        uid, message = found[-1]
        data = message.data
        # Those that are told beside it stand in the header too.
        shown = ("MIME-Version", "X-Spam-Score", "X-Spam-Status", "Content-Type")
        data["headers"] = [field for field in data["headers"] if field["Name"] in shown]
        assert data == {
            "body": {"plain": ["\r\nHello\r\n"], "html": []},
            "headers": [
                {"Name": "MIME-Version", "Value": "1.0"},
                {"Name": "X-Spam-Score", "Value": "-1.899"},
                {
                    "Name": "X-Spam-Status",
                    "Value": "No, score=-1.899 tagged_above=-999 required=3\r\n"
                    "\ttests=[BAYES_00=-1.9, URIBL_BLOCKED=0.001]",
                },
                {"Name": "Content-Type", "Value": "text/plain; charset=utf-8"},
            ],
            "date": "Tue, 06 Jan 2015 21:52:48 +0100",
            "subject": "Hello",
            "sent_from": [{"name": "My Name", "email": "myaddress@invalid"}],
            "message_id": "<54AC4B20.1040703@invalid>",
            "sent_to": [{"name": "", "email": "hello@invalid"}],
        }
        assert (message.uid, message.octets) == (int(uid), SEED)
    assert accounts.dovecot.flags(user) == [""] * 4


def test_messages_are_marked_and_deleted(accounts: Accounts, user: str, client: Client, name: str) -> None:
    dovecot = accounts.dovecot
    dovecot.make_folder(user, "Work")
    dovecot.doveadm("flags", "add", "-u", user, "\\Deleted", "mailbox", "INBOX", "uid", "3")
    with client.mailbox(name) as mailbox:
        for uid, message in mailbox.get():
            if uid == 1:
                message.mark_seen()
            if uid == 2:
                mailbox.imap.select_folder("Work", readonly=True)
                assert message.delete() is True
    assert dovecot.uids(user) == [1, 3]
    assert dovecot.flags(user) == ["S", "T"]


def test_a_uid_stays_one_for_who_counts(accounts: Accounts, user: str, client: Client, name: str) -> None:
    """By number, the message with UID 2 would be another one."""
    dovecot = accounts.dovecot
    dovecot.expunge(user, 1)
    with client.mailbox(name) as mailbox:
        mailbox.imap.use_uid = False
        for search in (None, "ALL", ["ALL"]):
            found = dict(mailbox.get(search))
            assert [found[uid].data["subject"] for uid in (2, 3)] == ["Message 2", "Message 3"]
        found[3].mark_seen()
        assert found[2].delete() is True
        assert mailbox.imap.use_uid is False
    assert (dovecot.uids(user), dovecot.flags(user)) == ([3], ["S"])


def test_a_folder_that_imaplib_selects(accounts: Accounts, user: str, client: Client, name: str) -> None:
    dovecot = accounts.dovecot
    dovecot.make_folder(user, "Work")
    dovecot.fill(user, 2, folder="Work")
    with client.mailbox(name) as mailbox:
        for uid, message in mailbox.get():
            mailbox.imap4.select("Work")
            if uid == 1:
                assert message.delete() is True
    assert (len(dovecot.messages(user)), len(dovecot.messages(user, "Work"))) == (COUNT - 1, 2)


def test_searches(accounts: Accounts, user: str, client: Client, name: str) -> None:
    dovecot = accounts.dovecot
    dovecot.make_folder(user, "Größe")
    for subject in ("Größe", 'a "b" \\ c', "Maß"):
        head = f"Subject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{subject}\r\n"
        dovecot.add_message(user, head.encode(), "Größe")
    dovecot.doveadm("flags", "add", "-u", user, "\\Seen", "mailbox", "Größe", "uid", "1")
    with client.mailbox(name) as mailbox:
        for search, uids in (
            (None, [1, 2, 3]),
            ("ALL", [1, 2, 3]),
            ("UNSEEN", [2, 3]),
            ("SUBJECT Größe", [1]),
            ('OR BODY "Größe" (SUBJECT "Maß" UNSEEN)', [1, 3]),
            ('SUBJECT "a \\"b\\" \\\\ c"', [2]),
            (["SUBJECT", "Größe"], [1]),
            (["OR", "SUBJECT", "b", "SUBJECT", "Maß"], [2, 3]),
            ("SUBJECT nothing", []),
        ):
            assert [uid for uid, _ in mailbox.get(search, "Größe")] == uids, search
        for wrong in ('SUBJECT "', "NONSENSE", "ALL) (ALL", "ALL\r\nx LOGOUT"):
            with pytest.raises(Problem) as caught:
                next(mailbox.get(wrong), None)
            assert caught.value.type == "NotValid"


def test_message_that_is_gone_is_none(accounts: Accounts, user: str, client: Client, name: str) -> None:
    with client.mailbox(name) as mailbox:
        found = mailbox.get()
        assert next(found)[0] == 1
        accounts.dovecot.expunge(user, 2)
        assert [uid for uid, _ in found] == [3]


def test_uid_of_another_time_is_left_alone(accounts: Accounts, user: str, client: Client, name: str) -> None:
    with client.mailbox(name) as mailbox:
        _, message = next(mailbox.get())
        mailbox.imap.unselect_folder()
        accounts.dovecot.set_uidvalidity(user, 4711)
        with pytest.raises(Problem, match="UIDVALIDITY") as caught:
            message.delete()
        assert caught.value.type == "Conflict"
    assert len(accounts.dovecot.messages(user)) == COUNT


def test_server_that_cannot_delete_just_one(api: Api, client: Client) -> None:
    with Dovecot({"giacomo": PASSWORD}, extra="imap_capability = IMAP4rev1\n") as dovecot:
        dovecot.fill("giacomo", 2)
        with client.mailbox(add(api, dovecot, "giacomo")) as mailbox:
            assert next(mailbox.get())[1].delete() is False
            with pytest.raises(CapabilityError):
                mailbox.imap.uid_expunge([1])
        assert dovecot.flags("giacomo") == ["T", ""]


def test_folder_that_may_only_be_read(api: Api, client: Client) -> None:
    with Dovecot({"giacomo": PASSWORD}, acl=True) as dovecot:
        dovecot.make_folder("giacomo", "Work")
        dovecot.fill("giacomo", 2, folder="Work")
        dovecot.doveadm("acl", "set", "-u", "giacomo", "Work", "owner", "lookup", "read")
        with client.mailbox(add(api, dovecot, "giacomo")) as mailbox:
            found = list(mailbox.get(folder="Work"))
            assert [message.data["subject"] for _, message in found] == ["Message 1", "Message 2"]
            for change in (found[0][1].mark_seen, found[1][1].delete):
                with pytest.raises(Problem, match="no right to change Work"):
                    change()
        assert dovecot.flags("giacomo", "Work") == ["", ""]


def test_folder_where_not_all_may_be_done(api: Api, client: Client) -> None:
    """Dovecot then says OK, and does nothing."""
    rights = {"No-s": ("write", "write-deleted"), "No-t": ("write", "write-seen", "expunge")}
    with Dovecot({"giacomo": PASSWORD}, acl=True) as dovecot:
        for folder, more in rights.items():
            dovecot.make_folder("giacomo", folder)
            dovecot.fill("giacomo", 2, folder=folder)
            dovecot.doveadm("acl", "set", "-u", "giacomo", folder, "owner", "lookup", "read", *more)
        with client.mailbox(add(api, dovecot, "giacomo")) as mailbox:
            [_, (_, message)] = mailbox.get(folder="No-s")
            with pytest.raises(Problem, match="no right to change No-s"):
                message.mark_seen()
            assert message.delete() is False
            [(_, message), _] = mailbox.get(folder="No-t")
            message.mark_seen()
            with pytest.raises(Problem, match="no right to change No-t"):
                message.delete()
        assert dovecot.flags("giacomo", "No-s") == ["", "T"]
        assert dovecot.flags("giacomo", "No-t") == ["S", ""]


def test_folder_without_uidvalidity(api: Api, client: Client) -> None:
    opened = tagged(b"* 1 EXISTS\r\n")
    body = tagged(b"* 1 FETCH (UID 1 BODY[] {3}\r\na\r\n)\r\n")
    script = imap({"SELECT .*": opened, "UID FETCH .*": body, "UID STORE .*": tagged(), "ID .*": tagged()})
    with Server(script) as server:
        props = {"Server": "127.0.0.1", "Port": str(server.port), "TLS": "none"}
        with client.mailbox(api.add(Retriever="SimpleIMAPRetriever", **props)) as mailbox:
            [(_, message)] = mailbox.get()
            message.mark_seen()
            mailbox.imap.unselect_folder()
            with pytest.raises(Problem, match="UIDVALIDITY"):
                message.mark_seen()
        assert len(server.commands(r"\S+ UID STORE .*")) == 1


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("SELECT .*", b"* OK [UIDVALIDITY x] ok\r\n"),
        ("UID SEARCH .*", b"* SEARCH 1 -1\r\n"),
        ("UID FETCH .*", b"* 1 FETCH (UID 1 BODY[] 99999999999999)\r\n"),
        ("UID FETCH .*", b"* 1 FETCH (UID 1 BODY[] " + b"(" * 20_000 + b"\r\n"),
    ],
)
def test_answer_that_is_no_imap(api: Api, client: Client, command: str, answer: bytes) -> None:
    with Server(imap({"ID .*": tagged(), command: tagged(answer)})) as server:
        props = {"Server": "127.0.0.1", "Port": str(server.port), "TLS": "none"}
        with client.mailbox(api.add(Retriever="SimpleIMAPRetriever", **props)) as mailbox:
            with pytest.raises(Problem) as caught:
                list(mailbox.get("ALL"))
            assert caught.value.cause == "protocol"


def test_no_secret_is_anywhere(client: Client, name: str) -> None:
    with client.mailbox(name) as mailbox:
        assert mailbox.imap.welcome.startswith(b"* PREAUTH [CAPABILITY IMAP4rev1 ")
        assert PASSWORD not in repr(vars(mailbox)) + repr(vars(mailbox.imap))
        with pytest.raises(IMAPClientError):
            mailbox.imap.login("x", "y")
        assert mailbox.imap.noop()


def test_log_in_that_fails_is_told(accounts: Accounts, user: str, api: Api, client: Client) -> None:
    dovecot = accounts.dovecot
    wrong = add(api, dovecot, f"{user}x", Password="wrong-4711")
    closed = add(api, dovecot, f"{user}y", Port="1")
    pop3 = add(api, dovecot, user, "SimplePOP3Retriever")
    for name, kind, cause in (
        (wrong, "GenericError", "credentials"),
        (closed, "GenericError", "network"),
        (pop3, "Conflict", "connector"),
        ("nobody@nowhere", "NotFound", "connector"),
        ("-x", "NotFound", "connector"),
    ):
        with pytest.raises(Problem) as caught:
            client.mailbox(name)
        assert (caught.value.type, caught.value.cause) == (kind, cause)
        assert "4711" not in str(caught.value)


def test_a_label_names_a_connector(accounts: Accounts, user: str, api: Api, client: Client) -> None:
    add(api, accounts.dovecot, user, Label="work")
    with client.mailbox("work", account="admin@local.neth.eu") as mailbox:
        assert len(list(mailbox.get())) == COUNT
    with pytest.raises(Problem):
        client.mailbox("work", account="else")


def test_any_program_can_speak_there(client: Client, name: str) -> None:
    argv = client._channel.command("imap", "--", name)
    script = b"a EXAMINE INBOX\r\nb UID FETCH 1 (FLAGS)\r\nc LOGOUT\r\n"
    done = subprocess.run(argv, input=script, capture_output=True, check=True)
    lines = done.stdout.split(b"\r\n")
    assert lines[0].startswith(b"* PREAUTH [CAPABILITY IMAP4rev1 ")
    assert b"* 3 EXISTS" in lines
    assert any(line.startswith(b"* 1 FETCH (UID 1 FLAGS (") for line in lines)
    assert lines[-2].startswith(b"c OK")
    assert done.stderr == b""


def test_exit_status_of_a_log_in_that_fails(accounts: Accounts, user: str, api: Api, client: Client) -> None:
    name = add(api, accounts.dovecot, user, Password="wrong-4711")
    argv = client._channel.command("imap", "--", name)
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 77
    assert done.stdout.startswith(b"* BYE [XPROBLEM GenericError credentials] ")
    assert done.stderr.startswith(b"cockpit-getmail: ")
    assert b"4711" not in done.stdout + done.stderr


def test_no_server_speaks_to_a_terminal(client: Client, name: str) -> None:
    argv = client._channel.command("imap", "--", name)
    ours, theirs = pty.openpty()
    done = subprocess.run(argv, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, check=False)
    os.close(theirs)
    assert done.returncode == 64
    assert b"is for a program" in done.stderr
    with pytest.raises(OSError, match="Input/output"):
        os.read(ours, 1)
    os.close(ours)
