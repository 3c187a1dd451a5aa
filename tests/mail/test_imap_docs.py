# SPDX-License-Identifier: LGPL-2.1-or-later
"""docs/imap.md as it stands: each line of its table is run, and what it does is looked at.

What Dovecot does not do, a server of the test's own is asked for: then it is the octets that count.
"""

import base64
import contextlib
import imaplib
import io
import logging
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import imapclient
import pytest

import cockpit_getmail
from cockpit_getmail.client.mailbox import Mailbox
from tests.api.conftest import Api
from tests.mail.conftest import Accounts
from tests.support.certificates import Authority
from tests.support.clients import make_client
from tests.support.dovecot import Dovecot
from tests.support.hostile import Server, imap, tagged
from tests.support.machine import PROJECT
from tests.support.rounds import PASSWORD

PAGE = (PROJECT / "docs/imap.md").read_text()
NAMES = (
    # Those of the documentation of imaplib, in its order.
    *("IMAP4", "IMAP4.error", "IMAP4.abort", "IMAP4.readonly", "IMAP4_SSL", "IMAP4_stream"),
    *("Internaldate2tuple", "Int2AP", "ParseFlags", "Time2Internaldate"),
    *("IMAP4.append", "IMAP4.authenticate", "IMAP4.check", "IMAP4.close", "IMAP4.copy", "IMAP4.create"),
    *("IMAP4.delete", "IMAP4.deleteacl", "IMAP4.expunge", "IMAP4.fetch", "IMAP4.getacl"),
    *("IMAP4.getannotation", "IMAP4.getquota", "IMAP4.getquotaroot", "IMAP4.list", "IMAP4.login"),
    *("IMAP4.login_cram_md5", "IMAP4.logout", "IMAP4.lsub", "IMAP4.myrights", "IMAP4.namespace"),
    *("IMAP4.noop", "IMAP4.open", "IMAP4.partial", "IMAP4.proxyauth", "IMAP4.read", "IMAP4.readline"),
    *("IMAP4.recent", "IMAP4.rename", "IMAP4.response", "IMAP4.search", "IMAP4.select", "IMAP4.send"),
    *("IMAP4.setacl", "IMAP4.setannotation", "IMAP4.setquota", "IMAP4.shutdown", "IMAP4.socket"),
    *("IMAP4.sort", "IMAP4.starttls", "IMAP4.status", "IMAP4.store", "IMAP4.subscribe", "IMAP4.thread"),
    *("IMAP4.uid", "IMAP4.unsubscribe", "IMAP4.xatom", "IMAP4.PROTOCOL_VERSION", "IMAP4.debug"),
)
FAKED = ("IMAP4.getannotation", "IMAP4.proxyauth", "IMAP4.setannotation", "IMAP4.setquota")
WHEN = datetime(2015, 12, 29, 12, 0, tzinfo=UTC)
MESSAGE = b"Subject: new\r\n\r\nnew\r\n"
EXTRA = """
auth_mechanisms = plain login cram-md5
mail_attribute_dict = file:%h/attributes
protocol imap {
  imap_metadata = yes
}
plugin {
  acl_anyone = allow
}
"""
TUNNEL = """\
import os, socket, threading
server = socket.create_connection(("{host}", {port}))
def pump(read, write):
    while data := read(65536):
        write(data)
    os._exit(0)
threading.Thread(target=pump, args=(server.recv, lambda data: os.write(1, data)), daemon=True).start()
pump(lambda size: os.read(0, size), server.sendall)
"""

pytestmark = pytest.mark.root


class Row(NamedTuple):
    """A line of the table: a name of imaplib, and the ways here as Python."""

    name: str
    ways: tuple[str, ...]


def find_rows() -> list[Row]:
    found = re.findall(r"^\| `([\w.]+)[^|]*\| (.*?) \|", PAGE, re.MULTILINE)
    return [Row(name, tuple(re.findall(r"`([^`]+)`", ways))) for name, ways in found]


ROWS = find_rows()


class Place:
    """What the lines are about: three messages in INBOX, one in Work, none in Old."""

    def __init__(self, dovecot: Dovecot, user: str, api: Api, authority: Path) -> None:
        self.dovecot = dovecot
        self.user = user
        self.api = api
        dovecot.fill(user, 3)
        for folder in ("Work", "Old"):
            dovecot.make_folder(user, folder)
        dovecot.doveadm("mailbox", "unsubscribe", "-u", user, "Old")
        dovecot.fill(user, 1, folder="Work")
        assert dovecot.uids(user, "Work") == [1]
        dovecot.doveadm("acl", "set", "-u", user, "Work", "anyone", "lookup")
        props = {"Server": dovecot.host, "Port": str(dovecot.imap), "Username": user, "Password": PASSWORD}
        self.name = api.add(Retriever="SimpleIMAPRetriever", CAFile=str(authority), **props)
        program = api.folder / "tunnel.py"
        program.write_text(TUNNEL.format(host=dovecot.host, port=dovecot.imap))
        program.chmod(0o644)
        self.space: dict[str, Any] = {
            "host": dovecot.host,
            "port": dovecot.imaps,
            "user": user,
            "password": PASSWORD,
            "authority": str(authority),
            "command": f"/usr/bin/python3 -I {program}",
            "message": MESSAGE,
            "encoded": base64.b64encode(MESSAGE).decode(),
            "when": WHEN,
            "imaplib": imaplib,
            "imapclient": imapclient,
            "logging": logging,
            "name": self.name,
            "client": make_client(api),
        }

    def messages(self, folder: str = "INBOX") -> int:
        return len(list(self.dovecot.maildir(self.user, folder).glob("[cn][ue][rw]/*")))

    def flags(self, uid: int, folder: str = "INBOX") -> set[str]:
        query = ("-u", self.user, "flags", "mailbox", folder, "uid", str(uid))
        [line] = self.dovecot.doveadm("-f", "flow", "fetch", *query)
        return set(line.removeprefix("flags=").split()) - {"\\Recent"}

    def subscribed(self) -> set[str]:
        return set(self.dovecot.doveadm("mailbox", "list", "-s", "-u", self.user))

    def folders(self) -> set[str]:
        return set(self.dovecot.folders(self.user))


@pytest.fixture(scope="module")
def rich(authority: Authority) -> Iterator[Accounts]:
    """Accounts at a server that knows quota, ACL, metadata, and more than one way to log in."""
    with Dovecot({}, certificate=authority.issue(), quota="10M", acl=True, extra=EXTRA) as dovecot:
        yield Accounts(dovecot)


@pytest.fixture
def api(api: Api) -> Api:
    return api.having(ALLOW_TUNNEL="yes")


@pytest.fixture
def place(rich: Accounts, api: Api, authority: Authority) -> Place:
    file = api.folder / "authority.pem"
    shutil.copy(authority.ca, file)
    file.chmod(0o644)
    return Place(rich.dovecot, rich.take(), api, file)


@pytest.mark.parametrize("row", [row for row in ROWS if row.name not in FAKED], ids=lambda row: row.name)
def test_each_line_does_what_it_says(place: Place, row: Row) -> None:
    with place.space["client"].mailbox(place.name) as mailbox:
        mailbox.imap.select_folder("INBOX")
        if row.name in ("IMAP4.read", "IMAP4.readline"):
            mailbox.imap4.send(b"x NOOP\r\n")
        space = {**place.space, "mailbox": mailbox, "imap": mailbox.imap}
        results = [eval(way, space) for way in row.ways]
        LOOKS[row.name](place, mailbox, *results)


@pytest.mark.parametrize("row", [row for row in ROWS if row.name in FAKED], ids=lambda row: row.name)
def test_each_line_says_what_it_says(api: Api, row: Row) -> None:
    told, octets = OCTETS[row.name]
    pattern = re.escape(octets)
    with Server(imap({pattern: tagged(told), "ID .*": tagged()}, capabilities="IMAP4rev1 QUOTA")) as server:
        name = api.add(Retriever="SimpleIMAPRetriever", Server="127.0.0.1", Port=str(server.port), TLS="none")
        with make_client(api).mailbox(name) as mailbox:
            space = {"mailbox": mailbox, "imap": mailbox.imap, "imapclient": imapclient}
            for way in row.ways:
                eval(way, space)
        assert len(server.commands(rf"\S+ {pattern}")) == 1


def test_each_name_has_a_line() -> None:
    assert sorted(row.name for row in ROWS) == sorted(NAMES)
    assert all(row.ways for row in ROWS)
    assert LOOKS.keys() | OCTETS.keys() == set(NAMES)
    assert OCTETS.keys() == set(FAKED)


def test_the_names_are_those_of_imaplib() -> None:
    for name in set(NAMES) - {"IMAP4.PROTOCOL_VERSION", "IMAP4.debug"}:
        assert hasattr(imaplib, name) if "." not in name else hasattr(imaplib.IMAP4, name.split(".")[1]), name


def test_the_example_prints_all_messages(place: Place) -> None:
    [example] = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    client = place.space["client"]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), pytest.MonkeyPatch.context() as patch:
        patch.setattr(cockpit_getmail, "Client", lambda: client, raising=False)
        exec(example, {"name": place.name})
    assert said.getvalue().count("Subject: Message") == 3
    assert [place.flags(uid) for uid in (1, 2, 3)] == [set()] * 3


# What is looked at, by name: the place, the mailbox, and what each way returned.


def _look_at_append(place: Place, _: Mailbox, answer: dict[str, Any], said: bytes) -> None:
    assert (answer["uid"], place.messages("Work")) == ("2", 3)
    assert b"APPENDUID" in said
    assert place.flags(2, "Work") == place.flags(3, "Work") == {"\\Seen"}


def _look_at_appended_date(place: Place, mailbox: Mailbox, _: bytes) -> None:
    mailbox.imap.normalise_times = False
    mailbox.imap.select_folder("Work")
    assert mailbox.imap.fetch([2], ["INTERNALDATE"])[2][b"INTERNALDATE"] == WHEN
    assert place.messages("Work") == 2


def _look_at_session(place: Place, _: Mailbox, other: Mailbox) -> None:
    with other:
        assert len(list(other.get())) == place.messages() == 3


def _look_at_log_in(_: Place, __: Mailbox, found: dict[str, Any]) -> None:
    assert (found["state"], found["messages"]) == ("success", 3)


def _look_at_tls(_: Place, __: Mailbox, found: dict[str, Any]) -> None:
    assert (found["tls"], found["messages"]) == ("TLSv1.3", 3)


def _look_at_error(_: Place, mailbox: Mailbox, error: type[Exception]) -> None:
    with pytest.raises(error):
        mailbox.imap.select_folder("No such")


def _look_at_abort(place: Place, mailbox: Mailbox, error: type[Exception]) -> None:
    assert issubclass(error, imaplib.IMAP4.abort)
    place.dovecot.doveadm("kick", place.user)
    # As with imaplib, the network has errors of its own.
    with pytest.raises((error, OSError)):
        mailbox.imap.noop()


def _look_at_read_only(_: Place, __: Mailbox, error: type[Exception]) -> None:
    assert issubclass(error, imaplib.IMAP4.readonly)


def _look_at_close(place: Place, mailbox: Mailbox, _: Any) -> None:
    with pytest.raises(mailbox.imap.Error):
        mailbox.imap.search("ALL")
    assert place.messages() == 3


def _look_at_copy(place: Place, _: Mailbox, answer: dict[str, Any], __: Any) -> None:
    assert answer["done"] == ["1"]
    assert (place.messages(), place.messages("Work")) == (3, 3)


def _look_at_create(place: Place, _: Mailbox, *__: Any) -> None:
    assert {"New", "Newer"} <= place.folders()


def _look_at_delete(place: Place, _: Mailbox, *__: Any) -> None:
    assert not {"Work", "Old"} & place.folders()


def _look_at_deleted_rights(_: Place, mailbox: Mailbox, answer: Any) -> None:
    assert answer[0] == "OK"
    assert b"anyone" not in dict(mailbox.imap.getacl("Work"))


def _look_at_expunge(place: Place, _: Mailbox, answer: dict[str, Any], __: Any) -> None:
    assert (answer["done"], place.messages()) == (["1"], 2)


def _look_at_fetch(place: Place, _: Mailbox, answer: dict[str, Any], found: dict[int, Any]) -> None:
    assert answer["message"]["subject"] == "Message 1"
    assert found[2][b"BODY[TEXT]"].startswith(b"2 2 2")
    assert place.flags(1) == place.flags(2) == set()


def _look_at_rights(place: Place, _: Mailbox, answer: dict[str, Any], rights: list[Any]) -> None:
    assert {"l", "r", "i"} <= set(answer["rights"])
    assert any(place.user.encode() in who or who == b"owner" for who, _ in rights)


def _look_at_quota(_: Place, __: Mailbox, *found: Any) -> None:
    assert "STORAGE" in repr(found)
    assert "10240" in repr(found[-1])


def _look_at_list(_: Place, __: Mailbox, answer: dict[str, Any], found: list[Any]) -> None:
    assert {"INBOX", "Work", "Old"} <= {folder["name"] for folder in answer["folders"]}
    assert [name for _, _, name in found] == ["Work"]


def _look_at_log_out(_: Place, mailbox: Mailbox, __: Any) -> None:
    with pytest.raises((OSError, imaplib.IMAP4.error)):
        mailbox.imap.noop()


def _look_at_subscribed(_: Place, __: Mailbox, found: list[Any]) -> None:
    assert [name for _, _, name in found] == ["Work"]


def _look_at_namespace(_: Place, __: Mailbox, answer: dict[str, Any], found: Any) -> None:
    assert answer["personal"]
    assert found.personal == (("", "."),)


def _look_at_part(place: Place, _: Mailbox, found: dict[int, Any]) -> None:
    assert found[1][b"BODY[TEXT]<0>"] == b"1 1 1 1 1 "
    assert place.flags(1) == set()


def _look_at_octets(_: Place, mailbox: Mailbox, octets: bytes) -> None:
    assert (octets if octets.endswith(b"\n") else octets + mailbox.imap4.readline()).startswith(b"x OK")


def _look_at_sent(_: Place, mailbox: Mailbox, __: None) -> None:
    assert mailbox.imap4.readline().startswith(b"x OK")


def _look_at_recent(_: Place, __: Mailbox, found: dict[bytes, int]) -> None:
    assert found.keys() == {b"RECENT"}


def _look_at_rename(place: Place, _: Mailbox, *__: Any) -> None:
    assert {"Done", "Older"} <= place.folders()
    assert place.messages("Done") == 1


def _look_at_search(_: Place, __: Mailbox, answer: dict[str, Any], found: list[int]) -> None:
    assert [message["uid"] for message in answer["messages"]] == ["2"]
    assert found == []


def _look_at_selected(place: Place, mailbox: Mailbox, found: dict[bytes, Any]) -> None:
    assert found[b"EXISTS"] == 3
    with contextlib.suppress(mailbox.imap.Error):
        mailbox.imap.add_flags([1], [b"\\Seen"])
    assert place.flags(1) == set()


def _look_at_given_rights(_: Place, mailbox: Mailbox, __: Any) -> None:
    assert dict(mailbox.imap.getacl("Work"))[b"anyone"] == b"lr"


def _look_at_socket(_: Place, mailbox: Mailbox, found: Any) -> None:
    assert found.fileno() >= 0
    mailbox.imap.idle()
    assert mailbox.imap.idle_check(timeout=0) is not None
    mailbox.imap.idle_done()


def _look_at_store(place: Place, _: Mailbox, *__: Any) -> None:
    assert place.flags(1) == {"\\Flagged", "\\Seen"}
    assert place.flags(2) == {"\\Deleted"}
    assert place.messages() == 3


def _look_at_metadata(_: Place, __: Mailbox, found: Any) -> None:
    assert found[0] == "OK"


def _look_at_version(_: Place, __: Mailbox, version: str, offers: tuple[bytes, ...]) -> None:
    assert version == "IMAP4REV1"
    assert {b"IMAP4REV1", b"UIDPLUS"} <= set(offers)


def _look_at_log(_: Place, mailbox: Mailbox, __: None) -> None:
    log, said = logging.getLogger("imapclient"), io.StringIO()
    handler = logging.StreamHandler(said)
    log.addHandler(handler)
    try:
        mailbox.imap.noop()
    finally:
        log.removeHandler(handler)
        log.setLevel(logging.NOTSET)
    assert "NOOP" in said.getvalue()
    assert PASSWORD not in said.getvalue()


def _is(expected: Any) -> Callable[..., None]:
    def look(_: Place, __: Mailbox, found: Any) -> None:
        assert found == expected

    return look


def _has(check: Callable[[Any], object]) -> Callable[..., None]:
    def look(_: Place, __: Mailbox, found: Any) -> None:
        assert check(found), found

    return look


LOOKS: dict[str, Callable[..., Any]] = {
    "IMAP4": _look_at_session,
    "IMAP4_SSL": _look_at_tls,
    "IMAP4_stream": _look_at_log_in,
    "IMAP4.error": _look_at_error,
    "IMAP4.abort": _look_at_abort,
    "IMAP4.readonly": _look_at_read_only,
    "Internaldate2tuple": _has(lambda found: isinstance(found, datetime)),
    "Int2AP": _is(imaplib.Int2AP(4711)),
    "ParseFlags": _has(lambda found: found.keys() == {1} and b"\\Seen" not in found[1]),
    "Time2Internaldate": _look_at_appended_date,
    "IMAP4.append": _look_at_append,
    "IMAP4.authenticate": _look_at_log_in,
    "IMAP4.check": _has(lambda found: found[0] == "OK"),
    "IMAP4.close": _look_at_close,
    "IMAP4.copy": _look_at_copy,
    "IMAP4.create": _look_at_create,
    "IMAP4.delete": _look_at_delete,
    "IMAP4.deleteacl": _look_at_deleted_rights,
    "IMAP4.expunge": _look_at_expunge,
    "IMAP4.fetch": _look_at_fetch,
    "IMAP4.getacl": _look_at_rights,
    "IMAP4.getquota": _look_at_quota,
    "IMAP4.getquotaroot": _look_at_quota,
    "IMAP4.list": _look_at_list,
    "IMAP4.login": _look_at_log_in,
    "IMAP4.login_cram_md5": _look_at_log_in,
    "IMAP4.logout": _look_at_log_out,
    "IMAP4.lsub": _look_at_subscribed,
    "IMAP4.myrights": _has(lambda found: {"l", "r"} <= set(found)),
    "IMAP4.namespace": _look_at_namespace,
    "IMAP4.noop": _has(lambda found: isinstance(found[1], list)),
    "IMAP4.open": _look_at_session,
    "IMAP4.partial": _look_at_part,
    "IMAP4.read": _look_at_octets,
    "IMAP4.readline": _look_at_octets,
    "IMAP4.recent": _look_at_recent,
    "IMAP4.rename": _look_at_rename,
    "IMAP4.response": _has(lambda found: isinstance(found, int) and found > 0),
    "IMAP4.search": _look_at_search,
    "IMAP4.select": _look_at_selected,
    "IMAP4.send": _look_at_sent,
    "IMAP4.setacl": _look_at_given_rights,
    "IMAP4.shutdown": _look_at_log_out,
    "IMAP4.socket": _look_at_socket,
    "IMAP4.sort": _is([3, 2, 1]),
    "IMAP4.starttls": _look_at_tls,
    "IMAP4.status": _is({b"MESSAGES": 1, b"UNSEEN": 1}),
    "IMAP4.store": _look_at_store,
    "IMAP4.subscribe": lambda place, *_: _is({"Old", "Work"})(place, _, place.subscribed()),
    "IMAP4.thread": _has(lambda found: sorted(uid for thread in found for uid in thread) == [1, 2, 3]),
    "IMAP4.uid": _has(lambda found: found.keys() == {2}),
    "IMAP4.unsubscribe": lambda place, *_: _is(set())(place, _, place.subscribed()),
    "IMAP4.xatom": _look_at_metadata,
    "IMAP4.PROTOCOL_VERSION": _look_at_version,
    "IMAP4.debug": _look_at_log,
}
OCTETS = {
    "IMAP4.getannotation": (
        b'* ANNOTATION INBOX "/comment" ("value.shared" "ours")\r\n',
        'GETANNOTATION INBOX "/comment" "value.shared"',
    ),
    "IMAP4.proxyauth": (b"", "PROXYAUTH ann"),
    "IMAP4.setannotation": (b"", 'SETANNOTATION INBOX "/comment" ("value.shared" "ours")'),
    "IMAP4.setquota": (b'* QUOTA "" (STORAGE 0 4096)\r\n', 'SETQUOTA "" (STORAGE 4096)'),
}
"""What the server answers, and what it is to be sent."""
