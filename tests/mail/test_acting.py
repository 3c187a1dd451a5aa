# SPDX-License-Identifier: LGPL-2.1-or-later
"""Acting in a mailbox on a real Dovecot, through the helpers: what was asked is done, and nothing else."""

import base64
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.conftest import Api
from tests.mail.conftest import Accounts
from tests.support.dovecot import Dovecot
from tests.support.rounds import PASSWORD

COUNT = 5
WITHOUT_MOVE = "IMAP4rev1 LITERAL+ UNSELECT UIDPLUS"
WITHOUT_BOTH = "IMAP4rev1 LITERAL+ UNSELECT"

pytestmark = pytest.mark.root


class Mailbox:
    """A mailbox of five messages with the UIDs 1 to 5, and its connector, whose helpers are nobody's."""

    def __init__(
        self,
        dovecot: Dovecot,
        user: str,
        api: Api,
        retriever: str = "SimpleIMAPRetriever",
        **props: str,
    ) -> None:
        self.dovecot = dovecot
        self.user = user
        self.api = api
        port = dovecot.imap if "IMAP" in retriever else dovecot.pop3
        fixed = {"Server": dovecot.host, "Port": str(port), "Username": user, "Password": PASSWORD}
        self.name = api.add(Retriever=retriever, TLS="none", **fixed, **props)
        dovecot.fill(user, COUNT)

    def act(self, verb: str, action: str, **data: Any) -> dict[str, Any]:
        return self.api.succeed(verb, action, name=self.name, **data)

    def fails(self, verb: str, action: str, **data: Any) -> dict[str, Any]:
        return self.api.fail(verb, action, name=self.name, **data)

    def mark_deleted(self, uid: int) -> None:
        """Do what another mail program does that has not expunged yet."""
        self.dovecot.doveadm(
            "flags", "add", "-u", self.user, "\\Deleted", "mailbox", "INBOX", "uid", str(uid)
        )

    def flags(self, folder: str = "INBOX") -> dict[int, set[str]]:
        """Return the flags by UID, without \\Recent."""
        query = ("-u", self.user, "uid flags", "mailbox", folder)
        lines = self.dovecot.doveadm("-f", "tab", "fetch", *query)[1:]
        found = {int(line.split("\t")[0]): set(line.split("\t")[1].split()) for line in lines}
        return {uid: flags - {"\\Recent"} for uid, flags in found.items()}

    def messages(self, folder: str = "INBOX") -> list[bytes]:
        """Return what is in a folder, in any order, with CRLF."""
        files = self.dovecot.maildir(self.user, folder).glob("[cn][ue][rw]/*")
        return sorted(path.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for path in files)

    def fetch(self) -> str:
        """Fetch in the foreground; return what it says."""
        command = Path(sys.executable).with_name("cockpit-getmail")
        argv = [*self.api.argv(command), "fetch", "--", self.name]
        done = subprocess.run(argv, env=self.api.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @property
    def mail(self) -> list[bytes]:
        """What was delivered."""
        folder = self.api.folder / "mail" / "admin@local.neth.eu" / "new"
        return sorted(path.read_bytes() for path in folder.iterdir())


@pytest.fixture
def mailbox(accounts: Accounts, api: Api) -> Mailbox:
    return Mailbox(accounts.dovecot, accounts.take(), api)


@pytest.fixture(scope="module")
def poor() -> Iterator[Dovecot]:
    """A server that has neither MOVE nor UIDPLUS."""
    with Dovecot({"giacomo": PASSWORD}, extra=f"imap_capability = {WITHOUT_BOTH}\n") as dovecot:
        yield dovecot


def test_messages_are_marked(mailbox: Mailbox) -> None:
    answer = mailbox.act("update", "mark-seen", uids=[2, "4", 9])
    [validity] = mailbox.dovecot.doveadm(
        "-f", "flow", "mailbox", "status", "-u", mailbox.user, "uidvalidity", "INBOX"
    )
    assert answer == {
        "state": "success",
        "folder": "INBOX",
        "uidvalidity": int(validity.rpartition("=")[2]),
        "done": ["2", "4"],
        "missing": ["9"],
    }
    assert mailbox.flags() == {1: set(), 2: {"\\Seen"}, 3: set(), 4: {"\\Seen"}, 5: set()}
    assert mailbox.act("update", "mark-unseen", uids=[2, 3])["done"] == ["2", "3"]
    assert mailbox.flags() == {1: set(), 2: set(), 3: set(), 4: {"\\Seen"}, 5: set()}


def test_messages_are_flagged(mailbox: Mailbox) -> None:
    flags = ["\\Flagged", "$Forwarded", "Work-1"]
    assert mailbox.act("update", "flag", uids=["1", 2], flags=flags)["done"] == ["1", "2"]
    assert mailbox.flags()[1] == set(flags)
    mailbox.act("update", "flag", uids=[1], flags=["\\Flagged", "Work-1"], remove=True)
    assert mailbox.flags() == {1: {"$Forwarded"}, 2: set(flags), 3: set(), 4: set(), 5: set()}


def test_only_these_are_deleted(mailbox: Mailbox) -> None:
    mailbox.mark_deleted(1)
    answer = mailbox.act("delete", "messages", uids=[2, 4, 4711])
    assert (answer["done"], answer["missing"], answer["flagged"]) == (["2", "4"], ["4711"], [])
    assert "message" not in answer
    assert mailbox.flags() == {1: {"\\Deleted"}, 3: set(), 5: set()}
    answer = mailbox.act("delete", "messages", uids=[2, 4294967295, "9999999999"])
    assert (answer["done"], answer["missing"]) == ([], ["2", "4294967295", "9999999999"])


def test_server_that_cannot_delete_just_these_says_so(poor: Dovecot, api: Api) -> None:
    mailbox = Mailbox(poor, "giacomo", api)
    poor.make_folder("giacomo", "Work")
    mailbox.mark_deleted(1)
    answer = mailbox.act("delete", "messages", uids=[2, 9])
    assert (answer["done"], answer["missing"], answer["flagged"]) == ([], ["9"], ["2"])
    assert "cannot remove just these" in answer["message"]
    answer = mailbox.act("execute", "move", uids=[3], target="Work")
    assert (answer["done"], answer["flagged"]) == ([], ["3"])
    assert "cannot remove just these" in answer["message"]
    assert mailbox.messages("Work") == poor.messages("giacomo")[2:3]
    assert mailbox.flags() == {1: {"\\Deleted"}, 2: {"\\Deleted"}, 3: {"\\Deleted"}, 4: set(), 5: set()}


def test_messages_are_copied_and_moved(mailbox: Mailbox) -> None:
    dovecot, user = mailbox.dovecot, mailbox.user
    before = dovecot.messages(user)
    dovecot.make_folder(user, "Größe")
    mailbox.mark_deleted(1)
    answer = mailbox.act("execute", "copy", uids=[1, 2, 8], target="Größe")
    assert (answer["done"], answer["missing"], answer["target"]) == (["1", "2"], ["8"], "Größe")
    answer = mailbox.act("execute", "move", uids=[3, 9], target="Größe")
    assert (answer["done"], answer["missing"], answer["flagged"]) == (["3"], ["9"], [])
    assert mailbox.messages("Größe") == sorted(before[:3])
    assert mailbox.flags() == {1: {"\\Deleted"}, 2: set(), 4: set(), 5: set()}
    back = mailbox.act("execute", "move", folder="Größe", uids=[3], target="INBOX")
    assert back["done"] == ["3"]
    assert mailbox.flags()[6] == set()
    assert mailbox.messages() == sorted(before)


def test_messages_are_moved_without_move(api: Api) -> None:
    with Dovecot({"giacomo": PASSWORD}, extra=f"imap_capability = {WITHOUT_MOVE}\n") as dovecot:
        mailbox = Mailbox(dovecot, "giacomo", api)
        dovecot.make_folder("giacomo", "Work")
        mailbox.mark_deleted(1)
        before = dovecot.messages("giacomo")
        answer = mailbox.act("execute", "move", uids=[2, 3], target="Work")
        assert (answer["done"], answer["flagged"]) == (["2", "3"], [])
        assert mailbox.messages("Work") == sorted(before[1:3])
        assert mailbox.flags("Work") == {1: set(), 2: set()}
        assert mailbox.flags() == {1: {"\\Deleted"}, 4: set(), 5: set()}


def test_many_messages(mailbox: Mailbox) -> None:
    mailbox.dovecot.fill(mailbox.user, 1200, 200)
    answer = mailbox.act("delete", "messages", uids=list(range(3, 1300)))
    assert answer["done"] == [str(uid) for uid in range(3, COUNT + 1201)]
    assert len(answer["missing"]) == 1299 - COUNT - 1200
    assert mailbox.dovecot.uids(mailbox.user) == [1, 2]


def test_a_message_is_appended(mailbox: Mailbox) -> None:
    message = b"Subject: \xe9\r\n\r\n" + b"x" * 500_000 + b"\r\n"
    flags, date = ["\\Seen", "$Work"], 1_000_000_000
    answer = mailbox.act("execute", "append", message=encode(message), flags=flags, date=date)
    assert (answer["folder"], answer["uid"]) == ("INBOX", "6")
    assert mailbox.flags()[6] == set(flags)
    query = ("-u", mailbox.user, "date.received.unixtime", "mailbox", "INBOX", "uid", "6")
    assert mailbox.dovecot.doveadm("-f", "flow", "fetch", *query) == [f"date.received.unixtime={date}"]
    assert message in mailbox.messages()
    assert mailbox.act("execute", "append", message=encode(b"a\nb\n"))["uid"] == "7"
    assert b"a\r\nb\r\n" in mailbox.messages()


def test_no_message_is_appended_that_cannot_be(mailbox: Mailbox) -> None:
    refused = mailbox.fails("execute", "append", message=encode(b"a\0b"))
    assert refused["attributes"] == [{"parameter": "message", "value": "", "error": "format"}]
    for message in ("YQ", "YQ==\n", "Y Q=", "Y===", ""):
        assert mailbox.api.faults("execute", "append", name=mailbox.name, message=message)
    assert len(mailbox.flags()) == COUNT


def test_folders_are_made_changed_and_removed(mailbox: Mailbox) -> None:
    dovecot, user = mailbox.dovecot, mailbox.user
    assert mailbox.act("create", "folder", folder="Größe.a&b")["folder"] == "Größe.a&b"
    assert mailbox.fails("create", "folder", folder="Größe.a&b")["type"] == "Conflict"
    assert "Größe.a&b" in dovecot.folders(user)
    assert mailbox.act("update", "folder", folder="Größe.a&b", subscribed=True)["folder"] == "Größe.a&b"
    assert dovecot.doveadm("mailbox", "list", "-s", "-u", user) == ["Größe.a&b"]
    answer = mailbox.act("update", "folder", folder="Größe.a&b", rename='A "b" \\%*', subscribed=True)
    assert answer["folder"] == 'A "b" \\%*'
    assert 'A "b" \\%*' in dovecot.folders(user)
    mailbox.act("update", "folder", folder="Größe.a&b", subscribed=False)
    assert dovecot.doveadm("mailbox", "list", "-s", "-u", user) == ['A "b" \\%*']
    assert mailbox.act("delete", "folder", folder='A "b" \\%*')["folder"] == 'A "b" \\%*'
    assert 'A "b" \\%*' not in dovecot.folders(user)


def test_a_folder_with_something_in_it_is_kept(mailbox: Mailbox) -> None:
    dovecot, user = mailbox.dovecot, mailbox.user
    dovecot.make_folder(user, "Work.2026")
    dovecot.fill(user, 2, folder="Work.2026")
    for folder, words in (("Work.2026", "has 2 messages"), ("Work", "has folders below it")):
        refused = mailbox.fails("delete", "folder", folder=folder)
        assert refused["type"] == "Conflict"
        assert words in refused["message"]
    assert len(dovecot.messages(user, "Work.2026")) == 2
    dovecot.doveadm("mailbox", "create", "-u", user, "Work")
    dovecot.fill(user, 1, folder="Work")
    assert "which stay" in mailbox.fails("delete", "folder", folder="Work")["message"]
    mailbox.act("delete", "folder", folder="Work", force=True)
    assert not dovecot.maildir(user, "Work").exists()
    assert len(dovecot.messages(user, "Work.2026")) == 2
    mailbox.act("delete", "folder", folder="Work.2026", force=True)
    assert "Work.2026" not in dovecot.folders(user)


def test_inbox_is_never_removed_or_renamed(mailbox: Mailbox) -> None:
    for name in ("INBOX", "inbox"):
        assert mailbox.fails("delete", "folder", folder=name, force=True)["type"] == "Conflict"
        assert mailbox.fails("update", "folder", folder=name, rename="Old")["type"] == "Conflict"
        problem = mailbox.fails("execute", "move", uids=[1], target=name)
        assert problem["attributes"] == [{"parameter": "target", "value": name, "error": "conflict"}]
    assert mailbox.api.faults("update", "folder", name=mailbox.name, folder="x") == {"rename": "required"}
    assert len(mailbox.flags()) == COUNT


def test_folder_that_is_not_there(mailbox: Mailbox) -> None:
    for verb, action, data in (
        ("update", "mark-seen", {"folder": "No such", "uids": [1]}),
        ("execute", "move", {"target": "No such", "uids": [1]}),
        ("execute", "copy", {"target": "No such", "uids": [1]}),
        ("execute", "append", {"folder": "No such", "message": encode(b"a\r\n")}),
        ("update", "folder", {"folder": "No such", "rename": "No more"}),
        ("delete", "folder", {"folder": "No such"}),
        ("delete", "folder", {"folder": "No such", "force": True}),
    ):
        problem = mailbox.fails(verb, action, **data)
        assert (problem["type"], problem["attributes"]["cause"]) == ("NotFound", "mailbox"), (action, problem)
        assert "No such" in problem["message"]
    assert "No such" not in mailbox.dovecot.folders(mailbox.user)
    assert len(mailbox.flags()) == COUNT


def test_uids_of_another_time_are_refused(mailbox: Mailbox) -> None:
    mailbox.dovecot.make_folder(mailbox.user, "Work")
    validity = mailbox.act("update", "mark-seen", uids=[1])["uidvalidity"]
    assert mailbox.act("update", "mark-unseen", uids=[1], uidvalidity=validity)["done"] == ["1"]
    mailbox.dovecot.set_uidvalidity(mailbox.user, validity + 7)
    for verb, action, more in (
        ("update", "mark-seen", {}),
        ("update", "flag", {"flags": ["\\Deleted"]}),
        ("delete", "messages", {}),
        ("execute", "copy", {"target": "Work"}),
        ("execute", "move", {"target": "Work"}),
    ):
        problem = mailbox.fails(verb, action, uids=[1], uidvalidity=validity, **more)
        assert problem["type"] == "Conflict"
        assert f"is {validity + 7} now" in problem["message"]
    assert mailbox.flags() == {uid: set() for uid in range(1, COUNT + 1)}
    assert mailbox.flags("Work") == {}


def test_folder_that_may_only_be_read(api: Api) -> None:
    with Dovecot({"giacomo": PASSWORD}, acl=True) as dovecot:
        mailbox = Mailbox(dovecot, "giacomo", api)
        dovecot.make_folder("giacomo", "Work")
        dovecot.fill("giacomo", 1, folder="Work")
        dovecot.doveadm("acl", "set", "-u", "giacomo", "Work", "owner", "lookup", "read")
        for verb, action in (("update", "mark-seen"), ("delete", "messages")):
            problem = mailbox.fails(verb, action, folder="Work", uids=[1])
            assert problem["attributes"]["cause"] == "mailbox"
            assert "no right" in problem["message"]
        assert mailbox.act("execute", "copy", folder="Work", uids=[1], target="INBOX")["done"] == ["1"]
        assert len(mailbox.messages("Work")) == 1
        assert len(mailbox.messages()) == COUNT + 1


def test_there_is_no_such_thing_with_pop3(accounts: Accounts, api: Api) -> None:
    mailbox = Mailbox(accounts.dovecot, accounts.take(), api, "SimplePOP3Retriever")
    for verb, action, data in (
        ("update", "mark-seen", {"uids": [1]}),
        ("delete", "messages", {"uids": [1]}),
        ("execute", "append", {"message": encode(b"a\r\n")}),
        ("create", "folder", {"folder": "Work"}),
    ):
        problem = mailbox.fails(verb, action, **data)
        fault = {"parameter": "name", "value": mailbox.name, "error": "conflict"}
        assert (problem["type"], problem["attributes"]) == ("NotValid", [fault])


def test_the_next_run_is_not_confused(mailbox: Mailbox) -> None:
    """By what was deleted, moved, marked and added by hand: it fetches what is new, once."""
    dovecot, user = mailbox.dovecot, mailbox.user
    dovecot.make_folder(user, "Work")
    mailbox.fetch()
    assert len(mailbox.mail) == COUNT
    mailbox.act("delete", "messages", uids=[1, 5])
    mailbox.act("execute", "move", uids=[2], target="Work")
    mailbox.act("update", "mark-seen", uids=[3])
    mailbox.fetch()
    assert len(mailbox.mail) == COUNT
    # As many are there as were then, and UIDNEXT has grown.
    new = [b"Subject: new %d\r\n\r\nnew\r\n" % number for number in range(3)]
    for message in new:
        mailbox.act("execute", "append", message=encode(message))
    assert "3 messages delivered" in mailbox.fetch()
    expected = [message.replace(b"\r\n", b"\n") for message in new]
    assert all(message in mailbox.mail for message in expected)
    assert len(mailbox.mail) == COUNT + 3
    # What comes back has another UID: in doubt it is fetched twice.
    mailbox.act("execute", "move", folder="Work", uids=[1], target="INBOX")
    mailbox.fetch()
    assert len(set(mailbox.mail)) == COUNT + 3
    mailbox.act("delete", "messages", uids=mailbox.dovecot.uids(user))
    mailbox.fetch()
    assert len(set(mailbox.mail)) == COUNT + 3


def test_a_run_over_all_folders_is_not_confused(accounts: Accounts, api: Api) -> None:
    mailbox = Mailbox(accounts.dovecot, accounts.take(), api, Folders="*")
    dovecot, user = mailbox.dovecot, mailbox.user
    dovecot.make_folder(user, "Work")
    dovecot.fill(user, 2, folder="Work")
    mailbox.fetch()
    assert len(mailbox.mail) == COUNT + 2
    mailbox.act("update", "folder", folder="Work", rename="Done")
    mailbox.act("create", "folder", folder="Other")
    mailbox.fetch()
    assert len(mailbox.mail) == COUNT + 2
    mailbox.act("delete", "messages", folder="Done", uids=[1])
    mailbox.act("delete", "folder", folder="Other")
    mailbox.act("execute", "append", folder="Done", message=encode(b"Subject: new\r\n\r\nnew\r\n"))
    mailbox.fetch()
    assert len(mailbox.mail) == COUNT + 3
    # In another folder it is another message: in doubt it is fetched twice.
    mailbox.act("execute", "move", uids=[1], target="Done")
    mailbox.fetch()
    assert len(mailbox.mail) == COUNT + 4
    mailbox.fetch()
    assert len(mailbox.mail) == COUNT + 4


def encode(message: bytes) -> str:
    return base64.b64encode(message).decode()
